// What the entries of a matrix are while it is worked on, and the heights that they stand for.
#pragma once

#include <cmath>

namespace pyface::linkage {

// entry = (distance * factor), squared for the linkages that are defined on squares. The factor is a power of two: it
// changes no digit, and keeps squares and sums from overflowing, and from vanishing.
struct Scale {
    double factor = 1.0;
    bool is_squared = false;

    double height(double entry) const {
        // By centroids of what are no Euclidean distances, squares may come out negative.
        if (is_squared) entry = std::sqrt(entry > 0.0 ? entry : 0.0);
        return entry / factor;
    }
};

}  // namespace pyface::linkage
