#include "pose/head_pose.hpp"

#include <algorithm>

namespace pyface::pose {
namespace {

constexpr index_t kFacesPerLook = 256;

}  // namespace

index_t fit_poses(FacePoints landmarks, const Head& head, const FacePoints* weights, index_t faces,
                  const std::optional<Camera>& camera, bool refined, const Poses& out, Fault& fault,
                  const PollCallback& poll) {
    Orthographic fit(head);
    Poller look(poll);
    for (index_t f = 0; f < faces; ++f) {
        if (f % kFacesPerLook == 0) look();
        const double* face = landmarks.of(f, 2 * head.count);
        if (f == 0 || (weights != nullptr && !weights->is_one)) {
            fit.weigh(weights == nullptr ? nullptr : weights->of(f, head.count));
        }
        fault = fit.fit(face, refined);
        if (fault != Fault::none) return f;
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
    return -1;
}

}  // namespace pyface::pose
