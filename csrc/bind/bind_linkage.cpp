#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <pybind11/stl.h>

#include "bind/arrays.hpp"
#include "bind/groups.hpp"
#include "bind/metrics.hpp"
#include "bind/rows.hpp"
#include "linkage/components.hpp"
#include "linkage/dendrogram.hpp"
#include "linkage/from_vectors.hpp"
#include "linkage/spanning_tree.hpp"

namespace pyface::bind {
namespace {

using linkage::Joint;
using linkage::Method;

Method method_named(const std::string& method, const std::string& metric) {
    if (method == "average" && metric == "cosine") return Method::average_cosine;
    if (method == "average" && metric == "sqeuclidean") return Method::average_sqeuclidean;
    if (method == "weighted" && metric == "cosine") return Method::weighted_cosine;
    if (method == "weighted" && metric == "sqeuclidean") return Method::weighted_sqeuclidean;
    require(method == "ward" && metric == "euclidean", "no linkage from vectors for this method and metric");
    return Method::ward;
}

linkage::Linkage linkage_named(const std::string& name) {
    if (name == "single") return linkage::Linkage::single;
    if (name == "complete") return linkage::Linkage::complete;
    if (name == "average") return linkage::Linkage::average;
    require(name == "weighted", "no linkage below a threshold of this name");
    return linkage::Linkage::weighted;
}

using OriginArray = std::optional<Array<double>>;

// What is subtracted from all rows, (d,), or None.
VectorView<const double> origin_of(const OriginArray& origin, index_t d) {
    if (!origin) return {};
    const auto values = as_vector(*origin, "origin must be 1-D");
    require(values.size == d, "origin must have one entry per column");
    return values;
}

// (pairs (m, 2) int32, heights (m,) float64).
py::tuple as_arrays(const std::vector<Joint>& joints) {
    const auto count = static_cast<index_t>(joints.size());
    py::array_t<std::int32_t> pairs({count, index_t{2}});
    py::array_t<double> heights(count);
    auto pair = pairs.mutable_unchecked<2>();
    auto height = heights.mutable_unchecked<1>();
    for (index_t i = 0; i < count; ++i) {
        const Joint& joint = joints[static_cast<std::size_t>(i)];
        pair(i, 0) = joint.a;
        pair(i, 1) = joint.b;
        height(i) = joint.height;
    }
    return py::make_tuple(std::move(pairs), std::move(heights));
}

template <class T>
py::tuple joints_from_vectors(const Array<T>& x, const std::string& method, const std::string& metric,
                              double height_limit, const OriginArray& origin, const SetArrays& cannot_link,
                              const GroupArray& must_link, std::int64_t few, int n_threads) {
    const auto rows = as_rows(x, "x must have shape (n, d)");
    require(rows.size() >= 1, "x must have at least one row");
    const Method kind = method_named(method, metric);
    const auto from = origin_of(origin, rows.dimension());
    const auto groups = as_groups(cannot_link, must_link, rows.size());
    require(few <= 1 << 16, "few must be at most 65536, as so many rows have a matrix");
    require_threads(n_threads);
    std::vector<Joint> joints;
    interruptible([&](const PollCallback& poll) {
        joints = linkage::from_vectors(rows, {}, kind, groups, height_limit, n_threads, poll, from, few);
    });
    return as_arrays(joints);
}

static_assert(sizeof(linkage::Edge) == 2 * sizeof(std::int32_t));

py::array_t<std::int32_t> as_array(const std::vector<linkage::Edge>& edges) {
    py::array_t<std::int32_t> pairs({static_cast<index_t>(edges.size()), index_t{2}});
    if (!edges.empty()) std::memcpy(pairs.mutable_data(), edges.data(), edges.size() * sizeof(linkage::Edge));
    return pairs;
}

template <class T>
py::array_t<std::int32_t> spanning_edges(const Array<T>& x, const std::string& metric, double height_limit,
                                         std::int64_t few, int n_threads) {
    const auto rows = as_rows(x, "x must have shape (n, d)");
    const auto kind = metric_named(metric);
    require(few <= 1 << 16, "few must be at most 65536, as so many rows have a matrix");
    require_threads(n_threads);
    std::vector<linkage::Edge> edges;
    interruptible([&](const PollCallback& poll) {
        edges = linkage::spanning_edges(rows, kind, height_limit, few, n_threads, poll);
    });
    return as_array(edges);
}

py::array_t<double> as_array(const std::vector<double>& values) {
    return py::array_t<double>(static_cast<py::ssize_t>(values.size()), values.data());
}

// (edges (n - 1, 2) int32, their distances (n - 1,) float64, core distances (n,) float64).
template <class T>
py::tuple reachability_tree(const Array<T>& x, const std::string& metric, std::int64_t n_neighbors, double core_factor,
                            int n_threads) {
    const auto rows = as_rows(x, "x must have shape (n, d)");
    const auto kind = metric_named(metric);
    require(rows.size() >= 1, "x must have at least one row");
    require_threads(n_threads);
    linkage::ReachabilityTree tree;
    interruptible([&](const PollCallback& poll) {
        tree = linkage::reachability_tree(rows, kind, n_neighbors, core_factor, n_threads, poll);
    });
    return py::make_tuple(as_array(tree.edges), as_array(tree.distances), as_array(tree.cores));
}

// (component (n,) int32, edges (m, 2) int32, whether those are all).
template <class T>
py::tuple near_graph(const Array<T>& x, const std::string& metric, double threshold, std::int64_t max_edges,
                     int n_threads) {
    const auto rows = as_rows(x, "x must have shape (n, d)");
    const auto kind = metric_named(metric);
    require_threads(n_threads);
    std::optional<linkage::NearGraph> graph;
    interruptible([&](const PollCallback& poll) {
        graph.emplace(rows, kind, linkage::radius_for(threshold, kind), max_edges, n_threads, poll);
    });
    py::array_t<std::int32_t> component(rows.size());
    std::copy_n(graph->component().data(), rows.size(), component.mutable_data());
    return py::make_tuple(std::move(component), as_array(graph->edges()), graph->has_edges());
}

// (pairs (m, 2) int32, whether those are all): pairs of rows, or of a row of x and a component of y where there are too many.
template <class T>
py::tuple edges_between(const Array<T>& x, const Array<T>& y, const Array<std::int32_t>& component,
                        const std::string& metric, double threshold, std::int64_t max_edges, int n_threads) {
    const auto rows = as_rows(x, "x must have shape (n, d)");
    const auto others = as_rows(y, "y must have shape (m, d)");
    require(rows.dimension() == others.dimension(), "x and y must have the same number of columns");
    const auto components = as_vector(component, "component must be 1-D");
    const auto kind = metric_named(metric);
    require_threads(n_threads);
    std::optional<linkage::NearBetween> near;
    interruptible([&](const PollCallback& poll) {
        near.emplace(rows, others, components, kind, linkage::radius_for(threshold, kind), max_edges, n_threads, poll);
    });
    return py::make_tuple(as_array(near->edges()), near->has_edges());
}

template <class T>
py::tuple joints_of_components(const Array<T>& x, const Array<std::int32_t>& component,
                               const std::optional<Array<std::int32_t>>& edges, const std::string& method,
                               const std::string& metric, double threshold, std::int64_t memory_limit,
                               const OriginArray& origin, const SetArrays& cannot_link, const GroupArray& must_link,
                               int n_threads) {
    const auto rows = as_rows(x, "x must have shape (n, d)");
    const linkage::Below below{linkage_named(method), metric_named(metric), threshold, memory_limit,
                               origin_of(origin, rows.dimension())};
    const auto groups = as_groups(cannot_link, must_link, rows.size());
    const auto components = as_vector(component, "component must be 1-D");
    require(components.size == rows.size(), "component must have one entry per row");
    VectorView<const linkage::Edge> pairs;
    if (edges.has_value()) {
        const auto table = as_matrix(*edges, "edges must have shape (m, 2)");
        require(table.cols == 2, "edges must have shape (m, 2)");
        pairs = {reinterpret_cast<const linkage::Edge*>(table.data), table.rows};
    }
    require_threads(n_threads);
    std::vector<Joint> joints;
    interruptible([&](const PollCallback& poll) {
        joints = linkage::link_components(rows, below, components, edges.has_value(), pairs, groups, n_threads, poll);
    });
    return as_arrays(joints);
}

// SciPy's matrix of merges that are given by the smallest rows of both clusters.
py::array_t<double> tree_of_joints(const Array<std::int32_t>& pairs, const Array<double>& heights, index_t n) {
    const auto table = as_matrix(pairs, "pairs must have shape (m, 2)");
    const auto height = as_vector(heights, "heights must be 1-D");
    require(table.cols == 2 && table.rows == height.size, "pairs must have shape (m, 2), heights (m,)");
    std::vector<Joint> joints;
    std::vector<bool> is_gone(static_cast<std::size_t>(std::max<index_t>(n, 0)), false);
    for (index_t i = 0; i < table.rows; ++i) {
        const std::int32_t a = table(i, 0);
        const std::int32_t b = table(i, 1);
        require(a >= 0 && a < b && b < n, "pairs must hold two rows each, the lower one first");
        require(!is_gone[static_cast<std::size_t>(a)] && !is_gone[static_cast<std::size_t>(b)],
                "pairs: a cluster is merged twice");
        is_gone[static_cast<std::size_t>(b)] = true;
        joints.push_back({a, b, height[i]});
    }
    py::array_t<double> z({table.rows, index_t{4}});
    const MatrixView<double> target{z.mutable_data(), z.shape(0), z.shape(1)};
    without_gil([&] { linkage::write_scipy(linkage::as_merges(joints, n), n, target); });
    return z;
}

// Labels of n rows; cut(z_view, labels_view) fills them.
template <class Cut>
py::array_t<std::int64_t> labels_of(const Array<double>& z, index_t n, Cut&& cut) {
    const auto merges = as_matrix(z, "Z must have shape (n - 1, 4)");
    require(n >= 0, "n must not be negative");
    py::array_t<std::int64_t> labels(n);
    const VectorView<std::int64_t> target{labels.mutable_data(), labels.shape(0)};
    without_gil([&] { cut(merges, target); });
    return labels;
}

template <class T>
void define_linkage(py::module_& m) {
    m.def("joints_from_vectors", &joints_from_vectors<T>, "x"_a.noconvert(), py::kw_only(), "method"_a, "metric"_a,
          "height_limit"_a, "origin"_a.noconvert() = py::none(), "cannot_link"_a.noconvert(),
          "must_link"_a.noconvert(), "few"_a = linkage::kFewClusters, "n_threads"_a);
    m.def("spanning_edges", &spanning_edges<T>, "x"_a.noconvert(), py::kw_only(), "metric"_a, "height_limit"_a,
          "few"_a = linkage::kFewRows, "n_threads"_a);
    m.def("reachability_tree", &reachability_tree<T>, "x"_a.noconvert(), py::kw_only(), "metric"_a, "n_neighbors"_a,
          "core_factor"_a, "n_threads"_a);
    m.def("near_graph", &near_graph<T>, "x"_a.noconvert(), py::kw_only(), "metric"_a, "threshold"_a, "max_edges"_a,
          "n_threads"_a);
    m.def("edges_between", &edges_between<T>, "x"_a.noconvert(), "y"_a.noconvert(), "component"_a.noconvert(),
          py::kw_only(), "metric"_a, "threshold"_a, "max_edges"_a, "n_threads"_a);
    m.def("joints_of_components", &joints_of_components<T>, "x"_a.noconvert(), "component"_a.noconvert(),
          "edges"_a.noconvert(), py::kw_only(), "method"_a, "metric"_a, "threshold"_a, "memory_limit"_a,
          "origin"_a.noconvert() = py::none(), "cannot_link"_a.noconvert(), "must_link"_a.noconvert(), "n_threads"_a);
}

}  // namespace

void register_linkage(py::module_& m) {
    define_linkage<float>(m);
    define_linkage<double>(m);
    m.def("tree_of_joints", &tree_of_joints, "pairs"_a.noconvert(), "heights"_a.noconvert(), "n"_a);
    m.def(
        "label_forest",
        [](const Array<double>& z, index_t n) {
            return labels_of(z, n, [&](const auto& merges, const auto& labels) {
                linkage::label_forest(merges, n, labels);
            });
        },
        "z"_a.noconvert(), "n"_a);
    m.def(
        "cut_by_count",
        [](const Array<double>& z, index_t n_merges) {
            return labels_of(z, z.shape(0) + 1, [&](const auto& merges, const auto& labels) {
                linkage::cut_by_count(merges, n_merges, labels);
            });
        },
        "z"_a.noconvert(), py::kw_only(), "n_merges"_a);
    m.def(
        "cut_by_height",
        [](const Array<double>& z, double height) {
            return labels_of(z, z.shape(0) + 1, [&](const auto& merges, const auto& labels) {
                linkage::cut_by_height(merges, height, labels);
            });
        },
        "z"_a.noconvert(), py::kw_only(), "height"_a);
}

}  // namespace pyface::bind
