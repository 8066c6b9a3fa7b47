#include "warp/predicates.hpp"

#include <algorithm>
#include <bit>
#include <initializer_list>

namespace pyface::warp {
namespace {

// A finite double is sign * mantissa * 2^exponent, with an odd mantissa unless it is 0.
struct Parts {
    std::uint64_t mantissa = 0;
    int exponent = 0;
    bool negative = false;
};

Parts parts_of(double value) {
    const auto bits = std::bit_cast<std::uint64_t>(value);
    const int field = static_cast<int>(bits >> 52 & 0x7ff);
    std::uint64_t mantissa = bits & 0xfffffffffffffULL;
    if (field != 0) mantissa |= std::uint64_t{1} << 52;
    if (mantissa == 0) return {};
    const int zeros = std::countr_zero(mantissa);
    return {mantissa >> zeros, std::max(field, 1) - 1075 + zeros, (bits >> 63) != 0};
}

// A whole number as sign and magnitude, in digits of 32 bits, the lowest first. Coordinates need 2,098 bits at most,
// from 2^-1074 to 2^1024; a term of the circle's determinant has four of their differences, and six terms are added.
class Whole {
public:
    Whole() {}  // leaves the digits as they are: most are never looked at

    // value / 2^exponent, which must be whole.
    void assign(const Parts& value, int exponent) {
        negative_ = value.negative;
        size_ = 0;
        if (value.mantissa == 0) return;
        const int shift = value.exponent - exponent, low = shift % 32;
        for (; size_ < shift / 32; ++size_) digits_[size_] = 0;
        const std::uint64_t low_part = (value.mantissa & 0xffffffffU) << low;
        const std::uint64_t high_part = ((value.mantissa >> 32) << low) + (low_part >> 32);
        digits_[size_++] = static_cast<std::uint32_t>(low_part);
        digits_[size_++] = static_cast<std::uint32_t>(high_part);
        digits_[size_++] = static_cast<std::uint32_t>(high_part >> 32);
        trim();
    }

    int sign() const { return size_ == 0 ? 0 : negative_ ? -1 : 1; }

    friend Whole operator+(const Whole& a, const Whole& b) { return sum(a, b, b.negative_); }
    friend Whole operator-(const Whole& a, const Whole& b) { return sum(a, b, !b.negative_); }

    friend Whole operator*(const Whole& a, const Whole& b) {
        Whole out;
        if (a.size_ == 0 || b.size_ == 0) return out;
        out.negative_ = a.negative_ != b.negative_;
        out.size_ = a.size_ + b.size_;
        std::fill_n(out.digits_, out.size_, 0U);
        for (int i = 0; i < a.size_; ++i) {
            std::uint64_t carry = 0;
            for (int j = 0; j < b.size_; ++j) {
                carry += static_cast<std::uint64_t>(a.digits_[i]) * b.digits_[j] + out.digits_[i + j];
                out.digits_[i + j] = static_cast<std::uint32_t>(carry);
                carry >>= 32;
            }
            out.digits_[i + b.size_] = static_cast<std::uint32_t>(carry);
        }
        out.trim();
        return out;
    }

private:
    static constexpr int kDigits = (4 * 2100 + 3) / 32 + 5;

    // a + b, with another sign for b.
    static Whole sum(const Whole& a, const Whole& b, bool b_negative) {
        const bool a_is_larger = compare_magnitudes(a, b) >= 0;
        const Whole &large = a_is_larger ? a : b, &small = a_is_larger ? b : a;
        Whole out;
        out.negative_ = a_is_larger ? a.negative_ : b_negative;
        const bool add = a.negative_ == b_negative;
        std::int64_t carry = 0;
        for (int i = 0; i < large.size_; ++i) {
            const std::int64_t other = i < small.size_ ? static_cast<std::int64_t>(small.digits_[i]) : 0;
            carry += static_cast<std::int64_t>(large.digits_[i]) + (add ? other : -other);
            out.digits_[i] = static_cast<std::uint32_t>(carry & 0xffffffff);
            carry >>= 32;
        }
        out.size_ = large.size_;
        if (carry != 0) out.digits_[out.size_++] = static_cast<std::uint32_t>(carry);
        out.trim();
        return out;
    }

