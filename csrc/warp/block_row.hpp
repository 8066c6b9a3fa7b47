// Means of blocks of pixels: smaller copies of photos.
#pragma once

#include <cstdint>
#include <type_traits>
#include <vector>

#include "core/views.hpp"

namespace pyface::warp {

// Averages rows of `cols` blocks of k x k pixels that begin at column `left` of the image, which may lie outside. What
// lies beyond the image counts as the colour `fill`; without one, blocks are means of their pixels in the image, and
// each must have some. Means are float32 of sums in integers, or float64 for floats.
template <class T>
class BlockRow {
public:
    BlockRow(ImageView<const T> image, const double* fill, index_t k, index_t left, index_t cols);

    // The row of blocks that begins at row `top` of the image, which may lie outside, into out (cols, channels).
    void average(index_t top, float* out);

private:
    // Sums of columns, and of blocks.
    using Sum = std::conditional_t<std::is_same_v<T, std::uint8_t>, std::uint32_t, double>;
    using Total = std::conditional_t<std::is_same_v<T, std::uint8_t>, std::int64_t, double>;

    index_t inside(index_t x) const;
    const Sum* sum(index_t begin, index_t end);
    template <int channels>
    void wholly(const Sum* sums, index_t count, float* out) const;
    void partly(const Sum* sums, index_t j, index_t rows, float* out) const;

    ImageView<const T> image_;
    const double* fill_;
    index_t k_, left_, cols_;
    index_t begin_, end_;              // columns of the image
    index_t whole_begin_, whole_end_;  // blocks all of whose columns lie in it
    std::vector<Sum> sums_;
};

extern template class BlockRow<std::uint8_t>;
extern template class BlockRow<float>;

}  // namespace pyface::warp
