#include "frontal/relief.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "core/require.hpp"

namespace pyface::frontal {
namespace {

// More than what rounding takes from a position, over the sum of its terms.
constexpr double kRounding = 0x1p-48;

std::vector<index_t> nearest(index_t pixels, double first, double step) {
    std::vector<index_t> made;
    for (index_t i = 0; i < kNodes; ++i) {
        const double pixel = std::floor((static_cast<double>(i) - first) / step + 0.5);
        made.push_back(static_cast<index_t>(std::clamp(pixel, 0.0, static_cast<double>(pixels - 1))));
    }
    return made;
}

}  // namespace

std::vector<Between> between(index_t pixels, index_t places, double first, double step) {
    std::vector<Between> made;
    made.reserve(static_cast<std::size_t>(pixels));
    for (index_t i = 0; i < pixels; ++i) {
        const double place = std::clamp(first + step * static_cast<double>(i), 0.0, static_cast<double>(places - 1));
        const double low = std::min(std::floor(place), static_cast<double>(places - 2));
        made.push_back({static_cast<std::int32_t>(low), static_cast<float>(place - low)});
    }
    return made;
}

Relief::Relief(MatrixView<const double> points, MatrixView<const std::int32_t> triangles, index_t rows, index_t cols,
               const std::uint8_t* shown, const float* depth, MatrixView<const double> solid, Nodes nodes,
               double first_x, double first_y, double step)
    : mesh_(points, triangles, rows, cols), nodes_(std::move(nodes)),
      solid_(solid.data, solid.data + 3 * solid.rows), is_flat_(depth == nullptr), pixels_per_unit_(1 / (step * kStep)),
      columns_(between(cols, kNodes, first_x, step)), lines_(between(rows, kNodes, first_y, step)),
      // Place i of the coarse grid lies between 2 i and 2 i + 1 of the fine one.
      half_columns_(between(cols, kNodes / 2, (first_x - 0.5) / 2, step / 2)),
      half_lines_(between(rows, kNodes / 2, (first_y - 0.5) / 2, step / 2)),
      nearest_column_(nearest(cols, first_x, step)), nearest_row_(nearest(rows, first_y, step)) {
    require(solid.rows == points.rows && solid.rows >= kLandmarks, "solid must have the points of the mesh, at least 68");
    require(step > 0 && std::isfinite(first_x) && std::isfinite(first_y), "places must be numbers, and apart");
    depth_.assign(static_cast<std::size_t>((is_flat_ ? cols : rows * cols) + simd::kPlaceSlack), 0);
    if (!is_flat_) std::copy_n(depth, rows * cols, depth_.begin());
    constexpr double kNone = std::numeric_limits<double>::infinity();
    extents_.assign(static_cast<std::size_t>(mesh_.n_triangles()), {kNone, -1, kNone, -1, kNone, -kNone});
    for (index_t y = 0; y < rows; ++y) {
        span_begin_.push_back(static_cast<index_t>(spans_.size()));
        run_begin_.push_back(static_cast<index_t>(runs_.size()));
        const std::uint8_t* is_shown = shown + y * cols;
        for (const simd::Span& span : mesh_.row(y)) {
            for (std::int32_t x = span.begin; x < span.end; ++x) {
                if (!is_shown[x]) continue;
                const std::int32_t begin = x;
                while (x < span.end && is_shown[x]) ++x;
                spans_.push_back({begin, x, span.triangle});
                const bool joins = static_cast<index_t>(runs_.size()) > run_begin_.back() && runs_.back().end == begin;
                if (joins) runs_.back().end = x;
                if (!joins) runs_.push_back({begin, x, 0});
                first_column_ = end_column_ == 0 ? begin : std::min<index_t>(first_column_, begin);
                end_column_ = std::max<index_t>(end_column_, x);
                Extent& e = extents_[static_cast<std::size_t>(span.triangle)];
                e.left = std::min<double>(e.left, begin), e.right = std::max<double>(e.right, x - 1);
                e.top = std::min(e.top, static_cast<double>(y)), e.bottom = static_cast<double>(y);
                for (std::int32_t i = begin; i < x; ++i) {
                    const auto z = static_cast<double>(this->depth(y)[i]);
                    require(std::abs(z) <= 1e3, "depth must be finite and within 1000");
                    e.near = std::min(e.near, z), e.far = std::max(e.far, z);
                }
            }
        }
    }
    span_begin_.push_back(static_cast<index_t>(spans_.size()));
    run_begin_.push_back(static_cast<index_t>(runs_.size()));
}

Place Relief::place(const Face& face, bool outline_is_seen) const {
    return frontal::place({solid_.data(), n_points(), 3}, is_flat_, face, outline_is_seen, pixels_per_unit_);
}

VectorView<const simd::Span> Relief::part(const std::vector<simd::Span>& all, const std::vector<index_t>& begin,
                                          index_t y) {
    const index_t from = begin[static_cast<std::size_t>(y)], to = begin[static_cast<std::size_t>(y + 1)];
    return {all.data() + from, to - from};
}

Relief::Range Relief::range(index_t triangle, const double* c, double bend) const {
    const Extent& e = extents_[static_cast<std::size_t>(triangle)];
    const double least = c[0] + std::min(c[1] * e.left, c[1] * e.right) + std::min(c[2] * e.top, c[2] * e.bottom) +
                         std::min(bend * e.near, bend * e.far);
    const double most = c[0] + std::max(c[1] * e.left, c[1] * e.right) + std::max(c[2] * e.top, c[2] * e.bottom) +
                        std::max(bend * e.near, bend * e.far);
    const double slack = kRounding * (std::abs(c[0]) + std::abs(c[1]) * e.right + std::abs(c[2]) * e.bottom +
                                      std::abs(bend) * std::max(std::abs(e.near), std::abs(e.far)));
    return {least - slack, most + slack};
}

}  // namespace pyface::frontal
