// Which triangle each pixel belongs to, in integers.
#pragma once

#include <cstdint>
#include <vector>

#include "core/parallel.hpp"
#include "core/views.hpp"

namespace pyface::warp {

inline constexpr double kSubpixels = 256;   // per pixel: corners are rounded to these
inline constexpr double kFarthest = 1e6;    // pixels: with more, edge functions would leave 64 bits
inline constexpr std::int32_t kNobody = -1;

struct Corner {
    std::int64_t x, y;  // in 1/256 pixel
};

struct CornerTriangle {
    Corner corners[3];  // clockwise on the screen (y grows downwards), or it covers nothing
    bool claims_edges;  // takes part in the second pass
};

Corner snapped(double x, double y);

// Twice the signed area, in 1/65536 square pixels; above 0 if clockwise on the screen.
std::int64_t doubled_area(const Corner* corners);

// The owner of each of rows x cols pixels, or kNobody. A pixel belongs to the triangle that its centre lies in; on an
// edge to the triangle that has it as its left or top edge (the rule of Direct3D); of several to the first. What is
// left then goes to the first of the triangles that claim edges whose edge or corner it lies on: the rim of the mesh.
// Time: a few divisions per triangle and row, and its pixels.
std::vector<std::int32_t> owners(const std::vector<CornerTriangle>& triangles, index_t rows, index_t cols,
                                 const PollCallback& poll);

}  // namespace pyface::warp
