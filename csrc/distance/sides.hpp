// Rows, and what they are compared with, coded for a screen.
#pragma once

#include <memory>

#include "distance/coded_side.hpp"

namespace pyface::distance {

class Sides {
public:
    // y == nullptr: x against itself. Rows are borrowed.
    Sides(const Rows& x, const Rows* y) : x_(x), y_(y == nullptr ? x : *y), to_itself_(y == nullptr) {}
    Sides(const Sides&) = delete;  // it points into itself
    Sides& operator=(const Sides&) = delete;

    // Before codes are loaded. n_pairs: how many will be looked at. Returns whether there will be a first stage along axes.
    bool find_axes(const simd::Kernels& kernels, Precision precision, const Frame& frame, Reach reach,
                   double n_pairs, int n_threads, const PollCallback& poll);
    void load(const simd::Kernels& kernels, CodeChoice choice, const Frame& frame, int n_threads,
              const PollCallback& poll);

    const CodedRows& x_codes() const { return x_side_.codes(); }
    Side x() const { return x_side_.side(x_); }
    Side y() const { return to_itself_ ? x() : y_side_.side(y_); }

private:
    Rows x_, y_;
    bool to_itself_;
    std::unique_ptr<const Axes> axes_;  // nullptr: no first stage along axes
    CodedSide x_side_, y_side_;
};

}  // namespace pyface::distance
