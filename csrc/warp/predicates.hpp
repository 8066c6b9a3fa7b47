// On which side of a line, inside or outside of a circle: answered exactly for any finite doubles, without a tolerance.
//
// Three tiers. Rounded arithmetic whose error is bounded answers almost always; where the bound leaves it open, whole
// numbers of as many bits as it takes do. Coordinates on a coarse lattice (photo pixels) have products that doubles
// hold exactly, so that there the first answer stands even if it is zero.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "core/views.hpp"

namespace pyface::warp {

struct Point {
    double x = 0.0;
    double y = 0.0;
};

// Twice the signed area of a, b, c: 1 if positive, -1 if negative, 0 if they are on one line. In whole numbers.
int exact_orient(const Point& a, const Point& b, const Point& c);

// Of a, b, c with orient(a, b, c) > 0: 1 if d is inside of their circle, 0 if on it, -1 if outside. In whole numbers.
int exact_in_circle(const Point& a, const Point& b, const Point& c, const Point& d);

class Predicates {
public:
    // points must be finite, and stay where they are.
    explicit Predicates(const std::vector<Point>& points);

    int orient(std::int32_t a, std::int32_t b, std::int32_t c) const;
    int in_circle(std::int32_t a, std::int32_t b, std::int32_t c, std::int32_t d) const;

private:
    // Of the sum of the magnitudes of all terms, for u = 2^-53. Shewchuk (1997) proves (3 + 16 u) u and (10 + 96 u) u.
    static constexpr double kOrientError = 4 * 0x1p-53;
    static constexpr double kCircleError = 12 * 0x1p-53;
    // What underflow adds at most, with room. The largest coordinate is about 2^200, so rounding to a subnormal number,
    // by 2^-1075, changes the determinant by 2^607 times that at most, fewer than a hundred times. Nothing overflows.
    static constexpr double kUnderflow = 0x1p-440;

    const Point& at(std::int32_t i) const { return scaled_[static_cast<std::size_t>(i)]; }
    const Point& given(std::int32_t i) const { return points_[static_cast<std::size_t>(i)]; }

    const std::vector<Point>& points_;
    std::vector<Point> scaled_;  // by the power of two that brings the largest coordinate to about 2^200
    bool doubles_are_exact_;
};

inline int sign_of(double v) { return (v > 0.0) - (v < 0.0); }

inline int Predicates::orient(std::int32_t a, std::int32_t b, std::int32_t c) const {
    const Point &p = at(a), &q = at(b), &r = at(c);
    const double left = (p.x - r.x) * (q.y - r.y), right = (p.y - r.y) * (q.x - r.x);
    const double area = left - right;
    if (doubles_are_exact_ || std::abs(area) > kOrientError * (std::abs(left) + std::abs(right)) + kUnderflow) {
        return sign_of(area);
    }
    return exact_orient(given(a), given(b), given(c));
}

inline int Predicates::in_circle(std::int32_t a, std::int32_t b, std::int32_t c, std::int32_t d) const {
    const Point& o = at(d);
    const double ax = at(a).x - o.x, ay = at(a).y - o.y;
    const double bx = at(b).x - o.x, by = at(b).y - o.y;
    const double cx = at(c).x - o.x, cy = at(c).y - o.y;
    const double bxcy = bx * cy, cxby = cx * by, cxay = cx * ay, axcy = ax * cy, axby = ax * by, bxay = bx * ay;
    const double aa = ax * ax + ay * ay, bb = bx * bx + by * by, cc = cx * cx + cy * cy;
    const double value = aa * (bxcy - cxby) + bb * (cxay - axcy) + cc * (axby - bxay);
    const double all = aa * (std::abs(bxcy) + std::abs(cxby)) + bb * (std::abs(cxay) + std::abs(axcy)) +
                       cc * (std::abs(axby) + std::abs(bxay));
    if (doubles_are_exact_ || std::abs(value) > kCircleError * all + kUnderflow) return sign_of(value);
    return exact_in_circle(given(a), given(b), given(c), given(d));
}

}  // namespace pyface::warp
