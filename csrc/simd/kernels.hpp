// The micro-kernels, one table of function pointers per instruction set.
#pragma once

#include "core/views.hpp"

namespace pyface::simd {

// Rows handed to a kernel are padded with zeros to a multiple of this many float64 values.
inline constexpr index_t kLanes = 8;

inline constexpr index_t padded(index_t d) { return (d + kLanes - 1) / kLanes * kLanes; }

// out[i * out_stride + j] = f(row i of a, row j of b); rows start every `stride` values, stride a multiple of kLanes.
//
// Every table gives the same bits: value l of a row goes to accumulator l mod 8, in order, and the eight accumulators
// are added as ((0+4)+(2+6)) + ((1+5)+(3+7)). How many rows a kernel takes at a time does not enter into it.
using TileKernel = void (*)(const double* a, index_t n_a, const double* b, index_t n_b, index_t stride, double* out,
                            index_t out_stride);

struct Kernels {
    const char* name;
    TileKernel dots;
    // For rows that were float32: a product of two of them is exact in float64, so that fusing it with the addition
    // changes no bit. Must not be used for other rows.
    TileKernel dots_of_float32;
    TileKernel squared_differences;
};

}  // namespace pyface::simd
