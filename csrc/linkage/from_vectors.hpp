// Agglomerative linkage from the vectors themselves: O(n d) memory, never a matrix of distances.
#pragma once

#include <vector>

#include "core/parallel.hpp"
#include "simd/rows.hpp"
#include "linkage/dendrogram.hpp"

namespace pyface::linkage {

// What a cluster distance is made of: q = |mean_a - mean_b|^2, the spreads V = mean |x - mean|^2, and the sizes.
enum class Method {
    average_cosine,       // (q + V_a + V_b) / 2 over rows scaled to unit length: the mean cosine distance of all pairs
    average_sqeuclidean,  // q + V_a + V_b: the mean squared distance of all pairs
    ward,                 // 2 |a| |b| / (|a| + |b|) q; the height is its square root
};

// The n - 1 merges, children before parents. Throws std::invalid_argument if a distance is not finite or if a row is zero
// under cosine.
//
// Rounds of reciprocal nearest neighbours: every cluster knows its nearest cluster, all pairs that choose each other
// merge, and only clusters whose neighbour merged search again. These linkages are reducible (Bruynooghe 1978: a merge
// of a and b cannot come closer to c than a or b was), so the tree is the greedy one. A cluster is called by its
// smallest row, ties go to the lower one, so the result does not depend on the number of threads.
std::vector<Merge> from_vectors(const simd::Rows& x, Method method, int n_threads, const PollCallback& poll);

}  // namespace pyface::linkage
