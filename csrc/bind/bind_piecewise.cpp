#include <cmath>
#include <memory>
#include <string>

#include <pybind11/stl.h>

#include "bind/arrays.hpp"
#include "bind/border.hpp"
#include "bind/rows.hpp"
#include "warp/mesh.hpp"
#include "warp/sampler.hpp"

namespace pyface::bind {
namespace {

using warp::Mesh;

std::unique_ptr<Mesh> make_mesh(const Array<double>& points, const Array<std::int32_t>& triangles, index_t rows,
                                index_t cols) {
    const auto p = as_matrix(points, "points must have shape (n, 2)");
    const auto t = as_matrix(triangles, "triangles must have shape (t, 3)");
    require(p.cols == 2, "points must have shape (n, 2)");
    require(t.cols == 3, "triangles must have shape (t, 3)");
    std::unique_ptr<Mesh> made;
    interruptible([&](const PollCallback& poll) { made = std::make_unique<Mesh>(p, t, rows, cols, poll); });
    return made;
}

const double* as_source(const Mesh& mesh, const Array<double>& source) {
    const auto s = as_matrix(source, "source must have shape (n, 2), n as of the mesh");
    require(s.cols == 2 && s.rows == mesh.n_points(), "source must have shape (n, 2), n as of the mesh");
    for (index_t i = 0; i < 2 * s.rows; ++i) {
        require(std::abs(s.data[i]) <= warp::kFarthestSource, "source must be finite and within 1e9 pixels");
    }
    return s.data;
}

template <class T>
void warp_images(const Mesh& mesh, const std::vector<Array<T>>& images, const Array<double>& sources, Array<T>& out,
                 bool linear, bool antialias, const std::string& border, const std::vector<double>& fill,
                 int n_threads) {
    require(!images.empty(), "images must not be empty");
    require(sources.ndim() == 3 && sources.shape(1) == mesh.n_points() && sources.shape(2) == 2,
            "sources must have shape (n, k, 2), k as of the mesh");
    require_aligned(sources, out);
    require_threads(n_threads);
    std::vector<ImageView<const T>> views;
    views.reserve(images.size());
    for (const auto& image : images) views.push_back(as_image(image, "images must have shape (h, w, c) or (h, w)"));
    const index_t n = sources.shape(0), channels = views.front().channels;
    require(out.ndim() >= 3 && out.shape(0) == n && out.shape(1) == mesh.rows() && out.shape(2) == mesh.cols() &&
                out.size() == n * mesh.rows() * mesh.cols() * channels,
            "out must have shape (n, rows, cols, channels) or (n, rows, cols)");
    require(static_cast<index_t>(fill.size()) == channels, "fill must have one value per channel");
    if constexpr (std::is_same_v<T, std::uint8_t>) {
        for (const double f : fill) require(f >= 0 && f <= 255, "fill must be from 0 to 255");
    }
    T* to = out.mutable_data();
    const double* points = sources.data();
    const warp::Sampling sampling{linear, antialias, as_border(border), fill.data()};
    interruptible([&](const PollCallback& poll) {
        warp::warp_images<T>(mesh, views, points, n, sampling, to, n_threads, poll);
    });
}

Array<std::int32_t> owners(const Mesh& mesh) {
    Array<std::int32_t> out({mesh.rows(), mesh.cols()});
    std::int32_t* to = out.mutable_data();
    without_gil([&] { mesh.owners(to); });
    return out;
}

Array<bool> mask(const Mesh& mesh) {
    Array<bool> out({mesh.rows(), mesh.cols()});
    bool* to = out.mutable_data();
    without_gil([&] { mesh.mask(to); });
    return out;
}

Array<double> positions(const Mesh& mesh, const Array<double>& source) {
    const double* from = as_source(mesh, source);
    Array<double> out({mesh.rows(), mesh.cols(), index_t{2}});
    double* to = out.mutable_data();
    interruptible([&](const PollCallback& poll) { mesh.positions(from, to, poll); });
    return out;
}

Array<double> coefficients(const Mesh& mesh, const Array<double>& source) {
    const double* from = as_source(mesh, source);
    Array<double> out({mesh.n_triangles(), index_t{2}, index_t{3}});
    double* to = out.mutable_data();
    without_gil([&] { mesh.coefficients(from, to); });
    return out;
}

Array<double> map_points(const Mesh& mesh, const Array<double>& points, const Array<double>& source, bool back) {
    const auto p = as_matrix(points, "points must have shape (m, 2)");
    require(p.cols == 2, "points must have shape (m, 2)");
    const double* from = as_source(mesh, source);
    Array<double> out({p.rows, index_t{2}});
    double* to = out.mutable_data();
    interruptible([&](const PollCallback& poll) { mesh.map_points(from, p.data, p.rows, back, to, poll); });
    return out;
}

template <class T>
void define_warp(py::class_<Mesh>& mesh) {
    mesh.def("warp", &warp_images<T>, "images"_a.noconvert(), "sources"_a.noconvert(), "out"_a.noconvert(),
             py::kw_only(), "linear"_a, "antialias"_a, "border"_a, "fill"_a, "n_threads"_a);
}

}  // namespace

void register_piecewise(py::module_& m) {
    py::class_<Mesh> mesh(m, "WarpMesh");
    mesh.def(py::init(&make_mesh), "points"_a.noconvert(), "triangles"_a.noconvert(), "rows"_a, "cols"_a)
        .def("owners", &owners)
        .def("mask", &mask)
        .def("positions", &positions, "source"_a.noconvert())
        .def("coefficients", &coefficients, "source"_a.noconvert())
        .def("map_points", &map_points, "points"_a.noconvert(), "source"_a.noconvert(), py::kw_only(), "back"_a)
        .def_property_readonly("n_spans", &Mesh::n_spans);
    define_warp<std::uint8_t>(mesh);
    define_warp<float>(mesh);
}

}  // namespace pyface::bind
