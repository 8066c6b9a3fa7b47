#include "pose/head_pose.hpp"

#include <algorithm>
#include <vector>

namespace pyface::pose {
namespace {

constexpr index_t kFacesPerTask = 256;

// A face that has no pose, and why; -1: all have one.
struct Wrong {
    index_t face = -1;
    Fault fault = Fault::none;
};

}  // namespace

index_t fit_poses(FacePoints landmarks, const Head& head, const FacePoints* weights, index_t faces,
                  const std::optional<Camera>& camera, bool refined, const Poses& out, Fault& fault, int n_threads,
                  const PollCallback& poll) {
    std::vector<Wrong> wrong(static_cast<std::size_t>((faces + kFacesPerTask - 1) / kFacesPerTask));
    parallel_for(
        static_cast<index_t>(wrong.size()), n_threads,
        [&](index_t task) {
            Orthographic fit(head);
            const index_t begin = task * kFacesPerTask;
            for (index_t f = begin; f < std::min(faces, begin + kFacesPerTask); ++f) {
                const double* face = landmarks.of(f, 2 * head.count);
                if (f == begin || (weights != nullptr && !weights->is_one)) {
                    fit.weigh(weights == nullptr ? nullptr : weights->of(f, head.count));
                }
                if (const Fault found = fit.fit(face, refined); found != Fault::none) {
                    wrong[static_cast<std::size_t>(task)] = {f, found};
                    return;
                }
                Matrix3 rotation = fit.rotation();
                Angles errors = fit.errors();
                double* t = out.translation + 3 * f;
                t[0] = fit.x(), t[1] = fit.y(), t[2] = 0;
                out.scale[f] = fit.scale(), out.residual[f] = fit.residual();
                if (camera && refined) {
                    const Perspective seen = fit_perspective(fit, head, face, *camera);
                    rotation = seen.rotation, errors = seen.errors;
                    std::copy(seen.translation.begin(), seen.translation.end(), t);
                    out.scale[f] = camera->focal / t[2], out.residual[f] = seen.residual;
                }
                std::copy(rotation.values.begin(), rotation.values.end(), out.rotation + 9 * f);
                const Angles angles = angles_of(rotation);
                double *a = out.angles + 3 * f, *e = out.errors + 3 * f;
                a[0] = angles.pitch, a[1] = angles.yaw, a[2] = angles.roll;
                e[0] = errors.pitch, e[1] = errors.yaw, e[2] = errors.roll;
            }
        },
        poll);
    const auto first = std::find_if(wrong.begin(), wrong.end(), [](const Wrong& w) { return w.face >= 0; });
    fault = first == wrong.end() ? Fault::none : first->fault;
    return first == wrong.end() ? -1 : first->face;
}

}  // namespace pyface::pose
