#include "warp/similarity.hpp"

#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "core/require.hpp"

namespace pyface::warp {
namespace {

constexpr double kDegrees = 180 / std::numbers::pi;
constexpr index_t kFacesPerLook = 1024;

struct Pair {
    double x = 0, y = 0;
};

// With points s and their targets d about their means, S = sum w |s|^2, a = sum w (sx dx + sy dy) / S and
// b = sum w (sx dy - sy dx) / S: the matrix is [[a, -b], [b, a]].
class Fit {
public:
    explicit Fit(index_t points) : shares_(static_cast<std::size_t>(points)) {}

    bool run(const double* source, const double* target, const double* weights) {
        share_out(weights);
        const auto n = static_cast<index_t>(shares_.size());
        index_t first = 0;
        while (shares_[static_cast<std::size_t>(first)] == 0) ++first;
        // About a point that counts: equal points then have a spread of exactly 0, whatever their coordinates.
        const Pair origin{source[2 * first], source[2 * first + 1]};
        Pair s_mean, d_mean;
        for (index_t i = 0; i < n; ++i) {
            const double w = shares_[static_cast<std::size_t>(i)];
            s_mean.x += w * (source[2 * i] - origin.x), s_mean.y += w * (source[2 * i + 1] - origin.y);
            d_mean.x += w * target[2 * i], d_mean.y += w * target[2 * i + 1];
        }
        const auto centred = [&](index_t i, Pair& s, Pair& d) {
            s = {source[2 * i] - origin.x - s_mean.x, source[2 * i + 1] - origin.y - s_mean.y};
            d = {target[2 * i] - d_mean.x, target[2 * i + 1] - d_mean.y};
        };
        Pair s, d;
        double spread = 0, along = 0, across = 0;
        for (index_t i = 0; i < n; ++i) {
            const double w = shares_[static_cast<std::size_t>(i)];
            centred(i, s, d);
            spread += w * (s.x * s.x + s.y * s.y);
            along += w * (s.x * d.x + s.y * d.y);
            across += w * (s.x * d.y - s.y * d.x);
        }
        if (!(spread > 0)) return false;
        a = along / spread, b = across / spread;
        const double x = s_mean.x + origin.x, y = s_mean.y + origin.y;
        tx = d_mean.x - (a * x - b * y), ty = d_mean.y - (b * x + a * y);
        double square = 0;
        for (index_t i = 0; i < n; ++i) {
            centred(i, s, d);
            const double off_x = a * s.x - b * s.y - d.x, off_y = b * s.x + a * s.y - d.y;
            square += shares_[static_cast<std::size_t>(i)] * (off_x * off_x + off_y * off_y);
        }
        residual = std::sqrt(square);
        return true;
    }

    double a = 0, b = 0, tx = 0, ty = 0, residual = 0;

private:
    void share_out(const double* weights) {
        double sum = 0;
        for (std::size_t i = 0; i < shares_.size(); ++i) sum += weights == nullptr ? 1 : weights[i];
        require(sum > 0 && sum < std::numeric_limits<double>::infinity(), "weights must be at least 0 and not all 0");
        for (std::size_t i = 0; i < shares_.size(); ++i) shares_[i] = (weights == nullptr ? 1 : weights[i]) / sum;
    }

    std::vector<double> shares_;
};

}  // namespace

index_t fit_similarities(FacePoints source, FacePoints target, const FacePoints* weights, index_t faces, index_t points,
                         const Similarities& out, const PollCallback& poll) {
    Fit fit(points);
    Poller look(poll);
    for (index_t f = 0; f < faces; ++f) {
        if (f % kFacesPerLook == 0) look();
        const double* w = weights == nullptr ? nullptr : weights->of(f, points);
        if (!fit.run(source.of(f, 2 * points), target.of(f, 2 * points), w)) return f;
        double* m = out.matrix + 6 * f;
        m[0] = fit.a, m[1] = -fit.b, m[2] = fit.tx, m[3] = fit.b, m[4] = fit.a, m[5] = fit.ty;
        out.scale[f] = std::hypot(fit.a, fit.b);
        // Adding 0 turns a minus zero, whose angle may be -180 degrees, into zero.
        out.rotation[f] = std::atan2(fit.b + 0.0, fit.a) * kDegrees;
        out.residual[f] = fit.residual;
    }
    return -1;
}

}  // namespace pyface::warp
