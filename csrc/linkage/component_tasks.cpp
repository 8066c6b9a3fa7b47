#include "linkage/component_tasks.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "core/require.hpp"
#include "core/union_find.hpp"
#include "linkage/contraction.hpp"
#include "linkage/from_vectors.hpp"

namespace pyface::linkage {
namespace {

using distance::Metric;

// A link costs about as much as a screen's look at so many pairs of rows.
constexpr index_t kPairsPerLink = 1000;
// Of complete linkage's links, which are no use without their like, there are few only where some pairs are too far.
constexpr index_t kPairsPerFarLink = 8;

std::size_t at(index_t i) { return static_cast<std::size_t>(i); }

std::vector<std::int64_t> of_rows(VectorView<const std::int64_t> groups, VectorView<const std::int32_t> rows) {
    std::vector<std::int64_t> own;
    if (groups.size == 0) return own;
    for (const std::int32_t row : rows) own.push_back(groups[row]);
    if (std::all_of(own.begin(), own.end(), [](std::int64_t g) { return g < 0; })) own.clear();
    return own;
}

// Fills starts and numbers with the sets of some rows; leaves them empty where nobody has a number.
void of_rows(const NumberSets& sets, VectorView<const std::int32_t> rows, std::vector<std::int64_t>& starts,
             std::vector<std::int64_t>& numbers) {
    if (!sets.any()) return;
    for (const std::int32_t row : rows) {
        const auto own = sets.of(row);
        numbers.insert(numbers.end(), own.begin(), own.end());
    }
    if (numbers.empty()) return;
    starts.push_back(0);
    for (const std::int32_t row : rows) starts.push_back(starts.back() + sets.of(row).size);
}

Method means_method(const Below& below) {
    const bool is_cosine = below.metric == Metric::cosine;
    if (below.linkage == Linkage::average) {
        return is_cosine ? Method::average_cosine : Method::average_sqeuclidean;
    }
    return is_cosine ? Method::weighted_cosine : Method::weighted_sqeuclidean;
}

// Calls merge(a, b) for what must-links bring together, and returns of which slots it is made.
template <class MergePair>
UnionFind merge_given_pairs(index_t n, VectorView<const std::int64_t> must_link, MergePair merge) {
    UnionFind sets(n);
    for (const auto& [a, b] : given_pairs(must_link)) {
        merge(a, b);
        sets.unite(a, b);
    }
    return sets;
}

bool by_slot(const Link& a, const Link& b) { return a.slot < b.slot; }

// From links to higher slots, in order, to links both ways.
void mirror(Links& links) {
    std::vector<std::size_t> n_own;
    for (const auto& own : links) n_own.push_back(own.size());
    for (std::size_t a = 0; a < links.size(); ++a) {
        for (std::size_t l = 0; l < n_own[a]; ++l) {
            const Link link = links[a][l];
            links[at(link.slot)].push_back({static_cast<std::int32_t>(a), link.is_exact, link.low});
        }
    }
    // Those to lower slots came last, but are in order.
    for (std::size_t a = 0; a < links.size(); ++a) {
        std::rotate(links[a].begin(), links[a].begin() + static_cast<std::ptrdiff_t>(n_own[a]), links[a].end());
    }
}

// One link to each slot where all pairs of rows have one, with the largest distance.
template <class Pairs>
void keep_farthest(std::vector<Link>& links, Pairs n_pairs) {
    std::sort(links.begin(), links.end(), by_slot);
    std::size_t kept = 0;
    for (std::size_t begin = 0, end = 0; begin < links.size(); begin = end) {
        Link farthest = links[begin];
        for (end = begin; end < links.size() && links[end].slot == links[begin].slot; ++end) {
            farthest.low = std::max(farthest.low, links[end].low);
        }
        if (static_cast<double>(end - begin) == n_pairs(farthest.slot)) links[kept++] = farthest;
    }
    links.resize(kept);
}

}  // namespace

ComponentSolver::ComponentSolver(const simd::Rows& x, const Below& below, bool has_edges, Groups groups, int n_threads,
                                 const PollCallback& poll)
    : x_(x),
      below_(below),
      has_edges_(has_edges),
      has_means_((below.linkage == Linkage::average || below.linkage == Linkage::weighted) &&
                 below.metric != Metric::euclidean),
      groups_(groups),
      poll_(poll),
      exact_(x, nullptr, below.metric, n_threads, poll) {
    require(has_edges || below.linkage != Linkage::single, "single linkage needs the edges");
}

std::vector<Joint> ComponentSolver::solve(VectorView<const std::int32_t> rows, VectorView<const Edge> edges,
                                          std::int32_t first, bool is_one, int n_threads, Poller* look) const {
    if (rows.size < 2) return {};
    const PollCallback none;
    const PollCallback& poll = look == nullptr ? none : poll_;
    Problem problem{rows, edges, first, {}, {}, of_rows(groups_.must_link, rows)};
    of_rows(groups_.cannot_link, rows, problem.cannot_starts, problem.cannot_numbers);
    const bool has_musts = !problem.must_link.empty();
    if (edges.size == 0 && has_edges_ && !has_musts) return {};
    if (below_.linkage == Linkage::single) return by_length(problem, look);
    const index_t n_pairs = rows.size * rows.size;
    if (has_means_) {
        if (has_edges_ && !(is_one && rows.size > 64 && edges.size * kPairsPerLink > n_pairs)) {
            return by_links_of_means(problem, look);
        }
        return from_vectors(x_, rows, means_method(below_), {problem.cannot(), problem.must()}, below_.threshold,
                            n_threads, poll, below_.origin);
    }
    if (below_.linkage == Linkage::complete && has_edges_ && !(is_one && edges.size * kPairsPerFarLink > n_pairs)) {
        return by_farthest_links(problem, look);
    }
    return by_matrix(problem, n_threads, poll);
}

// Kruskal's algorithm.
std::vector<Joint> ComponentSolver::by_length(const Problem& problem, Poller* look) const {
    Forest forest(problem.size(), problem.rows, problem.cannot());
    UnionFind sets = merge_given_pairs(problem.size(), problem.must(), [&](auto a, auto b) { forest.merge(a, b, 0.0); });
    const std::vector<double> length = lengths(problem, look);
    std::vector<index_t> order(length.size());
    std::iota(order.begin(), order.end(), index_t{0});
    std::sort(order.begin(), order.end(), [&](index_t i, index_t j) {
        if (length[at(i)] != length[at(j)]) return length[at(i)] < length[at(j)];
        const Edge& a = problem.edges[i];
        const Edge& b = problem.edges[j];
        return a.row != b.row ? a.row < b.row : a.col < b.col;
    });
    for (const index_t e : order) {
        if (!(length[at(e)] < below_.threshold)) break;
        const std::int32_t i = sets.find(problem.edges[e].row - problem.first);
        const std::int32_t j = sets.find(problem.edges[e].col - problem.first);
        if (i == j || forest.forbids(i, j)) continue;
        forest.merge(std::min(i, j), std::max(i, j), length[at(e)]);
        sets.unite(i, j);
        if (look != nullptr) (*look)();
    }
    return forest.take_joints();
}

std::vector<double> ComponentSolver::lengths(const Problem& problem, Poller* look) const {
    std::vector<double> length(at(problem.edges.size));
    for (index_t e = 0; e < problem.edges.size; ++e) {
        const Edge& edge = problem.edges[e];
        exact_.distances(problem.rows[edge.row - problem.first], &problem.rows[edge.col - problem.first], 1,
                         &length[at(e)]);
        if (look != nullptr && e % 1024 == 0) (*look)();
    }
    return length;
}

std::vector<Joint> ComponentSolver::by_links_of_means(const Problem& problem, Poller* look) const {
    Clusters clusters(x_, problem.rows, means_method(below_), below_.origin, problem.cannot(), 1, {});
    UnionFind sets =
        merge_given_pairs(problem.size(), problem.must(), [&](auto a, auto b) { clusters.merge_at_zero(a, b); });
    Links links(at(problem.size()));
    for (const Edge& edge : problem.edges) {
        const auto [a, b] = std::minmax({sets.find(edge.row - problem.first), sets.find(edge.col - problem.first)});
        if (a != b && !clusters.forbids(a, b)) links[at(a)].push_back({b, false, 0.0});
    }
    MeasureMeans measure(clusters, below_.threshold);
    for (std::int32_t a = static_cast<std::int32_t>(problem.size()) - 1; a >= 0; --a) {
        auto& own = links[at(a)];
        std::sort(own.begin(), own.end(), by_slot);
        own.erase(std::unique(own.begin(), own.end(), [](const Link& i, const Link& j) { return i.slot == j.slot; }),
                  own.end());
        measure.measure_all(a, own);
        if (look != nullptr) (*look)();
    }
    mirror(links);
    contract(measure, links, look);
    return clusters.take_joints();
}

std::vector<Joint> ComponentSolver::by_farthest_links(const Problem& problem, Poller* look) const {
    Forest forest(problem.size(), problem.rows, problem.cannot());
    UnionFind sets = merge_given_pairs(problem.size(), problem.must(), [&](auto a, auto b) { forest.merge(a, b, 0.0); });
    const std::vector<double> length = lengths(problem, look);
    Links links(at(problem.size()));
    for (index_t e = 0; e < problem.edges.size; ++e) {
        const auto [a, b] = std::minmax({sets.find(problem.edges[e].row - problem.first),
                                         sets.find(problem.edges[e].col - problem.first)});
        if (a != b && !forest.forbids(a, b)) links[at(a)].push_back({b, true, length[at(e)]});
    }
    for (index_t a = 0; a < problem.size(); ++a) {
        keep_farthest(links[at(a)], [&](std::int32_t b) { return forest.size(a) * forest.size(b); });
        std::erase_if(links[at(a)], [&](const Link& link) { return !(link.low < below_.threshold); });
    }
    mirror(links);
    MeasureFarthest measure(forest, below_.threshold);
    contract(measure, links, look);
    return forest.take_joints();
}

}  // namespace pyface::linkage
