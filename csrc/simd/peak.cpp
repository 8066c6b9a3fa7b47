#include "simd/peak.hpp"

#include <algorithm>
#include <chrono>

#include "simd/isa.hpp"

namespace pyface::simd {
namespace {

using Clock = std::chrono::steady_clock;
using Loop = double (*)(index_t iterations);

constexpr double kSlice = 1e-3;  // seconds; short, so that the threads end at about the same time

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

double rate(Loop loop, double seconds, int n_threads, const PollCallback& poll) {
    index_t iterations = 1024;
    double operations = 0.0;
    double slice = 0.0;
    for (;; iterations *= 2) {
        const auto start = Clock::now();
        operations = loop(iterations);
        slice = seconds_since(start);
        if (slice >= kSlice) break;
    }
    const auto count = static_cast<index_t>(std::clamp(seconds / slice, 1.0, 1e6)) * n_threads;
    const auto start = Clock::now();
    parallel_for(count, n_threads, [&](index_t) { loop(iterations); }, poll);
    return static_cast<double>(count) * operations / seconds_since(start);
}

}  // namespace

PeakRates measure_peak(double seconds, int n_threads, const PollCallback& poll) {
    const Kernels& table = kernels();
    return {rate(table.peak_floats, seconds, n_threads, poll), rate(table.peak_codes, seconds, n_threads, poll)};
}

}  // namespace pyface::simd
