#include "detect/pyramid.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/require.hpp"

namespace pyface::detect {
namespace {

constexpr index_t kGap = 10;    // between levels
constexpr index_t kBorder = 11;  // around all of them
constexpr index_t kShortestLevel = 5;
constexpr double kStep = 5.0 / 6;

// Rows of a level blended into one, horizontally not yet resized; one element longer than the widest level.
struct Scratch {
    std::vector<float> blended;
    std::vector<std::int32_t> left;
    std::vector<float> fraction;
};

// Align-corners: the first and last samples of both grids coincide.
double source_step(index_t from, index_t to) {
    return static_cast<double>(from - 1) / static_cast<double>(std::max<index_t>(to - 1, 1));
}

void resize_level(float* canvas, index_t rows, index_t cols, const Rect& from, const Rect& to, Scratch& scratch) {
    const index_t width_in = from.width(), width_out = to.width();
    const index_t height_in = from.height(), height_out = to.height();
    const index_t plane = rows * cols;

    const double step_x = source_step(width_in, width_out);
    for (index_t x = 0; x < width_out; ++x) {
        const double at = static_cast<double>(x) * step_x;
        const auto left = std::min(static_cast<index_t>(at), width_in - 1);
        scratch.left[static_cast<std::size_t>(x)] = static_cast<std::int32_t>(left);
        scratch.fraction[static_cast<std::size_t>(x)] = static_cast<float>(at - static_cast<double>(left));
    }
    const std::int32_t* left = scratch.left.data();
    const float* fraction_x = scratch.fraction.data();
    float* row0 = scratch.blended.data();
    float* row1 = row0 + width_in + 1;
    float* row2 = row1 + width_in + 1;

    const double step_y = source_step(height_in, height_out);
    for (index_t y = 0; y < height_out; ++y) {
        const double at = static_cast<double>(y) * step_y;
        const index_t upper = std::min(static_cast<index_t>(at), height_in - 1);
        const index_t lower = std::min(upper + 1, height_in - 1);
        const float fraction_y = static_cast<float>(at - static_cast<double>(upper));

        // Rows first: this half is a plain loop over neighbours. The gather that remains then serves three planes with
        // one index.
        for (index_t c = 0; c < 3; ++c) {
            const float* above = canvas + c * plane + (from.top + upper) * cols + from.left;
            const float* below = canvas + c * plane + (from.top + lower) * cols + from.left;
            float* out = row0 + c * (width_in + 1);
            for (index_t x = 0; x < width_in; ++x) out[x] = above[x] + (below[x] - above[x]) * fraction_y;
            out[width_in] = out[width_in - 1];
        }
        float* out0 = canvas + (to.top + y) * cols + to.left;
        float* out1 = out0 + plane;
        float* out2 = out1 + plane;
        for (index_t x = 0; x < width_out; ++x) {
            const std::int32_t i = left[x];
            const float f = fraction_x[x];
            out0[x] = row0[i] + (row0[i + 1] - row0[i]) * f;
            out1[x] = row1[i] + (row1[i + 1] - row1[i]) * f;
            out2[x] = row2[i] + (row2[i + 1] - row2[i]) * f;
        }
    }
}

// A table gives the same float as the arithmetic and spares the conversion.
struct NormaliseBytes {
    std::array<std::array<float, 256>, 3> table;

    explicit NormaliseBytes(const std::array<float, 3>& mean) {
        for (std::size_t c = 0; c < 3; ++c) {
            for (std::size_t v = 0; v < 256; ++v) table[c][v] = (static_cast<float>(v) - mean[c]) / 256.0F;
        }
    }
    float operator()(std::uint8_t value, std::size_t channel) const { return table[channel][value]; }
};

struct NormaliseFloats {
    std::array<float, 3> mean;

