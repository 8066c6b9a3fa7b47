#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include <pybind11/stl.h>

#include "bind/arrays.hpp"
#include "bind/rows.hpp"
#include "kmeans/lloyd.hpp"
#include "kmeans/plus_plus.hpp"

namespace pyface::bind {
namespace {

// kmeans::Data, and the arrays that it reads.
class KMeansData {
public:
    KMeansData(py::array x, std::optional<Array<double>> weights, const simd::Rows& rows, int n_threads)
        : x_(std::move(x)), weights_(std::move(weights)), n_threads_(n_threads) {
        VectorView<const double> per_row;
        if (weights_) {
            per_row = as_vector(*weights_, "weights must have shape (n,)");
            require(per_row.size == rows.size(), "weights must have one entry per row of x");
        }
        without_gil([&] { data_ = std::make_unique<kmeans::Data>(rows, per_row); });
    }

    double mean_variance() {
        double result = 0.0;
        run([&](const PollCallback& poll) { result = data_->mean_variance(n_threads_, poll); });
        return result;
    }

    py::tuple plus_plus(index_t first, const Array<double>& draws) {
        const auto places = as_matrix(draws, "draws must have shape (k - 1, candidates)");
        Array<std::int64_t> chosen(places.rows + 1);
        Array<std::int32_t> nearest(data_->size());
        const auto chosen_view = as_writable_vector(chosen, "chosen");
        const auto nearest_view = as_writable_vector(nearest, "nearest");
        run([&](const PollCallback& poll) {
            if (data_->rows().is_float32()) {
                kmeans::plus_plus<float>(*data_, first, places, chosen_view, nearest_view, n_threads_, poll);
            } else {
                kmeans::plus_plus<double>(*data_, first, places, chosen_view, nearest_view, n_threads_, poll);
            }
        });
        return py::make_tuple(chosen, nearest);
    }

    template <class T>
    py::tuple lloyd(Array<T>& centers, Array<std::int32_t>& labels, index_t max_iter, double tolerance,
                    bool spherical) {
        require(data_->rows().is_float32() == (sizeof(T) == sizeof(float)), "centers must have the type of x");
        const auto centers_view = as_writable_matrix(centers, "centers must be writable, of shape (k, d)");
        const auto labels_view = as_writable_vector(labels, "labels must be writable, of shape (n,)");
        kmeans::Outcome outcome{};
        run([&](const PollCallback& poll) {
            const kmeans::Rules rules{max_iter, tolerance, spherical};
            outcome = kmeans::lloyd<T>(*data_, centers_view, labels_view, rules, n_threads_, poll);
        });
        return py::make_tuple(outcome.inertia, outcome.n_iter);
    }

    template <class T>
    void nearest(const Array<T>& centers, Array<std::int32_t>& labels, Array<double>& distances) {
        require(data_->rows().is_float32() == (sizeof(T) == sizeof(float)), "centers must have the type of x");
        const auto centers_view = as_matrix(centers, "centers must have shape (k, d)");
        const kmeans::Assignment result{as_writable_vector(labels, "labels must be writable, of shape (n,)"),
                                        as_writable_vector(distances, "distances must be writable, of shape (n,)")};
        run([&](const PollCallback& poll) {
            kmeans::nearest_centers<T>(*data_, centers_view, result, n_threads_, poll);
        });
    }

private:
    // One call at a time: a search may code the rows anew.
    template <class Work>
    void run(Work&& work) {
        interruptible([&](const PollCallback& poll) {
            const std::lock_guard lock(mutex_);
            work(poll);
        });
    }

    std::mutex mutex_;
    py::array x_;
    std::optional<Array<double>> weights_;
    int n_threads_;
    std::unique_ptr<kmeans::Data> data_;
};

std::unique_ptr<KMeansData> make_data(const py::object& x, const std::optional<Array<double>>& weights,
                                      int n_threads) {
    require_threads(n_threads);
    const auto make = [&](auto array) {
        return std::make_unique<KMeansData>(array, weights, as_rows(array, "x must have shape (n, d)"), n_threads);
    };
    if (Array<float>::check_(x)) return make(py::cast<Array<float>>(x));
    if (Array<double>::check_(x)) return make(py::cast<Array<double>>(x));
    throw py::type_error("x must be a C-contiguous array of float32 or float64");
}

}  // namespace

void register_kmeans(py::module_& m) {
    py::class_<KMeansData> data(m, "KMeansData");
    data.def(py::init(&make_data), "x"_a, "weights"_a.noconvert(), py::kw_only(), "n_threads"_a)
        .def("mean_variance", &KMeansData::mean_variance)
        .def("plus_plus", &KMeansData::plus_plus, "first"_a, "draws"_a.noconvert());
    const auto for_type = [&](auto value) {
        using T = decltype(value);
        data.def("lloyd", &KMeansData::lloyd<T>, "centers"_a.noconvert(), "labels"_a.noconvert(), py::kw_only(),
                 "max_iter"_a, "tolerance"_a, "spherical"_a);
        data.def("nearest", &KMeansData::nearest<T>, "centers"_a.noconvert(), "labels"_a.noconvert(),
                 "distances"_a.noconvert());
    };
    for_type(float{});
    for_type(double{});
}

}  // namespace pyface::bind
