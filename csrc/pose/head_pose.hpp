// Head poses of many faces.
#pragma once

#include <optional>

#include "core/face_points.hpp"
#include "core/parallel.hpp"
#include "pose/perspective.hpp"

namespace pyface::pose {

// Where the results of each face go.
struct Poses {
    double* angles;       // (faces, 3): pitch, yaw, roll in degrees
    double* rotation;     // (faces, 3, 3)
    double* translation;  // (faces, 3): with a camera in units of the head, else x and y in pixels, and 0
    double* scale;        // (faces): pixels per unit of the head, at its origin
    double* residual;     // (faces): pixels
    double* errors;       // (faces, 3): standard deviations of the angles
};

// Poses of faces whose landmarks (faces, head.count, 2) are finite. Weights are (faces, count) or (count), from 0 to 1,
// the largest of each face 1; null weighs all alike. Not refined: the closed form without the contour, no camera.
//
// Returns the first face that has no pose, with the reason, of which others are left out; -1 if there is none. Where points are
// few, or on a plane, two poses explain a face nearly alike: the one that fits better counts, and in doubt that which
// looks more towards the camera. Time O(count) a face, a microsecond for 68 points; with a camera O(count) a step.
index_t fit_poses(FacePoints landmarks, const Head& head, const FacePoints* weights, index_t faces,
                  const std::optional<Camera>& camera, bool refined, const Poses& out, Fault& fault, int n_threads,
                  const PollCallback& poll);

}  // namespace pyface::pose
