#include "distance/rough_bounds.hpp"

#include <cmath>
#include <limits>

#include "simd/kernels.hpp"

namespace pyface::distance {
namespace {

// Entries are rounded to float32, which moves a row by e and so a square s^2 by 4 e s + 4 e^2: at most by a share of it
// plus 4 e^2 (1 / share + 1).
constexpr double kShare = 0x1p-12;
constexpr double kFloat64 = 1e-12;  // what float64 may have rounded, more than it does
constexpr double kAbsolute = 1e-30;  // what denormal squares may lose

}  // namespace

RoughBounds::RoughBounds(index_t dimension, double length) {
    const auto d = static_cast<double>(dimension);
    // A difference, its square and its chain of sums; entries of up to 1 that were moved in float64 before.
    const double roundings =
        4.0 + static_cast<double>(simd::kChain) + std::ceil(d / static_cast<double>(simd::kChain));
    const double moved = 1.01 * (0x1p-24 * length + 0x1p-52 * std::sqrt(d));
    const double share = 1.01 * (0x1p-24 * roundings + kShare) + kFloat64;
    least_ = 1.0 - share;
    most_ = 1.0 + share;
    added_ = 4.0 * moved * moved * (1.0 / kShare + 1.0) + kAbsolute;
}

// The next float32, so that no value is rounded beyond it.
float RoughBounds::reach(double square) const {
    const double value = (square + added_) / least_;
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    if (!(value < static_cast<double>(std::numeric_limits<float>::max()))) return kInfinity;
    return std::nextafter(static_cast<float>(value), kInfinity);
}

}  // namespace pyface::distance
