#include "linkage/row_space.hpp"

#include <cmath>

#include "core/aligned.hpp"
#include "core/require.hpp"

namespace pyface::linkage {

Line RowSpace::line(std::int32_t a, std::int32_t b) const {
    Line line{0.0, 0.0, a, b};
    exact_.distances(a, &b, 1, &line.distance);
    require(std::isfinite(line.distance), "X: distances are not finite numbers; scale the data");
    line.raw = std::max(line.distance, least(a, b));
    return line;
}

bool RowSpace::is_zero(index_t i) const {
    const AlignedBuffer row(simd::padded(x_.dimension()));
    x_.copy_row(i, row.get());
    return std::all_of(row.get(), row.get() + x_.dimension(), [](double value) { return value == 0.0; });
}

void require_finite_distances(const simd::Rows& x, int n_threads, const PollCallback& poll) {
    constexpr index_t kRowsPerTask = 64;
    const index_t n = x.size();
    parallel_for(
        (n + kRowsPerTask - 1) / kRowsPerTask, n_threads,
        [&](index_t task) {
            const index_t stride = simd::padded(x.dimension());
            const AlignedBuffer row(stride);
            for (index_t i = task * kRowsPerTask; i < std::min(n, (task + 1) * kRowsPerTask); ++i) {
                x.copy_row(i, row.get());
                require(std::isfinite(4.0 * simd::squared_norm(row.get(), stride)),
                        "X: distances are not finite numbers; scale the data");
            }
        },
        poll);
}

}  // namespace pyface::linkage
