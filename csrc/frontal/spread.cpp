#include "frontal/spread.hpp"

#include <algorithm>
#include <vector>

namespace pyface::frontal {
namespace {

// The places of the coarser grid beside place i of the finer one, and how far the second one counts.
struct Beside {
    index_t low, high;
    float way;
};

Beside beside(index_t i, index_t half) {
    const index_t low = std::max<index_t>(i - 1, 0) / 2;
    const index_t high = std::min(low + 1, half - 1);
    return {low, i == 0 ? 0 : high, i % 2 == 0 ? 0.75f : 0.25f};
}

}  // namespace

void spread(float* values, float* weights, index_t side, index_t channels) {
    if (side == 1) {
        for (index_t c = 0; c < channels; ++c) values[c] = weights[0] > 0 ? values[c] : 0;
        return;
    }
    const index_t half = side / 2;
    std::vector<float> coarse(static_cast<std::size_t>(half * half * channels)), sums(static_cast<std::size_t>(half * half));
    for (index_t i = 0; i < half; ++i) {
        for (index_t j = 0; j < half; ++j) {
            float* to = coarse.data() + (i * half + j) * channels;
            float sum = 0;
            for (const index_t at : {2 * i * side + 2 * j, 2 * i * side + 2 * j + 1, (2 * i + 1) * side + 2 * j,
                                     (2 * i + 1) * side + 2 * j + 1}) {
                if (!(weights[at] > 0)) continue;  // such values may be anything
                sum += weights[at];
                for (index_t c = 0; c < channels; ++c) to[c] += weights[at] * values[at * channels + c];
            }
            if (sum > 0) {
                for (index_t c = 0; c < channels; ++c) to[c] /= sum;
            }
            sums[static_cast<std::size_t>(i * half + j)] = std::min(sum, 1.0f);
        }
    }
    spread(coarse.data(), sums.data(), half, channels);
    for (index_t i = 0; i < side; ++i) {
        const Beside y = beside(i, half);
        for (index_t j = 0; j < side; ++j) {
            const Beside x = beside(j, half);
            const float* corners[4] = {coarse.data() + (y.low * half + x.low) * channels,
                                       coarse.data() + (y.low * half + x.high) * channels,
                                       coarse.data() + (y.high * half + x.low) * channels,
                                       coarse.data() + (y.high * half + x.high) * channels};
            const float w = weights[i * side + j];
            float* value = values + (i * side + j) * channels;
            for (index_t c = 0; c < channels; ++c) {
                const float upper = corners[0][c] + x.way * (corners[1][c] - corners[0][c]);
                const float lower = corners[2][c] + x.way * (corners[3][c] - corners[2][c]);
                const float between = upper + y.way * (lower - upper);
                value[c] = w > 0 ? between + w * (value[c] - between) : between;
            }
        }
    }
}

}  // namespace pyface::frontal
