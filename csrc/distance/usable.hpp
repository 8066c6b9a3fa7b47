// The quick look at rows before they are worked on.
#pragma once

#include "core/parallel.hpp"
#include "simd/rows.hpp"

namespace pyface::distance {

// Whether all entries are finite and, with `nonzero`, no row is all zeros.
bool all_usable(const simd::Rows& rows, bool nonzero, int n_threads, const PollCallback& poll);

}  // namespace pyface::distance
