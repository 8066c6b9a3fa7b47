#include "distance/usable.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdint>

namespace pyface::distance {
namespace {

// On the bits, since these are tests that a compiler can make for many entries at once.
template <class T, class Bits>
bool usable(const T* row, index_t d, bool nonzero) {
    constexpr Bits kExponent = sizeof(T) == 4 ? static_cast<Bits>(0x7f800000u) : static_cast<Bits>(0x7ff0000000000000u);
    constexpr Bits kSign = Bits{1} << (8 * sizeof(T) - 1);
    Bits any_set = 0;
    Bits bad = 0;
    for (index_t k = 0; k < d; ++k) {
        const Bits bits = std::bit_cast<Bits>(row[k]);
        any_set |= bits & ~kSign;
        bad |= static_cast<Bits>((bits & kExponent) == kExponent);
    }
    return bad == 0 && (any_set != 0 || !nonzero);
}

}  // namespace

bool all_usable(const simd::Rows& rows, bool nonzero, int n_threads, const PollCallback& poll) {
    const index_t rows_per_task = std::max<index_t>(1, (index_t{1} << 18) / std::max<index_t>(1, rows.dimension()));
    const index_t n_tasks = (rows.size() + rows_per_task - 1) / rows_per_task;
    std::atomic<bool> fine{true};
    parallel_for(
        n_tasks, n_tasks < 4 ? 1 : n_threads,
        [&](index_t task) {
            const index_t end = std::min(rows.size(), (task + 1) * rows_per_task);
            for (index_t i = task * rows_per_task; i < end && fine; ++i) {
                const bool is_usable =
                    rows.is_float32() ? usable<float, std::uint32_t>(rows.row<float>(i), rows.dimension(), nonzero)
                                      : usable<double, std::uint64_t>(rows.row<double>(i), rows.dimension(), nonzero);
                if (!is_usable) fine = false;
            }
        },
        poll);
    return fine;
}

}  // namespace pyface::distance
