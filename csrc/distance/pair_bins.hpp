// Where the distances of all pairs of rows lie among thresholds, apart for pairs of one label and pairs of two: counts,
// and the pairs themselves of some of the bins. Nothing of size n x n is kept.
#pragma once

#include <cstdint>
#include <vector>

#include "core/parallel.hpp"
#include "distance/metric.hpp"
#include "simd/rows.hpp"

namespace pyface::distance {

using simd::Rows;

struct PairDistance {
    std::int32_t row, col;  // row < col
    double distance;
};

// `thresholds`, at least one, increasing, none NaN: bin b holds distances above thresholds[b - 1], up to and including
// thresholds[b]; there is one bin more than there are thresholds. `labels`: one per row of x.
//
// Adds the pairs (i, j), i < j, to counts(same, bin), same = 1 for equal labels. Decided on the distances of exact.hpp:
// tiles are made in float32, and what lies too near to a threshold for that is computed again.
//
// `wanted` (same, bin), where it is not empty: pairs of these bins are returned with their distances, in an order that
// depends on the sizes only.
std::vector<PairDistance> bin_pairs(const Rows& x, VectorView<const std::int32_t> labels, Metric metric,
                                    VectorView<const double> thresholds, MatrixView<std::int64_t> counts,
                                    MatrixView<const std::uint8_t> wanted, int n_threads, const PollCallback& poll);

// out[p] = distance of row first[p] and row second[p] of x, as exact.hpp has it.
void distances_of_pairs(const Rows& x, VectorView<const std::int32_t> first, VectorView<const std::int32_t> second,
                        Metric metric, VectorView<double> out, int n_threads, const PollCallback& poll);

}  // namespace pyface::distance
