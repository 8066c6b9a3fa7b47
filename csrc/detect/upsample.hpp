// Enlarging a photo before detection, for faces smaller than the detector's window.
#pragma once

#include <cstdint>

#include "core/views.hpp"

namespace pyface::detect {

constexpr index_t upsampled_rows(index_t rows) { return 2 * rows + 1; }
constexpr index_t upsampled_cols(index_t cols) { return 2 * cols + 2; }

// Align-corners bilinear to upsampled_rows x upsampled_cols, truncated to bytes. out has the channels of image.
//
// The arithmetic (float32 weights; columns advanced in four float32 lanes, the last few in float64; rows in float64 by
// repeated addition) is the reference's: truncation makes its rounding visible, so it is part of the result.
void upsample(ImageView<const std::uint8_t> image, ImageView<std::uint8_t> out);

}  // namespace pyface::detect
