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
constexpr index_t kMostColumns = (index_t{1} << 24) - 1;

using Matrix = std::array<double, 6>;

// float32 holds means of bytes to 2^-16 grey levels and is what is sampled; sums of floats deserve better.
template <class T>
using Sum = std::conditional_t<std::is_same_v<T, std::uint8_t>, std::uint32_t, double>;

// A matrix as the kernels want it: start, step across, step down, of x and of y.
Matrix coefficients_of(const Matrix& m) { return {m[2], m[0], m[1], m[5], m[3], m[4]}; }

// The position in the image of the crop's pixel (column, row).
struct Position {
    double x, y;
};
Position position(const Matrix& m, index_t column, index_t row) {
    const auto u = static_cast<double>(column), v = static_cast<double>(row);
    return {m[0] * u + m[1] * v + m[2], m[3] * u + m[4] * v + m[5]};
}

// Rows [begin, end) of a crop. Each is one span of the one triangle whose map is the crop's.
template <class T>
void sample_rows(RowSampler<T>& sampler, const Matrix& m, index_t begin, index_t end, index_t cols, T* out,
                 index_t row_size) {
    const Matrix coefficients = coefficients_of(m);
    const simd::Span row{0, static_cast<std::int32_t>(cols), 0};
    const std::uint8_t inside = 0;  // not known
    for (index_t v = begin; v < end; ++v, out += row_size) {
        sampler.draw(v, {&row, 1}, coefficients.data(), &inside, out);
    }
}

// The blocks that a crop touches, averaged, and the way from the crop to them.
struct Reduced {
    std::vector<float> averages;
    index_t rows = 0, cols = 0;
    Matrix matrix{};
};

template <class T>
Reduced reduced(const ImageView<const T>& image, const CropRule& rule, const Matrix& m, index_t k, index_t rows,
                index_t cols) {
    const double by = static_cast<double>(k), shift = (by - 1) / 2;
    Matrix scaled{m[0] / by, m[1] / by, (m[2] - shift) / by, m[3] / by, m[4] / by, (m[5] - shift) / by};
    const Position corners[4] = {position(scaled, 0, 0), position(scaled, cols - 1, 0), position(scaled, 0, rows - 1),
                                 position(scaled, cols - 1, rows - 1)};
    double min_x = corners[0].x, max_x = min_x, min_y = corners[0].y, max_y = min_y;
    for (const Position& at : corners) {
        min_x = std::min(min_x, at.x), max_x = std::max(max_x, at.x);
        min_y = std::min(min_y, at.y), max_y = std::max(max_y, at.y);
    }
    // One block to spare on each side: rounding must not lead outside.
    const auto left = static_cast<index_t>(std::floor(min_x)) - 1, top = static_cast<index_t>(std::floor(min_y)) - 1;
    Reduced made;
    made.cols = static_cast<index_t>(std::floor(max_x)) + 3 - left;
    made.rows = static_cast<index_t>(std::floor(max_y)) + 3 - top;
    const index_t limit = 2 * std::max(rows, cols) + 8;
    require(made.rows <= limit && made.cols <= limit, "with antialias, a matrix must be close to a similarity");
    scaled[2] -= static_cast<double>(left), scaled[5] -= static_cast<double>(top);
    made.matrix = scaled;

    const index_t channels = image.channels;
    made.averages.resize(static_cast<std::size_t>(made.rows * made.cols * channels));
    const index_t begin_x = std::clamp<index_t>(left * k, 0, image.cols);
    const index_t end_x = std::clamp<index_t>((left + made.cols) * k, 0, image.cols);
    std::vector<Sum<T>> sums(static_cast<std::size_t>((end_x - begin_x) * channels));
    float* to = made.averages.data();
    for (index_t i = 0; i < made.rows; ++i) {
        const index_t begin_y = std::clamp<index_t>((top + i) * k, 0, image.rows);
        const index_t end_y = std::clamp<index_t>((top + i + 1) * k, 0, image.rows);
        std::fill(sums.begin(), sums.end(), Sum<T>{0});
        for (index_t y = begin_y; y < end_y; ++y) {
            const T* from = image.row(y) + begin_x * channels;
            for (std::size_t j = 0; j < sums.size(); ++j) sums[j] += static_cast<Sum<T>>(from[j]);
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
                *to++ = static_cast<float>(sum / all);
            }
        }
    }
    return made;
}

