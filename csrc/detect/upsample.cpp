#include "detect/upsample.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/require.hpp"

namespace pyface::detect {
namespace {

struct Columns {
    std::vector<index_t> left;
    std::vector<float> fraction;
    std::vector<double> tail_fraction;
    index_t tail_begin = 0;  // from here on in float64
};

Columns column_table(index_t cols_in, index_t cols_out) {
    const double step = static_cast<double>(cols_in - 1) / static_cast<double>(std::max<index_t>(cols_out - 1, 1));
    Columns columns;
    columns.left.resize(static_cast<std::size_t>(cols_out));
    columns.fraction.resize(static_cast<std::size_t>(cols_out));
    columns.tail_fraction.resize(static_cast<std::size_t>(cols_out));

    float lane[4];
    for (int j = 0; j < 4; ++j) lane[j] = static_cast<float>(-4 * step + j * step);
    const float group_step = static_cast<float>(4 * step);
    index_t col = 0;
    for (; col + 4 <= cols_out; col += 4) {
        for (float& x : lane) x += group_step;
        if (static_cast<index_t>(lane[3]) + 1 >= cols_in) break;
        for (index_t j = 0; j < 4; ++j) {
            // The first lane starts at float32(-4 s) + float32(4 s), which is 0; none is negative.
            const auto left = static_cast<index_t>(lane[j]);
            columns.left[static_cast<std::size_t>(col + j)] = left;
            columns.fraction[static_cast<std::size_t>(col + j)] = lane[j] - static_cast<float>(left);
        }
    }
    columns.tail_begin = col;
    double x = -step + static_cast<double>(col) * step;
    for (; col < cols_out; ++col) {
        x += step;
        const auto left = std::clamp<index_t>(static_cast<index_t>(std::floor(x)), 0, cols_in - 1);
        columns.left[static_cast<std::size_t>(col)] = left;
        columns.tail_fraction[static_cast<std::size_t>(col)] = x - static_cast<double>(left);
    }
    return columns;
}

template <class Real>
std::uint8_t blend(std::uint8_t tl, std::uint8_t tr, std::uint8_t bl, std::uint8_t br, Real fx, Real fy) {
    const Real value = (1 - fy) * (1 - fx) * static_cast<Real>(tl) + (1 - fy) * fx * static_cast<Real>(tr) +
                       fy * (1 - fx) * static_cast<Real>(bl) + fy * fx * static_cast<Real>(br);
    // Rounding may leave the value a hair outside [0, 256).
    return static_cast<std::uint8_t>(std::clamp(value, Real{0}, Real{255}));
}

}  // namespace

void upsample(ImageView<const std::uint8_t> image, ImageView<std::uint8_t> out) {
    require(image.rows > 0 && image.cols > 0, "an image to enlarge may not be empty");
    require(out.rows == upsampled_rows(image.rows) && out.cols == upsampled_cols(image.cols) &&
                out.channels == image.channels,
            "out must have 2 rows + 1 and 2 columns + 2 of the image and its channels");
    const Columns columns = column_table(image.cols, out.cols);
    const index_t channels = image.channels;
    const double step = static_cast<double>(image.rows - 1) / static_cast<double>(std::max<index_t>(out.rows - 1, 1));
    double y = -step;
    for (index_t row = 0; row < out.rows; ++row) {
        y += step;
        const auto upper = std::clamp<index_t>(static_cast<index_t>(std::floor(y)), 0, image.rows - 1);
        const double fraction = y - static_cast<double>(upper);
        const std::uint8_t* above = image.row(upper);
        const std::uint8_t* below = image.row(std::min(upper + 1, image.rows - 1));
        std::uint8_t* to = out.row(row);
        for (index_t col = 0; col < out.cols; ++col) {
            const index_t left = channels * columns.left[static_cast<std::size_t>(col)];
            const index_t right = std::min(left + channels, channels * (image.cols - 1));
            const bool in_lanes = col < columns.tail_begin;
            for (index_t c = 0; c < channels; ++c) {
                const std::uint8_t tl = above[left + c], tr = above[right + c];
                const std::uint8_t bl = below[left + c], br = below[right + c];
                to[col * channels + c] =
                    in_lanes ? blend<float>(tl, tr, bl, br, columns.fraction[static_cast<std::size_t>(col)],
                                            static_cast<float>(fraction))
                             : blend<double>(tl, tr, bl, br, columns.tail_fraction[static_cast<std::size_t>(col)],
                                             fraction);
            }
        }
    }
}

}  // namespace pyface::detect
