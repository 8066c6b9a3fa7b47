#include "distance/coded_side.hpp"

namespace pyface::distance {

void CodedSide::begin(const simd::Kernels& kernels, CodeChoice choice, const Axes* axes) {
    kernels_ = &kernels;
    choice_ = choice;
    axis_codes_.reset();
    few_bits_.reset();
    if (axes != nullptr) axis_codes_.emplace(kernels, *axes);
    if (axes == nullptr && choice.few_bits_first) few_bits_.emplace();
    codes_.keep_rows(axis_codes_ || few_bits_);
}

void CodedSide::load(const Frame& frame, const Rows& rows, int n_threads, const PollCallback& poll) {
    if (axis_codes_) axis_codes_->load(frame, rows, n_threads, poll);
    codes_.load(*kernels_, choice_.precision, frame, rows, 0, rows.size(), n_threads, poll, nullptr,
                few_bits_ ? &*few_bits_ : nullptr);
}

void CodedSide::renew(const Frame& frame, const Rows& rows, const std::int32_t* changed, index_t count, int n_threads,
                      const PollCallback& poll) {
    if (axis_codes_) axis_codes_->renew(frame, rows, changed, count, n_threads, poll);
    if (few_bits_) few_bits_->renew(frame, rows, changed, count, n_threads, poll);
    codes_.renew(frame, rows, changed, count, n_threads, poll);
}

}  // namespace pyface::distance
