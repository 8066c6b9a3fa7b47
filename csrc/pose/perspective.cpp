#include "pose/perspective.hpp"

#include <algorithm>
#include <limits>

namespace pyface::pose {
namespace {

constexpr int kSteps = 100;
constexpr double kSmallStep = 1e-10;
// Of the head's parts from the camera, in its units: less is taken for behind it.
constexpr double kNearest = 1e-3;

struct View {
    const Orthographic& weights;
    const Head& head;
    const double* face;
    Camera camera;

    // The sum of squares, infinite where a part of the head is behind the camera.
    double error(const Matrix3& r, const Vector3& t) const {
        double sum = 0;
        for (index_t i = 0; i < head.count; ++i) {
            const Vector3 q = turned(r, i);
            const double z = q[2] + t[2];
            if (!(z > kNearest)) return std::numeric_limits<double>::infinity();
            const double du = camera.x + camera.focal * (q[0] + t[0]) / z - face[2 * i];
            const double dv = camera.y + camera.focal * (q[1] + t[1]) / z - face[2 * i + 1];
            sum += weights.weight(i) * (du * du + dv * dv);
        }
        return sum;
    }

    // Sums of w J^T J, of w^2 J^T J and of w J^T residual, for a turn about the camera's axes and a shift.
    void equations(const Matrix3& r, const Vector3& t, Square<6>& h, Square<6>& g, std::array<double, 6>& b) const {
        h = {}, g = {}, b = {};
        for (index_t i = 0; i < head.count; ++i) {
            const Vector3 q = turned(r, i);
            const double x = q[0] + t[0], y = q[1] + t[1], z = q[2] + t[2], f = camera.focal / z, w = weights.weight(i);
            const double u = x / z, v = y / z;
            const std::array<std::array<double, 6>, 2> rows{
                {{-f * u * q[1], f * (q[2] + u * q[0]), -f * q[1], f, 0, -f * u},
                 {-f * (q[2] + v * q[1]), f * v * q[0], f * q[0], 0, f, -f * v}}};
            const std::array<double, 2> off{face[2 * i] - camera.x - camera.focal * u,
                                            face[2 * i + 1] - camera.y - camera.focal * v};
            for (std::size_t a = 0; a < 2; ++a) {
                for (std::size_t j = 0; j < 6; ++j) {
                    const double wj = w * rows[a][j];
                    b[j] += wj * off[a];
                    for (std::size_t k = 0; k < 6; ++k) {
                        h[6 * j + k] += wj * rows[a][k];
                        g[6 * j + k] += w * wj * rows[a][k];
                    }
                }
            }
        }
    }

    Vector3 turned(const Matrix3& r, index_t i) const {
        const double* p = head.points + 3 * i;
        return r * Vector3{p[0], p[1], p[2]};
    }
};

}  // namespace

Perspective fit_perspective(const Orthographic& from, const Head& head, const double* face, const Camera& camera) {
    const View view{from, head, face, camera};
    Matrix3 r = from.rotation();
    Vector3 t{(from.x() - camera.x) / from.scale(), (from.y() - camera.y) / from.scale(), camera.focal / from.scale()};
    // Without perspective a head is seen along the line to it, not along the camera's axis.
    const double aside = std::hypot(t[0], t[1]), askance = aside > 0 ? std::atan2(aside, t[2]) / aside : 0;
    r = turn_about({-t[1] * askance, t[0] * askance, 0}) * r;
    double error = view.error(r, t);
    // Too near, as a wide angle has it of a face that fills the image: so far that nothing is behind the camera.
    for (int i = 0; i < 60 && !(error < std::numeric_limits<double>::infinity()); ++i) {
        for (double& v : t) v *= 1.25;
        error = view.error(r, t);
    }
    double damping = 1e-6;
    Square<6> h, g;
    std::array<double, 6> b;
    view.equations(r, t, h, g, b);
    for (int step = 0; step < kSteps; ++step) {
        Square<6> damped = h;
        for (std::size_t i = 0; i < 6; ++i) damped[7 * i] *= 1 + damping;
        if (!factor<6>(damped)) {
            damping = std::max(10 * damping, 1e-12);
            continue;
        }
        const auto move = solved<6>(damped, b);
        const Matrix3 next_r = turn_about({move[0], move[1], move[2]}) * r;
        const Vector3 next_t{t[0] + move[3], t[1] + move[4], t[2] + move[5]};
        const double next = view.error(next_r, next_t);
        double largest = 0;
        for (std::size_t i = 0; i < 6; ++i) largest = std::max(largest, std::abs(move[i]) / (i < 3 ? 1 : t[2]));
        if (next <= error) {
            r = next_r, t = next_t, error = next;
            damping *= 0.1;
            view.equations(r, t, h, g, b);
        } else {
            damping = std::max(10 * damping, 1e-12);
        }
        if (largest < kSmallStep) break;
    }
    Perspective made{squared_up(r), t, 0, {180, 180, 180}};
    double weight = 0, weight_squares = 0;
    for (index_t i = 0; i < head.count; ++i) {
        weight += from.weight(i);
        weight_squares += from.weight(i) * from.weight(i);
    }
    made.residual = std::sqrt(error / weight);
    if (!factor<6>(h)) return made;
    double trace = 0;
    const Square<6> c = sandwiched<6>(h, g, trace);
    const double eye = camera.focal / t[2], freedom = std::max(2 * weight - trace, 0.0);
    const double noise = (error + kNoiseCount * kNoise * kNoise * eye * eye) / (freedom + kNoiseCount);
    Matrix3 covariance;
    for (std::size_t i = 0; i < 3; ++i) {
        for (std::size_t j = 0; j < 3; ++j) covariance(i, j) = noise * c[6 * i + j];
    }
    made.errors = errors_of(covariance, made.rotation);
    return made;
}

}  // namespace pyface::pose
