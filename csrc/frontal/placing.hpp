// From a head's pose and its landmarks to where the surface lies in the photo.
#pragma once

#include <array>
#include <vector>

#include "core/views.hpp"

namespace pyface::frontal {

inline constexpr index_t kLandmarks = 68, kJaw = 17, kOutline = 9;  // of the jaw's points, from an ear to the chin

// One face in its photo. The camera looks along z, x to the right and y down; lengths of the face are distances between
// the eyes.
struct Face {
    const double* landmarks;    // (68, 2) pixels
    const double* rotation;     // (3, 3) from the face to the camera
    const double* translation;  // (2): where the point between the eyes is seen
    double scale;               // pixels per distance between the eyes
};

// Where it lies.
struct Place {
    std::vector<double> source;               // (n, 2): where the mesh's points would be seen if the face were flat
    std::array<double, 3> view;               // third row of the rotation
    std::array<double, 2> bend;               // pixels, x y, that a point moves for each unit of depth
    std::array<double, 6> upright;            // (2, 3): from pixels to lengths: towards the side turned away, and down
    std::array<double, 2 * kOutline> outline;  // (9, 2): the jaw of that side there; the second number grows
    double outline_weight;                    // from 0, the outline says nothing, to 1
    index_t block;                            // side of the squares of the photo to average before it is sampled
};

// solid (n, 3): the mesh's points, the 68 landmarks first; they may be seen nowhere else than where these are, the others
// where the pose has them. is_flat: pixels in between have no depth of their own.
//
// The landmarks of the jaw count less the more the face is turned if `outline_is_seen`, which is to say that they follow
// what is seen of it: on the side turned away all up to 5 degrees of yaw and not at all from 25 on, on the other side
// from 15 to 45; smoothly in between, and from side to side. The outline's weight then grows from 5 to 15 degrees.
// block is 1 + floor(s / 2) for s >= 2 pixels of the photo per pixel of the picture, else 1.
Place place(MatrixView<const double> solid, bool is_flat, const Face& face, bool outline_is_seen, double pixels_per_unit);

}  // namespace pyface::frontal
