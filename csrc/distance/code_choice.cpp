#include "distance/code_choice.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <vector>

#include "core/aligned.hpp"
#include "distance/axes.hpp"

namespace pyface::distance {
namespace {

constexpr index_t kSample = 384;
constexpr index_t kAsked = 24;  // of these
constexpr double kManyEqual = 1.0 / 8.0;
constexpr double kManyInDoubt = 1.0 / 16.0;  // of the others: wider codes cost twice as much, float32 four times

std::atomic<Use> g_use{Use::where_they_pay};

std::size_t at(index_t i) { return static_cast<std::size_t>(i); }

// Rows from all over, and which of each other's distances codes of so many bits leave in doubt.
class Doubts {
public:
    Doubts(const simd::Kernels& kernels, const Frame& frame, const Rows& y)
        : kernels_(kernels), stride_(frame.stride()), n_(std::min(y.size(), kSample)), rows_(n_ * stride_) {
        const AlignedBuffer scores(n_);
        for (index_t i = 0; i < n_; ++i) {
            double* row = rows_.get() + i * stride_;
            halves_.push_back(frame.read(y, i * (y.size() / n_), row));
            lengths_.push_back(std::sqrt(simd::squared_norm(row, stride_)));
        }
        const index_t n_asked = std::min(n_, kAsked);
        for (index_t q = 0; q < n_asked; ++q) {
            const index_t i = q * (n_ / n_asked);
            kernels.dots(rows_.get() + i * stride_, 1, rows_.get(), n_, stride_, scores.get(), n_);
            double best = -1e300;
            for (index_t j = 0; j < n_; ++j) {
                scores[j] -= halves_[at(j)];
                if (j != i) best = std::max(best, scores[j]);
            }
            for (index_t j = 0; j < n_; ++j) {
                if (j != i) pairs_.push_back({i, j, best - scores[j]});
            }
        }
    }

    // The share of pairs that codes of integers of at most `largest` leave in doubt.
    double share(std::int32_t largest) const {
        const AlignedArray<std::int16_t> codes(stride_);
        std::vector<double> doubts;  // what the codes of a row leave in doubt of a product with one of length 1
        for (index_t i = 0; i < n_; ++i) {
            const auto facts = code_row(kernels_, largest, rows_.get() + i * stride_, stride_, lengths_[at(i)], codes.get());
            doubts.push_back(static_cast<double>(facts.residual));
        }
        index_t n_doubtful = 0;
        for (const Pair& pair : pairs_) {
            const double doubt =
                doubts[at(pair.i)] * lengths_[at(pair.j)] + doubts[at(pair.j)] * lengths_[at(pair.i)];
            n_doubtful += 2.0 * doubt >= pair.behind ? 1 : 0;
        }
        return static_cast<double>(n_doubtful) / static_cast<double>(pairs_.size());
    }
    // Many rows are as near as the nearest: equal ones, which nothing tells apart, and of which few need a look.
    bool are_many_equal() const {
        const auto is_tie = [](const Pair& pair) { return !(pair.behind > 0.0); };
        const auto n_ties = static_cast<double>(std::count_if(pairs_.begin(), pairs_.end(), is_tie));
        return n_ties > kManyEqual * static_cast<double>(pairs_.size());
    }
    bool are_many(std::int32_t largest) const { return share(largest) > kManyInDoubt; }

private:
    struct Pair {
        index_t i, j;
        double behind;  // of row i's nearest, in score
    };
    const simd::Kernels& kernels_;
    index_t stride_, n_;
    AlignedBuffer rows_;
    std::vector<double> halves_, lengths_;
    std::vector<Pair> pairs_;
};

}  // namespace

void use_floats(Use use) { g_use = use; }
Use floats_used() { return g_use; }

CodeChoice what_tells_neighbors(const simd::Kernels& kernels, const Frame& frame, const Rows& y) {
    const Precision fine = fine_codes(kernels);
    if (g_use == Use::always) return {Precision::floats};
    if (y.size() < 2) return {fine};
    const Doubts doubts(kernels, frame, y);
    const bool will_few_bits_do = !doubts.are_many(kernels.coding.largest);
    if (fine == Precision::codes && will_few_bits_do) return {fine};
    if (doubts.are_many_equal()) return {Precision::wide_codes, false, true};
    if (g_use != Use::never && doubts.are_many(simd::kWideCoding.largest)) return {Precision::floats};
    const bool has_few_bits = fine == Precision::wide_codes && kernels.coding.largest < simd::kWideCoding.largest;
    const bool is_first = axes_used() == Use::always || (axes_used() != Use::never && will_few_bits_do);
    return {Precision::wide_codes, has_few_bits && is_first};
}

CodeChoice codes_for_neighbors(const simd::Kernels& kernels, const Frame& frame, const Rows& y) {
    const CodeChoice choice = what_tells_neighbors(kernels, frame, y);
    return choice.precision == Precision::floats ? CodeChoice{Precision::wide_codes} : choice;
}

bool are_tight_groups(const simd::Kernels& kernels, const Frame& frame, const Rows& y) {
    if (g_use != Use::where_they_pay) return g_use == Use::always;
    if (y.size() < 2) return false;
    const Doubts doubts(kernels, frame, y);
    const double share = doubts.share(127);
    return share > kManyInDoubt && (share < 1.0 - kManyInDoubt || doubts.are_many(simd::kWideCoding.largest));
}

}  // namespace pyface::distance
