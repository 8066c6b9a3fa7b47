#include "distance/code_choice.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/aligned.hpp"

namespace pyface::distance {
namespace {

constexpr index_t kSample = 384;
constexpr index_t kAsked = 24;  // of these
constexpr double kManyInDoubt = 1.0 / 16.0;  // of the others: wider codes cost twice as much, float32 four times

std::size_t at(index_t i) { return static_cast<std::size_t>(i); }

}  // namespace

Precision codes_for_neighbors(const simd::Kernels& kernels, const Frame& frame, const Rows& y) {
    const Precision fine = fine_codes(kernels);
    const index_t step = (y.size() + kSample - 1) / kSample;
    if (fine == Precision::wide_codes || y.size() < 2) return fine;
    const index_t n = (y.size() + step - 1) / step;
    const index_t stride = frame.stride();
    const AlignedBuffer rows(n * stride);
    const AlignedArray<std::int16_t> codes(stride);
    std::vector<double> halves(at(n));
    std::vector<double> doubts(at(n));  // what the codes of a row leave in doubt of a product with one of length 1
    std::vector<double> lengths(at(n));
    for (index_t i = 0; i < n; ++i) {
        double* row = rows.get() + i * stride;
        halves[at(i)] = frame.read(y, i * step, row);
        lengths[at(i)] = std::sqrt(simd::squared_norm(row, stride));
        const auto facts = code_row(kernels, kernels.coding.largest, row, stride, lengths[at(i)], codes.get());
        doubts[at(i)] = static_cast<double>(facts.residual);
    }
    const index_t n_asked = std::min(n, kAsked);
    const AlignedBuffer scores(n);
    index_t n_doubtful = 0;
    for (index_t q = 0; q < n_asked; ++q) {
        const index_t i = q * (n / n_asked);
        kernels.dots(rows.get() + i * stride, 1, rows.get(), n, stride, scores.get(), n);
        double best = -1e300;
        for (index_t j = 0; j < n; ++j) {
            scores[j] -= halves[at(j)];
            if (j != i) best = std::max(best, scores[j]);
        }
        for (index_t j = 0; j < n; ++j) {
            const double doubt = doubts[at(i)] * lengths[at(j)] + doubts[at(j)] * lengths[at(i)];
            n_doubtful += j != i && scores[j] + 2.0 * doubt >= best ? 1 : 0;
        }
    }
    const auto n_pairs = static_cast<double>(n_asked * (n - 1));
    return static_cast<double>(n_doubtful) > kManyInDoubt * n_pairs ? Precision::wide_codes : fine;
}

}  // namespace pyface::distance
