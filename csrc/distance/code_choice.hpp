// Which codes tell neighbours apart.
#pragma once

#include "distance/coded.hpp"
#include "distance/use.hpp"

namespace pyface::distance {

// Rows compared all with all in float32 (rough_block.hpp), where codes might do.
void use_floats(Use use);
Use floats_used();

struct CodeChoice {
    Precision precision = Precision::codes;
    bool few_bits_first = false;  // codes that screen fastest rule out most pairs, before wide ones
    bool are_many_equal = false;  // rows, of which the first few found are enough
};

// For rows whose distances are compared with each other: codes that screen fastest, unless they leave too many of some rows'
// others in doubt, as in tight groups; then wide ones; float32 where those do so, too, as of near duplicates. Judged by a
// few hundred rows of y.
CodeChoice what_tells_neighbors(const simd::Kernels& kernels, const Frame& frame, const Rows& y);
// The same where nothing is done in float32.
CodeChoice codes_for_neighbors(const simd::Kernels& kernels, const Frame& frame, const Rows& y);
// Whether codes of 8 bits would leave too many in doubt, while others are far away; or those of 16 bits would.
bool are_tight_groups(const simd::Kernels& kernels, const Frame& frame, const Rows& y);

}  // namespace pyface::distance
