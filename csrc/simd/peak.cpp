#include "simd/peak.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "core/aligned.hpp"
#include "simd/isa.hpp"

namespace pyface::simd {
namespace {

using Clock = std::chrono::steady_clock;
using Loop = double (*)(index_t iterations);

constexpr double kSlice = 1e-3;  // seconds; short, so that the threads end at about the same time
constexpr index_t kRepeats = 16;  // of a tile, in memory of its own: some milliseconds

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

index_t n_panels(index_t n_rows, index_t width) { return (n_rows + width - 1) / width; }

AlignedArray<word_t> in_panels(MatrixView<const float> rows, index_t width) {
    const index_t n = n_panels(rows.rows, width) * width;
    AlignedArray<word_t> words(n * rows.cols);
    for (index_t i = 0; i < n; ++i) {
        word_t* first = words.get() + i / width * width * rows.cols + i % width;
        for (index_t k = 0; k < rows.cols; ++k) {
            const float value = i < rows.rows ? rows(i, k) : 0.0f;
            std::memcpy(first + k * width, &value, sizeof value);
        }
    }
    return words;
}

}  // namespace

PeakRates measure_peak(double seconds, int n_threads, const PollCallback& poll) {
    const Kernels& table = kernels();
    return {rate(table.peak_floats, seconds, n_threads, poll), rate(table.peak_codes, seconds, n_threads, poll)};
}

void repeat_tile(MatrixView<const float> x, MatrixView<const float> y, index_t repeats, int n_threads,
                 const PollCallback& poll, MatrixView<float> out) {
    const Kernels& table = kernels();
    const auto rows = in_panels(x, table.tile_rows);
    const auto cols = in_panels(y, table.tile_cols);
    const Panels panels{rows.get(), n_panels(x.rows, table.tile_rows), cols.get(), n_panels(y.rows, table.tile_cols),
                        x.cols, kNoDiagonal};
    const index_t stride = panels.n_col_panels * table.tile_cols;
    const index_t size = panels.n_row_panels * table.tile_rows * stride;
    parallel_for(
        (repeats + kRepeats - 1) / kRepeats, n_threads,
        [&](index_t part) {
            const AlignedArray<float> tile(size);
            const index_t end = std::min(repeats, (part + 1) * kRepeats);
            for (index_t i = part * kRepeats; i < end; ++i) {
                table.dense(panels, Finish::cosine_distance, tile.get(), stride);
            }
            if (part > 0) return;
            for (index_t i = 0; i < out.rows; ++i) std::copy_n(tile.get() + i * stride, out.cols, out.row(i));
        },
        poll);
}

}  // namespace pyface::simd
