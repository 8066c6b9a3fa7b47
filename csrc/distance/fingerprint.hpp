// Whether rows are still what they were, without a copy of them.
#pragma once

#include <cstdint>

#include "core/parallel.hpp"
#include "simd/rows.hpp"

namespace pyface::distance {

// 64 bits of all bytes of the rows and of their order. One changed entry always changes them, several do but for a chance
// of about 2^-64; no protection against somebody who means to deceive. One pass, at the speed of memory.
std::uint64_t fingerprint(const simd::Rows& rows, int n_threads, const PollCallback& poll);

}  // namespace pyface::distance
