#include "linkage/minimum_tree.hpp"

#include <algorithm>
#include <functional>
#include <numeric>

#include "core/aligned.hpp"
#include "linkage/matrix_clusters.hpp"

namespace pyface::linkage {
namespace {

constexpr index_t kColumns = 64;  // of a block

struct Edge {
    index_t from, to;
    double length;
};

// Entry block * n + i is the least distance of row i to the rows of the block that come after i, infinite if none does.
template <class T>
AlignedArray<T> lower_bounds(Condensed<T> matrix, int n_threads, const PollCallback& poll) {
    constexpr index_t kRows = 64;
    const index_t n = matrix.n;
    const index_t n_blocks = (n + kColumns - 1) / kColumns;
    AlignedArray<T> bounds(n_blocks * n);
    parallel_for(
        (n + kRows - 1) / kRows, n < 2 * kRows ? 1 : n_threads,
        [&](index_t task) {
            for (index_t i = task * kRows; i < std::min(n, (task + 1) * kRows); ++i) {
                const T* row = matrix.data + matrix.begin(i);
                for (index_t block = 0; block < n_blocks; ++block) {
                    const index_t begin = std::max(i + 1, block * kColumns);
                    const index_t end = std::min(n, (block + 1) * kColumns);
                    bounds[block * n + i] = begin < end ? least(row + (begin - i - 1), end - begin) : kInfinite<T>;
                }
            }
        },
        poll);
    return bounds;
}

// Rows in the order in which they join the tree. An edge leads from the row before, not from the row that is nearest:
// whatever joined between that row and this edge came by edges that are no longer, so both are in one cluster by then.
//
// The distances of a row to those above it lie a row apart in memory, each in a line of its own. Few of them can be
// below what is known: a block of columns is looked into only where its lower bound is.
template <class T>
std::vector<Edge> edges_of(Condensed<T> matrix, int n_threads, const PollCallback& poll) {
    const index_t n = matrix.n;
    const AlignedArray<T> bounds = lower_bounds(matrix, n_threads, poll);
    std::vector<Edge> edges;
    edges.reserve(at(n - 1));
    std::vector<T> near(at(n), kInfinite<T>);  // distance to the tree; kLowest in it
    std::vector<T> penalties(at(n), T{0});     // infinite in the tree
    std::vector<index_t> hits(at(n));
    Poller look(poll);
    index_t last = 0;
    for (index_t n_left = n - 1; n_left > 0; --n_left) {
        look();
        near[at(last)] = kLowest<T>;
        penalties[at(last)] = kInfinite<T>;
        // First all places, then what lies there: so that memory is asked for many lines at a time.
        index_t n_hits = 0;
        each_hit(bounds.get() + last / kColumns * n, near.data(), last, std::less<T>(),
                 [&](index_t i) { hits[at(n_hits++)] = i; });
        for (index_t h = 0; h < n_hits; ++h) {
            T& best = near[at(hits[at(h)])];
            const T distance = matrix.at(hits[at(h)], last);
            best = distance < best ? distance : best;
        }
        const T* row = matrix.data + matrix.begin(last);
        T* below = near.data() + last + 1;
        for (index_t i = 0; i < n - last - 1; ++i) below[i] = row[i] < below[i] ? row[i] : below[i];
        const T nearest = least(near.data(), penalties.data(), n);
        const index_t next = first_equal(near.data(), penalties.data(), n, nearest);
        edges.push_back({last, next, static_cast<double>(nearest)});
        last = next;
    }
    return edges;
}

}  // namespace

template <class T>
std::vector<Merge> minimum_tree(Condensed<T> matrix, double stop, int n_threads, const PollCallback& poll) {
    const index_t n = matrix.n;
    std::vector<Edge> edges = edges_of(matrix, n_threads, poll);
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

template std::vector<Merge> minimum_tree(Condensed<float>, double, int, const PollCallback&);
template std::vector<Merge> minimum_tree(Condensed<double>, double, int, const PollCallback&);

}  // namespace pyface::linkage
