#include <cmath>
#include <memory>

#include <pybind11/stl.h>

#include "bind/arrays.hpp"
#include "detect/area_crop.hpp"
#include "detect/compact_ints.hpp"
#include "detect/face_chip.hpp"
#include "detect/nms.hpp"
#include "detect/pyramid.hpp"
#include "detect/regression_trees.hpp"
#include "detect/upsample.hpp"

namespace pyface::bind {
namespace {

using detect::RegressionTrees;

template <class T>
Array<T> to_array(const std::vector<T>& values) {
    return Array<T>(static_cast<py::ssize_t>(values.size()), values.data());
}

template <class T>
Array<std::int64_t> run_nms(const Array<T>& boxes, const Array<double>& scores, double threshold,
                            std::vector<std::int64_t> (*kernel)(MatrixView<const T>, VectorView<const double>, double,
                                                                const PollCallback&)) {
    const auto boxes_view = as_matrix(boxes, "boxes must have shape (n, 4)");
    const auto scores_view = as_vector(scores, "scores must have shape (n,)");
    require(boxes_view.cols == 4, "boxes must have shape (n, 4)");
    require(boxes_view.rows == scores_view.size, "boxes and scores must have the same length");
    // A NaN would break the order that the sort relies on.
    for (const double score : scores_view) require(!std::isnan(score), "scores must not be NaN");
    std::vector<std::int64_t> kept;
    interruptible([&](const PollCallback& poll) { kept = kernel(boxes_view, scores_view, threshold, poll); });
    return to_array(kept);
}

py::tuple layout(index_t rows, index_t cols) {
    const auto made = detect::pyramid_layout(rows, cols);
    Array<std::int64_t> rects({static_cast<py::ssize_t>(made.levels.size()), py::ssize_t{4}});
    std::int64_t* to = rects.mutable_data();
    for (const auto& r : made.levels) {
        *to++ = r.left, *to++ = r.top, *to++ = r.right, *to++ = r.bottom;
    }
    return py::make_tuple(made.rows, made.cols, rects);
}

template <class T>
void canvas(const Array<T>& image, const std::array<float, 3>& mean, Array<float>& out) {
    const auto view = as_image(image, "image must have shape (h, w, 3) or (h, w)");
    require(view.channels == 1 || view.channels == 3, "image must have 1 or 3 channels");
    const auto made = detect::pyramid_layout(view.rows, view.cols);
    require(out.ndim() == 3 && out.shape(0) == 3 && out.shape(1) == made.rows && out.shape(2) == made.cols,
            "out must have shape (3, canvas rows, canvas columns)");
    require_aligned(out);
    float* planes = out.mutable_data();
    without_gil([&] { detect::fill_canvas(view, mean, made, planes); });
}

py::tuple decode(const Array<float>& scores, index_t rows, index_t cols, double threshold) {
    const auto view = as_matrix(scores, "scores must have shape (h, w)");
    const auto found = without_gil(
        [&] { return detect::decode_scores(view, detect::pyramid_layout(rows, cols), threshold); });
    const auto n = static_cast<py::ssize_t>(found.size());
    Array<std::int64_t> boxes({n, py::ssize_t{4}});
    Array<float> kept(n);
    std::int64_t* box = boxes.mutable_data();
    float* score = kept.mutable_data();
    for (const auto& f : found) {
        for (const double v : f.box) *box++ = static_cast<std::int64_t>(v);
        *score++ = f.score;
    }
    return py::make_tuple(boxes, kept);
}

void upsample(const Array<std::uint8_t>& image, Array<std::uint8_t>& out) {
    const auto view = as_image(image, "image must have shape (h, w, c) or (h, w)");
    require(out.ndim() == image.ndim(), "out must have as many dimensions as image");
    const ImageView<std::uint8_t> to{out.mutable_data(), out.shape(0), out.shape(1),
                                     out.ndim() == 3 ? out.shape(2) : 1};
    without_gil([&] { detect::upsample(view, to); });
}

std::unique_ptr<RegressionTrees> make_trees(const Array<float>& initial_shape, const Array<std::int16_t>& features,
                                            const Array<float>& thresholds, const Array<float>& leaves,
                                            const Array<std::int16_t>& anchors, const Array<float>& deltas) {
    require(initial_shape.ndim() == 2 && initial_shape.shape(1) == 2, "initial_shape must have shape (k, 2)");
    require(thresholds.ndim() == 3, "thresholds must have shape (c, t, s)");
    const auto c = thresholds.shape(0), t = thresholds.shape(1), s = thresholds.shape(2), k = initial_shape.shape(0);
    require(features.ndim() == 4 && features.shape(0) == c && features.shape(1) == t && features.shape(2) == s &&
                features.shape(3) == 2,
            "features must have shape (c, t, s, 2)");
    require(leaves.ndim() == 4 && leaves.shape(0) == c && leaves.shape(1) == t && leaves.shape(2) == s + 1 &&
                leaves.shape(3) == 2 * k,
            "leaves must have shape (c, t, s + 1, 2 k)");
    require(anchors.ndim() == 2 && anchors.shape(0) == c, "anchors must have shape (c, p)");
    const auto p = anchors.shape(1);
    require(deltas.ndim() == 3 && deltas.shape(0) == c && deltas.shape(1) == p && deltas.shape(2) == 2,
            "deltas must have shape (c, p, 2)");
    require_aligned(initial_shape, features, thresholds, leaves, anchors, deltas);
    const detect::TreeArrays arrays{c, t, s, p, k, initial_shape.data(), features.data(), thresholds.data(),
                                    leaves.data(), anchors.data(), deltas.data()};
    return without_gil([&] { return std::make_unique<RegressionTrees>(arrays); });
}

Array<double> locate(const RegressionTrees& trees, const Array<std::uint8_t>& image, const Array<double>& boxes,
                     int n_threads) {
    const auto view = as_image(image, "image must have shape (h, w, 3) or (h, w)");
    const auto faces = as_matrix(boxes, "boxes must have shape (n, 4)");
    require(faces.cols == 4, "boxes must have shape (n, 4)");
    require(view.channels == 1 || view.channels == 3, "image must have 1 or 3 channels");
    Array<double> points({faces.rows, trees.n_points(), index_t{2}});
    double* out = points.mutable_data();
    interruptible([&](const PollCallback& poll) { trees.locate(view, faces, out, n_threads, poll); });
    return points;
}

Array<std::uint8_t> chips(const Array<std::uint8_t>& image, const Array<double>& landmarks,
                          const Array<double>& unit_template, index_t size, double padding, int n_threads) {
    const auto view = as_image(image, "image must have shape (h, w, 3) or (h, w)");
    require(unit_template.ndim() == 2 && unit_template.shape(1) == 2, "template must have shape (k, 2)");
    const index_t k = unit_template.shape(0);
    require(landmarks.ndim() == 3 && landmarks.shape(1) == k && landmarks.shape(2) == 2,
            "landmarks must have shape (n, k, 2)");
    require_aligned(landmarks, unit_template);
    require(size >= 2 && size <= 4096, "size must be from 2 to 4096");
    const index_t n = landmarks.shape(0);
    Array<std::uint8_t> out({n, size, size, index_t{3}});
    std::uint8_t* to = out.mutable_data();
    const double *points = landmarks.data(), *corners = unit_template.data();
    interruptible([&](const PollCallback& poll) {
        detect::face_chips(view, points, n, corners, k, size, padding, to, n_threads, poll);
    });
    return out;
}

void cut_by_area(const Array<std::uint8_t>& image, const Array<std::int64_t>& boxes, Array<std::uint8_t>& out,
                 int n_threads) {
    const auto view = as_image(image, "image must have shape (h, w, c) or (h, w)");
    const auto rectangles = as_matrix(boxes, "boxes must have shape (n, 4)");
    require(out.ndim() == 4 && out.shape(0) == rectangles.rows && out.shape(3) == view.channels && out.writeable(),
            "out must be writable and have shape (n, rows, columns, channels)");
    std::uint8_t* to = out.mutable_data();
    const index_t rows = out.shape(1), cols = out.shape(2);
    interruptible([&](const PollCallback& poll) {
        detect::area_crops(view, rectangles, rows, cols, to, n_threads, poll);
    });
}

py::tuple chip_place(const Array<double>& landmarks, const Array<double>& unit_template, index_t size, double padding) {
    require(landmarks.ndim() == 2 && landmarks.shape(1) == 2 && unit_template.ndim() == 2 &&
                unit_template.shape(1) == 2 && landmarks.shape(0) == unit_template.shape(0),
            "landmarks and template must have shape (k, 2)");
    require_aligned(landmarks, unit_template);
    const auto p = detect::chip_place(landmarks.data(), unit_template.data(), landmarks.shape(0), size, padding);
    return py::make_tuple(p.left, p.top, p.right, p.bottom, p.angle);
}

index_t scan(const Array<std::uint8_t>& bytes, index_t begin, Array<std::int64_t>& out) {
    const auto view = as_vector(bytes, "bytes must have shape (n,)");
    require(out.ndim() == 1 && out.writeable(), "out must be writable and have shape (m,)");
    require_aligned(out);
    const VectorView<std::int64_t> to{out.mutable_data(), out.shape(0)};
    return without_gil([&] { return detect::scan_compact_ints(view, begin, to); });
}

}  // namespace

void register_detect(py::module_& m) {
    m.def("nms",
          [](const Array<double>& boxes, const Array<double>& scores, double iou_threshold) {
              return run_nms<double>(boxes, scores, iou_threshold, detect::nms);
          },
          "boxes"_a.noconvert(), "scores"_a.noconvert(), "iou_threshold"_a);
    m.def("nms_of_smaller",
          [](const Array<double>& boxes, const Array<double>& scores, double overlap_threshold) {
              return run_nms<double>(boxes, scores, overlap_threshold, detect::nms_of_smaller);
          },
          "boxes"_a.noconvert(), "scores"_a.noconvert(), "overlap_threshold"_a);
    m.def("area_crops", &cut_by_area, "image"_a.noconvert(), "boxes"_a.noconvert(), "out"_a.noconvert(),
          py::kw_only(), "n_threads"_a);
    m.def("mmod_nms",
          [](const Array<std::int64_t>& boxes, const Array<double>& scores, double overlap_threshold) {
              return run_nms<std::int64_t>(boxes, scores, overlap_threshold, detect::mmod_nms);
          },
          "boxes"_a.noconvert(), "scores"_a.noconvert(), "overlap_threshold"_a);
    m.def("mmod_layout", &layout, "rows"_a, "cols"_a);
    m.def("mmod_canvas", &canvas<std::uint8_t>, "image"_a.noconvert(), "mean"_a, "out"_a.noconvert());
    m.def("mmod_canvas", &canvas<float>, "image"_a.noconvert(), "mean"_a, "out"_a.noconvert());
    m.def("mmod_decode", &decode, "scores"_a.noconvert(), "rows"_a, "cols"_a, "threshold"_a);
    m.def("upsample", &upsample, "image"_a.noconvert(), "out"_a.noconvert());
    m.def("face_chips", &chips, "image"_a.noconvert(), "landmarks"_a.noconvert(), "template"_a.noconvert(), "size"_a,
          "padding"_a, py::kw_only(), "n_threads"_a);
    m.def("chip_place", &chip_place, "landmarks"_a.noconvert(), "template"_a.noconvert(), "size"_a, "padding"_a);
    m.def("scan_compact_ints", &scan, "bytes"_a.noconvert(), "begin"_a, "out"_a.noconvert());
    py::class_<RegressionTrees>(m, "RegressionTrees")
        .def(py::init(&make_trees), "initial_shape"_a.noconvert(), "features"_a.noconvert(),
             "thresholds"_a.noconvert(), "leaves"_a.noconvert(), "anchors"_a.noconvert(), "deltas"_a.noconvert())
        .def("locate", &locate, "image"_a.noconvert(), "boxes"_a.noconvert(), py::kw_only(), "n_threads"_a)
        .def_property_readonly("n_points", &RegressionTrees::n_points);
}

}  // namespace pyface::bind
