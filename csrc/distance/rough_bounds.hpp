// How far squared distances that are computed in float32 may be off.
#pragma once

#include "core/views.hpp"

namespace pyface::distance {

// Of rows in a frame, rounded to float32, by Finish::square: a square s has a value between least s - added and
// most s + added.
class RoughBounds {
public:
    // Whether squares of rows that a frame multiplies by this factor are numbers of float64, as they are given: they tell apart
    // what their values do.
    static bool hold(double factor) { return factor * factor > 1e-100 && factor * factor < 1e100; }

    RoughBounds() = default;
    // Rows of `dimension` numbers of at most this length.
    RoughBounds(index_t dimension, double length);

    double least() const { return least_; }
    double added() const { return added_; }
    // Pairs of at most this square have values up to this.
    float reach(double square) const;
    // The same for pairs that are not farther than a pair of this value.
    float reach_of(float value) const { return reach(static_cast<double>(value) * most_ + added_); }

private:
    double least_ = 0.0, most_ = 0.0, added_ = 0.0;
};

}  // namespace pyface::distance
