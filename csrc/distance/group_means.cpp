#include "distance/group_means.hpp"

#include <algorithm>
#include <vector>

#include "simd/isa.hpp"

namespace pyface::distance {
namespace {

constexpr index_t kRowsPerTask = 512;

}  // namespace

void group_sums(const Rows& x, const Frame& frame, const Groups& groups, MatrixView<double> sums,
                VectorView<double> squares, int n_threads, const PollCallback& poll) {
    // Whole groups to a task, so that no sum depends on how many there are.
    std::vector<index_t> first{0};
    for (index_t g = 1; g < groups.size(); ++g) {
        if (groups.begins[g] - groups.begins[first.back()] >= kRowsPerTask) first.push_back(g);
    }
    first.push_back(groups.size());
    const index_t d = x.dimension();
    parallel_for(
        static_cast<index_t>(first.size()) - 1, n_threads,
        [&](index_t task) {
            const AlignedBuffer row(frame.stride());
            const auto t = static_cast<std::size_t>(task);
            for (index_t g = first[t]; g < first[t + 1]; ++g) {
                double* sum = sums.row(g);
                double square = 0.0;
                std::fill_n(sum, d, 0.0);
                for (index_t p = groups.begins[g]; p < groups.begins[g + 1]; ++p) {
                    frame.read(x, groups.order[p], row.get());
                    square += simd::squared_norm(row.get(), frame.stride());
                    for (index_t k = 0; k < d; ++k) sum[k] += row[k];
                }
                squares[g] = square;
            }
        },
        poll);
}

void squared_to_means(const Rows& x, const Frame& frame, VectorView<const std::int64_t> rows,
                      VectorView<const std::int64_t> places, MatrixView<const double> means,
                      VectorView<const double> squares, VectorView<double> out, int n_threads,
                      const PollCallback& poll) {
    const simd::Kernels& kernels = simd::kernels();
    const index_t stride = frame.stride();
    parallel_for(
        (rows.size + kRowsPerTask - 1) / kRowsPerTask, n_threads,
        [&](index_t task) {
            const AlignedBuffer row(stride);
            AlignedBuffer mean(stride);
            std::fill_n(mean.get(), stride, 0.0);
            for (index_t p = task * kRowsPerTask; p < std::min(rows.size, (task + 1) * kRowsPerTask); ++p) {
                frame.read(x, rows[p], row.get());
                std::copy_n(means.row(places[p]), x.dimension(), mean.get());
                double dot = 0.0;
                kernels.dots(row.get(), 1, mean.get(), 1, stride, &dot, 1);
                out[p] = simd::squared_norm(row.get(), stride) + squares[places[p]] - 2.0 * dot;
            }
        },
        poll);
}

}  // namespace pyface::distance
