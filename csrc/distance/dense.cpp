#include "distance/distances.hpp"
#include "distance/sweep.hpp"

namespace pyface::distance {

template <class Out>
void dense(const Rows& x, const Rows& y, Metric metric, MatrixView<Out> out, int n_threads, const PollCallback& poll) {
    sweep(x, y, metric, Grid(x.size(), y.size(), x.dimension()), n_threads, poll, [&](index_t, const Tile& tile) {
        for (index_t i = 0; i < tile.n_rows; ++i) {
            Out* row = out.row(tile.row + i) + tile.col;
            for (index_t j = 0; j < tile.n_cols; ++j) row[j] = static_cast<Out>(tile(i, j));
        }
    });
}

template <class Out>
void dense_symmetric(const Rows& x, Metric metric, MatrixView<Out> out, int n_threads, const PollCallback& poll) {
    const Grid grid(x.size(), x.size(), x.dimension());
    sweep_upper(x, metric, grid, n_threads, poll, [&](index_t, const Tile& tile) {
        for (index_t i = 0; i < tile.n_rows; ++i) {
            Out* row = out.row(tile.row + i) + tile.col;
            for (index_t j = 0; j < tile.n_cols; ++j) row[j] = static_cast<Out>(tile(i, j));
        }
        if (tile.row == tile.col) return;  // the dot product is symmetric to the bit, so both halves are there
        for (index_t j = 0; j < tile.n_cols; ++j) {
            Out* row = out.row(tile.col + j) + tile.row;
            for (index_t i = 0; i < tile.n_rows; ++i) row[i] = static_cast<Out>(tile(i, j));
        }
    });
}

template <class Out>
void condensed(const Rows& x, Metric metric, VectorView<Out> out, int n_threads, const PollCallback& poll) {
    const index_t n = x.size();
    sweep_upper(x, metric, Grid(n, n, x.dimension()), n_threads, poll, [&](index_t, const Tile& tile) {
        for (index_t i = 0; i < tile.n_rows; ++i) {
            const index_t row = tile.row + i;
            const index_t start = row * (2 * n - row - 1) / 2 - row - 1;  // + column = place in out
            for (index_t j = 0; j < tile.n_cols; ++j) {
                const index_t col = tile.col + j;
                if (col > row) out[start + col] = static_cast<Out>(tile(i, j));
            }
        }
    });
}

#define PYFACE_INSTANTIATE(Out)                                                                            \
    template void dense(const Rows&, const Rows&, Metric, MatrixView<Out>, int, const PollCallback&);      \
    template void dense_symmetric(const Rows&, Metric, MatrixView<Out>, int, const PollCallback&);         \
    template void condensed(const Rows&, Metric, VectorView<Out>, int, const PollCallback&);
PYFACE_INSTANTIATE(float)
PYFACE_INSTANTIATE(double)
#undef PYFACE_INSTANTIATE

}  // namespace pyface::distance
