// The k nearest of few rows, from their squared distances in float32.
#pragma once

#include <cstdint>

#include "core/parallel.hpp"
#include "distance/metric.hpp"
#include "simd/rows.hpp"

namespace pyface::distance {

using simd::Rows;

// What nearest() of distances.hpp returns for rows among themselves, in n^2 float32 numbers. False, and nothing is
// written, where their bounds do not hold: rows of zeros, or of a size whose squares leave float64's range.
bool nearest_of_few(const Rows& x, Metric metric, MatrixView<float> distances, MatrixView<std::int64_t> indices,
                    int n_threads, const PollCallback& poll);

}  // namespace pyface::distance
