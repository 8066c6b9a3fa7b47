#include "bind/arrays.hpp"
#include "linkage/advice.hpp"

namespace pyface::bind {
namespace {

py::tuple tree_clusters(const Array<double>& z) {
    const auto merges = as_matrix(z, "Z must have shape (n - 1, 4)");
    Array<double> heights(merges.rows);
    Array<std::int64_t> sizes(merges.rows), first_rows(merges.rows);
    const auto heights_view = as_writable_vector(heights, "heights");
    const auto sizes_view = as_writable_vector(sizes, "sizes");
    const auto first_rows_view = as_writable_vector(first_rows, "first_rows");
    interruptible([&](const PollCallback& poll) {
        linkage::describe(merges, heights_view, sizes_view, first_rows_view, poll);
    });
    return py::make_tuple(heights, sizes, first_rows);
}

py::tuple bcubed_by_merge(const Array<double>& z, const Array<std::int64_t>& classes, const Array<std::int64_t>& order,
                          index_t n_classes, bool others_count) {
    const auto merges = as_matrix(z, "Z must have shape (n - 1, 4)");
    const auto classes_view = as_vector(classes, "classes must have shape (n,)");
    const auto order_view = as_vector(order, "order must have shape (n - 1,)");
    Array<double> precision(merges.rows + 1), recall(merges.rows + 1);
    const auto precision_view = as_writable_vector(precision, "precision");
    const auto recall_view = as_writable_vector(recall, "recall");
    interruptible([&](const PollCallback& poll) {
        linkage::bcubed_by_merge(merges, classes_view, n_classes, order_view, others_count, precision_view, recall_view,
                                 poll);
    });
    return py::make_tuple(precision, recall);
}

}  // namespace

void register_tree(py::module_& m) {
    m.def("tree_clusters", &tree_clusters, "z"_a.noconvert());
    m.def("bcubed_by_merge", &bcubed_by_merge, "z"_a.noconvert(), "classes"_a.noconvert(), "order"_a.noconvert(),
          py::kw_only(), "n_classes"_a, "others_count"_a = false);
}

}  // namespace pyface::bind
