// The sweep in float32: tiles of distances that are within a known error of those of exact.hpp, at a multiple of the
// speed of float64.
#pragma once

#include <functional>

#include "core/parallel.hpp"
#include "distance/metric.hpp"
#include "distance/screen.hpp"
#include "simd/kernels.hpp"
#include "simd/rows.hpp"

namespace pyface::distance {

using simd::Rows;

inline constexpr index_t kTurnedCols = 16;  // columns of a tile that are mirrored at a time: what fits the first cache

// Distances of rows [row, row + n_rows) of x and rows [col, col + n_cols) of y; a row every kColBlock values.
struct FloatTile {
    index_t row, n_rows;
    index_t col, n_cols;
    const float* values;
    float* turned;  // kRowBlock x kTurnedCols values to write to, of the thread
};

// Called once per tile, from any thread; the tiles of one task come in order of their columns, on one thread.
using ConsumeFloats = std::function<void(const simd::Kernels& kernels, index_t task, const FloatTile& tile)>;

// Whether float32 is good for these rows: the Euclidean metrics need float32 rows.
bool float32_will_do(const Rows& x, const Rows* y, Metric metric);

// How many tasks there are. y == nullptr: x against itself.
index_t float32_tasks(const Rows& x, const Rows* y);

// Tiles of x against y; y == nullptr: of x against itself, those with anything above the diagonal, of which what lies on
// the diagonal or below is of no use.
void sweep_float32(const Rows& x, const Rows* y, Metric metric, int n_threads, const PollCallback& poll,
                   const ConsumeFloats& consume);

// A distance of a tile lies within this much of the one in float64: under cosine as it is, in the Euclidean metrics as a
// share of the distance (and rounded to a float32, which may underflow or overflow).
double float32_error(index_t dimension, Metric metric);

}  // namespace pyface::distance
