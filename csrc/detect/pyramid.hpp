// The tiled image pyramid of the MMOD detector: every level in one canvas, so that one run of the network sees all.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "core/views.hpp"

namespace pyface::detect {

// Right and bottom are inside.
struct Rect {
    index_t left, top, right, bottom;

    index_t width() const { return right - left + 1; }
    index_t height() const { return bottom - top + 1; }
};

// Where each level lies: level 0 is the image itself, each next one 5/6 of the one before.
struct PyramidLayout {
    index_t rows = 0;
    index_t cols = 0;
    std::vector<Rect> levels;
};

// The layout for an image of rows x cols, both at least 10.
PyramidLayout pyramid_layout(index_t rows, index_t cols);

// Writes the canvas as three float32 planes of layout.rows x layout.cols: (value - mean) / 256 inside the levels, zero
// (the mean colour) between them. Level i is an align-corners bilinear resize of level i - 1, never rounded.
// Grey images fill all three planes. image must have the size the layout was made for.
void fill_canvas(ImageView<const std::uint8_t> image, const std::array<float, 3>& mean, const PyramidLayout& layout,
                 float* canvas);
void fill_canvas(ImageView<const float> image, const std::array<float, 3>& mean, const PyramidLayout& layout,
                 float* canvas);

struct ScoredBox {
    float score;
    std::array<double, 4> box;  // whole numbers: left, top, right, bottom
};

// The cells of a score map above the threshold as boxes of the image, in the order of the map (rows, then columns).
std::vector<ScoredBox> decode_scores(MatrixView<const float> scores, const PyramidLayout& layout, double threshold);

}  // namespace pyface::detect
