// All pairs within a radius, task by task: the screen and the decision, for graphs and for streams of edges.
#pragma once

#include <vector>

#include "distance/blocks.hpp"
#include "distance/exact.hpp"
#include "distance/sides.hpp"

namespace pyface::distance {

class PairsWithin {
public:
    // y == nullptr: x against itself, pairs above the diagonal only.
    PairsWithin(const Rows& x, const Rows* y, Metric metric, double radius, int n_threads, const PollCallback& poll);

    const Blocks& blocks() const { return blocks_; }

    struct Pair {
        std::int32_t row, col;
    };
    // Appends the pairs of a task, by row, then by column. Distances go along where `distances` is not nullptr; without
    // them most pairs need not be computed in float64. Safe to call from several threads.
    // With `settled`, a number for each row of x, which is compared with itself: pairs of rows with the same number, not
    // -1, are left out.
    void run(index_t task, std::vector<Pair>& pairs, std::vector<float>* distances,
             const std::int32_t* settled = nullptr);

private:
    struct Found {
        std::int32_t row, col;  // row counts from the first of the block
        bool accepted;
    };
    struct Worker {
        Screen screen;
        std::vector<Found> found, by_row;
        std::vector<std::int32_t> doubtful;
        std::vector<double> values;
    };
    void code(int n_threads, const PollCallback& poll);
    void collect(Worker& worker, index_t col_begin, index_t diagonal, bool accept) const;
    void decide(Worker& worker, std::vector<Pair>& pairs, std::vector<float>* distances) const;
    double least_score(index_t row) const {
        return least_scores_[frame_.is_cosine() ? 0 : static_cast<std::size_t>(row)];
    }

    Rows x_, y_;
    bool to_itself_;
    double radius_;
    const simd::Kernels& kernels_;
    Frame frame_;
    Exact exact_;
    Blocks blocks_;
    Sides sides_;
    std::vector<double> least_scores_;  // per row of x
    Pool<Worker> workers_;
};

}  // namespace pyface::distance
