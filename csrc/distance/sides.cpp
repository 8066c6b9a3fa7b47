#include "distance/sides.hpp"

namespace pyface::distance {

bool Sides::find_axes(const simd::Kernels& kernels, Precision precision, const Frame& frame, Reach reach,
                      double n_pairs, int n_threads, const PollCallback& poll) {
    axes_ = Axes::find(kernels, precision, frame, x_, to_itself_ ? nullptr : &y_, reach, n_pairs, n_threads, poll);
    return axes_ != nullptr;
}

void Sides::load(const simd::Kernels& kernels, CodeChoice choice, const Frame& frame, int n_threads,
                 const PollCallback& poll) {
    x_side_.begin(kernels, choice, axes_.get());
    x_side_.load(frame, x_, n_threads, poll);
    if (to_itself_) return;
    y_side_.begin(kernels, choice, axes_.get());
    y_side_.load(frame, y_, n_threads, poll);
}

}  // namespace pyface::distance
