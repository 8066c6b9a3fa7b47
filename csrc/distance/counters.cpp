#include "distance/counters.hpp"

namespace pyface::distance {

std::atomic<std::int64_t> g_counters[static_cast<std::size_t>(Counter::size)];

}  // namespace pyface::distance
