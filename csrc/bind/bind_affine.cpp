#include <optional>
#include <string>
#include <vector>

#include <pybind11/stl.h>

#include "bind/arrays.hpp"
#include "bind/border.hpp"
#include "warp/affine_crop.hpp"
#include "warp/similarity.hpp"

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
void define_crops(py::module_& m) {
    m.def("affine_crops", &crops<T>, "image"_a.noconvert(), "matrices"_a.noconvert(), "out"_a.noconvert(),
          py::kw_only(), "border"_a, "fill"_a, "antialias"_a, "n_threads"_a);
}

py::tuple similarities(const Array<double>& source, const Array<double>& target,
                       const std::optional<Array<double>>& weights) {
    require(source.ndim() == 3 && source.shape(1) >= 1 && source.shape(2) == 2, "source must have shape (f, n, 2)");
    const index_t faces = source.shape(0), points = source.shape(1);
    const auto count = [&](const auto& array) { return array.shape(0) == 1 || array.shape(0) == faces; };
    require(target.ndim() == 3 && count(target) && target.shape(1) == points && target.shape(2) == 2,
            "target must have shape (f, n, 2) or (1, n, 2)");
    require_aligned(source, target);
    const FacePoints from{source.data(), false}, to{target.data(), target.shape(0) == 1};
    std::optional<FacePoints> shares;
    if (weights) {
        require(weights->ndim() == 2 && count(*weights) && weights->shape(1) == points,
                "weights must have shape (f, n) or (1, n)");
        require_aligned(*weights);
        shares.emplace(weights->data(), weights->shape(0) == 1);
    }
    Array<double> matrix({faces, index_t{2}, index_t{3}}), scale(faces), rotation(faces), residual(faces);
    const warp::Similarities out{matrix.mutable_data(), scale.mutable_data(), rotation.mutable_data(),
                                 residual.mutable_data()};
    index_t wrong = -1;
    interruptible([&](const PollCallback& poll) {
        wrong = warp::fit_similarities(from, to, shares ? &*shares : nullptr, faces, points, out, poll);
    });
    return py::make_tuple(matrix, scale, rotation, residual, wrong);
}

}  // namespace

void register_affine(py::module_& m) {
    define_crops<std::uint8_t>(m);
    define_crops<float>(m);
    m.def("fit_similarities", &similarities, "source"_a.noconvert(), "target"_a.noconvert(),
          "weights"_a.noconvert() = py::none());
}

}  // namespace pyface::bind