    static int compare_magnitudes(const Whole& a, const Whole& b) {
        if (a.size_ != b.size_) return a.size_ < b.size_ ? -1 : 1;
        for (int i = a.size_ - 1; i >= 0; --i) {
            if (a.digits_[i] != b.digits_[i]) return a.digits_[i] < b.digits_[i] ? -1 : 1;
        }
        return 0;
    }

    void trim() {
        while (size_ > 0 && digits_[size_ - 1] == 0) --size_;
    }

    int size_ = 0;
    bool negative_ = false;
    std::uint32_t digits_[kDigits];
};

// The coordinates times the power of two that makes all of them whole.
template <std::size_t N>
struct WholePoints {
    Whole x[N], y[N];

    explicit WholePoints(const Point* const (&points)[N]) {
        Parts parts[2 * N];
        int lowest = 1024;
        for (std::size_t i = 0; i < N; ++i) {
            parts[2 * i] = parts_of(points[i]->x);
            parts[2 * i + 1] = parts_of(points[i]->y);
        }
        for (const Parts& p : parts) {
            if (p.mantissa != 0) lowest = std::min(lowest, p.exponent);
        }
        for (std::size_t i = 0; i < N; ++i) {
            x[i].assign(parts[2 * i], lowest);
            y[i].assign(parts[2 * i + 1], lowest);
        }
    }
};

}  // namespace

int exact_orient(const Point& a, const Point& b, const Point& c) {
    const Point* const points[] = {&a, &b, &c};
    const WholePoints<3> p(points);
    const Whole left = (p.x[0] - p.x[2]) * (p.y[1] - p.y[2]);
    const Whole right = (p.y[0] - p.y[2]) * (p.x[1] - p.x[2]);
    return (left - right).sign();
}

int exact_in_circle(const Point& a, const Point& b, const Point& c, const Point& d) {
    const Point* const points[] = {&a, &b, &c, &d};
    const WholePoints<4> p(points);
    const Whole ax = p.x[0] - p.x[3], ay = p.y[0] - p.y[3];
    const Whole bx = p.x[1] - p.x[3], by = p.y[1] - p.y[3];
    const Whole cx = p.x[2] - p.x[3], cy = p.y[2] - p.y[3];
    const Whole of_a = (ax * ax + ay * ay) * (bx * cy - cx * by);
    const Whole of_b = (bx * bx + by * by) * (cx * ay - ax * cy);
    const Whole of_c = (cx * cx + cy * cy) * (ax * by - bx * ay);
    return (of_a + of_b + of_c).sign();
}

Predicates::Predicates(const std::vector<Point>& points) : points_(points), scaled_(points) {
    double largest = 0x1p-1074;
    int lowest = 1024;  // bit of any coordinate
    Point low{HUGE_VAL, HUGE_VAL}, high{-HUGE_VAL, -HUGE_VAL};
    for (const Point& p : points) {
        for (const double v : {p.x, p.y}) {
            if (const Parts parts = parts_of(v); parts.mantissa != 0) lowest = std::min(lowest, parts.exponent);
            largest = std::max(largest, std::abs(v));
        }
        low = {std::min(low.x, p.x), std::min(low.y, p.y)};
        high = {std::max(high.x, p.x), std::max(high.y, p.y)};
    }
    const int top = std::ilogb(largest), power = 200 - top;
    // In two steps: one factor alone may be beyond the range of doubles.
    const double first = std::ldexp(1.0, power / 2), second = std::ldexp(1.0, power - power / 2);
    for (Point& p : scaled_) p = {p.x * first * second, p.y * first * second};
    // If differences are below 2^12 times the lowest bit, no step on the way to a determinant takes more than 53 bits,
    // and coordinates of 53 bits lose nothing when they are scaled.
    doubles_are_exact_ =
        top - lowest < 53 && std::max(high.x - low.x, high.y - low.y) < std::ldexp(4096.0, lowest);
}

}  // namespace pyface::warp
