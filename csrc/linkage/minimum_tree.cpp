#include "linkage/minimum_tree.hpp"

#include <algorithm>
#include <numeric>

namespace pyface::linkage {
namespace {

std::size_t at(index_t i) { return static_cast<std::size_t>(i); }

struct Edge {
    index_t from, to;
    double length;
};

// Rows in the order in which they join the tree. An edge leads from the row before, not from the row that is nearest:
// whatever joined between that row and this edge came by edges that are no longer, so both are in one cluster by then.
template <class T>
std::vector<Edge> edges_of(Condensed<T> matrix, const PollCallback& poll) {
    const index_t n = matrix.n;
    std::vector<Edge> edges;
    edges.reserve(at(n - 1));
    std::vector<T> near(at(n), kInfinite<T>);  // distance to the tree
    std::vector<T> penalties(at(n), T{0});     // infinite for rows of the tree
    std::vector<index_t> outside(at(n - 1));   // rows that are not in it, in order
    std::iota(outside.begin(), outside.end(), index_t{1});
    penalties[0] = kInfinite<T>;
    Poller look(poll);
    index_t last = 0;
    while (!outside.empty()) {
        look();
        auto row = outside.begin();
        for (; row != outside.end() && *row < last; ++row) {
            const T distance = matrix.at(*row, last);
            T& best = near[at(*row)];
            best = distance < best ? distance : best;
        }
        const T* values = matrix.row(last);
        T* best = near.data() + last + 1;
        for (index_t i = 0; i < n - last - 1; ++i) best[i] = values[i] < best[i] ? values[i] : best[i];
        const T nearest = least(near.data(), penalties.data(), n);
        const index_t next = first_equal(near.data(), penalties.data(), nearest);
        edges.push_back({last, next, static_cast<double>(nearest)});
        penalties[at(next)] = kInfinite<T>;
        outside.erase(std::lower_bound(outside.begin(), outside.end(), next));
        last = next;
    }
    return edges;
}

}  // namespace

template <class T>
std::vector<Merge> minimum_tree(Condensed<T> matrix, double stop, const PollCallback& poll) {
    const index_t n = matrix.n;
    std::vector<Edge> edges = edges_of(matrix, poll);
    std::stable_sort(edges.begin(), edges.end(), [](const Edge& a, const Edge& b) { return a.length < b.length; });
    std::vector<index_t> parent(at(n)), node(at(n)), size(at(n), 1);
    std::iota(parent.begin(), parent.end(), index_t{0});
    std::iota(node.begin(), node.end(), index_t{0});
    const auto root = [&](index_t i) {
        while (parent[at(i)] != i) i = parent[at(i)] = parent[at(parent[at(i)])];
        return i;
    };
    std::vector<Merge> merges;
    for (const Edge& edge : edges) {
        if (!(edge.length < stop)) break;
        index_t a = root(edge.from);
        index_t b = root(edge.to);
        if (size[at(a)] < size[at(b)]) std::swap(a, b);
        size[at(a)] += size[at(b)];
        parent[at(b)] = a;
        merges.push_back({node[at(a)], node[at(b)], edge.length, size[at(a)]});
        node[at(a)] = n + static_cast<index_t>(merges.size()) - 1;
    }
    return merges;
}

template std::vector<Merge> minimum_tree(Condensed<float>, double, const PollCallback&);
template std::vector<Merge> minimum_tree(Condensed<double>, double, const PollCallback&);

}  // namespace pyface::linkage
