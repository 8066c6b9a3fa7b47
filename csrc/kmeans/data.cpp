#include "kmeans/data.hpp"

#include <algorithm>
#include <cmath>

#include "core/aligned.hpp"
#include "core/require.hpp"
#include "distance/code_choice.hpp"
#include "distance/rough_bounds.hpp"
#include "simd/isa.hpp"

namespace pyface::kmeans {
namespace {

// Of all rows and centres: a screen would not pay for its codes.
constexpr double kFewProducts = 2e7;

std::size_t at(index_t i) { return static_cast<std::size_t>(i); }

template <class T>
double largest_of(const T* values, index_t count) {
    T result = 0;
    for (index_t i = 0; i < count; ++i) result = std::max(result, std::fabs(values[i]));
    return static_cast<double>(result);
}

// The largest entry in size, over all rows.
double largest_entry(const Rows& rows) {
    const index_t count = rows.size() * rows.dimension();
    return rows.is_float32() ? largest_of(rows.row<float>(0), count) : largest_of(rows.row<double>(0), count);
}

}  // namespace

Data::Data(const Rows& x, VectorView<const double> weights) : x_(x), weights_(weights), kernels_(simd::kernels()) {
    require(x.size() >= 1 && x.size() < INT32_MAX, "x must have from 1 to 2^31 - 2 rows");
    require(x.dimension() >= 1, "x must have at least one column");
    require(weights.size == 0 || weights.size == x.size(), "weights must have one entry per row of x");
    for (const double weight : weights) require(weight >= 0.0 && std::isfinite(weight), "weights must not be negative");
}

void Data::prepare(const Rows* centers, index_t n_centers, int n_threads, const PollCallback& poll) {
    const auto make_frame = [&](const Rows* others) {
        is_coded_ = false;
        frame_ = std::make_unique<distance::Frame>(x_, others, distance::Metric::sqeuclidean, n_threads, poll);
        is_wide_ = others != nullptr;
    };
    if (!frame_ || is_wide_) make_frame(nullptr);
    if (centers != nullptr && largest_entry(*centers) * frame_->scale() > 1.0) make_frame(centers);
    if (is_coded_) return;
    const double n_pairs = static_cast<double>(size()) * static_cast<double>(n_centers);
    const bool are_few = n_pairs * static_cast<double>(dimension()) <= kFewProducts &&
                         distance::floats_used() != distance::Use::never;
    choice_ = are_few ? distance::CodeChoice{Precision::floats} : distance::what_tells_neighbors(kernels_, *frame_, x_);
    is_rough_ = choice_.precision == Precision::floats && distance::RoughBounds::hold(frame_->scale());
    if (choice_.precision == Precision::floats && !is_rough_) choice_ = {Precision::wide_codes};
    if (dimension() <= distance::kFewColumns) choice_ = {Precision::floats};
    find_axes(n_centers, n_threads, poll);
    side_.begin(kernels_, choice_, axes_.get());
    side_.load(*frame_, x_, n_threads, poll);
    is_coded_ = true;
}

void Data::find_axes(index_t n_centers, int n_threads, const PollCallback& poll) {
    axes_.reset();
    if (precision() == Precision::floats) return;
    // All rows are compared with all centres at first, and some of them later. A centre is about as far away as the nearest
    // of as many rows.
    constexpr double kRounds = 1.5;
    const double n_pairs = kRounds * static_cast<double>(size()) * static_cast<double>(n_centers);
    axes_ = distance::Axes::find(kernels_, precision(), *frame_, x_, nullptr, distance::Reach::nearest(1, n_centers, true),
                                 n_pairs, n_threads, poll);
}

double Data::mean_variance(int n_threads, const PollCallback& poll) const {
    constexpr index_t kRowsPerTask = 4096;
    const index_t stride = simd::padded(dimension());
    const index_t n_tasks = (size() + kRowsPerTask - 1) / kRowsPerTask;
    std::vector<double> sums(at(n_tasks * stride), 0.0);
    std::vector<double> squares(at(n_tasks), 0.0);
    parallel_for(
        n_tasks, n_threads,
        [&](index_t task) {
            const AlignedBuffer row(stride);
            double* sum = sums.data() + task * stride;
            double square = 0.0;
            for (index_t i = task * kRowsPerTask; i < std::min(size(), (task + 1) * kRowsPerTask); ++i) {
                x_.copy_row(i, row.get());
                for (index_t k = 0; k < stride; ++k) sum[k] += row[k];
                square += simd::squared_norm(row.get(), stride);
            }
            squares[at(task)] = square;
        },
        poll);
    double square = squares[0];
    for (index_t task = 1; task < n_tasks; ++task) {
        square += squares[at(task)];
        for (index_t k = 0; k < stride; ++k) sums[at(k)] += sums[at(task * stride + k)];
    }
    const auto n = static_cast<double>(size());
    double mean_square = 0.0;
    for (index_t k = 0; k < stride; ++k) {
        const double mean = sums[at(k)] / n;
        mean_square += mean * mean;
    }
    return std::max(0.0, square / n - mean_square) / static_cast<double>(dimension());
}

}  // namespace pyface::kmeans
