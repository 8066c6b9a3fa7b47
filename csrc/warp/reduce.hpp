// Smaller copies of a photo, so that a warp that shrinks it does not step over its pixels.
#pragma once

#include <cstdint>
#include <vector>

#include "core/views.hpp"
#include "warp/mesh.hpp"

namespace pyface::warp {

// The side of the blocks to average before a warp, in pixels of the photo: 1 + floor(s / 2) for a mean minification s,
// so that between 1 and 2 blocks lie between two pixels of the output; 1 below s = 2. The mean is the square root of
// the area of all triangles in the source over that in the mesh. Blocks as wide as the step would blur too much, since
// bilinear sampling spreads over two of them.
index_t block_for(const Mesh& mesh, const double* source);

// A copy whose pixel (i, j) is the mean of the pixels of the image in rows [i s, (i + 1) s) and columns [j s, (j + 1)
// s), s = block; bytes are rounded to the nearest, halves up. Only what the spans of the mesh can touch is filled,
// unless `everything`. The coefficients (t, 6) are changed to give positions in the copy.
template <class T>
class Reduced {
public:
    Reduced(const Mesh& mesh, ImageView<const T> image, index_t block, bool everything,
            std::vector<double>& coefficients);

    ImageView<const T> view() const { return {pixels_.data(), rows_, cols_, channels_}; }

private:
    index_t rows_, cols_, channels_;
    std::vector<T> pixels_;
};

extern template class Reduced<std::uint8_t>;
extern template class Reduced<float>;

}  // namespace pyface::warp
