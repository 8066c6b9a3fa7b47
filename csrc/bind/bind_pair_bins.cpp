#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <pybind11/stl.h>

#include "bind/arrays.hpp"
#include "bind/metrics.hpp"
#include "bind/rows.hpp"
#include "distance/pair_bins.hpp"

namespace pyface::bind {
namespace {

template <class T>
py::tuple bin_pairs(const Array<T>& x, const Array<std::int32_t>& labels, const Array<double>& thresholds,
                    const std::optional<Array<std::uint8_t>>& wanted, const std::string& metric, int n_threads) {
    const auto rows = as_rows(x, "x must have shape (n, d)");
    const auto labels_view = as_vector(labels, "labels must have shape (n,)");
    const auto thresholds_view = as_vector(thresholds, "thresholds must be a vector");
    MatrixView<const std::uint8_t> wanted_view;
    if (wanted) wanted_view = as_matrix(*wanted, "wanted must have shape (2, thresholds + 1)");
    const auto kind = metric_named(metric);
    require_threads(n_threads);
    Array<std::int64_t> counts({py::ssize_t{2}, thresholds.shape(0) + 1});
    std::fill_n(counts.mutable_data(), counts.size(), 0);
    const auto counts_view = as_writable_matrix(counts, "counts");
    std::vector<distance::PairDistance> found;
    interruptible([&](const PollCallback& poll) {
        found = distance::bin_pairs(rows, labels_view, kind, thresholds_view, counts_view, wanted_view, n_threads, poll);
    });
    const auto n_found = static_cast<py::ssize_t>(found.size());
    py::array_t<std::int32_t> first(n_found);
    py::array_t<std::int32_t> second(n_found);
    py::array_t<double> distances(n_found);
    std::int32_t* first_data = first.mutable_data();
    std::int32_t* second_data = second.mutable_data();
    double* distances_data = distances.mutable_data();
    without_gil([&] {
        for (std::size_t p = 0; p < found.size(); ++p) {
            first_data[p] = found[p].row;
            second_data[p] = found[p].col;
            distances_data[p] = found[p].distance;
        }
    });
    return py::make_tuple(counts, first, second, distances);
}

template <class T>
void distances_of_pairs(const Array<T>& x, const Array<std::int32_t>& first, const Array<std::int32_t>& second,
                        Array<double> out, const std::string& metric, int n_threads) {
    const auto rows = as_rows(x, "x must have shape (n, d)");
    const auto first_view = as_vector(first, "first must be a vector");
    const auto second_view = as_vector(second, "second must be a vector");
    const auto out_view = as_writable_vector(out, "out must be a writable vector");
    const auto kind = metric_named(metric);
    require_threads(n_threads);
    interruptible([&](const PollCallback& poll) {
        distance::distances_of_pairs(rows, first_view, second_view, kind, out_view, n_threads, poll);
    });
}

template <class T>
void define_pair_bins(py::module_& m) {
    m.def("bin_pairs", &bin_pairs<T>, "x"_a.noconvert(), "labels"_a.noconvert(), "thresholds"_a.noconvert(),
          "wanted"_a.noconvert() = py::none(), py::kw_only(), "metric"_a, "n_threads"_a);
    m.def("distances_of_pairs", &distances_of_pairs<T>, "x"_a.noconvert(), "first"_a.noconvert(),
          "second"_a.noconvert(), "out"_a.noconvert(), py::kw_only(), "metric"_a, "n_threads"_a);
}

}  // namespace

void register_pair_bins(py::module_& m) {
    define_pair_bins<float>(m);
    define_pair_bins<double>(m);
}

}  // namespace pyface::bind
