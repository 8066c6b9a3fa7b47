#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <pybind11/stl.h>

#include "bind/arrays.hpp"
#include "bind/metrics.hpp"
#include "bind/rows.hpp"
#include "distance/search_index.hpp"

namespace pyface::bind {
namespace {

using Centre = std::optional<Array<double>>;

distance::Frame frame_of(const std::string& metric, index_t dimension, double scale, const Centre& centre) {
    const distance::Metric kind = metric_named(metric);
    require(dimension >= 1, "rows must have at least one column");
    require(scale > 0 && scale <= 1e308, "scale must be a positive number");
    if (!centre) return {kind, dimension, scale, nullptr};
    const auto view = as_vector(*centre, "centre must be a vector");
    require(view.size == simd::padded(dimension), "centre must have as many values as a padded row");
    return {kind, dimension, scale, view.data};
}

// Any of the two types of rows.
simd::Rows rows_of(const py::object& x, const char* message) {
    if (Array<float>::check_(x)) return as_rows(py::cast<Array<float>>(x), message);
    if (Array<double>::check_(x)) return as_rows(py::cast<Array<double>>(x), message);
    throw py::type_error("rows must be a C-contiguous array of float32 or float64");
}

void require_stored(const simd::Rows& rows, const Array<std::uint8_t>& codes, const Array<float>& bounds,
                    const Array<double>& squares) {
    const auto codes_view = as_matrix(codes, "codes must be a matrix");
    const auto bounds_view = as_matrix(bounds, "bounds must be a matrix");
    const auto squares_view = as_vector(squares, "squares must be a vector");
    require(codes_view.rows == rows.size() && codes_view.cols == distance::stored_stride(rows.dimension()),
            "codes must have a row for each row, filled up to a multiple of 32");
    require(reinterpret_cast<std::uintptr_t>(codes.data()) % 4 == 0, "codes must begin on a multiple of 4 bytes");
    require(bounds_view.rows == rows.size() && bounds_view.cols == 2, "bounds must have shape (n, 2)");
    require(squares_view.size == rows.size(), "squares must have shape (n,)");
}

// What distances are screened in: the scale, and the centre or None.
py::tuple search_frame(const py::object& x, const std::string& metric, int n_threads) {
    const auto rows = rows_of(x, "x must have shape (n, d)");
    const distance::Metric kind = metric_named(metric);
    require_threads(n_threads);
    std::optional<distance::Frame> frame;
    interruptible([&](const PollCallback& poll) { frame.emplace(rows, nullptr, kind, n_threads, poll); });
    if (frame->centre() == nullptr) return py::make_tuple(frame->scale(), py::none());
    return py::make_tuple(frame->scale(), py::array_t<double>(frame->stride(), frame->centre()));
}

py::tuple store_rows(const py::object& x, Array<std::uint8_t> codes, Array<float> bounds, Array<double> squares,
                     const std::string& metric, double scale, const Centre& centre, int n_threads) {
    const auto rows = rows_of(x, "x must have shape (n, d)");
    require_stored(rows, codes, bounds, squares);
    const auto codes_view = as_writable_matrix(codes, "codes must be writable");
    const auto bounds_view = as_writable_matrix(bounds, "bounds must be writable");
    const auto squares_view = as_writable_vector(squares, "squares must be writable");
    const auto frame = frame_of(metric, rows.dimension(), scale, centre);
    require_threads(n_threads);
    distance::StoredSummary summary;
    interruptible([&](const PollCallback& poll) {
        summary = distance::store(frame, rows, codes_view.data, bounds_view.data, squares_view.data, n_threads, poll);
    });
    return py::make_tuple(summary.longest, summary.any_scaled);
}

// distance::SearchIndex, and the arrays that it reads. It does not change, so several threads may search it.
class SearchIndex {
public:
    using Segment = std::tuple<py::object, Array<std::uint8_t>, Array<float>, Array<double>>;

