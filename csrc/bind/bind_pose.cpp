#include <optional>

#include <pybind11/stl.h>

#include "bind/arrays.hpp"
#include "pose/head_pose.hpp"

namespace pyface::bind {
namespace {

py::tuple head_poses(const Array<double>& landmarks, const Array<double>& head,
                     const std::optional<Array<bool>>& is_contour, const std::optional<Array<double>>& weights,
                     const std::optional<std::array<double, 3>>& camera, bool refined, int n_threads) {
    require(n_threads >= 1, "n_threads must be at least 1");
    require(landmarks.ndim() == 3 && landmarks.shape(1) >= 1 && landmarks.shape(2) == 2,
            "landmarks must have shape (f, k, 2)");
    const index_t faces = landmarks.shape(0), count = landmarks.shape(1);
    require(head.ndim() == 2 && head.shape(0) == count && head.shape(1) == 3, "head must have shape (k, 3)");
    require_aligned(landmarks, head);
    pose::Head of_scheme{head.data(), nullptr, count};
    if (is_contour) {
        require(is_contour->ndim() == 1 && is_contour->shape(0) == count, "is_contour must have shape (k,)");
        of_scheme.is_contour = reinterpret_cast<const std::uint8_t*>(is_contour->data());
    }
    std::optional<FacePoints> shares;
    if (weights) {
        require(weights->ndim() == 2 && (weights->shape(0) == 1 || weights->shape(0) == faces) &&
                    weights->shape(1) == count,
                "weights must have shape (f, k) or (1, k)");
        require_aligned(*weights);
        shares.emplace(weights->data(), weights->shape(0) == 1);
    }
    std::optional<pose::Camera> seen_by;
    if (camera) seen_by.emplace((*camera)[0], (*camera)[1], (*camera)[2]);
    Array<double> angles({faces, index_t{3}}), rotation({faces, index_t{3}, index_t{3}}),
        translation({faces, index_t{3}}), scale(faces), residual(faces), errors({faces, index_t{3}});
    const pose::Poses out{angles.mutable_data(), rotation.mutable_data(), translation.mutable_data(),
                          scale.mutable_data(), residual.mutable_data(), errors.mutable_data()};
    const FacePoints points{landmarks.data(), false};
    index_t wrong = -1;
    pose::Fault fault = pose::Fault::none;
    interruptible([&](const PollCallback& poll) {
        wrong = pose::fit_poses(points, of_scheme, shares ? &*shares : nullptr, faces, seen_by, refined, out, fault,
                                n_threads, poll);
    });
    return py::make_tuple(angles, rotation, translation, scale, residual, errors, wrong,
                          fault == pose::Fault::head_on_line);
}

}  // namespace

void register_pose(py::module_& m) {
    m.def("head_poses", &head_poses, "landmarks"_a.noconvert(), "head"_a.noconvert(),
          "is_contour"_a.noconvert() = py::none(), "weights"_a.noconvert() = py::none(), "camera"_a = py::none(),
          py::kw_only(), "refined"_a = true, "n_threads"_a = 1);
}

}  // namespace pyface::bind
