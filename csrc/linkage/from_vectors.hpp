// Agglomerative linkage from the vectors themselves: O(n d) memory, never a matrix of distances.
#pragma once

#include <vector>

#include "linkage/clusters.hpp"
#include "linkage/rounds.hpp"

namespace pyface::linkage {

// A group number for each row, -1 for none; an empty view where nobody has one.
struct Groups {
    VectorView<const std::int64_t> cannot_link;  // rows of one group never come together
    VectorView<const std::int64_t> must_link;    // rows of one group are merged first, at height 0
};

// The merges at heights strictly below the limit, children before parents; those of must-links always. Without limit and
// constraints there are n - 1. With `rows` only those rows of x are clustered, nodes are places in `rows`, and groups
// belong to places.
//
// Equal rows are merged before all others, since they are at distance 0. Throws std::invalid_argument if a distance is not
// finite or if a row is zero under cosine.
std::vector<Merge> from_vectors(const simd::Rows& x, VectorView<const std::int32_t> rows, Method method, Groups groups,
                                double height_limit, int n_threads, const PollCallback& poll);

// Merges clusters of one must-link group, in order. Groups belong to clusters that are rows.
void merge_given(Clusters& clusters, VectorView<const std::int64_t> must_link);

// Merges rows that are equal to the bit where that is allowed: each row with those that come after it.
void merge_equal(Clusters& clusters, int n_threads, const PollCallback& poll);

}  // namespace pyface::linkage
