// Scaled orthography: a head seen from so far away that all its parts have one scale.
#pragma once

#include <array>
#include <cstdint>

#include "core/views.hpp"
#include "pose/space.hpp"

namespace pyface::pose {

// A head: points (count, 3), x to the right, y down, z away from the camera. Those on the contour are where they are on
// the head as long as it looks ahead; then detectors move them along with what is seen of it. No contour: null.
struct Head {
    const double* points;
    const std::uint8_t* is_contour;
    index_t count;
};

// What is the same for all cameras, of angles in degrees.
struct Angles {
    double pitch, yaw, roll;
};

// Of R = Rz(roll) Ry(-yaw) Rx(-pitch).
Angles angles_of(const Matrix3& rotation);

// Standard deviations of the angles, from the covariance of a turn (row-major 3 x 3, radians) about the camera's axes.
Angles errors_of(const Matrix3& covariance, const Matrix3& rotation);

// How much a point on the contour counts of a head turned by so many degrees; 1 for those inside.
double contour_share(double yaw);

// Landmark models are taken to miss by this much, in distances between the eyes, along each axis, on the strength of so
// many measurements; the residuals of the face itself are the others.
inline constexpr double kNoise = 0.02, kNoiseCount = 4;

enum class Fault { none, face_on_line, head_on_line };

class Orthographic {
public:
    explicit Orthographic(Head head) : head_(head) {}

    // weights (count), at least 0 and at most 1, one of them 1; null: all are 1.
    void weigh(const double* weights);

    // The pose that brings the head nearest to the face (count, 2): in closed form, and to the minimum if refined.
    Fault fit(const double* face, bool refined);

    const Matrix3& rotation() const { return rotation_; }
    double scale() const { return scale_; }            // pixels per unit of the head
    double x() const { return x_; }                    // where the head's origin is seen
    double y() const { return y_; }
    double weight(index_t i) const;                    // of a point in the fit
    double residual() const { return residual_; }      // root mean square, weighted, in pixels
    const Angles& errors() const { return errors_; }

private:
    // Sums over points inside, or on the contour: of weights, weights times points, and times their products.
    struct HeadSums {
        double weight = 0;
        Vector3 first{};
        Matrix3 second{};
        void add(double w, const double* point);
        HeadSums plus(const HeadSums& other, double share) const;
    };
    struct FaceSums {
        std::array<double, 2> first{};
        std::array<double, 6> second{};  // face times head
        double square = 0;
    };
    // About the weighted means, with the contour's share.
    struct Moments {
        double weight, square, weight_squares;
        Vector3 head_mean;
        std::array<double, 2> face_mean;
        Matrix3 spread, spread_squares;  // of the head; the latter with squares of weights
        std::array<double, 6> cross;
    };
    struct Estimate {
        Matrix3 rotation;
        double scale, error;
    };

    bool is_spread() const;
    Moments moments(double share) const;
    bool start(const Moments& m, Estimate& made) const;
    Estimate minimum(const Moments& m, Estimate from) const;
    void measure(const Moments& m, const double* face);

    Head head_;
    const double* weights_ = nullptr;
    std::array<HeadSums, 2> sums_, squares_;
    std::array<FaceSums, 2> face_;
    std::array<double, 2> origin_{};
    // Of the points inside, or where they are too few of all, for the closed form.
    double first_share_ = 0;
    Matrix3 axes_;
    Vector3 spreads_{};
    index_t used_ = 0;

    Matrix3 rotation_;
    double scale_ = 0, x_ = 0, y_ = 0, share_ = 1, residual_ = 0;
    Angles errors_{}, doubt_{};  // the latter of which of two poses it is
};

}  // namespace pyface::pose
