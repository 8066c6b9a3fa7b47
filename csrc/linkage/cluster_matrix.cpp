#include "linkage/cluster_matrix.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/require.hpp"
#include "distance/counters.hpp"
#include "distance/rough_squares.hpp"
#include "linkage/condensed.hpp"

namespace pyface::linkage {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kShare = 4e-12;  // of a distance, more than Clusters::rounding has for means and formulas
constexpr index_t kRowsPerTask = 32;

std::size_t at(index_t i) { return static_cast<std::size_t>(i); }

}  // namespace

// Lance and Williams' formula of a pair of clusters, from bounds on the distances to both.
struct ClusterMatrix::Formula {
    Formula(const Clusters& clusters, const Clusters::Pair& pair)
        : is_ward(clusters.is_ward()),
          a(pair.a),
          b(pair.b),
          size_a(clusters.size(a)),
          size_b(clusters.size(b)),
          raw(pair.raw),
          share(clusters.is_weighted() ? 0.5 : size_b / (size_a + size_b)) {}
    // Infinite if either is.
    double mean(double to_a, double to_b) const { return to_a * (1.0 - share) + to_b * share; }
    double ward(double to_a, double to_b, double size) const {
        return ((size_a + size) * to_a + (size_b + size) * to_b - size * raw) / (size_a + size_b + size);
    }

    bool is_ward;
    std::int32_t a, b;
    double size_a, size_b, raw, share;
};

ClusterMatrix::ClusterMatrix(const Clusters& clusters, Crew& crew)
    : clusters_(clusters), n_(clusters.n_slots()), slack_(1e-12 * clusters.largest_square() + 1e-300) {
    const distance::RoughSquares squares(clusters.rows(), distance::Metric::sqeuclidean, crew);
    is_sound_ = squares.are_sound();
    if (!is_sound_) return;
    distance::count(distance::Counter::pairs_in_float32, n_ * (n_ - 1) / 2);
    stride_ = n_ + 8;
    values_ = AlignedBuffer(n_ * stride_);
    sizes_.assign(at(n_), 0.0);
    std::vector<double> spreads(at(n_), kInfinity);
    for (index_t a = 0; a < n_; ++a) {
        if (!clusters.is_alive(a)) continue;
        sizes_[at(a)] = clusters.size(a);
        spreads[at(a)] = clusters.is_ward() ? 0.0 : clusters.spread(a);
    }
    crew.run((n_ + kRowsPerTask - 1) / kRowsPerTask, [&](index_t task) {
        for (index_t a = task * kRowsPerTask; a < std::min(n_, (task + 1) * kRowsPerTask); ++a) {
            const float* square = squares.row(a);
            double* out = row(a);
            for (index_t c = 0; c < n_; ++c) out[c] = squares.low(square[c]);
            if (clusters.is_ward()) {
                const double size = sizes_[at(a)];
                for (index_t c = 0; c < n_; ++c) {
                    const double other = sizes_[at(c)];
                    out[c] = other > 0.0 ? out[c] * (2.0 * (size * other) / (size + other)) : kInfinity;
                }
            }
            const double spread = spreads[at(a)] - slack_;
            for (index_t c = 0; c < n_; ++c) {
                const double bound = (out[c] + spreads[at(c)]) * (1.0 - kShare) + spread;
                out[c] = bound > 0.0 ? bound : 0.0;
            }
            if (!clusters.has_forbidden()) continue;
            for (index_t c = 0; c < n_; ++c) {
                if (clusters.forbids(a, c)) out[c] = kInfinity;
            }
        }
    });
}

// Those in slots_.
void ClusterMatrix::measure(std::int32_t slot) {
    const auto count = static_cast<index_t>(slots_.size());
    measured_.resize(slots_.size());
    clusters_.distances(slot, slots_.data(), count, measured_.data());
    distance::count(distance::Counter::linkage_recalls, count);
    for (std::size_t i = 0; i < slots_.size(); ++i) {
        require(std::isfinite(measured_[i]), "X: distances are not finite numbers; scale the data");
        row(slot)[slots_[i]] = row(slots_[i])[slot] = -measured_[i];
    }
}

