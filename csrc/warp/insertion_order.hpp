// In which order points are inserted: any order gives the same triangles, this one gives short walks.
#pragma once

#include <cstdint>
#include <vector>

#include "warp/predicates.hpp"

namespace pyface::warp {

struct Site {
    Point at;
    std::int32_t index = 0;
};

// Rounds of which each holds about half of all that are left, drawn by a fixed hash, the smallest one first; each round
// along a Hilbert curve whose cells are split at medians, so that no scale and no cluster is too fine for it.
// O(n log n) time.
void sort_for_insertion(std::vector<Site>& sites);

}  // namespace pyface::warp
