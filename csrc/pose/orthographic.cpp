#include "pose/orthographic.hpp"

#include <algorithm>
#include <numbers>

namespace pyface::pose {
namespace {

constexpr double kDegrees = 180 / std::numbers::pi;
constexpr int kSteps = 30, kHalvings = 12;
constexpr double kSmallStep = 1e-9;  // radians
// A head so flat is taken for a plane: what its points say of the third direction is noise.
constexpr double kFlat = 0.15;
// A few points, or a plane, are seen nearly alike from two sides. So far do heads turn from the camera, in degrees.
constexpr index_t kFewPoints = 8;
constexpr double kUsualTurn = 20;
constexpr double kOneLine = 1e-9;

// The square root of a symmetric matrix [[a, b], [b, d]], positive definite.
struct Root {
    double a, b, d;
    explicit Root(double xx, double xy, double yy) {
        const double s = std::sqrt(xx * yy - xy * xy), t = std::sqrt(xx + yy + 2 * s);
        a = (xx + s) / t, b = xy / t, d = (yy + s) / t;
    }
};

double tilt_penalty(const Matrix3& rotation) {
    const auto [pitch, yaw, roll] = angles_of(rotation);
    return (pitch * pitch + yaw * yaw) / (2 * kUsualTurn * kUsualTurn);
}

// Sums of weights times (J^T J) of rotation and log scale, per square of the scale, of a head's spread as seen.
Square<4> information(const Matrix3& q) {
    const double xx = q(0, 0), xz = q(0, 2), yy = q(1, 1), yz = q(1, 2), zz = q(2, 2);
    return {zz, 0, -xz, -yz, 0, zz, -yz, xz, -xz, -yz, xx + yy, 0, -yz, xz, 0, xx + yy};
}

}  // namespace

Angles angles_of(const Matrix3& r) {
    // Adding 0 turns a minus zero, whose angle may be -180 degrees, into zero.
    return {std::atan2(-r(2, 1) + 0.0, r(2, 2)) * kDegrees,
            std::atan2(r(2, 0) + 0.0, std::hypot(r(0, 0), r(1, 0))) * kDegrees,
            std::atan2(r(1, 0) + 0.0, r(0, 0)) * kDegrees};
}

Angles errors_of(const Matrix3& covariance, const Matrix3& rotation) {
    const auto [pitch, yaw, roll] = angles_of(rotation);
    const double c = std::cos(yaw / kDegrees), t = std::tan(yaw / kDegrees);
    const double cr = std::cos(roll / kDegrees), sr = std::sin(roll / kDegrees);
    // Of a turn about the axes of the levelled camera: pitch' = -wx / cos yaw, yaw' = -wy, roll' = wz - wx tan yaw.
    const Matrix3 level{{cr, sr, 0, -sr, cr, 0, 0, 0, 1}};
    const Matrix3 m = Matrix3{{-1 / c, 0, 0, 0, -1, 0, -t, 0, 1}} * level;
    const Matrix3 v = m * covariance * transposed(m);
    const auto degrees = [&](std::size_t i) { return std::sqrt(std::max(v(i, i), 0.0)) * kDegrees; };
    return {degrees(0), degrees(1), degrees(2)};
}

double contour_share(double yaw) {
    const double turn = yaw / 15, square = turn * turn;
    return 1 / (1 + square * square);
}

void Orthographic::HeadSums::add(double w, const double* point) {
    weight += w;
    for (std::size_t i = 0; i < 3; ++i) {
        first[i] += w * point[i];
        for (std::size_t j = 0; j < 3; ++j) second(i, j) += w * point[i] * point[j];
    }
}

Orthographic::HeadSums Orthographic::HeadSums::plus(const HeadSums& other, double share) const {
    HeadSums sum = *this;
    sum.weight += share * other.weight;
    for (std::size_t i = 0; i < 3; ++i) sum.first[i] += share * other.first[i];
    for (std::size_t i = 0; i < 9; ++i) sum.second.values[i] += share * other.second.values[i];
    return sum;
}

double Orthographic::weight(index_t i) const {
    const double w = weights_ == nullptr ? 1 : weights_[i];
    return head_.is_contour != nullptr && head_.is_contour[i] != 0 ? w * share_ : w;
}

void Orthographic::weigh(const double* weights) {
    weights_ = weights;
    sums_ = {}, squares_ = {};
    used_ = 0;
    for (index_t i = 0; i < head_.count; ++i) {
        const double w = weights == nullptr ? 1 : weights[i];
        const std::size_t group = head_.is_contour != nullptr && head_.is_contour[i] != 0;
        sums_[group].add(w, head_.points + 3 * i);
        squares_[group].add(w * w, head_.points + 3 * i);
        used_ += w > 0;
    }
    face_ = {};
    first_share_ = 0;
    if (sums_[0].weight > 0) axes_ = principal_axes(moments(0).spread, spreads_);
    if (!(sums_[0].weight > 0 && is_spread())) {
        first_share_ = 1;
        axes_ = principal_axes(moments(1).spread, spreads_);
    }
}

Orthographic::Moments Orthographic::moments(double share) const {
    const HeadSums head = sums_[0].plus(sums_[1], share), squares = squares_[0].plus(squares_[1], share * share);
    Moments m;
    m.weight = head.weight, m.weight_squares = squares.weight;
    for (std::size_t i = 0; i < 3; ++i) m.head_mean[i] = head.first[i] / head.weight;
    m.square = face_[0].square + share * face_[1].square;
    for (std::size_t a = 0; a < 2; ++a) {
        m.face_mean[a] = (face_[0].first[a] + share * face_[1].first[a]) / head.weight;
        m.square -= head.weight * m.face_mean[a] * m.face_mean[a];
        for (std::size_t j = 0; j < 3; ++j) {
            m.cross[3 * a + j] = face_[0].second[3 * a + j] + share * face_[1].second[3 * a + j] -
                                 head.weight * m.face_mean[a] * m.head_mean[j];
        }
    }
    for (std::size_t i = 0; i < 3; ++i) {
        for (std::size_t j = 0; j < 3; ++j) {
            const double mi = m.head_mean[i], mj = m.head_mean[j];
            m.spread(i, j) = head.second(i, j) - head.weight * mi * mj;
            m.spread_squares(i, j) =
                squares.second(i, j) - squares.first[i] * mj - mi * squares.first[j] + squares.weight * mi * mj;
        }
    }
    return m;
}

bool Orthographic::is_spread() const { return spreads_[1] > kOneLine * spreads_[0]; }

Fault Orthographic::fit(const double* face, bool refined) {
    if (!is_spread()) return Fault::head_on_line;
    // About the mean of the points that count: sums of squares of coordinates far from 0 would lose digits.
    origin_ = {};
    for (index_t i = 0; i < head_.count; ++i) {
        if (weights_ != nullptr && weights_[i] == 0) continue;
        origin_[0] += face[2 * i], origin_[1] += face[2 * i + 1];
    }
    for (double& o : origin_) o /= static_cast<double>(used_);
    face_ = {};
    for (index_t i = 0; i < head_.count; ++i) {
        const double w = weights_ == nullptr ? 1 : weights_[i];
        FaceSums& sums = face_[head_.is_contour != nullptr && head_.is_contour[i] != 0];
        const double* point = head_.points + 3 * i;
        for (std::size_t a = 0; a < 2; ++a) {
            const double v = face[2 * i + static_cast<index_t>(a)] - origin_[a], wv = w * v;
            sums.first[a] += wv;
            sums.square += wv * v;
            for (std::size_t j = 0; j < 3; ++j) sums.second[3 * a + j] += wv * point[j];
        }
    }
    share_ = first_share_;
    doubt_ = {};
    Moments m = moments(share_);
    Estimate best;
    if (!start(m, best)) return Fault::face_on_line;
    if (refined) {
        best = minimum(m, best);
        if (used_ <= kFewPoints || spreads_[2] < kFlat * kFlat * spreads_[0]) {
            // Seen from the other side of the plane through its points, a flat head looks the same.
            Matrix3 mirrored{{1, 0, 0, 0, 1, 0, 0, 0, 1}};
            for (std::size_t i = 0; i < 3; ++i) {
                for (std::size_t j = 0; j < 3; ++j) mirrored(i, j) -= 2 * axes_(i, 2) * axes_(j, 2);
            }
            Estimate other = best;
            other.rotation = squared_up(best.rotation * mirrored);
            other = minimum(m, other);
            // With noise of unknown size, errors count by their logarithm.
            const double floor = 1e-12 * m.square, freedom = std::max(2 * m.weight - 6, 1.0);
            const auto cost = [&](const Estimate& e) {
                return freedom / 2 * std::log(std::max(e.error, 0.0) + floor) + tilt_penalty(e.rotation);
            };
            const double more = cost(other) - cost(best);
            if (more < 0) std::swap(best, other);
            const double chance = 1 / (1 + std::exp(std::abs(more)));
            const Angles a = angles_of(best.rotation), b = angles_of(other.rotation);
            doubt_ = {std::sqrt(chance) * (b.pitch - a.pitch), std::sqrt(chance) * (b.yaw - a.yaw),
                      std::sqrt(chance) * std::remainder(b.roll - a.roll, 360.0)};
        }
        if (sums_[1].weight > 0) {
            share_ = contour_share(angles_of(best.rotation).yaw);
            m = moments(share_);
            best = minimum(m, best);
        }
    }
    rotation_ = squared_up(best.rotation);
    scale_ = best.scale;
    const Vector3 middle = rotation_ * m.head_mean;
    x_ = origin_[0] + m.face_mean[0] - scale_ * middle[0];
    y_ = origin_[1] + m.face_mean[1] - scale_ * middle[1];
    measure(m, face);
    return Fault::none;
}

// The affine map that brings the head nearest to the face, and of its two rows the nearest pair of one length at right
// angles. False where the face's points lie on one line.
bool Orthographic::start(const Moments& m, Estimate& made) const {
    const bool is_flat = spreads_[2] < kFlat * kFlat * spreads_[0];
    // The map along the principal axes of the head; across a flat one it is not known.
    std::array<double, 6> map{};
    for (std::size_t a = 0; a < 2; ++a) {
        for (std::size_t j = 0; j < (is_flat ? 2 : 3); ++j) {
            for (std::size_t i = 0; i < 3; ++i) map[3 * a + j] += m.cross[3 * a + i] * axes_(i, j) / spreads_[j];
        }
    }
    if (is_flat) {
        // sR is a square of three columns of one length at right angles, of which two are known but for their third
        // components p, q: p q = -(a . b), p^2 - q^2 = |b|^2 - |a|^2. The sign is free; the other one is tried later.
        const double ax = map[0], ay = map[3], bx = map[1], by = map[4];
        const double dot = ax * bx + ay * by, more = bx * bx + by * by - ax * ax - ay * ay;
        const double length = std::hypot(more, 2 * dot);
        double p = std::sqrt(std::max((more + length) / 2, 0.0)), q = std::sqrt(std::max((length - more) / 2, 0.0));
        if (dot > 0) q = -q;
        const double s = std::sqrt(ax * ax + ay * ay + p * p);
        if (!(s > 0)) return false;
        map[2] = (ay * q - p * by) / s, map[5] = (p * bx - ax * q) / s;
    }
    const auto dot = [&](std::size_t a, std::size_t b) {
        return map[3 * a] * map[3 * b] + map[3 * a + 1] * map[3 * b + 1] + map[3 * a + 2] * map[3 * b + 2];
    };
    const double xx = dot(0, 0), xy = dot(0, 1), yy = dot(1, 1), sum = xx + yy;
    if (!(xx * yy - xy * xy > kOneLine * kOneLine * sum * sum)) return false;
    const Root root(xx, xy, yy);
    made.scale = (root.a + root.d) / 2;
    const double det = root.a * root.d - root.b * root.b;
    Matrix3 along;
    for (std::size_t j = 0; j < 3; ++j) {
        along(0, j) = (root.d * map[j] - root.b * map[3 + j]) / det;
        along(1, j) = (root.a * map[3 + j] - root.b * map[j]) / det;
    }
    Matrix3 rows = along * transposed(axes_);  // the third row of `along` is 0
    made.rotation = squared_up(rows);
    made.error = 0;
    return true;
}

// Gauss-Newton on a turn and the logarithm of the scale. All points enter by their moments alone, so that a step takes
// as long for 68 points as for 5.
Orthographic::Estimate Orthographic::minimum(const Moments& m, Estimate from) const {
    const auto seen = [&](const Matrix3& r, std::array<double, 6>& d) {
        for (std::size_t a = 0; a < 2; ++a) {
            for (std::size_t j = 0; j < 3; ++j) {
                d[3 * a + j] = m.cross[3 * a] * r(j, 0) + m.cross[3 * a + 1] * r(j, 1) + m.cross[3 * a + 2] * r(j, 2);
            }
        }
        return r * m.spread * transposed(r);
    };
    std::array<double, 6> d;
    Matrix3 q = seen(from.rotation, d);
    const auto error_at = [&](double s) { return m.square - 2 * s * (d[0] + d[4]) + s * s * (q(0, 0) + q(1, 1)); };
    from.error = error_at(from.scale);
    for (int step = 0; step < kSteps; ++step) {
        Square<4> h = information(q);
        // A turn that hardly moves anything, as about a line of points, may not take a step of its own.
        for (std::size_t i = 0; i < 4; ++i) h[5 * i] *= 1 + 1e-12;
        const double s = from.scale;
        const std::array<double, 4> gradient{-(d[5] - s * q(1, 2)), d[2] - s * q(0, 2), d[3] - d[1],
                                             d[0] + d[4] - s * (q(0, 0) + q(1, 1))};
        if (!factor<4>(h)) break;
        auto move = solved<4>(h, gradient);
        for (double& v : move) v /= s;
        const double turn = std::hypot(move[0], move[1], move[2]), most = std::max(turn, std::abs(move[3]));
        const double limit = most > 1 ? 1 / most : 1;  // a radian, and a factor of e
        for (double& v : move) v *= limit;
        bool is_better = false;
        Estimate next;
        for (int half = 0; half < kHalvings && !is_better; ++half) {
            next.rotation = turn_about({move[0], move[1], move[2]}) * from.rotation;
            next.scale = s * std::exp(move[3]);
            q = seen(next.rotation, d);
            next.error = error_at(next.scale);
            is_better = next.error <= from.error;
            if (!is_better) {
                for (double& v : move) v /= 2;
            }
        }
        if (!is_better) break;
        from = next;
        if (turn < kSmallStep && std::abs(move[3]) < kSmallStep) break;
    }
    return from;
}

void Orthographic::measure(const Moments& m, const double* face) {
    double sum = 0;
    for (index_t i = 0; i < head_.count; ++i) {
        const double* p = head_.points + 3 * i;
        const double u = x_ + scale_ * (rotation_(0, 0) * p[0] + rotation_(0, 1) * p[1] + rotation_(0, 2) * p[2]);
        const double v = y_ + scale_ * (rotation_(1, 0) * p[0] + rotation_(1, 1) * p[1] + rotation_(1, 2) * p[2]);
        sum += weight(i) * ((u - face[2 * i]) * (u - face[2 * i]) + (v - face[2 * i + 1]) * (v - face[2 * i + 1]));
    }
    residual_ = std::sqrt(sum / m.weight);
    Square<4> h = information(rotation_ * m.spread * transposed(rotation_));
    const Square<4> g = information(rotation_ * m.spread_squares * transposed(rotation_));
    if (!factor<4>(h)) {
        errors_ = {180, 180, 180};
        return;
    }
    double trace = 0;
    const Square<4> c = sandwiched<4>(h, g, trace);
    const double freedom = 2 * m.weight - 2 * m.weight_squares / m.weight - trace;
    const double noise = (sum / (scale_ * scale_) + kNoiseCount * kNoise * kNoise) / (std::max(freedom, 0.0) + kNoiseCount);
    Matrix3 covariance;
    for (std::size_t i = 0; i < 3; ++i) {
        for (std::size_t j = 0; j < 3; ++j) covariance(i, j) = noise * c[4 * i + j];
    }
    const Angles noise_errors = errors_of(covariance, rotation_);
    errors_ = {std::hypot(noise_errors.pitch, doubt_.pitch), std::hypot(noise_errors.yaw, doubt_.yaw),
               std::hypot(noise_errors.roll, doubt_.roll)};
}

}  // namespace pyface::pose
