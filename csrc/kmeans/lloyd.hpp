// Lloyd's algorithm, as scikit-learn runs it: when it ends, and what becomes of clusters without rows.
#pragma once

#include <cstdint>

#include "kmeans/center_search.hpp"

namespace pyface::kmeans {

struct Outcome {
    double inertia;  // sum over the rows of weight times squared distance to the centre of the label
    index_t n_iter;
};

struct Rules {
    index_t max_iter;
    // Ends when the sum of the squared ways of all centres is at most this.
    double tolerance;
    // Centres are scaled to unit length; rows must be.
    bool spherical;
};

// centers (k, d), of the type of the rows: where to start, then the result. labels (n): a guess of the nearest centre
// of each row, or kUnknown; then the labels. When no label changes any more, the centres are the means of the labels;
// when the rules end it before, the labels are those of the centres.
//
// A row whose own centre stayed or came nearer is compared with the centres that have moved only: the others were not
// nearer than its own was. So the labels are those of a comparison with all.
template <class T>
Outcome lloyd(Data& data, MatrixView<T> centers, VectorView<std::int32_t> labels, const Rules& rules, int n_threads,
              const PollCallback& poll);

// labels (n) and squared distances (n) of the nearest of the centres (k, d), ties by lower number.
template <class T>
void nearest_centers(Data& data, MatrixView<const T> centers, Assignment result, int n_threads,
                     const PollCallback& poll);

}  // namespace pyface::kmeans
