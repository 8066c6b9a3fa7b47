#include <string>
#include <vector>

#include <pybind11/stl.h>

#include "bind/arrays.hpp"
#include "bind/border.hpp"
#include "warp/affine_crop.hpp"

namespace pyface::bind {
namespace {

template <class T>
void crops(const Array<T>& image, const Array<double>& matrices, Array<T>& out, const std::string& border,
           const std::vector<double>& fill, bool antialias, int n_threads) {
    const auto view = as_image(image, "image must have shape (h, w, c) or (h, w)");
    require(matrices.ndim() == 3 && matrices.shape(1) == 2 && matrices.shape(2) == 3,
            "matrices must have shape (n, 2, 3)");
    require(out.ndim() == 4 && out.shape(0) == matrices.shape(0) && out.shape(3) == view.channels && out.writeable(),
            "out must be writable and have shape (n, rows, columns, channels)");
    require(static_cast<index_t>(fill.size()) == view.channels, "fill must have one value per channel");
    require_aligned(matrices);
    require_aligned(out);
    const warp::CropRule rule{as_border(border), fill.data(), antialias};
    const double* maps = matrices.data();
    const index_t n = out.shape(0), rows = out.shape(1), cols = out.shape(2);
    T* to = out.mutable_data();
    interruptible([&](const PollCallback& poll) {
        warp::affine_crops<T>(view, maps, n, rows, cols, rule, to, n_threads, poll);
    });
}

template <class T>
void define(py::module_& m) {
    m.def("affine_crops", &crops<T>, "image"_a.noconvert(), "matrices"_a.noconvert(), "out"_a.noconvert(),
          py::kw_only(), "border"_a, "fill"_a, "antialias"_a, "n_threads"_a);
}

}  // namespace

void register_affine(py::module_& m) {
    define<std::uint8_t>(m);
    define<float>(m);
}

}  // namespace pyface::bind
