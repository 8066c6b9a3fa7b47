#include "warp/affine_crop.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <type_traits>
#include <vector>

#include "core/require.hpp"
#include "warp/block_row.hpp"

namespace pyface::warp {
namespace {

constexpr double kFarthest = 1e9;
constexpr index_t kPixelsPerTask = 1 << 16;
constexpr index_t kTile = 128;      // crop pixels along each axis that are averaged together: bounds the memory
constexpr index_t kMostSamples = 4;  // along each axis of a crop pixel
constexpr index_t kMostColumns = (index_t{1} << 24) - 1;

using Matrix = std::array<double, 6>;

// A matrix as the kernels want it: start, step across, step down, of x and of y.
Matrix coefficients_of(const Matrix& m) { return {m[2], m[0], m[1], m[5], m[3], m[4]}; }

// The position in the image of (u, v) in the crop.
struct Position {
    double x, y;
};
Position position(const Matrix& m, double u, double v) {
    return {m[0] * u + m[1] * v + m[2], m[3] * u + m[4] * v + m[5]};
}

// The matrix of what begins at (u, v) of the crop.
Matrix moved(const Matrix& m, double u, double v) {
    const Position start = position(m, u, v);
    return {m[0], m[1], start.x, m[3], m[4], start.y};
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

// How crop pixels are averaged, along each axis: image pixels a block, and samples of the blocks a crop pixel.
struct Averaging {
    index_t block = 1, samples = 1;

    bool acts() const { return samples > 1; }
};

Averaging averaging(const Matrix& m) {
    const double spans = std::sqrt(std::abs(m[0] * m[4] - m[1] * m[3]));
    const auto whole = std::max<index_t>(1, static_cast<index_t>(std::floor(spans + 0.5)));
    return {std::max<index_t>(1, (whole + 1) / 4), std::min(whole, kMostSamples)};
}

// The blocks that a part of a crop touches, averaged, and the way from the part to them.
struct Reduced {
    std::vector<float> averages;
    index_t rows = 0, cols = 0;
    Matrix matrix{};
};

template <class T>
Reduced reduced(const ImageView<const T>& image, const CropRule& rule, const Matrix& m, const Averaging& by,
                index_t rows, index_t cols) {
    const double side = static_cast<double>(by.block), shift = (side - 1) / 2;
    Matrix scaled{m[0] / side, m[1] / side, (m[2] - shift) / side, m[3] / side, m[4] / side, (m[5] - shift) / side};
    // From outer edge to outer edge.
    const double right = static_cast<double>(cols) - 0.5, lower = static_cast<double>(rows) - 0.5;
    const Position corners[4] = {position(scaled, -0.5, -0.5), position(scaled, right, -0.5),
                                 position(scaled, -0.5, lower), position(scaled, right, lower)};
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
    // Of a similarity at most 2.3 blocks a sample: 6.5 / 4, turned by 45 degrees.
    const index_t limit = 3 * by.samples * std::max(rows, cols) + 8;
    require(made.rows <= limit && made.cols <= limit, "with antialias, a matrix must be close to a similarity");
    scaled[2] -= static_cast<double>(left), scaled[5] -= static_cast<double>(top);
    made.matrix = scaled;

    const index_t row_size = made.cols * image.channels;
    made.averages.resize(static_cast<std::size_t>(made.rows * row_size));
    BlockRow<T> blocks(image, rule.fill, by.block, left * by.block, made.cols);
    for (index_t i = 0; i < made.rows; ++i) {
        blocks.average((top + i) * by.block, made.averages.data() + i * row_size);
    }
    return made;
}

// A part of a crop, of which m shows pixel (0, 0). Rows of `out` are row_size values apart.
template <class T>
void cut_averaged(const ImageView<const T>& image, const CropRule& rule, const Matrix& m, const Averaging& by,
                  index_t rows, index_t cols, T* out, index_t row_size) {
    const Reduced made = reduced(image, rule, m, by, rows, cols);
    const ImageView<const float> averages{made.averages.data(), made.rows, made.cols, image.channels};
    RowSampler<float> sampler(averages, true, Border::constant, rule.fill, cols);
    const double step = 1 / static_cast<double>(by.samples);
    const auto offset = [&](index_t i) { return (static_cast<double>(i) + 0.5) * step - 0.5; };
    std::vector<Matrix> samples;
    for (index_t i = 0; i < by.samples; ++i) {
        for (index_t j = 0; j < by.samples; ++j) samples.push_back(moved(made.matrix, offset(j), offset(i)));
    }
    std::vector<float> line(static_cast<std::size_t>(cols * image.channels));
    std::vector<double> sums(line.size());
    const double share = step * step;
    for (index_t v = 0; v < rows; ++v, out += row_size) {
        std::fill(sums.begin(), sums.end(), 0.0);
        for (const Matrix& at : samples) {
            sample_rows(sampler, at, v, v + 1, cols, line.data(), 0);
            for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += static_cast<double>(line[i]);
        }
        for (std::size_t i = 0; i < sums.size(); ++i) {
            if constexpr (std::is_same_v<T, float>) {
                out[i] = static_cast<float>(sums[i] * share);
            } else {
                // To the nearest, halves to even: where one unit is the last bit, adding rounds.
                out[i] = static_cast<T>((sums[i] * share + 0x1.8p52) - 0x1.8p52);
            }
        }
    }
}

// Pixels of one of the crops: whole rows if they are sampled plainly, else a tile.
struct Part {
    index_t crop, row, col, rows, cols;
    Averaging by;
};

std::vector<Part> parts_of(const std::vector<Matrix>& maps, bool antialias, index_t rows, index_t cols) {
    std::vector<Part> parts;
    for (std::size_t i = 0; i < maps.size(); ++i) {
        const Averaging by = antialias ? averaging(maps[i]) : Averaging{};
        const index_t height = by.acts() ? kTile : std::clamp<index_t>(kPixelsPerTask / cols, 1, rows);
        const index_t width = by.acts() ? kTile : cols;
        for (index_t v = 0; v < rows; v += height) {
            for (index_t u = 0; u < cols; u += width) {
                const index_t crop = static_cast<index_t>(i);
                parts.push_back({crop, v, u, std::min(height, rows - v), std::min(width, cols - u), by});
            }
        }
    }
    return parts;
}

template <class T>
void cut(const ImageView<const T>& image, const Matrix& m, const Part& part, const CropRule& rule, T* out,
         index_t row_size) {
    if (part.by.acts()) {
        const Matrix start = moved(m, static_cast<double>(part.col), static_cast<double>(part.row));
        cut_averaged<T>(image, rule, start, part.by, part.rows, part.cols, out, row_size);
    } else {
        RowSampler<T> sampler(image, true, rule.border, rule.fill, part.cols);
        sample_rows(sampler, m, part.row, part.row + part.rows, part.cols, out, row_size);
    }
}

void check_matrix(const Matrix& m, index_t rows, index_t cols) {
    // This refuses NaN, too.
    for (index_t i = 0; i < 6; ++i) require(std::abs(m[i]) <= kFarthest, "an entry of a matrix is not within +-1e9");
    for (const index_t v : {index_t{0}, rows - 1}) {
        for (const index_t u : {index_t{0}, cols - 1}) {
            const Position at = position(m, static_cast<double>(u), static_cast<double>(v));
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
    const std::vector<Part> parts = parts_of(maps, rule.antialias, rows, cols);
    const auto body = [&](index_t task) {
        const Part& part = parts[static_cast<std::size_t>(task)];
        T* start = out + ((part.crop * rows + part.row) * cols + part.col) * image.channels;
        cut<T>(image, maps[static_cast<std::size_t>(part.crop)], part, rule, start, cols * image.channels);
    };
    parallel_for(static_cast<index_t>(parts.size()), n_threads, body, poll);
}

template void affine_crops(ImageView<const std::uint8_t>, const double*, index_t, index_t, index_t, const CropRule&,
                           std::uint8_t*, int, const PollCallback&);
template void affine_crops(ImageView<const float>, const double*, index_t, index_t, index_t, const CropRule&, float*,
                           int, const PollCallback&);

}  // namespace pyface::warp
