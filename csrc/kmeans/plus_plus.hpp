// Greedy k-means++ with the draws of scikit-learn.
#pragma once

#include <cstdint>

#include "core/crew.hpp"
#include "kmeans/data.hpp"

namespace pyface::kmeans {

// Chooses k = chosen.size rows. The first is given; each further one is the best of several candidates, drawn with a
// probability that grows with weight times squared distance to the nearest chosen row: draws (k - 1, candidates), in
// [0, 1), are places in the sum of these, along the rows. The best candidate leaves the smallest sum; ties go to the
// earlier one.
//
// nearest (n): for each row the number, in order of choice, of the chosen row nearest to it, ties by lower number.
//
// Squared distances are computed in float64, then rounded to the type T of the rows, as is the running sum that the
// draws look into, because scikit-learn draws from sums of that type. Sums over candidates are float64.
//
// Time: a screen of candidates against all rows for each choice, and float64 for the rows that come nearer.
template <class T>
void plus_plus(Data& data, index_t first, MatrixView<const double> draws, VectorView<std::int64_t> chosen,
               VectorView<std::int32_t> nearest, int n_threads, const PollCallback& poll);

}  // namespace pyface::kmeans
