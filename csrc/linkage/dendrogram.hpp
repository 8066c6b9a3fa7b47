// Merges in the order they were found, SciPy's linkage matrix, and flat clusterings cut from it.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "core/views.hpp"

namespace pyface::linkage {

// Row i of a list of merges makes node n + i out of two older nodes; nodes 0 .. n-1 are the rows themselves.
struct Merge {
    index_t left, right;
    double height;
    index_t size;
};

// Writes z (number of merges, 4) in SciPy's format: ordered by height (stable), left id < right id. Rounding may have
// left a parent an ulp below its child, which sorting would tear apart: each height is lifted to its children's first.
// A forest of n rows has fewer than n - 1 merges; nodes are numbered from n on all the same.
void write_scipy(std::vector<Merge> merges, index_t n, MatrixView<double> z);

// The two nodes of each merge. Throws std::invalid_argument if z is no forest of n rows in SciPy's format: each node
// may be used once, after it was made.
std::vector<std::pair<index_t, index_t>> checked_children(MatrixView<const double> z, index_t n);

// Labels of the n rows, numbered by the smallest row of each cluster, when all merges of a forest in SciPy's format are
// applied. Throws std::invalid_argument if z is none. O(n) time and memory.
void label_forest(MatrixView<const double> z, index_t n, VectorView<std::int64_t> labels);

// Labels of the n = z.rows + 1 rows, numbered by the smallest row of each cluster, when the first n_merges rows of z are
// applied. Throws std::invalid_argument if z is not a linkage matrix. O(n) time and memory.
void cut_by_count(MatrixView<const double> z, index_t n_merges, VectorView<std::int64_t> labels);

// The same, applying every merge whose height and whose descendants' heights are <= height.
void cut_by_height(MatrixView<const double> z, double height, VectorView<std::int64_t> labels);

}  // namespace pyface::linkage