    SearchIndex(std::vector<Segment> segments, const std::string& metric, index_t dimension, double scale,
                const Centre& centre, double longest, bool any_scaled)
        : arrays_(std::move(segments)) {
        std::vector<distance::StoredRows> stored;
        for (const auto& [x, codes, bounds, squares] : arrays_) {
            const auto rows = rows_of(x, "rows must have shape (n, d)");
            require_stored(rows, codes, bounds, squares);
            stored.push_back({rows, codes.data(), bounds.data(), squares.data()});
        }
        index_ = std::make_unique<distance::SearchIndex>(frame_of(metric, dimension, scale, centre), dimension,
                                                         std::move(stored), distance::StoredSummary{longest, any_scaled});
    }

    void nearest(const py::object& x, std::int64_t self, Array<float> distances, Array<std::int64_t> indices,
                 std::int64_t panels, int n_threads) const {
        const auto rows = queries(x, self, n_threads);
        const auto distances_view = as_writable_matrix(distances, "distances must be a writable matrix");
        const auto indices_view = as_writable_matrix(indices, "indices must be a writable matrix");
        require(distances_view.rows == rows.size() && indices_view.rows == rows.size() &&
                    distances_view.cols == indices_view.cols,
                "distances and indices must have shape (len(x), k)");
        interruptible([&](const PollCallback& poll) {
            index_->nearest(rows, self, distances_view, indices_view, panels, n_threads, poll);
        });
    }

    py::tuple within(const py::object& x, std::int64_t self, double radius, bool by_distance,
                     std::int64_t memory_limit, std::int64_t panels, int n_threads) const {
        const auto rows = queries(x, self, n_threads);
        std::unique_ptr<distance::FoundWithin> found;
        interruptible([&](const PollCallback& poll) {
            found = std::make_unique<distance::FoundWithin>(*index_, rows, self, radius, memory_limit, panels, n_threads,
                                                            poll);
        });
        Array<std::int64_t> indptr(rows.size() + 1), indices(found->n_entries());
        Array<float> distances(found->n_entries());
        const auto indptr_view = as_writable_vector(indptr, "indptr");
        const auto indices_view = as_writable_vector(indices, "indices");
        const auto distances_view = as_writable_vector(distances, "distances");
        interruptible([&](const PollCallback& poll) {
            found->write(indptr_view, indices_view, distances_view, by_distance, n_threads, poll);
            found.reset();
        });
        return py::make_tuple(indptr, indices, distances);
    }

private:
    simd::Rows queries(const py::object& x, std::int64_t self, int n_threads) const {
        const auto rows = rows_of(x, "x must have shape (n, d)");
        require(rows.dimension() == index_->dimension(), "queries must have as many columns as the rows");
        require(self >= -1 && (self < 0 || self + rows.size() <= index_->size()), "self must be a row of the index");
        require_threads(n_threads);
        return rows;
    }

    std::vector<Segment> arrays_;
    std::unique_ptr<distance::SearchIndex> index_;
};

}  // namespace

void register_search(py::module_& m) {
    m.def("search_frame", &search_frame, "x"_a, py::kw_only(), "metric"_a, "n_threads"_a);
    m.def("store_rows", &store_rows, "x"_a, "codes"_a.noconvert(), "bounds"_a.noconvert(), "squares"_a.noconvert(),
          py::kw_only(), "metric"_a, "scale"_a, "centre"_a.noconvert(), "n_threads"_a);
    py::class_<SearchIndex>(m, "SearchIndex")
        .def(py::init<std::vector<SearchIndex::Segment>, const std::string&, index_t, double, const Centre&, double,
                      bool>(),
             "segments"_a, py::kw_only(), "metric"_a, "dimension"_a, "scale"_a, "centre"_a, "longest"_a, "any_scaled"_a)
        .def("nearest", &SearchIndex::nearest, "x"_a, "self_begin"_a, "distances"_a.noconvert(),
             "indices"_a.noconvert(), py::kw_only(), "panels"_a = -1, "n_threads"_a)
        .def("within", &SearchIndex::within, "x"_a, "self_begin"_a, "radius"_a, py::kw_only(), "by_distance"_a = false,
             "memory_limit"_a = -1, "panels"_a = -1, "n_threads"_a);
}

}  // namespace pyface::bind
