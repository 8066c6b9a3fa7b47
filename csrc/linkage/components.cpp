#include "linkage/components.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "core/require.hpp"
#include "core/union_find.hpp"
#include "distance/within.hpp"
#include "linkage/component_tasks.hpp"

namespace pyface::linkage {
namespace {

constexpr index_t kEdgesAtOnce = index_t{1} << 20;
// Components are put together until a task has so many rows, so that what a task costs beside its work does not count.
constexpr index_t kRowsPerTask = 512;
// From here on a component is a task of its own, on the calling thread, which looks for Ctrl-C; what it can do on more
// threads it does.
constexpr index_t kLarge = 2048;

std::size_t at(index_t i) { return static_cast<std::size_t>(i); }

}  // namespace

double radius_for(double threshold, distance::Metric metric) {
    const double size = std::fabs(threshold);
    // A cosine is a difference from 1. Other distances may be as small as they like.
    return threshold + 1e-9 * size + (metric == distance::Metric::cosine ? 1e-12 : std::min(1e-12, size));
}

NearGraph::NearGraph(const simd::Rows& x, distance::Metric metric, double radius, index_t max_edges, int n_threads,
                     const PollCallback& poll)
    : component_(at(x.size())) {
    UnionFind sets(x.size());
    distance::EdgeStream stream(x, metric, radius, n_threads, poll);
    std::vector<Edge> some;
    const auto put_components = [&] {
        for (std::int32_t i = 0; i < x.size(); ++i) component_[at(i)] = sets.find(i);
    };
    // Without a list of edges those inside of a component say nothing more.
    index_t n_since = 0;
    bool is_put = false;
    Poller look(poll);
    while (stream.next(kEdgesAtOnce, some, is_put ? component_.data() : nullptr, n_threads, poll)) {
        for (const Edge& edge : some) sets.unite(edge.row, edge.col);
        if (has_edges_ && static_cast<index_t>(edges_.size() + some.size()) > max_edges) {
            has_edges_ = false;
            edges_ = {};
        }
        if (has_edges_) edges_.insert(edges_.end(), some.begin(), some.end());
        n_since += static_cast<index_t>(some.size());
        if (!has_edges_ && n_since >= x.size()) {
            put_components();
            is_put = true;
            n_since = 0;
        }
        look();
    }
    put_components();
}

NearBetween::NearBetween(const simd::Rows& x, const simd::Rows& y, VectorView<const std::int32_t> component,
                         distance::Metric metric, double radius, index_t max_edges, int n_threads,
                         const PollCallback& poll) {
    require(component.size == y.size(), "component must have one entry per row of y");
    distance::PairsWithin within(x, &y, metric, radius, n_threads, poll);
    const auto compact = [&] {
        std::sort(edges_.begin(), edges_.end(), [](const Edge& a, const Edge& b) {
            return a.row < b.row || (a.row == b.row && a.col < b.col);
        });
        edges_.erase(std::unique(edges_.begin(), edges_.end(),
                                 [](const Edge& a, const Edge& b) { return a.row == b.row && a.col == b.col; }),
                     edges_.end());
    };
    const index_t at_once = 8 * n_threads;  // tasks, of which each may find all of its pairs
    index_t compact_at = max_edges;
    for (index_t first = 0; first < within.blocks().size(); first += at_once) {
        std::vector<std::vector<Edge>> found(at(std::min(at_once, within.blocks().size() - first)));
        parallel_for(
            static_cast<index_t>(found.size()), n_threads,
            [&](index_t t) { within.run(first + t, found[at(t)], nullptr); }, poll);
        for (auto& part : found) {
            if (has_edges_ && static_cast<index_t>(edges_.size() + part.size()) > max_edges) {
                has_edges_ = false;
                for (Edge& edge : edges_) edge.col = component[edge.col];
            }
            if (!has_edges_) {
                for (Edge& edge : part) edge.col = component[edge.col];
            }
            edges_.insert(edges_.end(), part.begin(), part.end());
            if (!has_edges_ && static_cast<index_t>(edges_.size()) > compact_at) {
                compact();
                compact_at = std::max(max_edges, 2 * static_cast<index_t>(edges_.size()));
            }
        }
    }
    if (!has_edges_) compact();
}

std::vector<Joint> link_components(const simd::Rows& x, const Below& below, VectorView<const std::int32_t> component,
                                   bool has_edges, VectorView<const Edge> edges, Groups groups, int n_threads,
                                   const PollCallback& poll) {
    const index_t n = x.size();
    UnionFind sets(n);
    for (std::int32_t i = 0; i < n; ++i) {
        require(component[i] >= 0 && component[i] < n, "component must hold rows");
        sets.unite(i, component[i]);
    }
    for (const Edge& edge : edges) {
        require(edge.row >= 0 && edge.row < n && edge.col >= 0 && edge.col < n && edge.row != edge.col,
                "edges must hold pairs of rows");
        sets.unite(edge.row, edge.col);
    }
    for (const auto& [first, i] : given_pairs(groups.must_link)) sets.unite(first, i);

    // Rows by component, components by their smallest rows; places[i] is where row i lies.
    std::vector<std::int32_t> number(at(n)), rows(at(n)), places(at(n));
    std::vector<index_t> row_starts{0};
    for (std::int32_t i = 0; i < n; ++i) {
        const std::int32_t root = sets.find(i);
        if (root == i) {
            number[at(i)] = static_cast<std::int32_t>(row_starts.size()) - 1;
            row_starts.push_back(0);
        }
        number[at(i)] = number[at(root)];
        ++row_starts[at(number[at(i)]) + 1];
    }
    const auto n_components = static_cast<index_t>(row_starts.size()) - 1;
    std::vector<index_t> edge_starts(at(n_components + 1), 0);
    for (const Edge& edge : edges) ++edge_starts[at(number[at(edge.row)]) + 1];
    for (index_t c = 0; c < n_components; ++c) {
        row_starts[at(c + 1)] += row_starts[at(c)];
        edge_starts[at(c + 1)] += edge_starts[at(c)];
    }
    {
        std::vector<index_t> next(row_starts.begin(), row_starts.end() - 1);
        for (std::int32_t i = 0; i < n; ++i) {
            const auto place = next[at(number[at(i)])]++;
            rows[at(place)] = i;
            places[at(i)] = static_cast<std::int32_t>(place);
        }
    }
    std::vector<Edge> placed(at(edges.size));
    {
        std::vector<index_t> next(edge_starts.begin(), edge_starts.end() - 1);
        for (const Edge& edge : edges) {
            placed[at(next[at(number[at(edge.row)])]++)] = {places[at(edge.row)], places[at(edge.col)]};
        }
    }
    number = {};
    places = {};

    // Tasks: runs of components.
    struct Task {
        index_t begin, end;
    };
    std::vector<Task> tasks;
    const auto n_rows = [&](const Task& t) { return row_starts[at(t.end)] - row_starts[at(t.begin)]; };
    for (index_t c = 0; c < n_components; ++c) {
        const Task one{c, c + 1};
        const bool joins = !tasks.empty() && n_rows(tasks.back()) < kRowsPerTask && n_rows(one) < kRowsPerTask;
        if (joins) {
            tasks.back().end = c + 1;
        } else {
            tasks.push_back(one);
        }
    }
    ComponentSolver solver(x, below, has_edges, groups, n_threads, poll);
    std::vector<std::vector<Joint>> found(tasks.size());
    const auto solve = [&](index_t t, int threads, Poller* look) {
        const Task& task = tasks[at(t)];
        const index_t first = row_starts[at(task.begin)];
        const index_t first_edge = edge_starts[at(task.begin)];
        const VectorView<const std::int32_t> own_rows{rows.data() + first, row_starts[at(task.end)] - first};
        const VectorView<const Edge> own_edges{placed.data() + first_edge, edge_starts[at(task.end)] - first_edge};
        found[at(t)] = solver.solve(own_rows, own_edges, static_cast<std::int32_t>(first), task.end - task.begin == 1,
                                    threads, look);
    };
    Poller look(poll);
    std::vector<index_t> small;
    for (index_t t = 0; t < static_cast<index_t>(tasks.size()); ++t) {
        if (n_rows(tasks[at(t)]) < kLarge) {
            small.push_back(t);
        } else {
            solve(t, n_threads, &look);
        }
    }
    parallel_for(
        static_cast<index_t>(small.size()), n_threads, [&](index_t s) { solve(small[at(s)], 1, nullptr); }, poll);
    std::vector<Joint> joints;
    for (auto& part : found) joints.insert(joints.end(), part.begin(), part.end());
    return joints;
}

}  // namespace pyface::linkage
