// Distance matrices, radius graphs and nearest neighbours. All values are computed in float64 on the rows as given;
// decisions are made on that value, then it is rounded to the type of the output.
#pragma once

#include <cstdint>
#include <vector>

#include "core/parallel.hpp"
#include "distance/panel.hpp"

namespace pyface::distance {

// out (n, m) of x against y.
template <class Out>
void dense(const Rows& x, const Rows& y, Metric metric, MatrixView<Out> out, int n_threads, const PollCallback& poll);

// out (n, n) of x against itself: exactly symmetric, diagonal exactly 0.
template <class Out>
void dense_symmetric(const Rows& x, Metric metric, MatrixView<Out> out, int n_threads, const PollCallback& poll);

// out (n (n - 1) / 2): row by row the part above the diagonal.
template <class Out>
void condensed(const Rows& x, Metric metric, VectorView<Out> out, int n_threads, const PollCallback& poll);

// The pairs within a radius, found once and then written as CSR: the caller allocates when the count is known.
class RadiusGraph {
public:
    // y == nullptr: x against itself, each row its own neighbour.
    RadiusGraph(const Rows& x, const Rows* y, Metric metric, double radius, int n_threads, const PollCallback& poll);

    index_t n_rows() const { return n_rows_; }
    index_t n_entries() const { return indptr_.back(); }

    // indptr (n_rows + 1), indices and distances (n_entries); columns of a row are increasing.
    void write(VectorView<std::int64_t> indptr, VectorView<std::int32_t> indices, VectorView<float> distances,
               const PollCallback& poll) const;

private:
    struct Hit {
        std::int32_t row, col;
        float distance;
    };
    index_t n_rows_;
    bool mirrored_;
    std::vector<std::vector<Hit>> hits_;  // per task, in the order that write() relies on
    std::vector<std::int64_t> indptr_;
};

// The k nearest rows of y for each row of x, nearest first, ties by lower index: distances and indices (n, k).
// y == nullptr: x against itself, and the row itself always comes first. 1 <= k <= rows of y.
void nearest(const Rows& x, const Rows* y, Metric metric, MatrixView<float> distances,
             MatrixView<std::int64_t> indices, int n_threads, const PollCallback& poll);

}  // namespace pyface::distance
