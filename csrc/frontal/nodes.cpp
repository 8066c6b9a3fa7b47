#include "frontal/nodes.hpp"

#include <algorithm>
#include <cmath>

namespace pyface::frontal {
namespace {

constexpr float kFar = 1000;         // deeper than any face
constexpr float kSoftEdge = 0.05f;   // so far behind another part a place is hidden
constexpr double kStraight = 1e-3;   // tangent of a turn in which nothing hides anything
// Visible shares below are filled, above shown. Chosen on photos: less, and the far cheek is a smear; more, and noses are
// mirrored.
constexpr float kFilled = 0.25f, kShown = 0.65f;
// Below, an eye or a mouth is no longer worth keeping.
constexpr float kFeatureGone = 0.05f, kFeatureKept = 0.3f;
// Landmarks miss the outline by a few hundredths, and behind it there is another colour.
constexpr float kOutside = 0.02f, kInside = 0.12f;
constexpr float kAside = 0.4f;  // from the middle, where the outline begins to count

Plane plane_of(const float* values) {
    Plane made;
    std::copy_n(values, kPlane, made.begin());
    return made;
}

std::size_t at(index_t i) { return static_cast<std::size_t>(i); }

}  // namespace

Nodes::Nodes(const float* depth, const float* slope_x, const float* slope_y, const float* feature,
             const std::uint8_t* on_face, bool is_flat, MatrixView<const double> points, MatrixView<const std::int32_t> triangles)
    : depth_(plane_of(depth)), slope_x_(plane_of(slope_x)), slope_y_(plane_of(slope_y)), feature_(plane_of(feature)),
      is_flat_(is_flat), mesh_(points, triangles, kNodes, kNodes) {
    std::copy_n(on_face, kPlane, on_face_.begin());
    mesh_.owners(owners_.data());
}

void Nodes::look(const Place& place, Look& out) const {
    const auto x = static_cast<float>(place.view[0]), y = static_cast<float>(place.view[1]);
    const auto z = static_cast<float>(place.view[2]);
    for (std::size_t i = 0; i < kPlane; ++i) {
        const float share = z - x * slope_x_[i] - y * slope_y_[i];
        out.visible[i] = share < 0 ? 0 : share > 1 ? 1 : share;
    }
    hide_behind(place.view.data(), out.visible);
    if (place.outline_weight > 0) hide_beyond_outline(place, out.visible);
    for (std::size_t i = 0; i < kPlane; ++i) out.sure[i] = smooth_step(kFilled, kShown, out.visible[i]);
    for (std::size_t row = 0; row < kPlane; row += kNodes) {
        for (std::size_t c = 0; c < kNodes; ++c) {
            const std::size_t i = row + c, mirrored = row + kNodes - 1 - c;
            const float kept = feature_[i] * smooth_step(kFeatureGone, kFeatureKept, out.visible[i]);
            out.fill[i] = (1 - out.sure[i]) * out.sure[mirrored] * (1 - kept);
        }
    }
}

// Goes through lines of places from the camera's side on. The ray from a place to the camera passes over the line before,
// between two of its places, at less depth: the least depth met there, taken along the ray, is what hides the place.
void Nodes::hide_behind(const double* view, Plane& visible) const {
    const double towards[3] = {-view[0], -view[1], -view[2]};
    const bool across = std::abs(towards[0]) >= std::abs(towards[1]);
    const double main = towards[across ? 0 : 1], aside = towards[across ? 1 : 0];
    if (!(std::abs(main) > kStraight)) return;
    const auto slope = static_cast<float>(aside / std::abs(main));
    const auto rise = static_cast<float>(towards[2] / std::abs(main) * kStep);
    const index_t line_step = across ? 1 : kNodes, place_step = across ? kNodes : 1;
    const auto depth = [&](index_t i) { return on_face_[at(i)] ? depth_[at(i)] : kFar; };
    index_t low[kNodes], high[kNodes];
    float way[kNodes], nearest[kNodes], hiding[kNodes];
    for (index_t i = 0; i < kNodes; ++i) {
        const float place = std::clamp(static_cast<float>(i) + slope, 0.0f, static_cast<float>(kNodes - 1));
        low[i] = static_cast<index_t>(place), high[i] = std::min(low[i] + 1, kNodes - 1);
        way[i] = place - static_cast<float>(low[i]);
    }
    std::fill_n(nearest, kNodes, kFar);
    for (index_t k = 0; k < kNodes; ++k) {
        const index_t line = (main > 0 ? kNodes - 1 - k : k) * line_step;
        for (index_t i = 0; i < kNodes; ++i) {
            const float least = nearest[low[i]] + way[i] * (nearest[high[i]] - nearest[low[i]]) - rise;
            hiding[i] = std::min(kFar, least);
        }
        for (index_t i = 0; i < kNodes; ++i) {
            const index_t place = line + i * place_step;
            if (on_face_[at(place)]) {
                const float behind = (depth_[at(place)] - hiding[i]) / kSoftEdge;
                visible[at(place)] *= 1 - (behind < 0 ? 0 : behind > 1 ? 1 : behind);
            }
            nearest[i] = std::min(depth(place), hiding[i]);
        }
    }
}

void Nodes::hide_beyond_outline(const Place& place, Plane& visible) const {
    std::vector<double> table(at(6 * mesh_.n_triangles()));
    mesh_.coefficients(place.source.data(), table.data());
    const double *m = place.upright.data(), *outline = place.outline.data();
    const bool right = place.view[0] >= 0;  // the face's right side, in the picture, is turned away
    for (index_t row = 0; row < kNodes; ++row) {
        index_t k = 1;
        for (index_t c = 0; c < kNodes / 2; ++c) {
            const index_t column = right ? kNodes / 2 + c : kNodes / 2 - 1 - c, i = row * kNodes + column;
            if (!on_face_[at(i)] || owners_[at(i)] < 0) continue;
            const double* t = table.data() + 6 * static_cast<index_t>(owners_[at(i)]);
            const auto x = static_cast<double>(column), y = static_cast<double>(row);
            const auto depth = static_cast<double>(depth_[at(i)]);
            const double u = t[0] + t[1] * x + t[2] * y + (is_flat_ ? 0 : place.bend[0] * depth);
            const double v = t[3] + t[4] * x + t[5] * y + (is_flat_ ? 0 : place.bend[1] * depth);
            const double away = m[0] * u + m[1] * v + m[2], down = m[3] * u + m[4] * v + m[5];
            while (k + 1 < kOutline && outline[2 * k + 1] < down) ++k;
            while (k > 1 && outline[2 * k - 1] >= down) --k;
            const double *p = outline + 2 * (k - 1), *q = outline + 2 * k;
            const double way = std::clamp((down - p[1]) / (q[1] - p[1]), 0.0, 1.0);
            const auto inside = static_cast<float>(p[0] + way * (q[0] - p[0]) - away);
            const float counts = static_cast<float>(place.outline_weight) *
                                 smooth_step(0, kAside, static_cast<float>((static_cast<double>(c) + 0.5) * kStep));
            visible[at(i)] *= 1 - counts * (1 - smooth_step(kOutside, kInside, inside));
        }
    }
}

}  // namespace pyface::frontal
