#include "linkage/clusters.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/require.hpp"
#include "simd/isa.hpp"

namespace pyface::linkage {
namespace {

constexpr index_t kRowsPerTask = 64;
constexpr index_t kBatch = 64;  // rows whose addresses are gathered at a time

std::size_t at(index_t i) { return static_cast<std::size_t>(i); }

}  // namespace

Clusters::Clusters(const simd::Rows& x, VectorView<const std::int32_t> rows, Method method,
                   VectorView<const double> origin, const NumberSets& cannot_link, int n_threads,
                   const PollCallback& poll)
    : method_(method),
      stride_(simd::padded(x.dimension())),
      forest_(rows.size > 0 ? rows.size : x.size(), rows, cannot_link) {
    const index_t n = forest_.n_slots();
    require(origin.size == 0 || (origin.size == x.dimension() && !is_cosine()),
            "origin must have one entry per column, and cosine takes none");
    means_ = AlignedBuffer(n * stride_);
    spreads_.assign(at(n), 0.0);
    const index_t n_tasks = (n + kRowsPerTask - 1) / kRowsPerTask;
    std::vector<double> largest(at(n_tasks), 0.0);
    // In parallel because the first touch of so much memory takes long; by blocks so that Ctrl-C need not wait for it.
    parallel_for(
        n_tasks, n_threads,
        [&](index_t task) {
            for (index_t i = task * kRowsPerTask; i < std::min(n, (task + 1) * kRowsPerTask); ++i) {
                double* row = mean(i);
                x.copy_row(rows.size > 0 ? rows[i] : i, row);
                for (index_t k = 0; k < origin.size; ++k) row[k] -= origin[k];
                if (is_cosine()) {
                    if (!x.is_float32()) simd::scale_for_cosine(row, stride_);
                    const double norm = std::sqrt(simd::squared_norm(row, stride_));
                    require(norm > 0.0, "X: a row of zeros has no direction");
                    for (index_t k = 0; k < stride_; ++k) row[k] /= norm;
                }
                const double square = simd::squared_norm(row, stride_);
                if (!(square <= largest[at(task)])) largest[at(task)] = square;
            }
        },
        poll);
    for (const double one : largest) {
        if (!(one <= largest_square_)) largest_square_ = one;  // NaN stays
    }
    // A squared distance is at most four times that, and Ward's at most that often again as there are rows.
    require(std::isfinite(4.0 * largest_square_ * static_cast<double>(n)),
            "X: distances are not finite numbers; scale the data");
}

double Clusters::height(double raw) const {
    if (is_ward()) return std::sqrt(raw);
    return is_cosine() ? 0.5 * raw : raw;
}

double Clusters::raw_limit(double height) const {
    if (is_ward()) return height * height * (1.0 + 1e-12);
    return is_cosine() ? 2.0 * height : height;
}

void Clusters::distances(index_t a, const std::int32_t* bs, index_t count, double* out) const {
    const auto& kernels = simd::kernels();
    const double* others[kBatch];
    for (index_t first = 0; first < count; first += kBatch) {
        const index_t n = std::min(kBatch, count - first);
        for (index_t c = 0; c < n; ++c) others[c] = mean(bs[first + c]);
        kernels.pair_squares(mean(a), others, n, stride_, out + first);
    }
    for (index_t c = 0; c < count; ++c) {
        // Symmetric to the bit in the two.
        out[c] = is_ward() ? 2.0 * (size(a) * size(bs[c])) / (size(a) + size(bs[c])) * out[c]
                           : out[c] + (spread(a) + spread(bs[c]));
    }
}

double Clusters::distance(index_t a, index_t b) const {
    const auto other = static_cast<std::int32_t>(b);
    double result;
    distances(a, &other, 1, &result);
    return result;
}

double Clusters::combined(index_t a, index_t b, double between, double d_a, double d_b, double n_y) const {
    if (is_ward()) {
        const double n_a = size(a);
        const double n_b = size(b);
        return ((n_a + n_y) * d_a + (n_b + n_y) * d_b - n_y * between) / (n_a + n_b + n_y);
    }
    return d_a + (d_b - d_a) * share(a, b);
}

double Clusters::combined_low(index_t a, index_t b, double between, double low_a, double low_b) const {
    if (std::isinf(low_a) || std::isinf(low_b)) return std::numeric_limits<double>::infinity();
    const double mean = low_a + (low_b - low_a) * share(a, b);
    // In Ward's linkage the value lies between this mean, as for a cluster of no size, and that of one without limit.
    return is_ward() ? std::min(mean, low_a + low_b - between) : mean;
}

// A mean carries some roundings of its own size from each merge that it went through.
double Clusters::rounding(double raw) const {
    return 1e-12 * raw + 1e-12 * std::sqrt(raw * largest_square_) + 1e-24 * largest_square_ + 1e-300;
}

void Clusters::unite(index_t a, index_t b) {
    const double part = share(a, b);
    double q = 0.0;
    const double* row = mean(b);
    simd::kernels().pair_squares(mean(a), &row, 1, stride_, &q);
    // This form leaves a mean of equal rows equal to them, so that duplicates stay at distance 0.
    for (index_t k = 0; k < stride_; ++k) mean(a)[k] += (row[k] - mean(a)[k]) * part;
    spreads_[at(a)] = spread(a) + (spread(b) - spread(a)) * part + (1.0 - part) * part * q;
}

void Clusters::merge(const std::vector<Pair>& pairs, int n_threads, const PollCallback& poll) {
    const auto count = static_cast<index_t>(pairs.size());
    parallel_for(
        (count + kRowsPerTask - 1) / kRowsPerTask, n_threads,
        [&](index_t task) {
            for (index_t p = task * kRowsPerTask; p < std::min(count, (task + 1) * kRowsPerTask); ++p) {
                unite(pairs[at(p)].a, pairs[at(p)].b);
            }
        },
        poll);
    for (const Pair& pair : pairs) forest_.merge(pair.a, pair.b, height(pair.raw));
}

void Clusters::merge(index_t a, index_t b, double raw) {
    unite(a, b);
    forest_.merge(a, b, height(raw));
}

void Clusters::merge_at_zero(index_t a, index_t b) {
    unite(a, b);
    forest_.merge(a, b, 0.0);
}

std::vector<std::int32_t> Clusters::compact() {
    auto kept = forest_.compact();
    for (index_t i = 0; i < static_cast<index_t>(kept.size()); ++i) {
        if (kept[at(i)] == i) continue;
        std::copy_n(mean(kept[at(i)]), stride_, mean(i));
        spreads_[at(i)] = spread(kept[at(i)]);
    }
    spreads_.resize(kept.size());
    return kept;
}

}  // namespace pyface::linkage
