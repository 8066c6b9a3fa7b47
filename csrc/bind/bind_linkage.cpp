#include <string>
#include <vector>

#include "bind/arrays.hpp"
#include "bind/rows.hpp"
#include "linkage/dendrogram.hpp"
#include "linkage/from_vectors.hpp"

namespace pyface::bind {
namespace {

using linkage::Method;

Method method_named(const std::string& method, const std::string& metric) {
    if (method == "average" && metric == "cosine") return Method::average_cosine;
    if (method == "average" && metric == "sqeuclidean") return Method::average_sqeuclidean;
    if (method == "weighted" && metric == "cosine") return Method::weighted_cosine;
    if (method == "weighted" && metric == "sqeuclidean") return Method::weighted_sqeuclidean;
    require(method == "ward" && metric == "euclidean", "no linkage from vectors for this method and metric");
    return Method::ward;
}

template <class T>
py::array_t<double> linkage_from_vectors(const Array<T>& x, const std::string& method, const std::string& metric,
                                         int n_threads) {
    const auto rows = as_rows(x, "x must have shape (n, d)");
    require(rows.size() >= 1, "x must have at least one row");
    const Method kind = method_named(method, metric);
    require_threads(n_threads);
    py::array_t<double> z({rows.size() - 1, index_t{4}});
    const MatrixView<double> target{z.mutable_data(), z.shape(0), z.shape(1)};
    interruptible([&](const PollCallback& poll) {
        linkage::write_scipy(linkage::from_vectors(rows, {}, kind, {}, linkage::kNoLimit, n_threads, poll), rows.size(),
                             target);
    });
    return z;
}

// Labels of the rows; cut(z_view, labels_view) fills them.
template <class Cut>
py::array_t<std::int64_t> labels_of(const Array<double>& z, Cut&& cut) {
    const auto merges = as_matrix(z, "Z must have shape (n - 1, 4)");
    py::array_t<std::int64_t> labels(merges.rows + 1);
    const VectorView<std::int64_t> target{labels.mutable_data(), labels.shape(0)};
    without_gil([&] { cut(merges, target); });
    return labels;
}

}  // namespace

void register_linkage(py::module_& m) {
    m.def("linkage_from_vectors", &linkage_from_vectors<float>, "x"_a.noconvert(), py::kw_only(), "method"_a,
          "metric"_a, "n_threads"_a);
    m.def("linkage_from_vectors", &linkage_from_vectors<double>, "x"_a.noconvert(), py::kw_only(), "method"_a,
          "metric"_a, "n_threads"_a);
    m.def(
        "cut_by_count",
        [](const Array<double>& z, index_t n_merges) {
            return labels_of(z, [&](const auto& merges, const auto& labels) {
                linkage::cut_by_count(merges, n_merges, labels);
            });
        },
        "z"_a.noconvert(), py::kw_only(), "n_merges"_a);
    m.def(
        "cut_by_height",
        [](const Array<double>& z, double height) {
            return labels_of(z, [&](const auto& merges, const auto& labels) {
                linkage::cut_by_height(merges, height, labels);
            });
        },
        "z"_a.noconvert(), py::kw_only(), "height"_a);
}

}  // namespace pyface::bind
