// A camera of a known focal length.
#pragma once

#include "pose/orthographic.hpp"
#include "pose/space.hpp"

namespace pyface::pose {

struct Camera {
    double focal;  // pixels
    double x, y;   // where its axis meets the image
};

struct Perspective {
    Matrix3 rotation;
    Vector3 translation;  // of the head's origin from the camera, in units of the head
    double residual;      // root mean square, weighted, in pixels
    Angles errors;
};

// The pose that brings the head nearest to the face (count, 2) as the camera sees it, from the fit without perspective
// on, and with that one's weights.
Perspective fit_perspective(const Orthographic& from, const Head& head, const double* face, const Camera& camera);

}  // namespace pyface::pose
