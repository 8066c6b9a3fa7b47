// Least-squares rotation, scale and translation between two small point sets.
#pragma once

#include <cmath>

#include "core/views.hpp"

namespace pyface::detect {

// (x, y) -> (a x - b y + tx, b x + a y + ty)
struct Similarity {
    double a = 1.0, b = 0.0, tx = 0.0, ty = 0.0;
};

// The similarity that brings from (k, 2) nearest to `to` (k, 2) in the sum of squares. from must not be one point.
template <class F, class G>
Similarity fit_similarity(const F* from, const G* to, index_t k) {
    double from_x = 0, from_y = 0, to_x = 0, to_y = 0;
    for (index_t i = 0; i < k; ++i) {
        from_x += static_cast<double>(from[2 * i]);
        from_y += static_cast<double>(from[2 * i + 1]);
        to_x += static_cast<double>(to[2 * i]);
        to_y += static_cast<double>(to[2 * i + 1]);
    }
    const double n = static_cast<double>(k);
    from_x /= n, from_y /= n, to_x /= n, to_y /= n;
    double spread = 0, dot = 0, cross = 0;
    for (index_t i = 0; i < k; ++i) {
        const double fx = static_cast<double>(from[2 * i]) - from_x, fy = static_cast<double>(from[2 * i + 1]) - from_y;
        const double gx = static_cast<double>(to[2 * i]) - to_x, gy = static_cast<double>(to[2 * i + 1]) - to_y;
        spread += fx * fx + fy * fy;
        dot += fx * gx + fy * gy;
        cross += fx * gy - fy * gx;
    }
    const double a = dot / spread, b = cross / spread;
    return {a, b, to_x - (a * from_x - b * from_y), to_y - (b * from_x + a * from_y)};
}

}  // namespace pyface::detect
