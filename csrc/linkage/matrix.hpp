// Agglomerative linkage of a condensed matrix of distances, which is the only large memory: it is overwritten.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "core/parallel.hpp"
#include "linkage/cannot_link.hpp"
#include "linkage/dendrogram.hpp"

namespace pyface::linkage {

enum class MatrixMethod { single, complete, average, weighted, ward, centroid, median };

// What rounding may have made of 0, relative to the largest distance: more than float32 does in any usual formula.
inline constexpr double kNearZero = 0x1p-16;

// Greedy merging with centroids or medians may come down again; the others never do.
inline bool is_monotone(MatrixMethod method) {
    return method != MatrixMethod::centroid && method != MatrixMethod::median;
}

// Not for centroid and median, which must be given none.
struct MatrixOptions {
    double stop = std::numeric_limits<double>::infinity();  // merges at this height or above are not made
    // A group per row, or below 0 for none; empty if nobody has one. Rows of a group merge first, at height 0, in order.
    VectorView<const std::int64_t> must_link;
    NumberSets cannot_link;  // clusters that hold rows which share a number never merge
};

// The merges, children before parents, heights as in SciPy: n - 1 of them, or fewer if options leave some out. For
// centroid and median the list is in the order of merging, for others write_scipy() has to sort it.
//
// `distances` (n (n - 1) / 2, n >= 1) are those of SciPy's pdist. T is float or double; new distances are computed in
// double and kept in T. Those below 0, which rounding makes of duplicates, are closer than 0; with groups they are taken
// for 0, and by ward, centroid and median down to -kNearZero times the largest. Throws std::invalid_argument, before
// anything is written, if one is NaN or infinite, or lower than that; and if rows that must be linked may not be.
//
// A cluster is called by its smallest row. It merges with the closest cluster, among equally close ones the lowest;
// single linkage without groups has SciPy's order instead. The result does not depend on the number of threads.
// O(n^2) time (centroid and median: usually). O(n) memory and some MB; 3 % of the matrix for single without groups.
template <class T>
std::vector<Merge> from_condensed(VectorView<T> distances, index_t n, MatrixMethod method,
                                  const MatrixOptions& options, int n_threads, const PollCallback& poll);

// Writes z (number of merges, 4) in SciPy's format without changing the order or the heights.
void write_in_order(const std::vector<Merge>& merges, index_t n, MatrixView<double> z);

}  // namespace pyface::linkage
