#pragma once

#include <algorithm>
#include <cmath>

namespace pyface::distance {

enum class Metric { cosine, euclidean, sqeuclidean };

// From the dot product and the squared norms, in float64: clipped to [0, 2], 1 if a row is zero. One root, so that
// identical rows are at exactly 0.
inline double cosine_distance(double dot, double squared_norm, double other_squared_norm) {
    const double product = squared_norm * other_squared_norm;
    const double cosine = product > 0.0 ? dot / std::sqrt(product) : 0.0;
    return std::clamp(1.0 - cosine, 0.0, 2.0);
}

}  // namespace pyface::distance
