// The ceiling that benchmarks are held against.
#pragma once

#include "core/parallel.hpp"
#include "core/views.hpp"

namespace pyface::simd {

// Operations a second of all threads together, counting a multiply and an add as two.
struct PeakRates {
    double floats;  // float32 multiply-adds
    double codes;   // multiply-adds of codes, as the table in use screens with them: of 8, 7 or 16 bits
};

// Runs the multiply-adds of the table in use on registers alone, for about `seconds` each. seconds > 0.
PeakRates measure_peak(double seconds, int n_threads, const PollCallback& poll);

// The float32 micro-kernel of the table in use by itself, as matrices of cosine distances have it: the tile `out` (n, m)
// of 1 - <x, y>, within [0, 2], of rows x (n, d) and y (m, d) that were put into panels before, `repeats` times. It is
// written into the same small memory again and again: neither packing nor fresh pages nor the way to memory count.
void repeat_tile(MatrixView<const float> x, MatrixView<const float> y, index_t repeats, int n_threads,
                 const PollCallback& poll, MatrixView<float> out);

}  // namespace pyface::simd
