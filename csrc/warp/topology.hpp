// What must hold of a list of triangles before anything is computed from it.
#pragma once

#include <cstdint>
#include <vector>

#include "core/views.hpp"

namespace pyface::warp {

// The sign of a triangle's area in the plane: 1 clockwise on the screen, -1 the other way, 0 if the area is within the
// rounding error of float64.
int orientation(const double* a, const double* b, const double* c);

// Which points of n lie on the rim: on an edge of one triangle only. Throws std::invalid_argument if a triangle names a
// point that does not exist or one point twice, if an edge belongs to three triangles, or if two triangles lie on the
// same side of their common edge, that is if the mesh is folded; the message names the triangle. O(t log t).
std::vector<bool> rim(MatrixView<const double> points, MatrixView<const std::int32_t> triangles);

}  // namespace pyface::warp