Near ClusterMatrix::nearest(std::int32_t slot) {
    double* values = row(slot);
    const auto size_of = [values](index_t i) { return std::fabs(values[i]); };
    double least = least_of<double>(n_, size_of);
    if (std::isinf(least)) return {kNobody, 0, kInfinity, kInfinity};
    auto first = static_cast<std::int32_t>(first_of(n_, least, size_of));
    if (!std::signbit(values[first])) {
        slots_.assign(1, first);
        measure(slot);
    }
    // What may be as near as that one; to begin with, it is.
    const double limit = std::fabs(values[first]);
    slots_.clear();
    constexpr index_t kBlock = 64;
    for (index_t i = 0; i < n_; i += kBlock) {
        const index_t end = std::min(n_, i + kBlock);
        std::int64_t hits = 0;
        for (index_t c = i; c < end; ++c) hits += values[c] <= limit ? 1 : 0;
        if (hits == 0) continue;
        for (index_t c = i; c < end; ++c) {
            if (values[c] <= limit && !std::signbit(values[c])) slots_.push_back(static_cast<std::int32_t>(c));
        }
    }
    if (!slots_.empty()) measure(slot);
    least = least_of<double>(n_, size_of);
    first = static_cast<std::int32_t>(first_of(n_, least, size_of));
    return {first, 0, least, least};
}

void ClusterMatrix::merge(const std::vector<Clusters::Pair>& pairs) {
    std::vector<Formula> formulas;
    for (const auto& pair : pairs) {
        formulas.emplace_back(clusters_, pair);
        unite_rows(formulas.back());
    }
    std::vector<double> sizes(sizes_);
    for (const auto& pair : pairs) {
        sizes[at(pair.a)] += sizes[at(pair.b)];
        sizes[at(pair.b)] = 0.0;
    }
    for (index_t c = 0; c < n_; ++c) {
        if (sizes[at(c)] > 0.0) unite_columns(formulas, c, sizes[at(c)]);
    }
    sizes_ = std::move(sizes);
}

void ClusterMatrix::unite_rows(const Formula& formula) {
    double* a = row(formula.a);
    const double* b = row(formula.b);
    for (index_t c = 0; c < n_; ++c) {
        const double raw = formula.is_ward ? formula.ward(std::fabs(a[c]), std::fabs(b[c]), sizes_[at(c)])
                                           : formula.mean(std::fabs(a[c]), std::fabs(b[c]));
        const double bound = raw * (1.0 - kShare) - slack_;
        a[c] = bound > 0.0 ? bound : 0.0;
    }
    a[formula.a] = a[formula.b] = kInfinity;
}

void ClusterMatrix::unite_columns(const std::vector<Formula>& formulas, index_t slot, double size) {
    double* values = row(slot);
    for (const Formula& formula : formulas) {
        if (formula.a == slot) continue;
        const double a = std::fabs(values[formula.a]);
        const double b = std::fabs(values[formula.b]);
        const double bound = (formula.is_ward ? formula.ward(a, b, size) : formula.mean(a, b)) * (1.0 - kShare) - slack_;
        values[formula.a] = bound > 0.0 ? bound : 0.0;
        values[formula.b] = kInfinity;
    }
}

void ClusterMatrix::compact(const std::vector<std::int32_t>& kept) {
    n_ = static_cast<index_t>(kept.size());
    for (index_t i = 0; i < n_; ++i) {
        const double* from = row(kept[at(i)]);
        double* to = row(i);
        for (index_t k = 0; k < n_; ++k) to[k] = from[kept[at(k)]];
        sizes_[at(i)] = sizes_[at(kept[at(i)])];
    }
    sizes_.resize(at(n_));
}

}  // namespace pyface::linkage
