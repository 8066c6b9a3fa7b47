#include "warp/reduce.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

namespace pyface::warp {
namespace {

constexpr double kLargestBlock = 1 << 15;  // one pixel is left of the longest side

struct Range {
    double least = std::numeric_limits<double>::infinity(), most = -std::numeric_limits<double>::infinity();

    void take(double v) {
        least = std::min(least, v);
        most = std::max(most, v);
    }
    // Whole pixels of [0, size) with a margin for the neighbours.
    index_t begin(index_t size) const { return inside(std::floor(least) - 2, size - 1); }
    index_t end(index_t size) const { return inside(std::ceil(most) + 2, size - 1) + 1; }

private:
    static index_t inside(double v, index_t last) {
        return static_cast<index_t>(std::clamp(v, 0.0, static_cast<double>(last)));
    }
};

template <class T>
T mean(double sum, index_t count) {
    const double value = sum / static_cast<double>(count);
    if constexpr (std::is_same_v<T, float>) {
        return static_cast<float>(value);
    } else {
        return static_cast<T>(value + 0.5);
    }
}

}  // namespace

index_t block_for(const Mesh& mesh, const double* source) {
    const double ratio = mesh.area(source) / mesh.area();
    // Compared first, as the ratio of no area to none is no number.
    return ratio >= 4 ? static_cast<index_t>(std::min(1 + std::floor(std::sqrt(ratio) / 2), kLargestBlock)) : 1;
}

template <class T>
Reduced<T>::Reduced(const Mesh& mesh, ImageView<const T> image, index_t side, bool everything,
                    std::vector<double>& coefficients)
    : channels_(image.channels) {
    rows_ = (image.rows + side - 1) / side;
    cols_ = (image.cols + side - 1) / side;
    pixels_.resize(static_cast<std::size_t>(rows_ * cols_ * channels_));
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
    const index_t row_end = everything ? rows_ : v.end(rows_), col_end = everything ? cols_ : u.end(cols_);
    const index_t col_begin = everything ? 0 : u.begin(cols_);
    std::vector<double> sums(static_cast<std::size_t>(cols_ * channels_));
    for (index_t i = everything ? 0 : v.begin(rows_); i < row_end; ++i) {
        std::fill(sums.begin(), sums.end(), 0.0);
        const index_t first = i * side, last = std::min(first + side, image.rows);
        for (index_t y = first; y < last; ++y) {
            for (index_t j = col_begin; j < col_end; ++j) {
                const index_t stop = std::min((j + 1) * side, image.cols);
                for (index_t x = j * side; x < stop; ++x) {
                    for (index_t c = 0; c < channels_; ++c) {
                        sums[static_cast<std::size_t>(j * channels_ + c)] += static_cast<double>(image(y, x, c));
                    }
                }
            }
        }
        for (index_t j = col_begin; j < col_end; ++j) {
            const index_t count = (last - first) * (std::min((j + 1) * side, image.cols) - j * side);
            for (index_t c = 0; c < channels_; ++c) {
                const auto k = static_cast<std::size_t>(j * channels_ + c);
                pixels_[static_cast<std::size_t>(i * cols_ * channels_) + k] = mean<T>(sums[k], count);
            }
        }
    }
}

template class Reduced<std::uint8_t>;
template class Reduced<float>;

}  // namespace pyface::warp
