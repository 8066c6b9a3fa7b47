// Clusters the rows of one or some components.
#pragma once

#include <new>
#include <string>
#include <vector>

#include "distance/exact.hpp"
#include "linkage/components.hpp"

namespace pyface::linkage {

// A matrix of distances that would be larger than the limit.
class MatrixTooLarge : public std::bad_alloc {
public:
    MatrixTooLarge(index_t n_rows, index_t memory_limit);
    const char* what() const noexcept override { return message_.c_str(); }

private:
    std::string message_;
};

class ComponentSolver {
public:
    ComponentSolver(const simd::Rows& x, const Below& below, bool has_edges, Groups groups, int n_threads,
                    const PollCallback& poll);

    // rows : of whole components, in order within each. edges : theirs, as places, of which rows[0] is at `first`.
    // is_one : whether it is one component. May be called from several threads, then with look = nullptr.
    std::vector<Joint> solve(VectorView<const std::int32_t> rows, VectorView<const Edge> edges, std::int32_t first,
                             bool is_one, int n_threads, Poller* look) const;

private:
    struct Problem {
        VectorView<const std::int32_t> rows;
        VectorView<const Edge> edges;
        std::int32_t first;
        std::vector<std::int64_t> cannot_starts, cannot_numbers, must_link;  // of the rows; empty: nobody has any

        index_t size() const { return rows.size; }
        NumberSets cannot() const { return {view(cannot_starts), view(cannot_numbers)}; }
        VectorView<const std::int64_t> must() const { return view(must_link); }
        static VectorView<const std::int64_t> view(const std::vector<std::int64_t>& v) {
            return {v.data(), static_cast<index_t>(v.size())};
        }
    };
    std::vector<Joint> by_length(const Problem& problem, Poller* look) const;
    std::vector<Joint> by_links_of_means(const Problem& problem, Poller* look) const;
    std::vector<Joint> by_farthest_links(const Problem& problem, Poller* look) const;
    std::vector<Joint> by_matrix(const Problem& problem, int n_threads, const PollCallback& poll) const;
    std::vector<double> lengths(const Problem& problem, Poller* look) const;

    const simd::Rows& x_;
    Below below_;
    bool has_edges_, has_means_;
    Groups groups_;
    const PollCallback& poll_;
    distance::Exact exact_;
};

}  // namespace pyface::linkage
