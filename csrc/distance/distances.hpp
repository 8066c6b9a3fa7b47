// Distance matrices and nearest neighbours. Radius graphs are in within.hpp.
#pragma once

#include <cstdint>

#include "core/parallel.hpp"
#include "distance/metric.hpp"
#include "simd/rows.hpp"

namespace pyface::distance {

using simd::Rows;

// out (n, m) of x against y. float64: the distances of exact.hpp. float32: computed in float32, cosine within 1e-6 for
// up to 1,024 columns, Euclidean within 1e-6 of the value; pairs that are too near or too far for that are computed in
// float64 and rounded.
template <class Out>
void dense(const Rows& x, const Rows& y, Metric metric, MatrixView<Out> out, int n_threads, const PollCallback& poll);

// out (n, n) of x against itself: exactly symmetric, diagonal exactly 0.
template <class Out>
void dense_symmetric(const Rows& x, Metric metric, MatrixView<Out> out, int n_threads, const PollCallback& poll);

// out (n (n - 1) / 2): row by row the part above the diagonal. The same values.
template <class Out>
void condensed(const Rows& x, Metric metric, VectorView<Out> out, int n_threads, const PollCallback& poll);

// The k nearest rows of y for each row of x, nearest first, ties by lower index: distances and indices (n, k), decided
// in float64. y == nullptr: x against itself, and the row itself always comes first. 1 <= k <= rows of y.
// Up to `few` rows of x against itself: all with all in float32 first, few x few numbers; what decides is the same.
inline constexpr index_t kFewRows = 1536;
void nearest(const Rows& x, const Rows* y, Metric metric, MatrixView<float> distances,
             MatrixView<std::int64_t> indices, index_t few, int n_threads, const PollCallback& poll);

}  // namespace pyface::distance
