#include "distance/frame.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "simd/isa.hpp"

namespace pyface::distance {
namespace {

constexpr index_t kRowsPerTask = 1024;
constexpr index_t kSample = 1024;  // rows that stand for all when the centre is taken

template <class T>
double largest_entry(const T* values, index_t count) {
    constexpr index_t kSide = 16;  // several at a time: one maximum would wait for the one before
    T lanes[kSide] = {};
    index_t k = 0;
    for (; k + kSide <= count; k += kSide) {
        for (index_t l = 0; l < kSide; ++l) lanes[l] = std::max(lanes[l], std::fabs(values[k + l]));
    }
    for (; k < count; ++k) lanes[0] = std::max(lanes[0], std::fabs(values[k]));
    return static_cast<double>(*std::max_element(lanes, lanes + kSide));
}

double largest_entry(const Rows& rows, int n_threads, const PollCallback& poll) {
    const index_t n_tasks = (rows.size() + kRowsPerTask - 1) / kRowsPerTask;
    std::vector<double> found(static_cast<std::size_t>(n_tasks), 0.0);
    parallel_for(
        n_tasks, n_threads,
        [&](index_t task) {
            const index_t begin = task * kRowsPerTask;
            const index_t count = (std::min(begin + kRowsPerTask, rows.size()) - begin) * rows.dimension();
            found[static_cast<std::size_t>(task)] = rows.is_float32() ? largest_entry(rows.row<float>(begin), count)
                                                                      : largest_entry(rows.row<double>(begin), count);
        },
        poll);
    return found.empty() ? 0.0 : *std::max_element(found.begin(), found.end());
}

}  // namespace

Frame::Frame(index_t dimension) : metric_(Metric::sqeuclidean), stride_(simd::padded(dimension)) {}

Frame::Frame(Metric metric, index_t dimension, double scale, const double* centre)
    : metric_(metric), stride_(simd::padded(dimension)), scale_(scale) {
    if (centre == nullptr) return;
    centre_ = AlignedBuffer(stride_);
    std::copy_n(centre, stride_, centre_.get());
}

Frame::Frame(const Frame& other, AsTheyAre)
    : metric_(other.metric_), stride_(other.stride_), keeps_lengths_(true), scale_(other.scale_) {
    if (other.centre_.get() == nullptr) return;
    centre_ = AlignedBuffer(stride_);
    std::copy_n(other.centre_.get(), stride_, centre_.get());
}

Frame::Frame(const Rows& x, const Rows* y, Metric metric, int n_threads, const PollCallback& poll)
    : metric_(metric), stride_(simd::padded(x.dimension())) {
    if (is_cosine() || x.size() == 0) return;
    double largest = largest_entry(x, n_threads, poll);
    if (y != nullptr) largest = std::max(largest, largest_entry(*y, n_threads, poll));
    if (largest == 0.0) return;
    int exponent = 0;
    std::frexp(largest, &exponent);
    // Not beyond what float64 can hold as a number of its own.
    scale_ = std::ldexp(1.0, std::clamp(-exponent, -1000, 1000));
    const AlignedBuffer row(stride_);
    AlignedBuffer mean(stride_);
    std::fill_n(mean.get(), stride_, 0.0);
    const index_t step = (x.size() + kSample - 1) / kSample;
    index_t count = 0;
    for (index_t i = 0; i < x.size(); i += step, ++count) {
        read(x, i, row.get());
        for (index_t k = 0; k < stride_; ++k) mean[k] += row[k];
    }
    for (index_t k = 0; k < stride_; ++k) mean[k] /= static_cast<double>(count);
    centre_ = std::move(mean);
}

double Frame::read(const Rows& rows, index_t i, double* out) const {
    rows.copy_row(i, out);
    if (is_cosine()) {
        if (keeps_lengths_) return 0.0;
        if (!rows.is_float32()) simd::scale_for_cosine(out, stride_);
        const double square = simd::squared_norm(out, stride_);
        if (square > 0.0) {
            const double inverse = 1.0 / std::sqrt(square);
            for (index_t k = 0; k < stride_; ++k) out[k] *= inverse;
        }
        return 0.0;
    }
    if (scale_ != 1.0) {
        for (index_t k = 0; k < stride_; ++k) out[k] *= scale_;
    }
    if (centre_.get() != nullptr) {
        for (index_t k = 0; k < stride_; ++k) out[k] -= centre_[k];
    }
    return simd::squared_norm(out, stride_) / 2.0;
}

double Frame::least_score(double radius, double half_square) const {
    if (is_cosine()) return 1.0 - radius;
    // One factor at a time: the radius may be far larger or smaller than the rows.
    const double square = metric_ == Metric::euclidean ? radius * scale_ * (radius * scale_) : radius * scale_ * scale_;
    return half_square - square / 2.0;
}

}  // namespace pyface::distance
