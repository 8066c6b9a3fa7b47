// How near each row is to the nearest cluster but its own, by the mean of the squared distances to its rows.
#pragma once

#include <cstdint>

#include "core/parallel.hpp"
#include "simd/rows.hpp"

namespace pyface::distance {

using simd::Rows;

// Clusters of rows: means (k, d), of rows at unit length with `unit`; variances (k), the mean squared distance of a
// cluster's rows to its mean, so that |x - mean|^2 + variance is the mean squared distance of x to them.
struct Clusters {
    Rows means;
    VectorView<const double> variances;
    bool unit;
};

// out[i] = the least of those of row i, at unit length with `unit`, to all clusters but own[i], from 0 to k - 1; infinity
// where there is no other. In float64; equal bits for any number of threads.
// x and means must be finite, rows not all zeros with `unit`, and without it their squares must not overflow.
// O(n k d) time, most of it on codes; memory that of the means in codes and of some hundred rows a thread.
void nearest_other_means(const Rows& x, const Clusters& clusters, VectorView<const std::int64_t> own,
                         VectorView<double> out, int n_threads, const PollCallback& poll);

}  // namespace pyface::distance
