#include "distance/axis_codes.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace pyface::distance {
namespace {

constexpr index_t kAtOnce = 96;  // rows that are projected together; a multiple of every tile_rows and tile_cols
constexpr double kInfinity = std::numeric_limits<double>::infinity();
// Sums of products are below 2^24. What is lower than kLowest is set to it, which rules out less; what is higher than
// -kLowest becomes kAlways, which no other start can make negative, but for kNobody. Two of either still fit 32 bits.
constexpr double kLowest = -0x1p28;
constexpr std::int32_t kAlways = 300'000'000;
static_assert(kAlways + kLowest - 0x1p24 > 0 && kAlways + AxisCodes::kNobody + 0x1p24 < 0);

std::int32_t as_start(double x) {
    if (!(x <= -kLowest)) return kAlways;
    return static_cast<std::int32_t>(std::ceil(std::max(x, kLowest)));
}

}  // namespace

// A coordinate is a sum of products in float32, of a row and an axis whose entries were rounded as well (once more
// than sum_roundings counts); axes may depart from an orthonormal basis by 1e-9.
AxisCodes::AxisCodes(const simd::Kernels& kernels, const Axes& axes) : kernels_(kernels), axes_(axes) {
    const double roundings = sum_roundings(axes.dimension()) + 1.0;
    error_ = std::sqrt(static_cast<double>(axes.count())) * 0x1p-24 * roundings * 1.01 + 1e-8;
}

void AxisCodes::load(const Frame& frame, const Rows& rows, int n_threads, const PollCallback& poll) {
    panels_.reset(kernels_, &kernels_.coding, axes_.count(), rows.size());
    const index_t capacity = panels_.capacity();
    row_parts_.resize(static_cast<std::size_t>(capacity));
    col_starts_.resize(static_cast<std::size_t>(capacity));
    parallel_for(
        (rows.size() + kAtOnce - 1) / kAtOnce, n_threads,
        [&](index_t task) {
            load_rows(frame, rows, nullptr, task * kAtOnce, std::min(rows.size(), (task + 1) * kAtOnce));
        },
        poll);
    for (index_t i = rows.size(); i < capacity; ++i) {
        panels_.clear(i);
        col_starts_[static_cast<std::size_t>(i)] = kNobody;
    }
}

void AxisCodes::renew(const Frame& frame, const Rows& rows, const std::int32_t* changed, index_t count, int n_threads,
                      const PollCallback& poll) {
    parallel_for(
        (count + kAtOnce - 1) / kAtOnce, n_threads,
        [&](index_t task) {
            load_rows(frame, rows, changed, task * kAtOnce, std::min(count, (task + 1) * kAtOnce));
        },
        poll);
}

void AxisCodes::load_rows(const Frame& frame, const Rows& rows, const std::int32_t* listed, index_t begin,
                          index_t end) {
    const index_t d = axes_.dimension(), count = axes_.count();
    const index_t height = kernels_.tile_rows, width = kernels_.tile_cols;
    const index_t n_cols = (count + width - 1) / width * width;
    const AlignedBuffer row(frame.stride()), heads(count);
    const AlignedArray<simd::word_t> words(kAtOnce * d);
    const AlignedArray<float> products(kAtOnce * n_cols);
    const AlignedArray<std::int16_t> codes(count);
    double halves[kAtOnce], squares[kAtOnce];
    const auto source = [&](index_t i) { return listed == nullptr ? i : static_cast<index_t>(listed[i]); };
    const index_t n_panels = (end - begin + height - 1) / height;
    std::fill_n(words.get(), n_panels * height * d, simd::word_t{0});
    // Rows of unit length, in row panels.
    for (index_t r = 0; r < end - begin; ++r) {
        halves[r] = frame.read(rows, source(begin + r), row.get());
        squares[r] = frame.is_cosine() ? simd::squared_norm(row.get(), frame.stride()) : 2.0 * halves[r];
        const double factor = squares[r] > 0.0 ? 1.0 / std::sqrt(squares[r]) : 0.0;
        simd::word_t* lane = words.get() + r / height * height * d + r % height;
        for (index_t k = 0; k < d; ++k) lane[k * height] = std::bit_cast<simd::word_t>(static_cast<float>(row[k] * factor));
    }
    const simd::Panels panels{words.get(), n_panels, axes_.panels(), n_cols / width, d, simd::kNoDiagonal};
    kernels_.dense(panels, simd::Finish::none, products.get(), n_cols);
    for (index_t r = 0; r < end - begin; ++r) {
        const double length = std::sqrt(squares[r]);
        for (index_t k = 0; k < count; ++k) heads[k] = static_cast<double>(products[r * n_cols + k]) * length;
        set(source(begin + r), frame, squares[r], halves[r], heads.get(), codes.get());
    }
}

void AxisCodes::set(index_t i, const Frame& frame, double square, double half_square, const double* heads,
                    std::int16_t* codes) {
    const double scale = axes_.scale();
    double head_square = 0.0, largest = 0.0;
    for (index_t k = 0; k < axes_.count(); ++k) {
        head_square += heads[k] * heads[k];
        largest = std::max(largest, std::fabs(heads[k]));
    }
    // A row whose codes say too little is never ruled out.
    double rest_square = kInfinity, code_square = 0.0;
    if (largest <= scale * largest_axis_code(kernels_)) {
        rest_square = kernels_.encode(heads, axes_.count(), scale, codes);
        for (index_t k = 0; k < axes_.count(); ++k) code_square += static_cast<double>(codes[k] * codes[k]);
    } else {
        std::fill_n(codes, axes_.count(), std::int16_t{0});
    }
    panels_.set(i, codes);
    const double unit = 1.0 / (scale * scale);
    const double error = error_ * std::sqrt(square);
    const double most = axes_.longest() - error;
    double row_part = kInfinity, col_part = kInfinity;
    if (std::sqrt(head_square) <= most && std::sqrt(code_square) * scale <= most && rest_square < kInfinity) {
        const double part = std::max(0.0, square - head_square) / 2.0 + 2.0 * error_ * square +
                            axes_.longest() * (std::sqrt(rest_square) + error);
        row_part = part + (half_square + (std::isnan(frame.added(i)) ? 0.0 : frame.added(i)) / 2.0) * kScoreRounding;
        col_part = part - (half_square + frame.added(i) / 2.0) * (1.0 - kScoreRounding);
    }
    row_parts_[static_cast<std::size_t>(i)] = row_part;
    col_starts_[static_cast<std::size_t>(i)] =
        std::isnan(frame.added(i)) ? kNobody : as_start(col_part * unit);
}

std::int32_t AxisCodes::row_start(index_t i, double least_score) const {
    const double part = row_parts_[static_cast<std::size_t>(i)];
    const double slack = kScoreRounding * std::fabs(least_score) + kScoreUnderflow;
    const std::int32_t start = as_start((part - least_score + slack) / (axes_.scale() * axes_.scale()));
    // May wrap, as offsets do: the sum of codes brings it back.
    return static_cast<std::int32_t>(static_cast<simd::word_t>(start) + static_cast<simd::word_t>(panels_.offset(i)));
}

}  // namespace pyface::distance
