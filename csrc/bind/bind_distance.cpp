#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>

#include <pybind11/stl.h>

#include "bind/arrays.hpp"
#include "bind/metrics.hpp"
#include "bind/rows.hpp"
#include "distance/code_choice.hpp"
#include "distance/counters.hpp"
#include "distance/distances.hpp"
#include "distance/fingerprint.hpp"
#include "distance/group_means.hpp"
#include "distance/other_means.hpp"
#include "distance/usable.hpp"
#include "distance/within.hpp"

namespace pyface::bind {
namespace {

using distance::Metric;

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
                        std::int64_t memory_limit, int n_threads) {
    const auto rows = as_rows(x, "x must have shape (n, d)");
    const auto others = other_rows(y, rows);
    const Metric kind = metric_named(metric);
    require_threads(n_threads);
    std::unique_ptr<distance::RadiusGraph> graph;
    interruptible([&](const PollCallback& poll) {
        graph = std::make_unique<distance::RadiusGraph>(rows, others ? &*others : nullptr, kind, radius,
                                                        memory_limit, n_threads, poll);
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
             Array<std::int64_t> indices, const std::string& metric, std::int64_t few, int n_threads) {
    const auto rows = as_rows(x, "x must have shape (n, d)");
    const auto others = other_rows(y, rows);
    const auto distances_view = as_writable_matrix(distances, "distances must be a writable matrix");
    const auto indices_view = as_writable_matrix(indices, "indices must be a writable matrix");
    require(distances_view.rows == rows.size() && indices_view.rows == rows.size() &&
                distances_view.cols == indices_view.cols,
            "distances and indices must have shape (len(x), k)");
    const Metric kind = metric_named(metric);
    require(few <= 1 << 16, "few must be at most 65536, as so many rows have a matrix");
    require_threads(n_threads);
    interruptible([&](const PollCallback& poll) {
        distance::nearest(rows, others ? &*others : nullptr, kind, distances_view, indices_view, few, n_threads, poll);
    });
}

template <class T>
void nearest_other_means(const Array<T>& x, const Array<double>& means, const Array<double>& variances,
                         const Array<std::int64_t>& own, Array<double> out, bool unit, int n_threads) {
    const auto rows = as_rows(x, "x must have shape (n, d)");
    const distance::Clusters clusters{as_rows(means, "means must have shape (k, d)"),
                                      as_vector(variances, "variances must have shape (k,)"), unit};
    const auto own_view = as_vector(own, "own must have shape (n,)");
    const auto out_view = as_writable_vector(out, "out must be a writable vector");
    require_threads(n_threads);
    interruptible([&](const PollCallback& poll) {
        distance::nearest_other_means(rows, clusters, own_view, out_view, n_threads, poll);
    });
}

// Rows as means of groups take them: at length 1, or less an origin.
distance::Frame mean_frame(const simd::Rows& rows, const std::optional<Array<double>>& origin) {
    if (!origin) return distance::Frame(Metric::cosine, rows.dimension(), 1.0, nullptr);
    const auto values = as_vector(*origin, "origin must have shape (d,)");
    require(values.size == rows.dimension(), "origin must have as many values as x has columns");
    const AlignedBuffer padded(simd::padded(rows.dimension()));
    std::fill_n(padded.get(), simd::padded(rows.dimension()), 0.0);
    std::copy(values.begin(), values.end(), padded.get());
    return distance::Frame(Metric::sqeuclidean, rows.dimension(), 1.0, padded.get());
}

void require_indices(VectorView<const std::int64_t> indices, index_t end, const char* message) {
    require(std::all_of(indices.begin(), indices.end(), [&](std::int64_t i) { return i >= 0 && i < end; }), message);
}

template <class T>
void group_sums(const Array<T>& x, const std::optional<Array<double>>& origin, const Array<std::int64_t>& order,
                const Array<std::int64_t>& begins, Array<double> sums, Array<double> squares, int n_threads) {
    const auto rows = as_rows(x, "x must have shape (n, d)");
    const distance::Groups groups{as_vector(order, "order must be a vector"),
                                  as_vector(begins, "begins must be a vector")};
    const auto sums_view = as_writable_matrix(sums, "sums must be a writable matrix");
    const auto squares_view = as_writable_vector(squares, "squares must be a writable vector");
    require_indices(groups.order, rows.size(), "order must be rows of x");
    require(groups.begins.size >= 1 && groups.begins[0] == 0 &&
                groups.begins[groups.begins.size - 1] == groups.order.size &&
                std::is_sorted(groups.begins.begin(), groups.begins.end()),
            "begins must increase from 0 to len(order)");
    require(sums_view.rows == groups.size() && sums_view.cols == rows.dimension() &&
                squares_view.size == groups.size(),
            "sums and squares must have a row for each group");
    require_threads(n_threads);
    const distance::Frame frame = mean_frame(rows, origin);
    interruptible([&](const PollCallback& poll) {
        distance::group_sums(rows, frame, groups, sums_view, squares_view, n_threads, poll);
    });
}

template <class T>
void squared_to_means(const Array<T>& x, const std::optional<Array<double>>& origin, const Array<std::int64_t>& asked,
                      const Array<std::int64_t>& places, const Array<double>& means, const Array<double>& squares,
                      Array<double> out, int n_threads) {
    const auto rows = as_rows(x, "x must have shape (n, d)");
    const auto asked_view = as_vector(asked, "rows must be a vector");
    const auto places_view = as_vector(places, "places must be a vector");
    const auto means_view = as_matrix(means, "means must be a matrix");
    const auto squares_view = as_vector(squares, "squares must be a vector");
    const auto out_view = as_writable_vector(out, "out must be a writable vector");
    require_indices(asked_view, rows.size(), "rows must be rows of x");
    require_indices(places_view, means_view.rows, "places must be rows of means");
    require(means_view.cols == rows.dimension() && squares_view.size == means_view.rows,
            "means must have the columns of x, and squares as many values as means has rows");
    require(places_view.size == asked_view.size && out_view.size == asked_view.size,
            "rows, places and out must be of one length");
    require_threads(n_threads);
    const distance::Frame frame = mean_frame(rows, origin);
    interruptible([&](const PollCallback& poll) {
        distance::squared_to_means(rows, frame, asked_view, places_view, means_view, squares_view, out_view, n_threads,
                                   poll);
    });
}

template <class T>
bool all_usable(const Array<T>& x, bool nonzero, int n_threads) {
    const auto rows = as_rows(x, "x must have shape (n, d)");
    require_threads(n_threads);
    bool result = false;
    interruptible([&](const PollCallback& poll) { result = distance::all_usable(rows, nonzero, n_threads, poll); });
    return result;
}

template <class T>
std::uint64_t fingerprint(const Array<T>& x, int n_threads) {
    const auto rows = as_rows(x, "x must have shape (n, d)");
    require_threads(n_threads);
    std::uint64_t result = 0;
    interruptible([&](const PollCallback& poll) { result = distance::fingerprint(rows, n_threads, poll); });
    return result;
}

template <class T>
void define_distances(py::module_& m) {
    const auto out_types = [&](auto out) {
        using Out = decltype(out);
        m.def("distances_dense", &distances_dense<T, Out>, "x"_a.noconvert(), "y"_a.noconvert(), "out"_a.noconvert(),
              py::kw_only(), "metric"_a, "n_threads"_a);
        m.def("distances_condensed", &distances_condensed<T, Out>, "x"_a.noconvert(), "out"_a.noconvert(),
              py::kw_only(), "metric"_a, "n_threads"_a);
    };
    out_types(float{});
    out_types(double{});
    m.def("all_usable", &all_usable<T>, "x"_a.noconvert(), py::kw_only(), "nonzero"_a, "n_threads"_a);
    m.def("fingerprint", &fingerprint<T>, "x"_a.noconvert(), py::kw_only(), "n_threads"_a);
    m.def("within_radius", &within_radius<T>, "x"_a.noconvert(), "y"_a.noconvert(), py::kw_only(), "metric"_a,
          "radius"_a, "memory_limit"_a = -1, "n_threads"_a);
    m.def("nearest", &nearest<T>, "x"_a.noconvert(), "y"_a.noconvert(), "distances"_a.noconvert(),
          "indices"_a.noconvert(), py::kw_only(), "metric"_a, "few"_a = distance::kFewRows, "n_threads"_a);
    m.def("nearest_other_means", &nearest_other_means<T>, "x"_a.noconvert(), "means"_a.noconvert(),
          "variances"_a.noconvert(), "own"_a.noconvert(), "out"_a.noconvert(), py::kw_only(), "unit"_a, "n_threads"_a);
    m.def("group_sums", &group_sums<T>, "x"_a.noconvert(), "origin"_a.noconvert(), "order"_a.noconvert(),
          "begins"_a.noconvert(), "sums"_a.noconvert(), "squares"_a.noconvert(), py::kw_only(), "n_threads"_a);
    m.def("squared_to_means", &squared_to_means<T>, "x"_a.noconvert(), "origin"_a.noconvert(), "rows"_a.noconvert(),
          "places"_a.noconvert(), "means"_a.noconvert(), "squares"_a.noconvert(), "out"_a.noconvert(), py::kw_only(),
          "n_threads"_a);
}

// distance::EdgeStream, and the array whose rows it reads.
class EdgeStream {
public:
    EdgeStream(py::array x, const simd::Rows& rows, Metric metric, double radius, int n_threads)
        : x_(std::move(x)), n_rows_(rows.size()), n_threads_(n_threads) {
        interruptible([&](const PollCallback& poll) {
            stream_ = std::make_unique<distance::EdgeStream>(rows, metric, radius, n_threads, poll);
        });
    }

    py::object next(index_t max_edges, const std::optional<Array<std::int32_t>>& settled) {
        require(max_edges >= 1, "max_edges must be at least 1");
        const std::int32_t* numbers = nullptr;
        if (settled) {
            const auto view = as_vector(*settled, "settled must be a vector");
            require(view.size == n_rows_, "settled must have a number for each row of x");
            numbers = view.data;
        }
        bool any = false;
        interruptible([&](const PollCallback& poll) {
            any = stream_->next(max_edges, edges_, numbers, n_threads_, poll);
        });
        if (!any) return py::none();
        const auto n_edges = static_cast<index_t>(edges_.size());
        py::array_t<std::int32_t> rows(n_edges);
        py::array_t<std::int32_t> cols(n_edges);
        const auto rows_view = writable(rows);
        const auto cols_view = writable(cols);
        without_gil([&] {
            for (index_t e = 0; e < n_edges; ++e) {
                rows_view[e] = edges_[static_cast<std::size_t>(e)].row;
                cols_view[e] = edges_[static_cast<std::size_t>(e)].col;
            }
        });
        return py::make_tuple(rows, cols);
    }

private:
    py::array x_;
    index_t n_rows_;
    int n_threads_;
    std::unique_ptr<distance::EdgeStream> stream_;
    std::vector<distance::PairsWithin::Pair> edges_;
};

std::unique_ptr<EdgeStream> make_edge_stream(const py::object& x, const std::string& metric, double radius,
                                             int n_threads) {
    const Metric kind = metric_named(metric);
    require_threads(n_threads);
    const auto make = [&](auto array) {
        return std::make_unique<EdgeStream>(array, as_rows(array, "x must have shape (n, d)"), kind, radius, n_threads);
    };
    if (Array<float>::check_(x)) return make(py::cast<Array<float>>(x));
    if (Array<double>::check_(x)) return make(py::cast<Array<double>>(x));
    throw py::type_error("x must be a C-contiguous array of float32 or float64");
}

distance::Use use_named(const std::string& use) {
    require(use == "where_they_pay" || use == "always" || use == "never", "use: where_they_pay, always or never");
    return use == "always" ? distance::Use::always : use == "never" ? distance::Use::never : distance::Use::where_they_pay;
}

}  // namespace

void register_distance(py::module_& m) {
    define_distances<float>(m);
    define_distances<double>(m);
    py::class_<EdgeStream>(m, "EdgeStream")
        .def(py::init(&make_edge_stream), "x"_a, py::kw_only(), "metric"_a, "radius"_a, "n_threads"_a)
        .def("next", &EdgeStream::next, "max_edges"_a, "settled"_a.noconvert() = py::none());
    m.def("debug_counters", [] {
        using distance::Counter;
        const auto value = [](Counter c) { return distance::g_counters[static_cast<std::size_t>(c)].load(); };
        py::dict result;
        result["pairs_along_axes"] = value(Counter::pairs_along_axes);
        result["products_saved"] = value(Counter::products_saved);
        result["pairs_in_codes"] = value(Counter::pairs_in_codes);
        result["pairs_in_float32"] = value(Counter::pairs_in_float32);
        result["pairs_in_float64"] = value(Counter::pairs_in_float64);
        result["pairs_accepted"] = value(Counter::pairs_accepted);
        result["linkage_rounds"] = value(Counter::linkage_rounds);
        result["linkage_searches"] = value(Counter::linkage_searches);
        result["linkage_recalls"] = value(Counter::linkage_recalls);
        return result;
    });
    m.def("use_axes", [](const std::string& use) { distance::use_axes(use_named(use)); }, py::arg("use"));
    m.def("use_floats", [](const std::string& use) { distance::use_floats(use_named(use)); }, py::arg("use"));
    m.def("reset_debug_counters", [] {
        for (auto& counter : distance::g_counters) counter = 0;
    });
}

}  // namespace pyface::bind
