#include "distance/exact.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "core/aligned.hpp"
#include "simd/isa.hpp"

namespace pyface::distance {
namespace {

constexpr index_t kRowsPerTask = 256;
constexpr index_t kBatch = 64;  // rows whose addresses are gathered at a time

}  // namespace

Norms::Norms(const Rows& rows, int n_threads, const PollCallback& poll)
    : squared_(static_cast<std::size_t>(rows.size())) {
    std::atomic<bool> any{false};
    const index_t stride = simd::padded(rows.dimension());
    parallel_for(
        (rows.size() + kRowsPerTask - 1) / kRowsPerTask, n_threads,
        [&](index_t task) {
            const AlignedBuffer row(stride);
            const index_t end = std::min(rows.size(), (task + 1) * kRowsPerTask);
            for (index_t i = task * kRowsPerTask; i < end; ++i) {
                rows.copy_row(i, row.get());
                if (!rows.is_float32() && simd::scale_for_cosine(row.get(), stride)) any = true;
                squared_[static_cast<std::size_t>(i)] = simd::squared_norm(row.get(), stride);
            }
        },
        poll);
    any_scaled_ = any;
}

Exact::Exact(const Rows& x, const Rows* y, Metric metric, int n_threads, const PollCallback& poll)
    : x_(x), y_(y == nullptr ? x : *y), metric_(metric), y_norms_(y == nullptr ? &x_norms_ : &other_norms_) {
    if (metric != Metric::cosine) return;
    x_norms_ = Norms(x, n_threads, poll);
    if (y != nullptr) other_norms_ = Norms(*y, n_threads, poll);
}

template <class T>
void Exact::sums(index_t i, const std::int32_t* js, index_t count, double* out) const {
    const auto& kernels = simd::kernels();
    const index_t d = x_.dimension();
    if (metric_ == Metric::cosine && (x_norms_.any_scaled() || y_norms_->any_scaled())) {
        const index_t stride = simd::padded(d);
        const AlignedBuffer row(stride);
        const AlignedBuffer other(stride);
        x_.copy_row(i, row.get());
        simd::scale_for_cosine(row.get(), stride);
        for (index_t c = 0; c < count; ++c) {
            y_.copy_row(js[c], other.get());
            simd::scale_for_cosine(other.get(), stride);
            kernels.dots(row.get(), 1, other.get(), 1, stride, out + c, 1);
        }
        return;
    }
    simd::PairKernel<T> kernel;
    if constexpr (sizeof(T) == sizeof(float)) {
        kernel = metric_ == Metric::cosine ? kernels.pair_dots_of_float32 : kernels.pair_squares_of_float32;
    } else {
        kernel = metric_ == Metric::cosine ? kernels.pair_dots : kernels.pair_squares;
    }
    const T* others[kBatch];
    for (index_t first = 0; first < count; first += kBatch) {
        const index_t n = std::min(kBatch, count - first);
        for (index_t c = 0; c < n; ++c) others[c] = y_.row<T>(js[first + c]);
        kernel(x_.row<T>(i), others, n, d, out + first);
    }
}

void Exact::distances(index_t i, const std::int32_t* js, index_t count, double* out) const {
    if (x_.is_float32()) {
        sums<float>(i, js, count, out);
    } else {
        sums<double>(i, js, count, out);
    }
    if (metric_ == Metric::sqeuclidean) return;
    for (index_t c = 0; c < count; ++c) {
        out[c] = metric_ == Metric::euclidean
                     ? std::sqrt(out[c])
                     : cosine_distance(out[c], x_norms_.squared(i), y_norms_->squared(js[c]));
    }
}

}  // namespace pyface::distance
