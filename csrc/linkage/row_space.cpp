#include "linkage/row_space.hpp"

#include <cmath>

#include "core/aligned.hpp"
#include "core/require.hpp"

namespace pyface::linkage {

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
