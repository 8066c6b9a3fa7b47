// What a finished tree can tell without looking at the rows again: its clusters, and how its cuts agree with classes.
#pragma once

#include <cstdint>

#include "core/parallel.hpp"
#include "core/views.hpp"

namespace pyface::linkage {

// Of the cluster that each merge of z (n - 1, 4) makes: the height from which on a cut holds it (that of the merge, or
// of a higher one below it), how many rows it has, and the smallest of them. The arrays have n - 1 entries.
// Throws std::invalid_argument if z is not a linkage matrix. O(n) time and memory.
void describe(MatrixView<const double> z, VectorView<double> heights, VectorView<std::int64_t> sizes,
              VectorView<std::int64_t> first_rows, const PollCallback& poll);

// BCubed precision and recall of the rows that have a class, after each merge of z in the order given.
// classes: of each of the n rows, 0 .. n_classes - 1, or -1 for a row that is not scored; one at least has a class.
// others_count: rows that are not scored are in the sizes of clusters, which they make impure; else they do not count.
// order (n - 1): the merges, each after those below it. precision, recall (n): entry k is after the first k merges.
// They are sums in about 100 bits, rounded once and divided by the number of rows with a class: cuts whose sums are
// equal get equal scores.
// Throws std::invalid_argument for anything else. O(n log n) time, O(n) memory.
void bcubed_by_merge(MatrixView<const double> z, VectorView<const std::int64_t> classes, index_t n_classes,
                     VectorView<const std::int64_t> order, bool others_count, VectorView<double> precision,
                     VectorView<double> recall, const PollCallback& poll);

}  // namespace pyface::linkage
