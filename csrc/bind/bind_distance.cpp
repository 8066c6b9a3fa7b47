#include <memory>
#include <optional>
#include <string>
#include <type_traits>

#include <pybind11/stl.h>

#include "bind/arrays.hpp"
#include "bind/rows.hpp"
#include "distance/distances.hpp"

namespace pyface::bind {
namespace {

using distance::Metric;

Metric metric_named(const std::string& name) {
    if (name == "cosine") return Metric::cosine;
    if (name == "euclidean") return Metric::euclidean;
    require(name == "sqeuclidean", "metric must be 'cosine', 'euclidean' or 'sqeuclidean'");
    return Metric::sqeuclidean;
}

// y as rows, or nothing for None.
template <class T>
std::optional<simd::Rows> other_rows(const std::optional<Array<T>>& y, const simd::Rows& x) {
    if (!y) return std::nullopt;
    const simd::Rows rows = as_rows(*y, "y must have shape (m, d)");
    require(rows.dimension() == x.dimension(), "x and y must have the same number of columns");
    return rows;
}

template <class T, class Out>
void distances_dense(const Array<T>& x, const std::optional<Array<T>>& y, Array<Out> out, const std::string& metric,
                     int n_threads) {
    const auto rows = as_rows(x, "x must have shape (n, d)");
    const auto others = other_rows(y, rows);
    const auto target = as_writable_matrix(out, "out must be a writable matrix");
    require(target.rows == rows.size() && target.cols == (others ? others->size() : rows.size()),
            "out must have shape (len(x), len(y))");
    const Metric kind = metric_named(metric);
    require_threads(n_threads);
    interruptible([&](const PollCallback& poll) {
        if (others) {
            distance::dense(rows, *others, kind, target, n_threads, poll);
        } else {
            distance::dense_symmetric(rows, kind, target, n_threads, poll);
        }
    });
}

template <class T, class Out>
void distances_condensed(const Array<T>& x, Array<Out> out, const std::string& metric, int n_threads) {
    const auto rows = as_rows(x, "x must have shape (n, d)");
    const index_t n = rows.size();
    require(out.ndim() == 1 && out.writeable(), "out must be a writable vector");
    require_aligned(out);
    require(out.shape(0) == n * (n - 1) / 2, "out must have n (n - 1) / 2 entries");
    const VectorView<Out> target{out.mutable_data(), out.shape(0)};
    const Metric kind = metric_named(metric);
    require_threads(n_threads);
    interruptible([&](const PollCallback& poll) { distance::condensed(rows, kind, target, n_threads, poll); });
}

template <class V>
VectorView<V> writable(py::array_t<V>& array) {
    return {array.mutable_data(), array.shape(0)};
}

template <class T>
py::tuple within_radius(const Array<T>& x, const std::optional<Array<T>>& y, const std::string& metric, double radius,
                        int n_threads) {
    const auto rows = as_rows(x, "x must have shape (n, d)");
    const auto others = other_rows(y, rows);
    const Metric kind = metric_named(metric);
    require_threads(n_threads);
    std::unique_ptr<distance::RadiusGraph> graph;
    interruptible([&](const PollCallback& poll) {
        graph = std::make_unique<distance::RadiusGraph>(rows, others ? &*others : nullptr, kind, radius, n_threads,
                                                        poll);
    });
    py::array_t<std::int64_t> indptr(graph->n_rows() + 1);
    py::array_t<std::int32_t> indices(graph->n_entries());
    py::array_t<float> distances(graph->n_entries());
    const auto indptr_view = writable(indptr);
    const auto indices_view = writable(indices);
    const auto distances_view = writable(distances);
    interruptible([&](const PollCallback& poll) {
        graph->write(indptr_view, indices_view, distances_view, poll);
        graph.reset();
    });
    return py::make_tuple(indptr, indices, distances);
}

template <class T>
void nearest(const Array<T>& x, const std::optional<Array<T>>& y, Array<float> distances,
             Array<std::int64_t> indices, const std::string& metric, int n_threads) {
    const auto rows = as_rows(x, "x must have shape (n, d)");
    const auto others = other_rows(y, rows);
    const auto distances_view = as_writable_matrix(distances, "distances must be a writable matrix");
    const auto indices_view = as_writable_matrix(indices, "indices must be a writable matrix");
    require(distances_view.rows == rows.size() && indices_view.rows == rows.size() &&
                distances_view.cols == indices_view.cols,
            "distances and indices must have shape (len(x), k)");
    const Metric kind = metric_named(metric);
    require_threads(n_threads);
    interruptible([&](const PollCallback& poll) {
        distance::nearest(rows, others ? &*others : nullptr, kind, distances_view, indices_view, n_threads, poll);
    });
}

template <class T>
void register_for(py::module_& m) {
    const auto out_types = [&](auto out) {
        using Out = decltype(out);
        m.def("distances_dense", &distances_dense<T, Out>, "x"_a.noconvert(), "y"_a.noconvert(), "out"_a.noconvert(),
              py::kw_only(), "metric"_a, "n_threads"_a);
        m.def("distances_condensed", &distances_condensed<T, Out>, "x"_a.noconvert(), "out"_a.noconvert(),
              py::kw_only(), "metric"_a, "n_threads"_a);
    };
    out_types(float{});
    out_types(double{});
    m.def("within_radius", &within_radius<T>, "x"_a.noconvert(), "y"_a.noconvert(), py::kw_only(), "metric"_a,
          "radius"_a, "n_threads"_a);
    m.def("nearest", &nearest<T>, "x"_a.noconvert(), "y"_a.noconvert(), "distances"_a.noconvert(),
          "indices"_a.noconvert(), py::kw_only(), "metric"_a, "n_threads"_a);
}

}  // namespace

void register_distance(py::module_& m) {
    register_for<float>(m);
    register_for<double>(m);
}

}  // namespace pyface::bind
