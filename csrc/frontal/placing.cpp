#include "frontal/placing.hpp"

#include <algorithm>
#include <cmath>

namespace pyface::frontal {
namespace {

constexpr double kDegrees = 180 / 3.14159265358979323846;
constexpr double kApart = 1e-6;  // points of an outline, downwards, at least
constexpr double kLargestBlock = 1 << 15;

double smooth_step(double low, double high, double x) {
    const double t = std::clamp((x - low) / (high - low), 0.0, 1.0);
    return t * t * (3 - 2 * t);
}

std::size_t at(index_t i) { return static_cast<std::size_t>(i); }

}  // namespace

Place place(MatrixView<const double> solid, bool is_flat, const Face& face, bool outline_is_seen,
            double pixels_per_unit) {
    const double *r = face.rotation, *shift = face.translation, scale = face.scale;
    const double yaw = std::asin(std::clamp(r[6], -1.0, 1.0)) * kDegrees, turn = std::abs(yaw);
    const double away = r[6] >= 0 ? 1 : -1;  // the side turned away from the camera, along x
    Place made{};
    made.view = {r[6], r[7], r[8]};
    made.bend = {scale * r[2], scale * r[5]};

    const double near_share = 1 - smooth_step(15, 45, turn), far_share = 1 - smooth_step(5, 25, turn);
    made.source.resize(at(2 * solid.rows));
    for (index_t i = 0; i < solid.rows; ++i) {
        const double *p = solid.row(i), x = p[0];
        double share = 1;
        if (outline_is_seen && i < kJaw) {
            share = near_share + (far_share - near_share) * smooth_step(-0.3, 0.3, x * away);
        }
        for (index_t c = 0; c < 2; ++c) {
            const double flat = scale * (r[3 * c] * x + r[3 * c + 1] * p[1]) + shift[c];
            const double deep = made.bend[at(c)] * p[2];
            const double missed = i < kLandmarks ? share * (face.landmarks[2 * i + c] - (flat + deep)) : 0;
            made.source[at(2 * i + c)] = (is_flat ? flat + deep : flat) + missed;
        }
    }

    const double length = std::sqrt(r[0] * r[0] + r[3] * r[3]);
    const double across[2] = {r[0] / length, r[3] / length};
    const double rows[2][2] = {{across[0] * away / scale, across[1] * away / scale},
                               {-across[1] / scale, across[0] / scale}};
    for (index_t k = 0; k < 2; ++k) {
        made.upright[at(3 * k)] = rows[k][0], made.upright[at(3 * k + 1)] = rows[k][1];
        made.upright[at(3 * k + 2)] = -(rows[k][0] * shift[0] + rows[k][1] * shift[1]);
    }
    double lowest = 0;
    for (index_t i = 0; i < kOutline; ++i) {
        const double* p = face.landmarks + 2 * (away > 0 ? kJaw - 1 - i : i);
        for (index_t k = 0; k < 2; ++k) {
            made.outline[at(2 * i + k)] = rows[k][0] * p[0] + rows[k][1] * p[1] + made.upright[at(3 * k + 2)];
        }
        // Downwards, whatever single points do.
        double& down = made.outline[at(2 * i + 1)];
        if (i > 0) down = std::max(down, lowest + kApart);
        lowest = down;
    }
    made.outline_weight = outline_is_seen ? smooth_step(5, 15, turn) : 0;
    const double spans = scale / pixels_per_unit;
    made.block = spans >= 2 ? static_cast<index_t>(std::min(1 + std::floor(spans / 2), kLargestBlock)) : 1;
    return made;
}

}  // namespace pyface::frontal
