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

// A part of a copy whose pixel (i, j) is the mean of the pixels of the image in rows [i side, (i + 1) side) and columns
// [j side, (j + 1) side), fewer at its right and bottom border, in float32.
struct Reduced {
    index_t rows = 0, cols = 0, channels = 0;
    std::vector<float> means;

    ImageView<const float> view() const { return {means.data(), rows, cols, channels}; }
};

// Whole pixels of a copy.
struct Window {
    index_t top = 0, left = 0, rows = 1, cols = 1;
};

// What positions of the copy, from the least to the most, can touch of it; all of it is ceil(rows / side) x ceil(cols /
// side) pixels, and at least one is touched. Positions must be finite, or none at all: the least infinite.
Window touched(index_t rows, index_t cols, index_t side, double least_u, double most_u, double least_v, double most_v);

template <class T>
Reduced averaged(ImageView<const T> image, index_t side, const Window& window);

// The part that the spans of the mesh can touch, or `everything`. The coefficients (t, 6) are changed to give positions in
// it.
template <class T>
Reduced reduced(const Mesh& mesh, ImageView<const T> image, index_t side, bool everything,
                std::vector<double>& coefficients);

extern template Reduced averaged(ImageView<const std::uint8_t>, index_t, const Window&);
extern template Reduced averaged(ImageView<const float>, index_t, const Window&);
extern template Reduced reduced(const Mesh&, ImageView<const std::uint8_t>, index_t, bool, std::vector<double>&);
extern template Reduced reduced(const Mesh&, ImageView<const float>, index_t, bool, std::vector<double>&);

}  // namespace pyface::warp
