#include "linkage/dendrogram.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "core/require.hpp"

namespace pyface::linkage {
namespace {

std::size_t at(index_t i) { return static_cast<std::size_t>(i); }

}  // namespace

std::vector<std::pair<index_t, index_t>> checked_children(MatrixView<const double> z, index_t n) {
    require(z.cols == 4 && z.rows < n, "Z must have shape (n - 1, 4)");
    std::vector<std::pair<index_t, index_t>> children;
    children.reserve(at(z.rows));
    std::vector<bool> used(at(2 * n), false);
    const auto take = [&](double id, index_t limit) {
        // Written so that NaN fails; the cast happens only after the range is known.
        require(id >= 0.0 && id < static_cast<double>(limit), "Z: a row merges a cluster that does not exist yet");
        const auto node = static_cast<index_t>(id);
        require(static_cast<double>(node) == id, "Z: cluster ids must be whole numbers");
        require(!used[at(node)], "Z: a cluster is merged twice");
        used[at(node)] = true;
        return node;
    };
    for (index_t i = 0; i < z.rows; ++i) {
        const index_t left = take(z(i, 0), n + i);
        children.emplace_back(left, take(z(i, 1), n + i));
    }
    return children;
}

namespace {

// applied[i] must be false wherever it is false for a merge below i.
void label(const std::vector<std::pair<index_t, index_t>>& children, const std::vector<bool>& applied, index_t n,
           VectorView<std::int64_t> labels) {
    const auto n_merges = static_cast<index_t>(children.size());
    require(labels.size == n, "labels must have one entry per row");
    std::vector<index_t> top(at(n + n_merges));  // the highest applied merge above each node, or the node itself
    std::iota(top.begin(), top.end(), index_t{0});
    for (index_t i = n_merges - 1; i >= 0; --i) {
        if (!applied[at(i)]) continue;
        top[at(children[at(i)].first)] = top[at(n + i)];
        top[at(children[at(i)].second)] = top[at(n + i)];
    }
    std::vector<std::int64_t> number(at(n + n_merges), -1);
    std::int64_t n_clusters = 0;
    for (index_t row = 0; row < n; ++row) {
        auto& mine = number[at(top[at(row)])];
        if (mine < 0) mine = n_clusters++;
        labels[row] = mine;
    }
}

}  // namespace

void write_scipy(std::vector<Merge> merges, index_t n, MatrixView<double> z) {
    const auto n_merges = static_cast<index_t>(merges.size());
    require(z.rows == n_merges && z.cols == 4, "Z must have a row for each merge");
    for (auto& merge : merges) {
        for (const index_t child : {merge.left, merge.right}) {
            if (child >= n) merge.height = std::max(merge.height, merges[at(child - n)].height);
        }
    }
    std::vector<index_t> order(at(n_merges));
    std::iota(order.begin(), order.end(), index_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](index_t a, index_t b) { return merges[at(a)].height < merges[at(b)].height; });
    std::vector<index_t> rank(at(n_merges));
    for (index_t place = 0; place < n_merges; ++place) rank[at(order[at(place)])] = place;
    const auto renamed = [&](index_t node) { return node < n ? node : n + rank[at(node - n)]; };
    for (index_t place = 0; place < n_merges; ++place) {
        const Merge& merge = merges[at(order[at(place)])];
        const auto [left, right] = std::minmax({renamed(merge.left), renamed(merge.right)});
        z(place, 0) = static_cast<double>(left);
        z(place, 1) = static_cast<double>(right);
        z(place, 2) = merge.height;
        z(place, 3) = static_cast<double>(merge.size);
    }
}

void cut_by_count(MatrixView<const double> z, index_t n_merges, VectorView<std::int64_t> labels) {
    const auto children = checked_children(z, z.rows + 1);
    require(n_merges >= 0 && n_merges <= z.rows, "n_merges must be between 0 and the number of rows of Z");
    std::vector<bool> applied(at(z.rows), false);
    std::fill_n(applied.begin(), n_merges, true);
    label(children, applied, z.rows + 1, labels);
}

void label_forest(MatrixView<const double> z, index_t n, VectorView<std::int64_t> labels) {
    label(checked_children(z, n), std::vector<bool>(at(z.rows), true), n, labels);
}

void cut_by_height(MatrixView<const double> z, double height, VectorView<std::int64_t> labels) {
    const index_t n = z.rows + 1;
    const auto children = checked_children(z, n);
    std::vector<bool> applied(at(z.rows), false);
    for (index_t i = 0; i < z.rows; ++i) {
        const auto below = [&](index_t child) { return child < n || applied[at(child - n)]; };
        applied[at(i)] = z(i, 2) <= height && below(children[at(i)].first) && below(children[at(i)].second);
    }
    label(children, applied, n, labels);
}

}  // namespace pyface::linkage
