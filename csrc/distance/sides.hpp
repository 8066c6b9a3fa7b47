// Rows, and what they are compared with, coded for a screen: along axes first, where that pays.
#pragma once

#include <memory>
#include <optional>

#include "distance/screen.hpp"

namespace pyface::distance {

class Sides {
public:
    // y == nullptr: x against itself. Rows are borrowed.
    Sides(const Rows& x, const Rows* y) : x_(x), y_(y == nullptr ? x : *y), to_itself_(y == nullptr) {}
    Sides(const Sides&) = delete;  // it points into itself
    Sides& operator=(const Sides&) = delete;

    // Before codes are loaded. n_pairs: how many will be looked at.
    void find_axes(const simd::Kernels& kernels, Precision precision, const Frame& frame, Reach reach,
                   double n_pairs, int n_threads, const PollCallback& poll);
    void load(const simd::Kernels& kernels, Precision precision, const Frame& frame, int n_threads,
              const PollCallback& poll);

    const CodedRows& x_codes() const { return x_codes_; }
    Side x() const { return {&x_, &x_codes_, nullptr, axes_ ? &*x_axis_codes_ : nullptr}; }
    Side y() const {
        if (to_itself_) return x();
        return {&y_, &y_codes_, nullptr, axes_ ? &*y_axis_codes_ : nullptr};
    }

private:
    Rows x_, y_;
    bool to_itself_;
    std::unique_ptr<const Axes> axes_;  // nullptr: no first stage along axes
    std::optional<AxisCodes> x_axis_codes_, y_axis_codes_;
    CodedRows x_codes_, y_codes_;
};

}  // namespace pyface::distance
