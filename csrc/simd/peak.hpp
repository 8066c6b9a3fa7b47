// The ceiling that benchmarks are held against.
#pragma once

#include "core/parallel.hpp"

namespace pyface::simd {

// Operations a second of all threads together, counting a multiply and an add as two.
struct PeakRates {
    double floats;  // float32 multiply-adds
    double codes;   // multiply-adds of codes, as the table in use screens with them: of 8, 7 or 16 bits
};

// Runs the multiply-adds of the table in use on registers alone, for about `seconds` each. seconds > 0.
PeakRates measure_peak(double seconds, int n_threads, const PollCallback& poll);

}  // namespace pyface::simd
