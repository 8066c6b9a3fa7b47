// The best similarity between points, in closed form.
#pragma once

#include "core/face_points.hpp"
#include "core/parallel.hpp"
#include "core/views.hpp"

namespace pyface::warp {

// Where the results of each face go: a matrix of two rows and three columns, and one number each.
struct Similarities {
    double* matrix;
    double* scale;
    double* rotation;  // degrees in (-180, 180]
    double* residual;  // root mean square, weighted, in the target
};

// The turn, uniform scale and shift that bring the points (faces, points, 2) of each face nearest to its target (Umeyama's method in the
// plane, without reflections). `weights` are (faces, points) or (points) in the same way, at least 0 and not all 0; null
// weighs all points alike. Returns the first face whose points of weight are all equal, which has no such similarity and
// ends the work, or -1. std::invalid_argument for weights whose sum is not above 0 and finite.
index_t fit_similarities(FacePoints source, FacePoints target, const FacePoints* weights, index_t faces, index_t points,
                         const Similarities& out, const PollCallback& poll);

}  // namespace pyface::warp
