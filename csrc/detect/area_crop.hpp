// Crops of whole-pixel rectangles by area, as the later stages of a detector cascade look at many at once.
#pragma once

#include <cstdint>

#include "core/parallel.hpp"
#include "core/views.hpp"

namespace pyface::detect {

// Cuts the rectangles of boxes (n, 4), x1 y1 x2 y2 with the last pixels inside, into out (n, rows, cols, channels).
//
// A crop pixel is the mean of the image over its share of the rectangle, parts of pixels counted as such, also where the
// rectangle is smaller than the crop; what lies outside the image is black. The sums are whole numbers, so the result
// is the exact mean rounded to the nearest, halves to even. Coordinates must be within +-1e9 with x1 <= x2 and y1 <= y2,
// sides of rectangles at most 2^22, those of crops 1 to 1,024; 1, 3 or 4 channels.
// Time about that of reading the rectangle once and the crop three times; memory that of a few rows of a crop a thread.
void area_crops(ImageView<const std::uint8_t> image, MatrixView<const std::int64_t> boxes, index_t rows, index_t cols,
                std::uint8_t* out, int n_threads, const PollCallback& poll = {});

}  // namespace pyface::detect
