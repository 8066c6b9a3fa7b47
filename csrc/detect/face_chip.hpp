// Upright, equally large face crops ("chips") from landmarks.
#pragma once

#include <cstdint>

#include "core/parallel.hpp"
#include "core/views.hpp"

namespace pyface::detect {

// What a chip shows of the image: a square of inclusive corners, turned by angle (radians) about its centre.
struct ChipPlace {
    double left, top, right, bottom, angle;
};

// The place from the k landmarks (k, 2) of a face and where they stand in a unit square (template, (k, 2)), which the
// chip of size x size pixels shows with `padding` of its side around.
ChipPlace chip_place(const double* landmarks, const double* unit_template, index_t k, index_t size, double padding);

// Cuts the chips of n faces (landmarks (n, k, 2) one after another) into out (n, size, size, 3).
//
// A face more than about twice as large as the chip is first halved, as often as needed, by a 5-tap binomial filter.
// Samples are bilinear in float64 and truncated, not rounded; what lies outside the image is black. Grey images give
// three equal channels. Landmarks must be finite and within +-1e7. Time about 0.2 ms a chip of 150 pixels.
void face_chips(ImageView<const std::uint8_t> image, const double* landmarks, index_t n, const double* unit_template,
                index_t k, index_t size, double padding, std::uint8_t* out, int n_threads,
                const PollCallback& poll = {});

}  // namespace pyface::detect
