#include <algorithm>
#include <cmath>
#include <mutex>
#include <optional>
#include <vector>

#include "core/require.hpp"

#include "distance/blocks.hpp"
#include "distance/distances.hpp"
#include "distance/exact.hpp"
#include "distance/panels.hpp"
#include "distance/sweep.hpp"
#include "simd/isa.hpp"

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

constexpr index_t kTurnedCols = 16;   // columns of a tile that are mirrored at a time: what fits the first cache
constexpr index_t kPackedRows = 256;  // rows per packing task: a multiple of every tile_cols

// All rows as column panels of float32, of unit length under cosine. `dimension` words a row.
AlignedArray<simd::word_t> pack(const simd::Kernels& kernels, const Rows& rows, Metric metric, int n_threads,
                                const PollCallback& poll) {
    const index_t d = rows.dimension();
    const index_t width = kernels.tile_cols;
    const index_t stride = simd::padded(d);
    const index_t capacity = (rows.size() + kPackedRows - 1) / kPackedRows * kPackedRows;
    AlignedArray<simd::word_t> words(capacity * d);
    parallel_for(
        capacity / kPackedRows, n_threads,
        [&](index_t task) {
            const AlignedBuffer row(stride);
            std::vector<float> panel(static_cast<std::size_t>(width * d));
            for (index_t first = task * kPackedRows; first < (task + 1) * kPackedRows; first += width) {
                std::fill(panel.begin(), panel.end(), 0.0f);
                for (index_t i = first; i < std::min(first + width, rows.size()); ++i) {
                    rows.copy_row(i, row.get());
                    double factor = 1.0;
                    if (metric == Metric::cosine) {
                        if (!rows.is_float32()) simd::scale_for_cosine(row.get(), stride);
                        const double square = simd::squared_norm(row.get(), stride);
                        factor = square > 0.0 ? 1.0 / std::sqrt(square) : 0.0;
                    }
                    float* out = panel.data() + (i - first) * d;
                    for (index_t k = 0; k < d; ++k) out[k] = static_cast<float>(row[k] * factor);
                }
                // From rows to lanes, eight at a time: one value after the other would take as long as the products.
                kernels.transpose(panel.data(), width, d, d, reinterpret_cast<float*>(words.get() + first * d), width);
            }
        },
        poll);
    return words;
}

// Entries where float32 will not do are computed again.
void mend(const Exact& exact, Metric metric, const Blocks::Task& part, index_t col_begin, index_t col_end, float* tile) {
    std::vector<std::int32_t> js;
    std::vector<double> values;
    for (index_t i = 0; i < part.row_end - part.row_begin; ++i) {
        float* row = tile + i * kColBlock;
        js.clear();
        for (index_t j = 0; j < col_end - col_begin; ++j) {
            const float x = row[j];
            const float square = metric == Metric::euclidean ? x * x : x;
            const bool good = metric == Metric::cosine
                                  ? x >= simd::kNearlyEqual
                                  : square >= simd::kTinySquare && square <= simd::kHugeSquare;
            if (!good) js.push_back(static_cast<std::int32_t>(j));
        }
        if (js.empty()) continue;
        values.resize(js.size());
        std::vector<std::int32_t> columns(js);
        for (auto& j : columns) j += static_cast<std::int32_t>(col_begin);
        exact.distances(part.row_begin + i, columns.data(), static_cast<index_t>(js.size()), values.data());
        for (std::size_t c = 0; c < js.size(); ++c) row[js[c]] = static_cast<float>(values[c]);
    }
}

template <class Write>
void in_float32(const Rows& x, const Rows* y, Metric metric, int n_threads, const PollCallback& poll,
                const Write& write) {
    const auto& kernels = simd::kernels();
    const index_t d = x.dimension();
    const Rows& others = y == nullptr ? x : *y;
    require(others.size() < INT32_MAX, "at most 2^31 - 2 rows");
    const auto cols = pack(kernels, others, metric, n_threads, poll);
    AlignedArray<simd::word_t> x_words;
    if (y != nullptr) x_words = pack(kernels, x, metric, n_threads, poll);
    const simd::word_t* rows = y == nullptr ? cols.get() : x_words.get();
    std::optional<Exact> exact;  // made when it is needed first: most matrices have no near duplicates
    std::once_flag exact_made;
    const simd::Finish finish = metric == Metric::cosine      ? simd::Finish::cosine_distance
                                : metric == Metric::euclidean ? simd::Finish::root
                                                              : simd::Finish::square;
    struct Scratch {
        AlignedArray<simd::word_t> rows;
        AlignedArray<float> tile, turned;
    };
    Pool<Scratch> pool;
    const Blocks blocks(x.size(), others.size(), 2 * d, y == nullptr);
    parallel_for(
        blocks.size(), n_threads,
        [&](index_t task) {
            const auto scratch = pool.lease([&] {
                return std::unique_ptr<Scratch>(new Scratch{
                    AlignedArray<simd::word_t>((kRowBlock + kernels.tile_rows) * d),
                    AlignedArray<float>(kRowBlock * kColBlock), AlignedArray<float>(kRowBlock * kTurnedCols)});
            });
            const Blocks::Task part = blocks[task];
            const index_t n_rows = part.row_end - part.row_begin;
            copy_row_panels(kernels, rows, d, part.row_begin, part.row_end, 0, scratch->rows.get());
            for (index_t col = part.col_begin; col < part.col_end; col += kColBlock) {
                const index_t col_end = std::min(col + kColBlock, part.col_end);
                const simd::Panels panels{scratch->rows.get(),
                                          (n_rows + kernels.tile_rows - 1) / kernels.tile_rows,
                                          cols.get() + col * d,
                                          (col_end - col + kernels.tile_cols - 1) / kernels.tile_cols,
                                          d,
                                          y == nullptr ? col - part.row_begin : simd::kNoDiagonal};
                float* tile = scratch->tile.get();
                if (kernels.dense(panels, finish, tile, kColBlock)) {
                    std::call_once(exact_made, [&] { exact.emplace(x, y, metric, 1, PollCallback{}); });
                    mend(*exact, metric, part, col, col_end, tile);
                }
                write(kernels, part.row_begin, n_rows, col, col_end - col, tile, scratch->turned.get());
            }
        },
        poll);
}

// Out of range of float32's squares, or no better in float32.
bool needs_float64(const Rows& x, const Rows* y, Metric metric) {
    return metric != Metric::cosine && (!x.is_float32() || (y != nullptr && !y->is_float32()));
}

template <class T>
constexpr bool kIsFloat32 = sizeof(T) == sizeof(float);

}  // namespace

template <class Out>
void dense(const Rows& x, const Rows& y, Metric metric, MatrixView<Out> out, int n_threads, const PollCallback& poll) {
    if constexpr (kIsFloat32<Out>) {
        if (!needs_float64(x, &y, metric)) {
            in_float32(x, &y, metric, n_threads, poll,
                       [&](const simd::Kernels& kernels, index_t row, index_t n_rows, index_t col, index_t n_cols,
                           const float* tile, float*) {
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
        if (!needs_float64(x, nullptr, metric)) {
            in_float32(x, nullptr, metric, n_threads, poll,
                       [&](const simd::Kernels& kernels, index_t row, index_t n_rows, index_t col, index_t n_cols,
                           const float* tile, float* turned) {
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
        if (!needs_float64(x, nullptr, metric)) {
            in_float32(x, nullptr, metric, n_threads, poll,
                       [&](const simd::Kernels& kernels, index_t row, index_t n_rows, index_t col, index_t n_cols,
                           const float* tile, float*) {
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
