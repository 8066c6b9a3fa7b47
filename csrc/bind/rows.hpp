// Arrays as the rows that distance and linkage kernels take.
#pragma once

#include "bind/arrays.hpp"
#include "simd/rows.hpp"

namespace pyface::bind {

template <class T>
simd::Rows as_rows(const Array<T>& array, const char* message) {
    return simd::Rows(as_matrix(array, message));
}

inline void require_threads(int n_threads) { require(n_threads >= 1, "n_threads must be at least 1"); }

}  // namespace pyface::bind
