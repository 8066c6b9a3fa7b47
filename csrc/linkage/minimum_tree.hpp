// Single linkage as a minimum spanning tree: the matrix is read once and not written to.
#pragma once

#include <vector>

#include "core/parallel.hpp"
#include "linkage/condensed.hpp"
#include "linkage/dendrogram.hpp"

namespace pyface::linkage {

// Merges below `stop`, by increasing height. Prim's algorithm from row 0 on, equal distances to the lower row; equal
// heights in the order in which rows were reached: SciPy's order. O(n^2) time, memory of 3 % of the matrix.
template <class T>
std::vector<Merge> minimum_tree(Condensed<T> matrix, double stop, int n_threads, const PollCallback& poll);

}  // namespace pyface::linkage
