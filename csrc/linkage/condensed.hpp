// A condensed matrix in place, and what is done with stretches of its rows. Loops are written so that compilers find
// vectors in them at the baseline: memory is slower than that anyway.
#pragma once

#include <algorithm>
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

    static index_t length(index_t n) { return n * (n - 1) / 2; }
    index_t begin(index_t i) const { return i * (2 * n - i - 1) / 2; }    // where row i begins
    T* row(index_t i) const { return data + begin(i); }                   // entries (i, i + 1) to (i, n - 1)
    T& at(index_t i, index_t j) const { return data[begin(i) + (j - i - 1)]; }
};

template <class T>
inline constexpr T kInfinite = std::numeric_limits<T>::infinity();

// What no distance is below, and adds up to infinity with a penalty.
template <class T>
inline constexpr T kLowest = std::numeric_limits<T>::lowest();

// As wide as T, so that a vector of counts goes with a vector of values.
template <class T>
using Count = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;

// Entries that are taken at a time: a loop of fewer steps GCC would unroll, and then find no vectors in it.
template <class T>
inline constexpr index_t kSideBySide = 256 / sizeof(T);

// The least of values(i) for i in [0, count), infinite if there is none.
template <class T, class Values>
T least_of(index_t count, Values values) {
    T lanes[kSideBySide<T>];
    for (index_t l = 0; l < kSideBySide<T>; ++l) lanes[l] = kInfinite<T>;
    index_t i = 0;
    for (; i + kSideBySide<T> <= count; i += kSideBySide<T>) {
        for (index_t l = 0; l < kSideBySide<T>; ++l) {
            const T value = values(i + l);
            lanes[l] = value < lanes[l] ? value : lanes[l];
        }
    }
    T best = kInfinite<T>;
    for (; i < count; ++i) best = values(i) < best ? values(i) : best;
    return std::min(best, *std::min_element(lanes, lanes + kSideBySide<T>));
}

// The first i with values(i) == wanted, which must be there.
template <class T, class Values>
index_t first_of(index_t count, T wanted, Values values) {
    index_t i = 0;
    for (; i + kSideBySide<T> <= count; i += kSideBySide<T>) {
        Count<T> found = 0;
        for (index_t l = 0; l < kSideBySide<T>; ++l) found += values(i + l) == wanted ? Count<T>{1} : Count<T>{0};
        if (found != 0) break;
    }
    while (values(i) != wanted) ++i;
    return i;
}

// The same of an array; penalties are 0, or infinite for what does not count.
template <class T>
T least(const T* values, index_t count) {
    return least_of<T>(count, [=](index_t i) { return values[i]; });
}

template <class T>
T least(const T* values, const T* penalties, index_t count) {
    return least_of<T>(count, [=](index_t i) { return values[i] + penalties[i]; });
}

template <class T>
index_t first_equal(const T* values, index_t count, T wanted) {
    return first_of(count, wanted, [=](index_t i) { return values[i]; });
}

template <class T>
index_t first_equal(const T* values, const T* penalties, index_t count, T wanted) {
    return first_of(count, wanted, [=](index_t i) { return values[i] + penalties[i]; });
}

// Calls found(i), in order, for each i with is_hit(values[i], limits[i]): few of them, so that most blocks are passed
// over.
template <class T, class IsHit, class Found>
void each_hit(const T* values, const T* limits, index_t count, IsHit is_hit, Found&& found) {
    constexpr index_t kBlock = 2 * kSideBySide<T>;
    index_t i = 0;
    for (; i + kBlock <= count; i += kBlock) {
        Count<T> hits = 0;
        for (index_t l = 0; l < kBlock; ++l) hits += is_hit(values[i + l], limits[i + l]) ? Count<T>{1} : Count<T>{0};
        if (hits == 0) continue;
        for (index_t l = i; l < i + kBlock; ++l) {
            if (is_hit(values[l], limits[l])) found(l);
        }
    }
    for (; i < count; ++i) {
        if (is_hit(values[i], limits[i])) found(i);
    }
}

}  // namespace pyface::linkage
