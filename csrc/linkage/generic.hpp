// Greedy merging where a union may come closer than its parts were: centroid and median linkage.
#pragma once

#include <vector>

#include "core/parallel.hpp"
#include "linkage/condensed.hpp"
#include "linkage/dendrogram.hpp"
#include "linkage/scale.hpp"

namespace pyface::linkage {

// All n - 1 merges in the order of merging: always the closest pair, among equally close ones that of the cluster with
// the smallest row, then of the other one's. The entries are squares. Overwrites the matrix. O(n) memory; O(n^2) time
// unless most rows lose their nearest neighbour in most merges, O(n^3) at worst.
template <class T, class Update>
std::vector<Merge> merge_closest(Condensed<T> matrix, const Scale& scale, const PollCallback& poll);

}  // namespace pyface::linkage
