#include <algorithm>

#include "distance/distances.hpp"
#include "distance/float_tiles.hpp"
#include "distance/sweep.hpp"

namespace pyface::distance {
namespace {

// ---- float64 --------------------------------------------------------------------------------------------------------

// Where a finished tile goes: the matrix, the matrix and its mirror image, or the condensed vector.
template <class Out>
struct Matrix {
    MatrixView<Out> out;
    bool mirrored;

    void put(index_t row, index_t col, index_t n_rows, index_t n_cols, const double* tile, index_t stride) const {
        for (index_t i = 0; i < n_rows; ++i) {
            for (index_t j = 0; j < n_cols; ++j) out(row + i, col + j) = static_cast<Out>(tile[i * stride + j]);
        }
        if (!mirrored || row == col) return;  // the diagonal tile has both halves
        for (index_t j = 0; j < n_cols; ++j) {
            for (index_t i = 0; i < n_rows; ++i) out(col + j, row + i) = static_cast<Out>(tile[i * stride + j]);
        }
    }
};

template <class Out>
struct Condensed {
    VectorView<Out> out;
    index_t n;

    // + column = place in out
    index_t start(index_t row) const { return row * (2 * n - row - 1) / 2 - row - 1; }

    void put(index_t row, index_t col, index_t n_rows, index_t n_cols, const double* tile, index_t stride) const {
        for (index_t i = row; i < row + n_rows; ++i) {
            for (index_t j = std::max(col, i + 1); j < col + n_cols; ++j) {
                out[start(i) + j] = static_cast<Out>(tile[(i - row) * stride + j - col]);
            }
        }
    }
};

template <class Sink>
void in_float64(const Rows& x, const Rows* y, Metric metric, const Sink& sink, int n_threads,
                const PollCallback& poll) {
    const auto consume = [&](index_t, const Tile& t) {
        sink.put(t.row, t.col, t.n_rows, t.n_cols, t.values, Panel::kBlock);
    };
    const Grid grid(x.size(), y == nullptr ? x.size() : y->size(), x.dimension());
    if (y == nullptr) {
        sweep_upper(x, metric, grid, n_threads, poll, consume);
    } else {
        sweep(x, *y, metric, grid, n_threads, poll, consume);
    }
}

// ---- float32 --------------------------------------------------------------------------------------------------------

template <class T>
constexpr bool kIsFloat32 = sizeof(T) == sizeof(float);

}  // namespace

template <class Out>
void dense(const Rows& x, const Rows& y, Metric metric, MatrixView<Out> out, int n_threads, const PollCallback& poll) {
    if constexpr (kIsFloat32<Out>) {
        if (float32_will_do(x, &y, metric)) {
            sweep_float32(x, &y, metric, n_threads, poll,
                          [&](const simd::Kernels& kernels, index_t, const FloatTile& t) {
                              const auto [row, n_rows, col, n_cols, tile, turned] = t;
                              for (index_t i = 0; i < n_rows; ++i) {
                                  kernels.stream(tile + i * kColBlock, n_cols, out.row(row + i) + col);
                              }
                           });
            return;
        }
    }
    in_float64(x, &y, metric, Matrix<Out>{out, false}, n_threads, poll);
}

template <class Out>
void dense_symmetric(const Rows& x, Metric metric, MatrixView<Out> out, int n_threads, const PollCallback& poll) {
    if constexpr (kIsFloat32<Out>) {
        if (float32_will_do(x, nullptr, metric)) {
            sweep_float32(x, nullptr, metric, n_threads, poll,
                          [&](const simd::Kernels& kernels, index_t, const FloatTile& t) {
                              const auto [row, n_rows, col, n_cols, tile, turned] = t;
                              for (index_t i = 0; i < n_rows; ++i) {
                                  const index_t begin = std::clamp<index_t>(row + i + 1 - col, 0, n_cols);
                                  kernels.stream(tile + i * kColBlock + begin, n_cols - begin,
                                                 out.row(row + i) + col + begin);
                              }
                              for (index_t first = 0; first < n_cols; first += kTurnedCols) {
                                  const index_t last = std::min(first + kTurnedCols, n_cols);
                                  kernels.transpose(tile + first, n_rows, last - first, kColBlock, turned, kRowBlock);
                                  for (index_t j = first; j < last; ++j) {
                                      const index_t end = std::clamp<index_t>(col + j - row, 0, n_rows);
                                      kernels.stream(turned + (j - first) * kRowBlock, end, out.row(col + j) + row);
                                  }
                              }
                              for (index_t i = std::max(row, col); i < std::min(row + n_rows, col + n_cols); ++i) {
                                  out(i, i) = 0.0f;
                              }
                           });
            return;
        }
    }
    in_float64(x, nullptr, metric, Matrix<Out>{out, true}, n_threads, poll);
}

template <class Out>
void condensed(const Rows& x, Metric metric, VectorView<Out> out, int n_threads, const PollCallback& poll) {
    const Condensed<Out> sink{out, x.size()};
    if constexpr (kIsFloat32<Out>) {
        if (float32_will_do(x, nullptr, metric)) {
            sweep_float32(x, nullptr, metric, n_threads, poll,
                          [&](const simd::Kernels& kernels, index_t, const FloatTile& t) {
                              const auto [row, n_rows, col, n_cols, tile, turned] = t;
                              for (index_t i = 0; i < n_rows; ++i) {
                                  const index_t begin = std::clamp<index_t>(row + i + 1 - col, 0, n_cols);
                                  if (begin == n_cols) continue;
                                  kernels.stream(tile + i * kColBlock + begin, n_cols - begin,
                                                 out.data + sink.start(row + i) + col + begin);
                              }
                           });
            return;
        }
    }
    in_float64(x, nullptr, metric, sink, n_threads, poll);
}

#define PYFACE_INSTANTIATE(Out)                                                                            \
    template void dense(const Rows&, const Rows&, Metric, MatrixView<Out>, int, const PollCallback&);      \
    template void dense_symmetric(const Rows&, Metric, MatrixView<Out>, int, const PollCallback&);         \
    template void condensed(const Rows&, Metric, VectorView<Out>, int, const PollCallback&);
PYFACE_INSTANTIATE(float)
PYFACE_INSTANTIATE(double)
#undef PYFACE_INSTANTIATE

}  // namespace pyface::distance
