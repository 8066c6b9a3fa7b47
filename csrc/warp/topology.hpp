// What must hold of a list of triangles before anything is computed from it.
#pragma once

#include <cstdint>
#include <vector>

#include "core/views.hpp"
#include "warp/predicates.hpp"

namespace pyface::warp {

// Which of n points lie on the rim: on an edge of one triangle only. Throws std::invalid_argument if a triangle names a
// point that does not exist or one point twice, if an edge belongs to three triangles, or if two triangles lie on the
// same side of their common edge, that is if the mesh is folded; the message names the triangle. O(t log t).
std::vector<bool> rim(const Predicates& points, index_t n, MatrixView<const std::int32_t> triangles);

}  // namespace pyface::warp
