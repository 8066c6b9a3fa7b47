// Rows that are the same to the bit.
#pragma once

#include <cstdint>
#include <vector>

#include "core/parallel.hpp"
#include "simd/rows.hpp"

namespace pyface::linkage {

// Groups of two rows and more with equal bits, rows in order. Time O(n d).
std::vector<std::vector<std::int32_t>> equal_rows(const simd::Rows& rows, int n_threads, const PollCallback& poll);

}  // namespace pyface::linkage
