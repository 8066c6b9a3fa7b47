#include <cmath>
#include <initializer_list>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <pybind11/stl.h>

#include "bind/arrays.hpp"
#include "bind/rows.hpp"
#include "frontal/frontalize.hpp"
#include "frontal/radial.hpp"
#include "warp/sampler.hpp"

namespace pyface::bind {
namespace {

using frontal::Relief;

const std::uint8_t* flags_of(const Array<bool>& array) { return reinterpret_cast<const std::uint8_t*>(array.data()); }

template <class T>
void require_plane(const Array<T>& array, index_t rows, index_t cols, const char* message) {
    require(array.ndim() == 2 && array.shape(0) == rows && array.shape(1) == cols, message);
    require_aligned(array);
}

std::unique_ptr<Relief> make_relief(const Array<double>& points, const Array<std::int32_t>& triangles,
                                    const Array<bool>& shown, const std::optional<Array<float>>& depth,
                                    const Array<double>& solid, const Array<double>& node_points, const Array<float>& nodes,
                                    const Array<bool>& on_face, double first_x, double first_y, double step) {
    const auto p = as_matrix(points, "points must have shape (n, 2)");
    const auto t = as_matrix(triangles, "triangles must have shape (t, 3)");
    const auto in_nodes = as_matrix(node_points, "node_points must have shape (n, 2)");
    require(p.cols == 2 && in_nodes.cols == 2 && in_nodes.rows == p.rows,
            "points and node_points must have shape (n, 2), n the same");
    const auto on_head = as_matrix(solid, "solid must have shape (n, 3)");
    require(on_head.cols == 3, "solid must have shape (n, 3)");
    require(t.cols == 3, "triangles must have shape (t, 3)");
    require(shown.ndim() == 2 && shown.size() > 0, "shown must have shape (rows, cols)");
    const index_t rows = shown.shape(0), cols = shown.shape(1);
    if (depth) require_plane(*depth, rows, cols, "depth must have the shape of shown");
    require(nodes.ndim() == 3 && nodes.shape(0) == 4 && nodes.shape(1) == frontal::kNodes &&
                nodes.shape(2) == frontal::kNodes,
            "nodes must have shape (4, 64, 64)");
    require_plane(on_face, frontal::kNodes, frontal::kNodes, "on_face must have shape (64, 64)");
    require_aligned(nodes);
    const float* planes = nodes.data();
    const float* depths = depth ? depth->data() : nullptr;
    const std::uint8_t *is_shown = flags_of(shown), *is_on_face = flags_of(on_face);
    return without_gil([&] {
        frontal::Nodes made(planes, planes + frontal::kPlane, planes + 2 * frontal::kPlane,
                            planes + 3 * frontal::kPlane, is_on_face, depths == nullptr, in_nodes, t);
        return std::make_unique<Relief>(p, t, rows, cols, is_shown, depths, on_head, std::move(made), first_x, first_y, step);
    });
}

// (n, ...) finite numbers within kFarthestSource.
const double* per_face(const Array<double>& array, std::initializer_list<index_t> shape, const char* message) {
    require(array.ndim() == static_cast<index_t>(shape.size()), message);
    index_t axis = 0;
    for (const index_t size : shape) require(array.shape(axis++) == size, message);
    require_aligned(array);
    for (index_t i = 0; i < array.size(); ++i) {
        require(std::abs(array.data()[i]) <= warp::kFarthestSource, "poses must be finite and within 1e9");
    }
    return array.data();
}

template <class T>
Array<double> frontalize_faces(const Relief& relief, const std::vector<Array<T>>& images,
                               const Array<double>& landmarks, const Array<double>& rotations,
                               const Array<double>& translations, const Array<double>& scales, Array<T>& out,
                               Array<bool>& masks, Array<float>& visibility, bool outline_is_seen, bool symmetric,
                               bool antialias, int n_threads) {
    require(!images.empty(), "images must not be empty");
    require_threads(n_threads);
    require(landmarks.ndim() == 3, "landmarks must have shape (n, 68, 2)");
    const index_t n = landmarks.shape(0), rows = relief.rows(), cols = relief.cols();
    frontal::Faces faces;
    faces.n = n;
    faces.landmarks = per_face(landmarks, {n, frontal::kLandmarks, 2}, "landmarks must have shape (n, 68, 2)");
    faces.rotations = per_face(rotations, {n, 3, 3}, "rotations must have shape (n, 3, 3)");
    faces.translations = per_face(translations, {n, 2}, "translations must have shape (n, 2)");
    faces.scales = per_face(scales, {n}, "scales must have shape (n,)");
    faces.outline_is_seen = outline_is_seen, faces.symmetric = symmetric, faces.antialias = antialias;
    std::vector<ImageView<const T>> views;
    for (const auto& image : images) {
        views.push_back(as_image(image, "images must have shape (h, w, c) or (h, w)"));
    }
    const auto is_stack = [&](const auto& array) {
        return array.ndim() >= 3 && array.shape(0) == n && array.shape(1) == rows && array.shape(2) == cols &&
               array.writeable();
    };
    const index_t channels = views.front().channels;
    require(is_stack(out) && out.size() == n * rows * cols * channels, "out must have shape (n, rows, cols, channels)");
    require(is_stack(masks) && masks.ndim() == 3, "masks must have shape (n, rows, cols)");
    require(is_stack(visibility) && visibility.ndim() == 3, "visibility must have shape (n, rows, cols)");
    require_aligned(out, visibility);
    Array<double> mirrored(n);
    const frontal::Fronts<T> fronts{out.mutable_data(), reinterpret_cast<std::uint8_t*>(masks.mutable_data()),
                                    visibility.mutable_data(), mirrored.mutable_data()};
    interruptible([&](const PollCallback& poll) {
        frontal::frontalize<T>(relief, views, faces, fronts, n_threads, poll);
    });
    return mirrored;
}

Array<double> surface(const Array<double>& centres, const Array<double>& weights, const Array<double>& xs,
                      const Array<double>& ys) {
    const auto c = as_matrix(centres, "centres must have shape (n, 2)");
    require(c.cols == 2, "centres must have shape (n, 2)");
    const auto w = as_vector(weights, "weights must have shape (n + 3,)");
    const auto x = as_vector(xs, "xs must be 1-D"), y = as_vector(ys, "ys must be 1-D");
    Array<double> out({y.size, x.size});
    double* to = out.mutable_data();
    interruptible([&](const PollCallback& poll) { frontal::radial_surface(c, w, x, y, to, poll); });
    return out;
}

template <class T>
void define_frontalize(py::class_<Relief>& relief) {
    relief.def("frontalize", &frontalize_faces<T>, "images"_a.noconvert(), "landmarks"_a.noconvert(), py::kw_only(),
               "rotations"_a.noconvert(), "translations"_a.noconvert(), "scales"_a.noconvert(), "out"_a.noconvert(),
               "masks"_a.noconvert(), "visibility"_a.noconvert(), "outline_is_seen"_a, "symmetric"_a, "antialias"_a,
               "n_threads"_a);
}

}  // namespace

void register_frontal(py::module_& m) {
    py::class_<Relief> relief(m, "Relief");
    relief.def(py::init(&make_relief), "points"_a.noconvert(), "triangles"_a.noconvert(), py::kw_only(),
               "shown"_a.noconvert(), "depth"_a.noconvert(), "solid"_a.noconvert(), "node_points"_a.noconvert(), "nodes"_a.noconvert(),
               "on_face"_a.noconvert(), "first_x"_a, "first_y"_a, "step"_a);
    define_frontalize<std::uint8_t>(relief);
    define_frontalize<float>(relief);
    m.def("radial_surface", &surface, "centres"_a.noconvert(), "weights"_a.noconvert(), "xs"_a.noconvert(),
          "ys"_a.noconvert());
}

}  // namespace pyface::bind