    explicit NormaliseFloats(const std::array<float, 3>& m) : mean(m) {}
    float operator()(float value, std::size_t channel) const { return (value - mean[channel]) / 256.0F; }
};

template <class T, class Normalise>
void write_level_0(ImageView<const T> image, const Normalise& normalise, const Rect& to, index_t rows, index_t cols,
                   float* canvas) {
    const index_t plane = rows * cols;
    const index_t stride = image.channels;
    const index_t green = stride == 3 ? 1 : 0, blue = stride == 3 ? 2 : 0;
    for (index_t y = 0; y < image.rows; ++y) {
        const T* in = image.row(y);
        float* out0 = canvas + (to.top + y) * cols + to.left;
        float* out1 = out0 + plane;
        float* out2 = out1 + plane;
        for (index_t x = 0; x < image.cols; ++x) {
            const T* pixel = in + x * stride;
            out0[x] = normalise(pixel[0], 0);
            out1[x] = normalise(pixel[green], 1);
            out2[x] = normalise(pixel[blue], 2);
        }
    }
}

// Zeroes what no level covers. A row meets at most one level of the left and one of the right column.
void clear_gaps(const PyramidLayout& layout, float* canvas) {
    const auto n_rows = static_cast<std::size_t>(layout.rows);
    std::vector<index_t> gap_begin(n_rows, kBorder), gap_end(n_rows, layout.cols - kBorder);
    for (const Rect& level : layout.levels) {
        const bool is_left = level.left == kBorder;
        for (index_t y = level.top; y <= level.bottom; ++y) {
            if (is_left) {
                gap_begin[static_cast<std::size_t>(y)] = level.right + 1;
            } else {
                gap_end[static_cast<std::size_t>(y)] = level.left;
            }
        }
    }
    for (index_t c = 0; c < 3; ++c) {
        for (index_t y = 0; y < layout.rows; ++y) {
            float* row = canvas + (c * layout.rows + y) * layout.cols;
            const index_t begin = gap_begin[static_cast<std::size_t>(y)], end = gap_end[static_cast<std::size_t>(y)];
            std::fill(row, row + kBorder, 0.0F);
            if (begin < end) std::fill(row + begin, row + end, 0.0F);
            std::fill(row + layout.cols - kBorder, row + layout.cols, 0.0F);
        }
    }
}

template <class T, class Normalise>
void fill(ImageView<const T> image, const Normalise& normalise, const PyramidLayout& layout, float* canvas) {
    require(!layout.levels.empty() && layout.levels[0].width() == image.cols &&
                layout.levels[0].height() == image.rows && (image.channels == 1 || image.channels == 3),
            "the layout was made for an image of another shape");
    clear_gaps(layout, canvas);
    write_level_0(image, normalise, layout.levels[0], layout.rows, layout.cols, canvas);
    const auto width = static_cast<std::size_t>(image.cols + 1);
    Scratch scratch{std::vector<float>(3 * width), std::vector<std::int32_t>(width), std::vector<float>(width)};
    for (std::size_t i = 1; i < layout.levels.size(); ++i) {
        resize_level(canvas, layout.rows, layout.cols, layout.levels[i - 1], layout.levels[i], scratch);
    }
}

// Squared distance from a point to a rectangle, 0 inside.
index_t squared_distance(const Rect& rect, index_t x, index_t y) {
    const index_t dx = std::max<index_t>({rect.left - x, x - rect.right, 0});
    const index_t dy = std::max<index_t>({rect.top - y, y - rect.bottom, 0});
    return dx * dx + dy * dy;
}

}  // namespace

PyramidLayout pyramid_layout(index_t rows, index_t cols) {
    require(rows >= 10 && cols >= 10, "an image for the pyramid must be at least 10 x 10");
    require(rows < (index_t{1} << 24) && cols < (index_t{1} << 24), "an image for the pyramid is too large");
    std::vector<std::pair<index_t, index_t>> sizes;  // width, height
    for (index_t w = cols, h = rows; w > 0 && h >= kShortestLevel;) {
        sizes.emplace_back(w, h);
        w = static_cast<index_t>(std::floor(static_cast<double>(w) * kStep));
        h = static_cast<index_t>(std::floor(static_cast<double>(h) * kStep));
    }

    // Unsigned on purpose. The detector was trained and is known with a layout whose comparisons wrap around where a
    // difference is negative (narrow images); signed numbers would lay those out in another way.
    using wrapping = std::uint64_t;
    const auto u = [](index_t v) { return static_cast<wrapping>(v); };
    const wrapping gap = u(kGap), w0 = u(cols), h0 = u(rows);
    wrapping total = 0 - 2 * gap;
    for (const auto& [w, h] : sizes) total += u(h) + gap;
    wrapping first_column = 0, previous = 0;
    for (const auto& [w, h] : sizes) {
        if (u(w) <= w0 - previous - gap && 2 * (first_column - h0) >= total - h0) break;
        first_column += u(h) + gap;
        previous = u(w);
    }
    const index_t height = static_cast<index_t>(first_column) - kGap;

    PyramidLayout layout{height + 2 * kBorder, cols + 2 * kBorder, {}};
    std::size_t next = 0;
    index_t y = kBorder;
    for (; next < sizes.size() && y < height + kBorder; ++next) {
        const auto [w, h] = sizes[next];
        layout.levels.push_back({kBorder, y, kBorder + w - 1, y + h - 1});
        y += h + kGap;
    }
    y -= kGap;
    for (; next < sizes.size(); ++next) {
        const auto [w, h] = sizes[next];
        const index_t right = kBorder + cols - 1;
        const Rect level{right - w + 1, y - h, right, y - 1};
        // Level 0 spans the whole width, so only the rows can keep them apart.
        if (level.top <= layout.levels[0].bottom && level.bottom >= layout.levels[0].top) break;
        layout.levels.push_back(level);
        y -= h + kGap;
    }
    for (const Rect& level : layout.levels) {
        require(level.top >= 0 && level.left >= 0 && level.bottom < layout.rows && level.right < layout.cols,
                "a pyramid level lies outside the canvas");
    }
    return layout;
}

void fill_canvas(ImageView<const std::uint8_t> image, const std::array<float, 3>& mean, const PyramidLayout& layout,
                 float* canvas) {
    fill(image, NormaliseBytes(mean), layout, canvas);
}

void fill_canvas(ImageView<const float> image, const std::array<float, 3>& mean, const PyramidLayout& layout,
                 float* canvas) {
    fill(image, NormaliseFloats(mean), layout, canvas);
}

std::vector<ScoredBox> decode_scores(MatrixView<const float> scores, const PyramidLayout& layout, double threshold) {
    std::vector<ScoredBox> found;
    for (index_t row = 0; row < scores.rows; ++row) {
        for (index_t col = 0; col < scores.cols; ++col) {
            const float score = scores(row, col);
            if (!(static_cast<double>(score) > threshold)) continue;
            // Three convolutions of stride 2 without padding put cell 0 on pixel 14, and cells 8 pixels apart.
            const index_t x = 8 * col + 14, y = 8 * row + 14;
            std::size_t level = 0;
            index_t nearest = std::numeric_limits<index_t>::max();
            for (std::size_t i = 0; i < layout.levels.size(); ++i) {
                const index_t distance = squared_distance(layout.levels[i], x, y);
                if (distance < nearest) {
                    nearest = distance;
                    level = i;
                }
            }
            const double cx = static_cast<double>(x - layout.levels[level].left);
            const double cy = static_cast<double>(y - layout.levels[level].top);
            std::array<double, 4> box{cx - 39.5, cy - 39.5, cx + 39.5, cy + 39.5};
            for (double& v : box) {
                for (std::size_t i = 0; i < level; ++i) v = v * (6 / 5.0) + 0.3;
                v = std::round(v);
            }
            found.push_back({score, box});
        }
    }
    return found;
}

}  // namespace pyface::detect
