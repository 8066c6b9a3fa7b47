// The k nearest of rows among themselves, all with all in float32 first: of few rows, or where codes tell little apart.
#pragma once

#include <cstdint>

#include "core/parallel.hpp"
#include "distance/frame.hpp"

namespace pyface::distance {

using simd::Rows;

// What nearest() of distances.hpp returns for rows among themselves, in n^2 float32 numbers. False, and nothing is
// written, where their bounds do not hold: rows of zeros, or of a size whose squares leave float64's range.
bool nearest_of_few(const Rows& x, Metric metric, MatrixView<float> distances, MatrixView<std::int64_t> indices,
                    int n_threads, const PollCallback& poll);

// The same of any number of rows, some rows at a time; the frame is theirs. False also of very many rows.
bool nearest_in_float32(const Rows& x, const Frame& frame, MatrixView<float> distances,
                        MatrixView<std::int64_t> indices, int n_threads, const PollCallback& poll);

}  // namespace pyface::distance
