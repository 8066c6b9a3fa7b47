// Agglomerative linkage from the vectors themselves: O(n d) memory, a matrix of few clusters at most.
#pragma once

#include <vector>

#include "linkage/clusters.hpp"
#include "linkage/rounds.hpp"

namespace pyface::linkage {

// The merges at heights strictly below the limit, in an order in which they can be made; those of must-links always.
// Without limit and constraints there are n - 1. With `rows` only those rows of x are clustered, and groups belong to
// places in `rows`. `origin` is subtracted from all rows first (clusters.hpp). `few`
// as in rounds.hpp.
//
// Equal rows are merged before all others, since they are at distance 0. Throws std::invalid_argument if a distance is not
// finite or if a row is zero under cosine.
std::vector<Joint> from_vectors(const simd::Rows& x, VectorView<const std::int32_t> rows, Method method, Groups groups,
                                double height_limit, int n_threads, const PollCallback& poll,
                                VectorView<const double> origin = {}, index_t few = kFewClusters);

// Merges clusters of one must-link group, in order. Groups belong to clusters that are rows.
void merge_given(Clusters& clusters, VectorView<const std::int64_t> must_link);

// Merges rows that are equal to the bit where that is allowed: each row with those that come after it.
void merge_equal(Clusters& clusters, int n_threads, const PollCallback& poll);

}  // namespace pyface::linkage
