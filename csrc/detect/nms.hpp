// Greedy non-maximum suppression: best score first, a box falls if it overlaps one that was kept.
#pragma once

#include <cstdint>
#include <vector>

#include "core/parallel.hpp"
#include "core/views.hpp"

namespace pyface::detect {

// Indices of the kept boxes, best first; equal scores keep the lower index first.
//
// boxes (n, 4) are x1 y1 x2 y2 with area (x2 - x1)(y2 - y1). A box is dropped if its intersection over union with a
// kept box exceeds iou_threshold; two boxes without area never drop each other. Scores must not be NaN.
// O(n log n + n * kept) time, O(n) memory.
std::vector<std::int64_t> nms(MatrixView<const double> boxes, VectorView<const double> scores, double iou_threshold,
                              const PollCallback& poll = {});

// The same rule with the area of the intersection over that of the smaller box: one inside another falls however small
// it is.
std::vector<std::int64_t> nms_of_smaller(MatrixView<const double> boxes, VectorView<const double> scores,
                                         double overlap_threshold, const PollCallback& poll = {});

// The same greedy rule with MMOD's overlap, on boxes (n, 4) of integers whose right and bottom pixels count as inside:
// area of the intersection over the area of the rectangle that encloses both. The denominator is not the union, so
// two boxes far from nested fall less easily than under IoU.
std::vector<std::int64_t> mmod_nms(MatrixView<const std::int64_t> boxes, VectorView<const double> scores,
                                   double overlap_threshold, const PollCallback& poll = {});

}  // namespace pyface::detect
