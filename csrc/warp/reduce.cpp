#include "warp/reduce.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "warp/block_row.hpp"

namespace pyface::warp {
namespace {

constexpr double kLargestBlock = 1 << 15;  // one pixel is left of the longest side

struct Range {
    double least = std::numeric_limits<double>::infinity(), most = -std::numeric_limits<double>::infinity();

    void take(double v) {
        least = std::min(least, v);
        most = std::max(most, v);
    }
    // Whole pixels of [0, size) with a margin for the neighbours; the first one if there are no positions.
    index_t begin(index_t size) const { return least <= most ? inside(std::floor(least) - 2, size - 1) : 0; }
    index_t end(index_t size) const { return (least <= most ? inside(std::ceil(most) + 2, size - 1) : 0) + 1; }

private:
    static index_t inside(double v, index_t last) {
        return static_cast<index_t>(std::clamp(v, 0.0, static_cast<double>(last)));
    }
};

}  // namespace

index_t block_for(const Mesh& mesh, const double* source) {
    const double ratio = mesh.area(source) / mesh.area();
    // Compared first, as the ratio of no area to none is no number.
    return ratio >= 4 ? static_cast<index_t>(std::min(1 + std::floor(std::sqrt(ratio) / 2), kLargestBlock)) : 1;
}

Window touched(index_t rows, index_t cols, index_t side, double least_u, double most_u, double least_v, double most_v) {
    const Range u{least_u, most_u}, v{least_v, most_v};
    const index_t all_rows = (rows + side - 1) / side, all_cols = (cols + side - 1) / side;
    const index_t top = v.begin(all_rows), left = u.begin(all_cols);
    return {top, left, v.end(all_rows) - top, u.end(all_cols) - left};
}

template <class T>
Reduced averaged(ImageView<const T> image, index_t side, const Window& window) {
    Reduced made{window.rows, window.cols, image.channels, {}};
    const index_t row_size = made.cols * image.channels;
    made.means.resize(static_cast<std::size_t>(made.rows * row_size));
    BlockRow<T> blocks(image, nullptr, side, window.left * side, made.cols);
    for (index_t i = 0; i < made.rows; ++i) {
        blocks.average((window.top + i) * side, made.means.data() + i * row_size);
    }
    return made;
}

template <class T>
Reduced reduced(const Mesh& mesh, ImageView<const T> image, index_t side, bool everything,
                std::vector<double>& coefficients) {
    const double scale = 1 / static_cast<double>(side);
    for (std::size_t i = 0; i < coefficients.size(); i += 3) {
        coefficients[i] = (coefficients[i] + 0.5) * scale - 0.5;
        coefficients[i + 1] *= scale;
        coefficients[i + 2] *= scale;
    }
    Range u, v;
    for (index_t y = 0; y < mesh.rows(); ++y) {
        for (const simd::Span& span : mesh.row(y)) {
            const double* c = coefficients.data() + 6 * static_cast<index_t>(span.triangle);
            for (const std::int32_t x : {span.begin, span.end - 1}) {
                u.take(c[0] + c[1] * static_cast<double>(x) + c[2] * static_cast<double>(y));
                v.take(c[3] + c[4] * static_cast<double>(x) + c[5] * static_cast<double>(y));
            }
        }
    }
    // Where the part ends the image ends, too, or no position comes near.
    Window window{0, 0, (image.rows + side - 1) / side, (image.cols + side - 1) / side};
    if (!everything) window = touched(image.rows, image.cols, side, u.least, u.most, v.least, v.most);
    for (std::size_t i = 0; i < coefficients.size(); i += 6) {
        coefficients[i] -= static_cast<double>(window.left);
        coefficients[i + 3] -= static_cast<double>(window.top);
    }
    return averaged(image, side, window);
}

template Reduced averaged(ImageView<const std::uint8_t>, index_t, const Window&);
template Reduced averaged(ImageView<const float>, index_t, const Window&);
template Reduced reduced(const Mesh&, ImageView<const std::uint8_t>, index_t, bool, std::vector<double>&);
template Reduced reduced(const Mesh&, ImageView<const float>, index_t, bool, std::vector<double>&);

}  // namespace pyface::warp
