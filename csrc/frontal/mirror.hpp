// What a photo does not show of a face, taken from the other half.
#pragma once

#include <cstdint>

#include "frontal/relief.hpp"

namespace pyface::frontal {

template <class T>
struct Front {
    T* picture;           // (rows, cols, channels)
    std::uint8_t* mask;   // (rows, cols): which pixels the photo has; afterwards those that were filled, too
    float* visibility;    // (rows, cols), written
    index_t channels;
};

// Writes the visibility and, if `symmetric`, fills the picture; see frontalize.hpp. Returns the share of the mask that
// was filled, NaN if the photo has none of its pixels.
template <class T>
double finish(const Relief& relief, const Look& look, bool symmetric, const Front<T>& front);

extern template double finish(const Relief&, const Look&, bool, const Front<std::uint8_t>&);
extern template double finish(const Relief&, const Look&, bool, const Front<float>&);

}  // namespace pyface::frontal
