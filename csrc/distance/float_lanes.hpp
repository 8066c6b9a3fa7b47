// A few numbers out of a row of float32: several are looked at at a time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "core/views.hpp"

namespace pyface::distance {

inline constexpr index_t kFloatLanes = 16;

// Calls found(j), in order, for each value that is not above the limit: few of them. Ends when it returns true.
template <class Found>
void each_up_to(const float* values, index_t count, float limit, Found found) {
    index_t j = 0;
    for (; j + kFloatLanes <= count; j += kFloatLanes) {
        std::int32_t hits = 0;
        for (index_t l = 0; l < kFloatLanes; ++l) hits += values[j + l] > limit ? 0 : 1;
        if (hits == 0) continue;
        for (index_t l = j; l < j + kFloatLanes; ++l) {
            if (!(values[l] > limit) && found(l)) return;
        }
    }
    for (; j < count; ++j) {
        if (!(values[j] > limit) && found(j)) return;
    }
}

// least[l] of every kLanes-th of value(j) from l on, infinity where there is none; those beyond the last whole group do not
// count. Returns how many did.
template <index_t kLanes, class Value>
inline index_t least_of_lanes(index_t count, float* least, Value value) {
    std::fill_n(least, kLanes, std::numeric_limits<float>::infinity());
    index_t j = 0;
    for (; j + kLanes <= count; j += kLanes) {
        for (index_t l = 0; l < kLanes; ++l) {
            const float x = value(j + l);
            least[l] = x < least[l] ? x : least[l];
        }
    }
    return j;
}

// The least of value(j), infinity if there are none but NaN.
template <class Value>
inline float least_of(index_t count, Value value) {
    float lanes[kFloatLanes];
    float least = std::numeric_limits<float>::infinity();
    for (index_t j = least_of_lanes<kFloatLanes>(count, lanes, value); j < count; ++j) {
        const float x = value(j);
        least = x < least ? x : least;
    }
    for (const float lane : lanes) least = lane < least ? lane : least;
    return least;
}

}  // namespace pyface::distance