template <class T>
void cut_reduced(const ImageView<const T>& image, const CropRule& rule, const Matrix& m, index_t k, index_t rows,
                 index_t cols, T* out) {
    const Reduced made = reduced(image, rule, m, k, rows, cols);
    const ImageView<const float> averages{made.averages.data(), made.rows, made.cols, image.channels};
    RowSampler<float> sampler(averages, true, Border::constant, rule.fill, cols);
    const index_t row_size = cols * image.channels;
    if constexpr (std::is_same_v<T, float>) {
        sample_rows(sampler, made.matrix, 0, rows, cols, out, row_size);
    } else {
        std::vector<float> line(static_cast<std::size_t>(row_size));
        for (index_t v = 0; v < rows; ++v, out += row_size) {
            sample_rows(sampler, made.matrix, v, v + 1, cols, line.data(), row_size);
            // To the nearest, halves to even: where one unit is the last bit, adding rounds.
            for (index_t i = 0; i < row_size; ++i) {
                out[i] = static_cast<T>((line[static_cast<std::size_t>(i)] + 0x1.8p23f) - 0x1.8p23f);
            }
        }
    }
}

// How many image pixels are averaged along each axis; 1 is none.
index_t reduction(const Matrix& m) {
    const double spans = std::sqrt(std::abs(m[0] * m[4] - m[1] * m[3]));
    return std::max<index_t>(1, static_cast<index_t>(std::floor(spans + 0.5)));
}

template <class T>
void cut(const ImageView<const T>& image, const Matrix& m, index_t begin, index_t end, index_t rows, index_t cols,
         const CropRule& rule, T* out) {
    const index_t k = rule.antialias ? reduction(m) : 1;
    if (k > 1) {
        cut_reduced<T>(image, rule, m, k, rows, cols, out);
    } else {
        RowSampler<T> sampler(image, true, rule.border, rule.fill, cols);
        sample_rows(sampler, m, begin, end, cols, out, cols * image.channels);
    }
}

void check_matrix(const Matrix& m, index_t rows, index_t cols) {
    // This refuses NaN, too.
    for (index_t i = 0; i < 6; ++i) require(std::abs(m[i]) <= kFarthest, "an entry of a matrix is not within +-1e9");
    for (const index_t v : {index_t{0}, rows - 1}) {
        for (const index_t u : {index_t{0}, cols - 1}) {
            const Position at = position(m, u, v);
            require(std::abs(at.x) <= kFarthest && std::abs(at.y) <= kFarthest, "a crop reaches beyond 1e9 pixels");
        }
    }
}

}  // namespace

template <class T>
void affine_crops(ImageView<const T> image, const double* matrices, index_t n, index_t rows, index_t cols,
                  const CropRule& rule, T* out, int n_threads, const PollCallback& poll) {
    require(image.rows > 0 && image.cols > 0, "image is empty");
    // Columns of bytes are summed in 32 bits.
    require(image.rows < (index_t{1} << 24) && image.cols < (index_t{1} << 24), "a side must be below 2^24 pixels");
    require(image.channels == 1 || image.channels == 3 || image.channels == 4, "image must have 1, 3 or 4 channels");
    require(rows > 0 && cols > 0, "a crop must have at least one pixel");
    require(cols <= kMostColumns, "a crop must have fewer than 2^24 columns");
    require(!rule.antialias || rule.border == Border::constant, "antialias needs the border constant");
    if constexpr (std::is_same_v<T, std::uint8_t>) {
        for (index_t c = 0; c < image.channels && rule.border == Border::constant; ++c) {
            require(rule.fill[c] >= 0 && rule.fill[c] <= 255, "fill must be from 0 to 255");
        }
    }
    std::vector<Matrix> maps(static_cast<std::size_t>(n));
    for (Matrix& m : maps) {
        std::copy_n(matrices, 6, m.begin());
        matrices += 6;
        check_matrix(m, rows, cols);
    }
    const index_t band = rule.antialias ? rows : std::clamp<index_t>(kPixelsPerTask / cols, 1, rows);
    const index_t n_bands = (rows + band - 1) / band;
    const auto body = [&](index_t task) {
        const index_t i = task / n_bands, begin = task % n_bands * band;
        cut<T>(image, maps[static_cast<std::size_t>(i)], begin, std::min(begin + band, rows), rows, cols, rule,
               out + (i * rows + begin) * cols * image.channels);
    };
    parallel_for(n * n_bands, n_threads, body, poll);
}

template void affine_crops(ImageView<const std::uint8_t>, const double*, index_t, index_t, index_t, const CropRule&,
                           std::uint8_t*, int, const PollCallback&);
template void affine_crops(ImageView<const float>, const double*, index_t, index_t, index_t, const CropRule&, float*,
                           int, const PollCallback&);

}  // namespace pyface::warp
