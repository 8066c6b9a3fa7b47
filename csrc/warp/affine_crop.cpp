#include "warp/affine_crop.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <type_traits>
#include <vector>

#include "core/require.hpp"

namespace pyface::warp {
namespace {

constexpr double kFarthest = 1e9;
constexpr index_t kPixelsPerTask = 1 << 16;

using Matrix = std::array<double, 6>;

// float32 holds products of bytes to 2^-16 grey levels; floats deserve better.
template <class T>
using Real = std::conditional_t<std::is_same_v<T, std::uint8_t>, float, double>;

template <class T>
T rounded(Real<T> value) {
    if constexpr (std::is_same_v<T, std::uint8_t>) {
        return static_cast<std::uint8_t>(value + 0.5F);
    } else {
        return static_cast<T>(value);
    }
}

// Where a row of a crop lies in the image. Every pixel is computed directly: steps that are added up would drift.
struct Row {
    double step_x, step_y, begin_x, begin_y;

    Row(const Matrix& m, index_t v)
        : step_x(m[0]), step_y(m[3]), begin_x(m[1] * static_cast<double>(v) + m[2]),
          begin_y(m[4] * static_cast<double>(v) + m[5]) {}
    double x(index_t u) const { return step_x * static_cast<double>(u) + begin_x; }
    double y(index_t u) const { return step_y * static_cast<double>(u) + begin_y; }
};

template <class P>
bool is_inside(const ImageView<const P>& image, double x, double y) {
    return x >= 0 && y >= 0 && x <= static_cast<double>(image.cols - 1) && y <= static_cast<double>(image.rows - 1);
}

template <class T, index_t C, class P>
void sample_inside(const ImageView<const P>& image, double x, double y, T* out) {
    using R = Real<T>;
    // No position is negative here, so truncation is the floor.
    const auto left = static_cast<std::int32_t>(x), upper = static_cast<std::int32_t>(y);
    const auto fx = static_cast<R>(x - left), fy = static_cast<R>(y - upper);
    const index_t stride = image.cols * C;
    const index_t right = fx > 0 ? C : 0, down = fy > 0 ? stride : 0;
    const P* above = image.data + upper * stride + left * C;
    const P* below = above + down;
    for (index_t c = 0; c < C; ++c) {
        const R a = static_cast<R>(above[c]), b = static_cast<R>(above[c + right]);
        const R d = static_cast<R>(below[c]), e = static_cast<R>(below[c + right]);
        const R high = a + fx * (b - a), low = d + fx * (e - d);
        out[c] = rounded<T>(high + fy * (low - high));
    }
}

index_t mirrored(index_t i, index_t size) {
    if (size == 1) return 0;
    const index_t period = 2 * (size - 1), at = ((i % period) + period) % period;
    return std::min(at, period - at);
}

template <class T, index_t C>
void sample_at_border(const ImageView<const T>& image, const CropRule& rule, double x, double y, T* out) {
    using R = Real<T>;
    const double floor_x = std::floor(x), floor_y = std::floor(y);
    const auto fx = static_cast<R>(x - floor_x), fy = static_cast<R>(y - floor_y);
    const auto left = static_cast<index_t>(floor_x), upper = static_cast<index_t>(floor_y);
    const index_t columns[2] = {left, fx > 0 ? left + 1 : left}, rows[2] = {upper, fy > 0 ? upper + 1 : upper};
    const auto pixel = [&](index_t row, index_t col, index_t c) {
        if (rule.border == CropBorder::constant) {
            const bool is_there = row >= 0 && row < image.rows && col >= 0 && col < image.cols;
            return is_there ? static_cast<R>(image(row, col, c)) : static_cast<R>(rule.fill[c]);
        }
        if (rule.border == CropBorder::replicate) {
            row = std::clamp<index_t>(row, 0, image.rows - 1);
            col = std::clamp<index_t>(col, 0, image.cols - 1);
        } else {
            row = mirrored(row, image.rows);
            col = mirrored(col, image.cols);
        }
        return static_cast<R>(image(row, col, c));
    };
    for (index_t c = 0; c < C; ++c) {
        const R a = pixel(rows[0], columns[0], c), b = pixel(rows[0], columns[1], c);
        const R d = pixel(rows[1], columns[0], c), e = pixel(rows[1], columns[1], c);
        const R high = a + fx * (b - a), low = d + fx * (e - d);
        out[c] = rounded<T>(high + fy * (low - high));
    }
}

template <class T, index_t C>
void sample_rows(const ImageView<const T>& image, const CropRule& rule, const Matrix& m, index_t begin, index_t end,
                 index_t cols, T* out) {
    for (index_t v = begin; v < end; ++v) {
        const Row row(m, v);
        // Straight lines: a row with both ends inside is inside.
        if (is_inside(image, row.x(0), row.y(0)) && is_inside(image, row.x(cols - 1), row.y(cols - 1))) {
            for (index_t u = 0; u < cols; ++u, out += C) sample_inside<T, C>(image, row.x(u), row.y(u), out);
            continue;
        }
        for (index_t u = 0; u < cols; ++u, out += C) {
            const double x = row.x(u), y = row.y(u);
            if (is_inside(image, x, y)) {
                sample_inside<T, C>(image, x, y, out);
            } else {
                sample_at_border<T, C>(image, rule, x, y, out);
            }
        }
    }
}

// The blocks that a crop touches, averaged, and the way from the crop to them.
template <class T>
struct Reduced {
    std::vector<Real<T>> averages;
    index_t rows = 0, cols = 0;
    Matrix matrix{};
};

template <class T>
Reduced<T> reduced(const ImageView<const T>& image, const CropRule& rule, const Matrix& m, index_t k, index_t rows,
                   index_t cols) {
    const double by = static_cast<double>(k), shift = (by - 1) / 2;
    Matrix scaled{m[0] / by, m[1] / by, (m[2] - shift) / by, m[3] / by, m[4] / by, (m[5] - shift) / by};
    const Row first(scaled, 0), last(scaled, rows - 1);
    const double xs[4] = {first.x(0), first.x(cols - 1), last.x(0), last.x(cols - 1)};
    const double ys[4] = {first.y(0), first.y(cols - 1), last.y(0), last.y(cols - 1)};
    const auto [min_x, max_x] = std::minmax_element(xs, xs + 4);
    const auto [min_y, max_y] = std::minmax_element(ys, ys + 4);
    // One block to spare on each side: rounding must not lead outside.
    const auto left = static_cast<index_t>(std::floor(*min_x)) - 1, top = static_cast<index_t>(std::floor(*min_y)) - 1;
    Reduced<T> made;
    made.cols = static_cast<index_t>(std::floor(*max_x)) + 3 - left;
    made.rows = static_cast<index_t>(std::floor(*max_y)) + 3 - top;
    const index_t limit = 2 * std::max(rows, cols) + 8;
    require(made.rows <= limit && made.cols <= limit, "with antialias, a matrix must be close to a similarity");
    scaled[2] -= static_cast<double>(left), scaled[5] -= static_cast<double>(top);
    made.matrix = scaled;

    using Sum = std::conditional_t<std::is_same_v<T, std::uint8_t>, std::uint32_t, double>;
    const index_t channels = image.channels;
    made.averages.resize(static_cast<std::size_t>(made.rows * made.cols * channels));
    const index_t begin_x = std::clamp<index_t>(left * k, 0, image.cols);
    const index_t end_x = std::clamp<index_t>((left + made.cols) * k, 0, image.cols);
    std::vector<Sum> sums(static_cast<std::size_t>((end_x - begin_x) * channels));
    Real<T>* to = made.averages.data();
    for (index_t i = 0; i < made.rows; ++i) {
        const index_t begin_y = std::clamp<index_t>((top + i) * k, 0, image.rows);
        const index_t end_y = std::clamp<index_t>((top + i + 1) * k, 0, image.rows);
        std::fill(sums.begin(), sums.end(), Sum{0});
        for (index_t y = begin_y; y < end_y; ++y) {
            const T* from = image.row(y) + begin_x * channels;
            for (std::size_t j = 0; j < sums.size(); ++j) sums[j] += static_cast<Sum>(from[j]);
        }
        for (index_t j = 0; j < made.cols; ++j) {
            const index_t begin = std::clamp<index_t>((left + j) * k, 0, image.cols);
            const index_t end = std::clamp<index_t>((left + j + 1) * k, 0, image.cols);
            const double there = static_cast<double>((end - begin) * (end_y - begin_y)), all = by * by;
            for (index_t c = 0; c < channels; ++c) {
                double sum = 0;
                for (index_t x = begin; x < end; ++x) {
                    sum += static_cast<double>(sums[static_cast<std::size_t>((x - begin_x) * channels + c)]);
                }
                if (there < all) sum += (all - there) * rule.fill[c];
                *to++ = static_cast<Real<T>>(sum / all);
            }
        }
    }
    return made;
}

template <class T, index_t C>
void cut_reduced(const ImageView<const T>& image, const CropRule& rule, const Matrix& m, index_t k, index_t rows,
                 index_t cols, T* out) {
    const Reduced<T> made = reduced(image, rule, m, k, rows, cols);
    const ImageView<const Real<T>> averages{made.averages.data(), made.rows, made.cols, C};
    for (index_t v = 0; v < rows; ++v) {
        const Row row(made.matrix, v);
        for (index_t u = 0; u < cols; ++u, out += C) sample_inside<T, C>(averages, row.x(u), row.y(u), out);
    }
}

// How many image pixels are averaged along each axis; 1 is none.
index_t reduction(const Matrix& m) {
    const double spans = std::sqrt(std::abs(m[0] * m[4] - m[1] * m[3]));
    return std::max<index_t>(1, static_cast<index_t>(std::floor(spans + 0.5)));
}

template <class T, index_t C>
void cut_all(const ImageView<const T>& image, const double* matrices, index_t n, index_t rows, index_t cols,
             const CropRule& rule, T* out, int n_threads, const PollCallback& poll) {
    const auto matrix_of = [&](index_t i) {
        Matrix m;
        std::copy_n(matrices + 6 * i, 6, m.begin());
        return m;
    };
    const index_t band = rule.antialias ? rows : std::clamp<index_t>(kPixelsPerTask / cols, 1, rows);
    const index_t n_bands = (rows + band - 1) / band;
    const auto body = [&](index_t task) {
        const index_t i = task / n_bands, begin = task % n_bands * band;
        const Matrix m = matrix_of(i);
        T* to = out + (i * rows + begin) * cols * C;
        const index_t k = rule.antialias ? reduction(m) : 1;
        if (k > 1) {
            cut_reduced<T, C>(image, rule, m, k, rows, cols, to);
        } else {
            sample_rows<T, C>(image, rule, m, begin, std::min(begin + band, rows), cols, to);
        }
    };
    parallel_for(n * n_bands, n_threads, body, poll);
}

void check_matrix(const double* m, index_t rows, index_t cols) {
    // This refuses NaN, too.
    for (index_t i = 0; i < 6; ++i) require(std::abs(m[i]) <= kFarthest, "an entry of a matrix is not within +-1e9");
    for (const index_t v : {index_t{0}, rows - 1}) {
        const Row row({m[0], m[1], m[2], m[3], m[4], m[5]}, v);
        for (const index_t u : {index_t{0}, cols - 1}) {
            require(std::abs(row.x(u)) <= kFarthest && std::abs(row.y(u)) <= kFarthest,
                    "a crop reaches beyond 1e9 pixels");
        }
    }
}

}  // namespace

template <class T>
void affine_crops(ImageView<const T> image, const double* matrices, index_t n, index_t rows, index_t cols,
                  const CropRule& rule, T* out, int n_threads, const PollCallback& poll) {
    require(image.rows > 0 && image.cols > 0, "image is empty");
    // Positions are cut to 32 bits, and columns of bytes are summed in 32.
    require(image.rows < (index_t{1} << 24) && image.cols < (index_t{1} << 24), "a side must be below 2^24 pixels");
    require(rows > 0 && cols > 0, "a crop must have at least one pixel");
    require(!rule.antialias || rule.border == CropBorder::constant, "antialias needs the border constant");
    if constexpr (std::is_same_v<T, std::uint8_t>) {
        for (index_t c = 0; c < image.channels && rule.border == CropBorder::constant; ++c) {
            require(rule.fill[c] >= 0 && rule.fill[c] <= 255, "fill must be within 0..255 for bytes");
        }
    }
    for (index_t i = 0; i < n; ++i) check_matrix(matrices + 6 * i, rows, cols);
    switch (image.channels) {
        case 1: return cut_all<T, 1>(image, matrices, n, rows, cols, rule, out, n_threads, poll);
        case 3: return cut_all<T, 3>(image, matrices, n, rows, cols, rule, out, n_threads, poll);
        case 4: return cut_all<T, 4>(image, matrices, n, rows, cols, rule, out, n_threads, poll);
        default: require(false, "image must have 1, 3 or 4 channels");
    }
}

template void affine_crops(ImageView<const std::uint8_t>, const double*, index_t, index_t, index_t, const CropRule&,
                           std::uint8_t*, int, const PollCallback&);
template void affine_crops(ImageView<const float>, const double*, index_t, index_t, index_t, const CropRule&, float*,
                           int, const PollCallback&);

}  // namespace pyface::warp
