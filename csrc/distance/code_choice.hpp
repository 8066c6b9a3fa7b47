// Which codes tell neighbours apart.
#pragma once

#include "distance/coded.hpp"

namespace pyface::distance {

// Codes for rows whose distances are compared with each other: those that screen fastest, unless they leave too many of
// some rows' others in doubt, as in tight groups. Judged by a few hundred rows of y.
Precision codes_for_neighbors(const simd::Kernels& kernels, const Frame& frame, const Rows& y);

}  // namespace pyface::distance
