// What can be seen of a face from where the camera stood, at 64 x 64 places of its front view.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "core/views.hpp"
#include "frontal/placing.hpp"
#include "warp/mesh.hpp"

namespace pyface::frontal {

// Places are kStep distances between the eyes apart; the middle of the face lies between the columns 31 and 32.
inline constexpr index_t kNodes = 64, kPlane = kNodes * kNodes;
inline constexpr double kStep = 0.05;
using Plane = std::array<float, kPlane>;

// All from 0 to 1.
struct Look {
    Plane visible;  // see Nodes
    Plane sure;     // how far that is enough to be shown
    Plane fill;     // how much of the mirror image is to be taken instead
};

class Nodes {
public:
    // Planes (64, 64): depth of the surface, its slopes along x and y, features (1 inside eyes and mouth, 0 far from them),
    // and which places belong to the face. points (n, 2) and triangles (t, 3) are the mesh, in places;
    // is_flat: its sources have the depth in them.
    Nodes(const float* depth, const float* slope_x, const float* slope_y, const float* feature,
          const std::uint8_t* on_face, bool is_flat, MatrixView<const double> points,
          MatrixView<const std::int32_t> triangles);

    // The visible share of a place is the area that a small piece of the surface has in the photo, over what it has from
    // the front at the same scale, at most 1: so 1 from the front, less the more it is turned away, 0 beyond. It
    // falls to 0 where other parts stand in front (over 0.05 behind them), and where the place comes to lie at the
    // outline of the side turned away (from 0.12 to 0.02 inside). float32, the same bits from every instruction set.
    void look(const Place& place, Look& out) const;

    const Plane& feature() const { return feature_; }
    bool on_face(index_t i) const { return on_face_[static_cast<std::size_t>(i)] != 0; }

private:
    void hide_behind(const double* view, Plane& visible) const;
    void hide_beyond_outline(const Place& place, Plane& visible) const;

    Plane depth_, slope_x_, slope_y_, feature_;
    std::array<std::uint8_t, kPlane> on_face_;
    bool is_flat_;
    warp::Mesh mesh_;
    std::array<std::int32_t, kPlane> owners_;
};

// 0 up to `low`, 1 from `high` on, smooth in between.
inline float smooth_step(float low, float high, float x) {
    float t = (x - low) / (high - low);
    t = t < 0 ? 0 : t > 1 ? 1 : t;
    return t * t * (3 - 2 * t);
}

}  // namespace pyface::frontal
