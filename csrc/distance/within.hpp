// The pairs within a radius, as a sparse matrix or as a stream of edges.
#pragma once

#include <new>
#include <string>

#include "distance/pairs_within.hpp"

namespace pyface::distance {

// More pairs within the radius than there is memory for.
class TooManyPairs : public std::bad_alloc {
public:
    TooManyPairs(std::int64_t found, double expected, double bytes_per_pair, std::int64_t memory_limit);
    const char* what() const noexcept override { return message_.c_str(); }

private:
    std::string message_;
};

// The pairs within a radius, found once and then written as CSR: the caller allocates when the count is known.
class RadiusGraph {
public:
    // y == nullptr: x against itself, each row its own neighbour. Throws TooManyPairs when the pairs, while the graph is
    // written, would take more than memory_limit bytes (-1: no limit).
    RadiusGraph(const Rows& x, const Rows* y, Metric metric, double radius, std::int64_t memory_limit, int n_threads,
                const PollCallback& poll);

    index_t n_rows() const { return n_rows_; }
    index_t n_entries() const { return indptr_.back(); }

    // indptr (n_rows + 1), indices and distances (n_entries); columns of a row are increasing. Once only: what has been
    // written is let go.
    void write(VectorView<std::int64_t> indptr, VectorView<std::int32_t> indices, VectorView<float> distances,
               const PollCallback& poll);

private:
    struct Hits {
        std::vector<PairsWithin::Pair> pairs;
        std::vector<float> distances;
    };
    index_t n_rows_;
    bool mirrored_;
    std::vector<Hits> hits_;  // per task, in the order that write() relies on
    std::vector<std::int64_t> indptr_;
};

// The pairs (i, j), i < j, of rows of x within a radius: each once, in an order that depends on the rows only.
class EdgeStream {
public:
    EdgeStream(const Rows& x, Metric metric, double radius, int n_threads, const PollCallback& poll)
        : within_(x, nullptr, metric, radius, n_threads, poll), batch_(4 * n_threads) {}

    // Replaces `edges` by the next ones, about max_edges at most, and says whether there were any. With `settled`, a number
    // for each row: edges between rows with the same number, not -1, may be left out.
    bool next(index_t max_edges, std::vector<PairsWithin::Pair>& edges, const std::int32_t* settled, int n_threads,
              const PollCallback& poll);

private:
    struct Ahead {
        std::vector<PairsWithin::Pair> edges;
        bool done;
    };
    PairsWithin within_;
    index_t next_task_ = 0;
    index_t batch_;
    std::vector<Ahead> ahead_;  // tasks from next_task_ on that an earlier call did not hand out
    bool interrupted_ = false;
};

}  // namespace pyface::distance
