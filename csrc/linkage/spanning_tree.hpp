// Single linkage from the vectors themselves: the minimum spanning tree, O(n d) memory.
#pragma once

#include <vector>

#include "core/parallel.hpp"
#include "distance/metric.hpp"
#include "distance/pairs_within.hpp"
#include "simd/rows.hpp"

namespace pyface::linkage {

using Edge = distance::PairsWithin::Pair;

// The edges of the minimum spanning forest of the rows with no edge beyond the limit, by increasing length. Without a limit
// there are n - 1, and they are all that single linkage merges along.
//
// Boruvka's algorithm: each component is joined to its nearest other one, until there is one. Every row keeps a list of
// near rows and the distance beyond which all others lie; only rows whose list cannot tell whether they are their
// component's nearest to another one are searched for again, and rows of the largest component never, as all others are
// joined to something anyway. Edges are ordered by distance, then by their rows, so that the tree is the only one.
// Throws std::invalid_argument if a distance is not finite.
std::vector<Edge> spanning_edges(const simd::Rows& x, distance::Metric metric, double height_limit, int n_threads,
                                 const PollCallback& poll);

}  // namespace pyface::linkage
