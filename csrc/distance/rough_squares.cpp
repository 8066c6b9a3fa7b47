#include "distance/rough_squares.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "distance/panels.hpp"
#include "simd/isa.hpp"

namespace pyface::distance {
namespace {

constexpr index_t kBlock = 96;  // rows of a task: a multiple of every tile_rows and tile_cols
constexpr double kThreadWork = 4e6;  // multiplications that make up for starting a thread
constexpr double kFloat64 = 1e-12;  // what float64 may have rounded, more than it does

}  // namespace

int threads_for_few(index_t n, index_t dimension, int n_threads) {
    const double work = static_cast<double>(n) * static_cast<double>(n * dimension) / 2.0;
    return static_cast<int>(std::min<double>(n_threads, 1.0 + work / kThreadWork));
}

RoughSquares::RoughSquares(const Rows& x, Metric metric, Crew& crew) : metric_(metric) {
    const auto& kernels = simd::kernels();
    const index_t n = x.size();
    const index_t d = x.dimension();
    const Frame frame(x, nullptr, metric, 1, {});
    unit_ = frame.is_cosine() ? 0.5 : 1.0 / (frame.scale() * frame.scale());

    const index_t n_blocks = (n + kBlock - 1) / kBlock;
    const index_t width = kernels.tile_cols;
    AlignedArray<simd::word_t> words(n_blocks * kBlock * d);
    std::vector<double> longest(static_cast<std::size_t>(n_blocks), 0.0);
    std::vector<char> has_zeros(static_cast<std::size_t>(n_blocks), 0);
    crew.run(n_blocks, [&](index_t block) {
        const AlignedBuffer row(frame.stride());
        std::vector<float> panel(static_cast<std::size_t>(width * d));
        for (index_t first = block * kBlock; first < (block + 1) * kBlock; first += width) {
            std::fill(panel.begin(), panel.end(), 0.0f);
            for (index_t i = first; i < std::min(first + width, n); ++i) {
                const double half_square = frame.read(x, i, row.get());
                if (frame.is_cosine()) {
                    has_zeros[static_cast<std::size_t>(block)] |= !std::any_of(
                        row.get(), row.get() + frame.stride(), [](double value) { return value != 0.0; });
                }
                double& most = longest[static_cast<std::size_t>(block)];
                if (!(half_square <= most)) most = half_square;
                float* out = panel.data() + (i - first) * d;
                for (index_t k = 0; k < d; ++k) out[k] = static_cast<float>(row[k]);
            }
            kernels.transpose(panel.data(), width, d, d, reinterpret_cast<float*>(words.get() + first * d), width);
        }
    });
    double length = frame.is_cosine() ? 1.0 : 0.0;
    for (const double half_square : longest) length = std::max(length, std::sqrt(2.0 * half_square));
    are_sound_ = std::isfinite(length) && RoughBounds::hold(frame.scale()) &&
                 std::none_of(has_zeros.begin(), has_zeros.end(), [](char any) { return any != 0; });

    bounds_ = RoughBounds(d, length);
    least_of_square_ = static_cast<float>(bounds_.least() - 0x1p-20);
    added_to_square_ = static_cast<float>(bounds_.added() * (1.0 + 0x1p-20));

    // Not a power of two, so that a column does not lie in few lines of the cache.
    stride_ = (n + width - 1) / width * width + 16;
    values_ = AlignedArray<float>((n + kernels.tile_rows) * stride_);
    crew.run(n_blocks, [&](index_t block) {
        const index_t begin = block * kBlock;
        const index_t n_rows = std::min(kBlock, n - begin);
        const AlignedArray<simd::word_t> rows((kBlock + kernels.tile_rows) * d);
        copy_row_panels(kernels, words.get(), d, begin, begin + n_rows, {}, rows.get());
        const simd::Panels panels{rows.get(),
                                  (n_rows + kernels.tile_rows - 1) / kernels.tile_rows,
                                  words.get() + begin * d,
                                  (n - begin + width - 1) / width,
                                  d,
                                  0};
        kernels.dense(panels, simd::Finish::square, row(begin) + begin, stride_);
        for (index_t col = begin + kBlock; col < n; col += kBlock) {
            kernels.transpose(row(begin) + col, n_rows, std::min(kBlock, n - col), stride_, row(col) + begin, stride_);
        }
        for (index_t i = begin; i < begin + n_rows; ++i) {
            for (index_t j = i + 1; j < begin + n_rows; ++j) row(j)[i] = row(i)[j];
            row(i)[i] = std::numeric_limits<float>::infinity();
        }
    });
}

float RoughSquares::reach(double distance) const {
    const double square = metric_ == Metric::euclidean ? distance * distance : distance;
    return bounds_.reach(square * (1.0 + kFloat64) / unit_ + (metric_ == Metric::cosine ? kFloat64 : 0.0));
}

}  // namespace pyface::distance
