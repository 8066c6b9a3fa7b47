// Linkage by rounds of reciprocal nearest neighbours, on means: O(n d) memory, a matrix of few clusters at most (17 MB).
#pragma once

#include <limits>

#include "linkage/clusters.hpp"

namespace pyface::linkage {

// Merges clusters until none are left that may merge below `height_limit` (strictly).
//
// Every cluster knows its nearest cluster; all pairs that choose each other merge. These linkages are reducible
// (Bruynooghe 1978: a merge of a and b is not closer to c than the nearer of a and b was), so that the tree is the greedy
// one, and so that what was once farther away than some distance stays so: each cluster keeps a list of near ones and
// the distance beyond which all others lie, and is searched for again only when its list cannot name its nearest cluster.
// A pair that may not merge is infinitely far apart, which changes none of this. A cluster whose nearest one has merged may
// wait before it is settled again: searches are bounded by the number of merges, and time by O(n^2 d), whatever the rows.
//
// Up to `few` clusters, from the start or of many, have a matrix of bounds on all their distances instead of lists; the
// merges are the same.
//
// Ties go to the smaller slot, that is to the cluster of the smaller smallest row. The result does not depend on the
// number of threads. Throws std::invalid_argument if a distance is not finite.
inline constexpr index_t kFewClusters = 2048;
void merge_all(Clusters& clusters, double height_limit, index_t few, int n_threads, const PollCallback& poll);

inline constexpr double kNoLimit = std::numeric_limits<double>::infinity();

}  // namespace pyface::linkage
