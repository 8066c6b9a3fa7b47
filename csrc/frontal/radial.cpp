#include "frontal/radial.hpp"

#include <cmath>

#include "core/require.hpp"

namespace pyface::frontal {

void radial_surface(MatrixView<const double> centres, VectorView<const double> weights, VectorView<const double> xs,
                    VectorView<const double> ys, double* out, const PollCallback& poll) {
    const index_t n = centres.rows;
    require(weights.size == n + 3, "weights must be as many as centres, and three");
    Poller look(poll);
    for (index_t i = 0; i < ys.size; ++i, out += xs.size, look()) {
        for (index_t j = 0; j < xs.size; ++j) out[j] = weights[n] + weights[n + 1] * xs[j] + weights[n + 2] * ys[i];
        for (index_t k = 0; k < n; ++k) {
            const double x = centres(k, 0), dy = ys[i] - centres(k, 1), w = weights[k], square = dy * dy;
            for (index_t j = 0; j < xs.size; ++j) {
                const double dx = xs[j] - x, r2 = dx * dx + square;
                out[j] += w * (r2 * std::sqrt(r2));
            }
        }
    }
}

}  // namespace pyface::frontal
