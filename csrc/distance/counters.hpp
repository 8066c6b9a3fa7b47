// How often what was done, for tests and for the curious. Nothing reads them to decide.
#pragma once

#include <atomic>
#include <cstdint>

#include "core/views.hpp"

namespace pyface::distance {

enum class Counter {
    pairs_along_axes,  // screened along a few axes first
    products_saved,    // of codes, thanks to the axes: less than none if they cost more
    pairs_in_codes,    // screened with codes
    pairs_in_float32,  // screened with float32, after codes left too many in doubt or instead of them
    pairs_in_float64,  // decided, or given their distance, in float64
    pairs_accepted,    // decided without float64
    linkage_rounds,    // rounds of merges
    linkage_searches,  // clusters that were compared with all others
    linkage_recalls,   // distances that were measured to clusters that a list named
    size
};

extern std::atomic<std::int64_t> g_counters[static_cast<std::size_t>(Counter::size)];

inline void count(Counter counter, index_t by) {
    g_counters[static_cast<std::size_t>(counter)].fetch_add(by, std::memory_order_relaxed);
}

}  // namespace pyface::distance
