// Sums of groups of rows, and how far rows are from all rows of a group by its mean, in float64.
#pragma once

#include <cstdint>

#include "core/parallel.hpp"
#include "distance/frame.hpp"

namespace pyface::distance {

// Rows of groups: group g has rows order[begins[g]] to order[begins[g + 1] - 1].
struct Groups {
    VectorView<const std::int64_t> order, begins;

    index_t size() const { return begins.size - 1; }
};

// sums (k, d) and squares (k): of the rows of each group as the frame has them, added up in their order, and of their
// squared lengths. The same bits for any number of threads. O(d) for each row.
void group_sums(const Rows& x, const Frame& frame, const Groups& groups, MatrixView<double> sums,
                VectorView<double> squares, int n_threads, const PollCallback& poll);

// out[p] = the mean squared distance of row rows[p], as the frame has it, to the rows of the group at places[p], of which
// means (k, d) and squares (k), means of squared lengths, are given: |x|^2 + square - 2 <x, mean>.
void squared_to_means(const Rows& x, const Frame& frame, VectorView<const std::int64_t> rows,
                      VectorView<const std::int64_t> places, MatrixView<const double> means,
                      VectorView<const double> squares, VectorView<double> out, int n_threads,
                      const PollCallback& poll);

}  // namespace pyface::distance
