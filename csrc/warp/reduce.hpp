// Smaller copies of a photo, so that a warp that shrinks it does not step over its pixels.
#pragma once

#include <cstdint>
#include <vector>

#include "core/views.hpp"
#include "warp/mesh.hpp"

namespace pyface::warp {

// How often to halve: the power of two nearest to the mean minification, in logarithms, but never below 1. The mean is
// the square root of the area of all triangles in the source over that in the mesh.
int halvings_for(const Mesh& mesh, const double* source);

// A copy whose pixel (i, j) is the mean of the pixels of the image in rows [i s, (i + 1) s) and columns
// [j s, (j + 1) s), s = 2^halvings; bytes are rounded to the nearest, halves up. Only what the spans of the mesh can
// touch is filled, unless `everything`. The coefficients (t, 6) are changed to give positions in the copy.
template <class T>
class Reduced {
public:
    Reduced(const Mesh& mesh, ImageView<const T> image, int halvings, bool everything,
            std::vector<double>& coefficients);

    ImageView<const T> view() const { return {pixels_.data(), rows_, cols_, channels_}; }

private:
    index_t rows_, cols_, channels_;
    std::vector<T> pixels_;
};

extern template class Reduced<std::uint8_t>;
extern template class Reduced<float>;

}  // namespace pyface::warp
