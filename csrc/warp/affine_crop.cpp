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
constexpr index_t kTile = 128;      // crop pixels along each axis that are averaged together: bounds the memory
constexpr index_t kMostSamples = 4;  // along each axis of a crop pixel
constexpr index_t kMostColumns = (index_t{1} << 24) - 1;

using Matrix = std::array<double, 6>;

// Sums of columns, and of blocks. float32 holds means of bytes to 2^-16 grey levels and is what is sampled; sums of
// floats deserve better.
template <class T>
using Sum = std::conditional_t<std::is_same_v<T, std::uint8_t>, std::uint32_t, double>;
template <class T>
using Total = std::conditional_t<std::is_same_v<T, std::uint8_t>, std::int64_t, double>;

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

// A row of blocks, from row `top` and column `left` of the image on, either of which may lie outside.
template <class T>
class BlockRow {
public:
    BlockRow(const ImageView<const T>& image, const double* fill, index_t k, index_t left, index_t cols)
        : image_(image), fill_(fill), k_(k), left_(left), cols_(cols), begin_(inside(left)),
          end_(inside(left + cols * k)), sums_(static_cast<std::size_t>((end_ - begin_) * image.channels)) {
        whole_begin_ = std::clamp<index_t>((begin_ - left + k - 1) / k, 0, cols);
        whole_end_ = std::clamp((end_ - left) / k, whole_begin_, cols);
    }

    void average(index_t top, float* out) {
        const index_t begin = std::clamp<index_t>(top, 0, image_.rows);
        const index_t end = std::clamp<index_t>(top + k_, 0, image_.rows), channels = image_.channels;
        const bool is_whole = end - begin == k_;
        const Sum<T>* sums = is_whole && k_ == 1 ? nullptr : sum(begin, end);
        const index_t whole_begin = is_whole ? whole_begin_ : cols_, whole_end = is_whole ? whole_end_ : cols_;
        for (index_t j = 0; j < whole_begin; ++j) partly(sums, j, end - begin, out + j * channels);
        for (index_t j = whole_end; j < cols_; ++j) partly(sums, j, end - begin, out + j * channels);
        if (whole_begin == whole_end) return;
        const index_t first = left_ + whole_begin * k_, count = whole_end - whole_begin;
        float* to = out + whole_begin * channels;
        if (k_ == 1) {
            const T* from = image_.row(begin) + first * channels;
            for (index_t i = 0; i < count * channels; ++i) to[i] = static_cast<float>(from[i]);
        } else if (channels == 1) {
            wholly<1>(sums + (first - begin_), count, to);
        } else if (channels == 3) {
            wholly<3>(sums + (first - begin_) * 3, count, to);
        } else {
            wholly<4>(sums + (first - begin_) * 4, count, to);
        }
    }

private:
    index_t inside(index_t x) const { return std::clamp<index_t>(x, 0, image_.cols); }

    const Sum<T>* sum(index_t begin, index_t end) {
        std::fill(sums_.begin(), sums_.end(), Sum<T>{0});
        for (index_t y = begin; y < end; ++y) {
            const T* from = image_.row(y) + begin_ * image_.channels;
            for (std::size_t i = 0; i < sums_.size(); ++i) sums_[i] += static_cast<Sum<T>>(from[i]);
        }
        return sums_.data();
    }

    // Blocks that lie in the image.
    template <int channels>
    void wholly(const Sum<T>* sums, index_t count, float* out) const {
        const double share = 1 / static_cast<double>(k_ * k_);
        for (index_t j = 0; j < count; ++j, out += channels) {
            Total<T> totals[channels] = {};
            for (index_t x = 0; x < k_; ++x, sums += channels) {
                for (int c = 0; c < channels; ++c) totals[c] += static_cast<Total<T>>(sums[c]);
            }
            for (int c = 0; c < channels; ++c) out[c] = static_cast<float>(static_cast<double>(totals[c]) * share);
        }
    }

    // Block j, of which `rows` rows and some columns lie in the image, or none.
    void partly(const Sum<T>* sums, index_t j, index_t rows, float* out) const {
        const index_t begin = inside(left_ + j * k_), end = inside(left_ + (j + 1) * k_), channels = image_.channels;
        const double there = static_cast<double>((end - begin) * rows), all = static_cast<double>(k_ * k_);
        for (index_t c = 0; c < channels; ++c) {
            double total = 0;
            for (index_t x = begin; x < end; ++x) total += static_cast<double>(sums[(x - begin_) * channels + c]);
            if (there < all) total += (all - there) * fill_[c];
            out[c] = static_cast<float>(total / all);
        }
    }

    ImageView<const T> image_;
    const double* fill_;
    index_t k_, left_, cols_;
    index_t begin_, end_;              // columns of the image
    index_t whole_begin_, whole_end_;  // blocks all of whose columns lie in it
    std::vector<Sum<T>> sums_;
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
