// The one loop: blocks of rows against blocks of rows, and a consumer that takes each finished tile.
#pragma once

#include <functional>

#include "core/parallel.hpp"
#include "distance/panel.hpp"

namespace pyface::distance {

// Distances of rows [row, row + n_rows) of x and rows [col, col + n_cols) of y.
struct Tile {
    index_t row, n_rows;
    index_t col, n_cols;
    const double* values;

    double operator()(index_t i, index_t j) const { return values[i * Panel::kBlock + j]; }
};

// How a sweep is cut into tasks: one block of rows against one chunk of columns. A task is short enough (tens of
// milliseconds) that Ctrl-C need not look inside. The cut depends on the sizes only, never on the number of threads.
struct Grid {
    index_t n_rows, n_cols, chunk, n_chunks, n_blocks;

    Grid(index_t rows, index_t cols, index_t dimension);
    index_t n_tasks() const { return n_blocks * n_chunks; }
};

// Called once per tile, from any thread; the tiles of one task come in order of their columns, on one thread.
using Consume = std::function<void(index_t task, const Tile& tile)>;

// Tiles of x against y.
void sweep(const Rows& x, const Rows& y, Metric metric, const Grid& grid, int n_threads, const PollCallback& poll,
           const Consume& consume);

// Tiles of x against itself, on and above the diagonal only: half the work. Diagonal entries are exactly 0.
// A tile that crosses the diagonal is square and starts on it; what lies below is computed and of no use.
void sweep_upper(const Rows& x, Metric metric, const Grid& grid, int n_threads, const PollCallback& poll,
                 const Consume& consume);

}  // namespace pyface::distance
