// A smooth surface through points: radial basis functions in the plane.
#pragma once

#include "core/parallel.hpp"
#include "core/views.hpp"

namespace pyface::frontal {

// out(i, j) = w[n] + w[n + 1] x + w[n + 2] y + sum over k of w[k] r^3, with r the distance of (xs[j], ys[i]) from centre
// k (n, 2), added in this order in float64. The same bits on every machine. O(rows cols n) time.
void radial_surface(MatrixView<const double> centres, VectorView<const double> weights, VectorView<const double> xs,
                    VectorView<const double> ys, double* out, const PollCallback& poll);

}  // namespace pyface::frontal
