// The minimum spanning forest of few rows, from bounds on all their distances.
#pragma once

#include "linkage/row_space.hpp"

namespace pyface::linkage {

// Whether lines_of_few() takes the least time: of up to `few` rows, and of some thousand in several tight groups, which
// searches among groups would take long for. few == 0: never.
bool are_few(const RowSpace& space, const std::vector<std::int32_t>& rows, index_t few, int n_threads,
             const PollCallback& poll);

// Its lines that are below a raw distance, in no particular order, by Prim's algorithm; `rows` in increasing order, all
// at some distance from each other. A forest and not a part of one: what lies beyond the limit is passed over.
// Memory and time are those of the distances of all pairs.
std::vector<Line> lines_of_few(const RowSpace& space, const std::vector<std::int32_t>& rows, double raw_limit,
                               int n_threads, const PollCallback& poll);

}  // namespace pyface::linkage
