// Delaunay triangulation, exact on the doubles given.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "core/parallel.hpp"
#include "core/views.hpp"

namespace pyface::warp {

using Triangle = std::array<std::int32_t, 3>;

// The triangles of points (n, 2), which must be finite.
//
// Equal points are one, and go by the lowest index: representative (n,) receives it for each point. Each triangle
// (a, b, c) has (b - a) x (c - a) > 0, which is clockwise where y points down, and begins with its lowest index; rows
// are in ascending order. Together they fill the convex hull, points in the middle of its edges included.
//
// Points of one circle with none inside are the corners of a convex polygon, which Delaunay's condition leaves open:
// all its diagonals start at its lowest index. So the result is a function of points alone, not of the way it is
// found.
//
// std::invalid_argument if the points do not span a triangle, or are more than 300 million. O(n log n) time expected
// for points in any order, about 140 bytes of memory a point.
std::vector<Triangle> delaunay(MatrixView<const double> points, VectorView<std::int32_t> representative,
                               const PollCallback& poll = {});

}  // namespace pyface::warp
