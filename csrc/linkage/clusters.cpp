#include "linkage/clusters.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/require.hpp"
#include "simd/isa.hpp"

namespace pyface::linkage {
namespace {

constexpr index_t kRowsPerTask = 64;
constexpr index_t kBatch = 64;  // rows whose addresses are gathered at a time

std::size_t at(index_t i) { return static_cast<std::size_t>(i); }

}  // namespace

Clusters::Clusters(const simd::Rows& x, VectorView<const std::int32_t> rows, Method method, CannotLink cannot_link,
                   int n_threads, const PollCallback& poll)
    : method_(method),
      n_(rows.size > 0 ? rows.size : x.size()),
      stride_(simd::padded(x.dimension())),
      n_alive_(n_),
      means_(n_ * stride_),
      entries_(at(n_)),
      cannot_link_(std::move(cannot_link)) {
    const index_t n_tasks = (n_ + kRowsPerTask - 1) / kRowsPerTask;
    std::vector<double> largest(at(n_tasks), 0.0);
    // In parallel because the first touch of so much memory takes long; by blocks so that Ctrl-C need not wait for it.
    parallel_for(
        n_tasks, n_threads,
        [&](index_t task) {
            for (index_t i = task * kRowsPerTask; i < std::min(n_, (task + 1) * kRowsPerTask); ++i) {
                double* row = mean(i);
                x.copy_row(rows.size > 0 ? rows[i] : i, row);
                if (is_cosine()) {
                    if (!x.is_float32()) simd::scale_for_cosine(row, stride_);
                    const double norm = std::sqrt(simd::squared_norm(row, stride_));
                    require(norm > 0.0, "X: a row of zeros has no direction");
                    for (index_t k = 0; k < stride_; ++k) row[k] /= norm;
                }
                largest[at(task)] = std::max(largest[at(task)], simd::squared_norm(row, stride_));
                entries_[at(i)] = {i, 1.0, 0.0};
            }
        },
        poll);
    for (const double one : largest) largest_square_ = std::max(largest_square_, one);
    // A squared distance is at most four times that, and Ward's at most that often again as there are rows.
    require(std::isfinite(4.0 * largest_square_ * static_cast<double>(n_)),
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
        const Entry& one = entry(a);
        const Entry& other = entry(bs[c]);
        // Symmetric to the bit in the two.
        out[c] = is_ward() ? 2.0 * (one.size * other.size) / (one.size + other.size) * out[c]
                           : out[c] + (one.spread + other.spread);
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
    return 1e-12 * raw + 1e-12 * std::sqrt(raw * largest_square_) + 1e-24 * largest_square_;
}

void Clusters::unite(index_t a, index_t b) {
    Entry& one = entry(a);
    const Entry& other = entry(b);
    const double part = share(a, b);
    double q = 0.0;
    const double* row = mean(b);
    simd::kernels().pair_squares(mean(a), &row, 1, stride_, &q);
    // This form leaves a mean of equal rows equal to them, so that duplicates stay at distance 0.
    for (index_t k = 0; k < stride_; ++k) mean(a)[k] += (row[k] - mean(a)[k]) * part;
    one.spread = one.spread + (other.spread - one.spread) * part + (1.0 - part) * part * q;
}

void Clusters::record(index_t a, index_t b, double height) {
    Entry& one = entry(a);
    Entry& other = entry(b);
    one.size += other.size;
    merges_.push_back({one.node, other.node, height, static_cast<index_t>(one.size)});
    one.node = n_ + static_cast<index_t>(merges_.size()) - 1;
    other.size = 0.0;
    cannot_link_.merge(a, b);
    --n_alive_;
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
    for (const Pair& pair : pairs) record(pair.a, pair.b, height(pair.raw));
}

void Clusters::merge_at_zero(index_t a, index_t b) {
    unite(a, b);
    record(a, b, 0.0);
}

std::vector<std::int32_t> Clusters::compact() {
    std::vector<std::int32_t> kept;
    kept.reserve(at(n_alive_));
    for (index_t i = 0; i < n_slots(); ++i) {
        if (!is_alive(i)) continue;
        const auto next = static_cast<index_t>(kept.size());
        if (next != i) {
            std::copy_n(mean(i), stride_, mean(next));
            entry(next) = entry(i);
        }
        kept.push_back(static_cast<std::int32_t>(i));
    }
    entries_.resize(kept.size());
    cannot_link_.keep(kept);
    return kept;
}

}  // namespace pyface::linkage
