// A condensed matrix in place, and what is done with stretches of its rows. Loops are written so that compilers find
// vectors in them at the baseline: memory is slower than that anyway.
#pragma once

#include <cstdint>
#include <limits>
#include <type_traits>

#include "core/views.hpp"

namespace pyface::linkage {

// Entry (i, j) of a symmetric matrix for i < j, row by row, as SciPy's pdist has it.
template <class T>
struct Condensed {
    T* data = nullptr;
    index_t n = 0;

    static index_t length(index_t n) { return n < 2 ? 0 : n % 2 == 0 ? n / 2 * (n - 1) : (n - 1) / 2 * n; }
    index_t begin(index_t i) const { return length(n) - length(n - i); }  // where row i begins
    T* row(index_t i) const { return data + begin(i); }                   // entries (i, i + 1) to (i, n - 1)
    T& at(index_t i, index_t j) const { return data[begin(i) + (j - i - 1)]; }
};

template <class T>
inline constexpr T kInfinite = std::numeric_limits<T>::infinity();

// As wide as T, so that a vector of indices goes with a vector of values.
template <class T>
using Slot = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;

// The least of values[i] + penalties[i] (penalties are 0, or infinite for what does not count), infinite if there is none.
template <class T>
T least(const T* values, const T* penalties, index_t count) {
    constexpr index_t kSideBySide = 64 / sizeof(T);
    T lanes[kSideBySide];
    for (index_t l = 0; l < kSideBySide; ++l) lanes[l] = kInfinite<T>;
    index_t i = 0;
    for (; i + kSideBySide <= count; i += kSideBySide) {
        for (index_t l = 0; l < kSideBySide; ++l) {
            const T value = values[i + l] + penalties[i + l];
            lanes[l] = value < lanes[l] ? value : lanes[l];
        }
    }
    T best = kInfinite<T>;
    for (; i < count; ++i) {
        const T value = values[i] + penalties[i];
        best = value < best ? value : best;
    }
    for (index_t l = 0; l < kSideBySide; ++l) best = lanes[l] < best ? lanes[l] : best;
    return best;
}

template <class T>
T least(const T* values, index_t count) {
    constexpr index_t kSideBySide = 64 / sizeof(T);
    T lanes[kSideBySide];
    for (index_t l = 0; l < kSideBySide; ++l) lanes[l] = kInfinite<T>;
    index_t i = 0;
    for (; i + kSideBySide <= count; i += kSideBySide) {
        for (index_t l = 0; l < kSideBySide; ++l) lanes[l] = values[i + l] < lanes[l] ? values[i + l] : lanes[l];
    }
    T best = kInfinite<T>;
    for (; i < count; ++i) best = values[i] < best ? values[i] : best;
    for (index_t l = 0; l < kSideBySide; ++l) best = lanes[l] < best ? lanes[l] : best;
    return best;
}

// Calls found(i), in order, for each i with values[i] <= limits[i]: few of them, so that most blocks are passed over.
template <class T, class Found>
void each_within(const T* values, const T* limits, index_t count, Found&& found) {
    constexpr index_t kBlock = 128 / sizeof(T);
    index_t i = 0;
    for (; i + kBlock <= count; i += kBlock) {
        Slot<T> any = 0;
        for (index_t l = 0; l < kBlock; ++l) any |= values[i + l] <= limits[i + l] ? Slot<T>{1} : Slot<T>{0};
        if (any == 0) continue;
        for (index_t l = 0; l < kBlock; ++l) {
            if (values[i + l] <= limits[i + l]) found(i + l);
        }
    }
    for (; i < count; ++i) {
        if (values[i] <= limits[i]) found(i);
    }
}

// The first i with values[i] + penalties[i] == wanted, which must be there.
template <class T>
index_t first_equal(const T* values, const T* penalties, T wanted) {
    index_t i = 0;
    while (values[i] + penalties[i] != wanted) ++i;
    return i;
}

template <class T>
index_t first_equal(const T* values, T wanted) {
    index_t i = 0;
    while (values[i] != wanted) ++i;
    return i;
}

}  // namespace pyface::linkage
