#include "warp/raster.hpp"

#include <algorithm>
#include <cmath>

namespace pyface::warp {
namespace {

constexpr std::int64_t kUnits = static_cast<std::int64_t>(kSubpixels);

std::int64_t floor_div(std::int64_t a, std::int64_t b) {  // b > 0
    const std::int64_t q = a / b;
    return q * b > a ? q - 1 : q;
}

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return -floor_div(-a, b); }

// The pixels x of row y with E >= bias, where E is the edge function of a -> b, narrow [first, last].
void clip(const Corner& a, const Corner& b, std::int64_t y, std::int64_t bias, std::int64_t& first,
          std::int64_t& last) {
    // E = (b.x - a.x) (256 y - a.y) - (b.y - a.y) (256 x - a.x) = slope x + rest
    const std::int64_t slope = -(b.y - a.y) * kUnits;
    const std::int64_t rest = (b.x - a.x) * (y * kUnits - a.y) + (b.y - a.y) * a.x - bias;
    if (slope > 0) {
        first = std::max(first, ceil_div(-rest, slope));
    } else if (slope < 0) {
        last = std::min(last, floor_div(rest, -slope));
    } else if (rest < 0) {
        last = first - 1;
    }
}

bool is_left_or_top(const Corner& a, const Corner& b) { return b.y < a.y || (b.y == a.y && b.x > a.x); }

void claim(const CornerTriangle& triangle, std::int32_t number, bool closed, index_t rows, index_t cols,
           std::vector<std::int32_t>& owner) {
    const Corner* p = triangle.corners;
    if (doubled_area(p) <= 0) return;
    const auto [low, high] = std::minmax({p[0].y, p[1].y, p[2].y});
    const std::int64_t y_end = std::min<std::int64_t>(floor_div(high, kUnits) + 1, rows);
    for (std::int64_t y = std::max<std::int64_t>(ceil_div(low, kUnits), 0); y < y_end; ++y) {
        std::int64_t first = 0, last = cols - 1;
        for (int e = 0; e < 3; ++e) {
            const Corner &a = p[e], &b = p[(e + 1) % 3];
            clip(a, b, y, closed || is_left_or_top(a, b) ? 0 : 1, first, last);
        }
        for (std::int64_t x = first; x <= last; ++x) {
            std::int32_t& who = owner[static_cast<std::size_t>(y * cols + x)];
            if (who == kNobody) who = number;
        }
    }
}

}  // namespace

Corner snapped(double x, double y) {
    return {static_cast<std::int64_t>(std::floor(x * kSubpixels + 0.5)),
            static_cast<std::int64_t>(std::floor(y * kSubpixels + 0.5))};
}

std::int64_t doubled_area(const Corner* p) {
    return (p[1].x - p[0].x) * (p[2].y - p[0].y) - (p[1].y - p[0].y) * (p[2].x - p[0].x);
}

std::vector<std::int32_t> owners(const std::vector<CornerTriangle>& triangles, index_t rows, index_t cols,
                                 const PollCallback& poll) {
    Poller look(poll);
    std::vector<std::int32_t> owner(static_cast<std::size_t>(rows * cols), kNobody);
    for (const bool closed : {false, true}) {
        for (std::size_t t = 0; t < triangles.size(); ++t) {
            if (closed && !triangles[t].claims_edges) continue;
            claim(triangles[t], static_cast<std::int32_t>(t), closed, rows, cols, owner);
            look();
        }
    }
    return owner;
}

}  // namespace pyface::warp
