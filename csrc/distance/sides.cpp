#include "distance/sides.hpp"

namespace pyface::distance {

void Sides::find_axes(const simd::Kernels& kernels, Precision precision, const Frame& frame, Reach reach,
                      double n_pairs, int n_threads, const PollCallback& poll) {
    axes_ = Axes::find(kernels, precision, frame, x_, to_itself_ ? nullptr : &y_, reach, n_pairs, n_threads, poll);
    if (!axes_) return;
    x_axis_codes_.emplace(kernels, *axes_).load(frame, x_, n_threads, poll);
    x_codes_.keep_rows();
    if (to_itself_) return;
    y_axis_codes_.emplace(kernels, *axes_).load(frame, y_, n_threads, poll);
    y_codes_.keep_rows();
}

void Sides::load(const simd::Kernels& kernels, Precision precision, const Frame& frame, int n_threads,
                 const PollCallback& poll) {
    x_codes_.load(kernels, precision, frame, x_, 0, x_.size(), n_threads, poll);
    if (!to_itself_) y_codes_.load(kernels, precision, frame, y_, 0, y_.size(), n_threads, poll);
}

}  // namespace pyface::distance
