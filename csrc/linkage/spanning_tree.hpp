// Minimum spanning trees of the vectors themselves, O(n d) memory: of their distances, which is single linkage, and of
// their mutual reachabilities, which is HDBSCAN's.
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
//
// Up to `few` rows that are not equal: Prim's algorithm on all their distances, few x few numbers.
inline constexpr index_t kFewRows = 1536;
std::vector<Edge> spanning_edges(const simd::Rows& x, distance::Metric metric, double height_limit, index_t few,
                                 int n_threads, const PollCallback& poll);

struct ReachabilityTree {
    std::vector<Edge> edges;        // n - 1
    std::vector<double> distances;  // of the two rows of each edge
    std::vector<double> cores;      // (n,): distance to the n_neighbors-th nearest row, the row itself being the first
};

// The minimum spanning tree of mutual reachabilities: the largest of the distance of two rows and the core distances of
// both times core_factor. By the same algorithm, on lists and searches that know the core distances. Edges are ordered
// by reachability, then by distance, equal rows first, then by their rows, so that the tree is the only one. Under cosine
// rows of zeros are at distance 1 from all others, each other included. n >= 1; n_neighbors from 1 to n.
// Throws std::invalid_argument if a distance is not finite.
ReachabilityTree reachability_tree(const simd::Rows& x, distance::Metric metric, index_t n_neighbors, double core_factor,
                                   int n_threads, const PollCallback& poll);

}  // namespace pyface::linkage
