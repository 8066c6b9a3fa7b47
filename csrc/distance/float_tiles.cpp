#include "distance/float_tiles.hpp"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <optional>
#include <vector>

#include "core/large_pages.hpp"
#include "core/require.hpp"
#include "distance/blocks.hpp"
#include "distance/exact.hpp"
#include "distance/panels.hpp"
#include "simd/isa.hpp"

namespace pyface::distance {
namespace {

constexpr index_t kPackedRows = 256;  // rows per packing task: a multiple of every tile_cols

// All rows as column panels of float32, of unit length under cosine. `dimension` words a row.
AlignedArray<simd::word_t> pack(const simd::Kernels& kernels, const Rows& rows, Metric metric, int n_threads,
                                const PollCallback& poll) {
    const index_t d = rows.dimension();
    const index_t width = kernels.tile_cols;
    const index_t stride = simd::padded(d);
    const index_t capacity = (rows.size() + kPackedRows - 1) / kPackedRows * kPackedRows;
    AlignedArray<simd::word_t> words(capacity * d);
    prefer_large_pages(words.get(), static_cast<std::size_t>(capacity * d) * sizeof(simd::word_t));
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

// A product in float32 takes about as long as two of codes.
Blocks blocks_of(const Rows& x, const Rows* y) {
    const bool is_to_itself = y == nullptr;
    return Blocks(x.size(), (is_to_itself ? x : *y).size(), 2 * x.dimension(),
                  is_to_itself ? Blocks::Part::upper : Blocks::Part::all);
}

}  // namespace

bool float32_will_do(const Rows& x, const Rows* y, Metric metric) {
    // Beyond, rows are out of range of float32's squares, or no better in float32.
    return metric == Metric::cosine || (x.is_float32() && (y == nullptr || y->is_float32()));
}

index_t float32_tasks(const Rows& x, const Rows* y) {
    return blocks_of(x, y).size();
}

double float32_error(index_t dimension, Metric metric) {
    // Both entries of a product, or their difference twice, and the product itself; a chain of kChain sums and of one more
    // for each kChain values; the last step: a subtraction, or a root.
    const double roundings = 6.0 + static_cast<double>(simd::kChain) +
                             std::ceil(static_cast<double>(dimension) / static_cast<double>(simd::kChain));
    const double error = 0x1p-24 * roundings * 1.01;  // second order is far below 1 %
    return metric == Metric::cosine ? error + 0x1p-23 : error;  // 1 - x is rounded at up to 2
}

void sweep_float32(const Rows& x, const Rows* y, Metric metric, int n_threads, const PollCallback& poll,
                   const ConsumeFloats& consume) {
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
    const Blocks blocks = blocks_of(x, y);
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
            copy_row_panels(kernels, rows, d, part.row_begin, part.row_end, {}, scratch->rows.get());
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
                consume(kernels, task,
                        FloatTile{part.row_begin, n_rows, col, col_end - col, tile, scratch->turned.get()});
            }
        },
        poll);
}

}  // namespace pyface::distance
