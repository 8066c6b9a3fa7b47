#include "linkage/cluster_matrix.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/require.hpp"
#include "distance/counters.hpp"
#include "linkage/condensed.hpp"

namespace pyface::linkage {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
// What a bound gives away each time: more than the few roundings of float32 that it goes through, and than what
// Clusters::rounding has for means.
constexpr float kShare = 0x1p-20f;
constexpr double kAbsolute = 1e-36;  // squares below have few bits
constexpr index_t kRowsPerTask = 32;

std::size_t at(index_t i) { return static_cast<std::size_t>(i); }

float above_zero(float bound) { return bound > 0.0f ? bound : 0.0f; }

}  // namespace

// Lance and Williams' formula of a pair of clusters, from bounds on the distances to both. Infinite if either is.
struct ClusterMatrix::Formula {
    Formula(const Clusters& clusters, const Clusters::Pair& pair, double scale, float rounding)
        : is_ward(clusters.is_ward()),
          a(pair.a),
          b(pair.b),
          size_a(static_cast<float>(clusters.size(a))),
          size_b(static_cast<float>(clusters.size(b))),
          raw(static_cast<float>(pair.raw * scale) * (1.0f + kShare)),
          share(clusters.is_weighted() ? 0.5f : size_b / (size_a + size_b)),
          slack(rounding) {}

    float mean(float to_a, float to_b) const {
        return above_zero((to_a * (1.0f - share) + to_b * share) * (1.0f - kShare) - slack);
    }
    float ward(float to_a, float to_b, float size) const {
        const float both = ((size_a + size) * to_a + (size_b + size) * to_b) * (1.0f - kShare);
        return above_zero((both - size * raw) / (size_a + size_b + size) - slack);
    }

    bool is_ward;
    std::int32_t a, b;
    float size_a, size_b, raw, share, slack;
};

ClusterMatrix::ClusterMatrix(const Clusters& clusters, Crew& crew)
    : clusters_(clusters),
      squares_(clusters.rows(), distance::Metric::sqeuclidean, crew),
      n_(clusters.n_slots()),
      scale_(squares_.scale()),
      slack_(static_cast<float>(2e-12 * clusters.largest_square() * scale_ + kAbsolute)) {
    if (!is_sound()) return;
    distance::count(distance::Counter::pairs_in_float32, n_ * (n_ - 1) / 2);
    sizes_.assign(at(n_), 0.0f);
    std::vector<float> spreads(at(n_), kInfinity);
    for (index_t a = 0; a < n_; ++a) {
        if (!clusters.is_alive(a)) continue;
        sizes_[at(a)] = static_cast<float>(clusters.size(a));
        spreads[at(a)] = clusters.is_ward() ? 0.0f : static_cast<float>(clusters.spread(a) * scale_);
    }
    crew.run((n_ + kRowsPerTask - 1) / kRowsPerTask, [&](index_t task) {
        for (index_t a = task * kRowsPerTask; a < std::min(n_, (task + 1) * kRowsPerTask); ++a) {
            float* out = row(a);
            for (index_t c = 0; c < n_; ++c) out[c] = squares_.low_square(out[c]);
            const float size = sizes_[at(a)];
            for (index_t c = 0; clusters.is_ward() && c < n_; ++c) {
                out[c] *= 2.0f * (size * sizes_[at(c)]) / (size + sizes_[at(c)]);
            }
            for (index_t c = 0; c < n_; ++c) {
                out[c] = above_zero((out[c] + spreads[at(a)] + spreads[at(c)]) * (1.0f - kShare) - slack_);
            }
            for (index_t c = 0; clusters.has_forbidden() && c < n_; ++c) {
                if (clusters.forbids(a, c)) out[c] = kInfinity;
            }
            out[a] = kInfinity;
        }
    });
}

float ClusterMatrix::bound(double raw) const {
    return above_zero(static_cast<float>(raw * scale_) * (1.0f - kShare) - static_cast<float>(kAbsolute));
}

// Those in slots_.
void ClusterMatrix::measure(std::int32_t slot) {
    const auto count = static_cast<index_t>(slots_.size());
    measured_.resize(slots_.size());
    clusters_.distances(slot, slots_.data(), count, measured_.data());
    distance::count(distance::Counter::linkage_recalls, count);
    for (std::size_t i = 0; i < slots_.size(); ++i) {
        require(std::isfinite(measured_[i]), "X: distances are not finite numbers; scale the data");
        row(slot)[slots_[i]] = row(slots_[i])[slot] = bound(measured_[i]);
    }
}

Near ClusterMatrix::nearest(std::int32_t slot) {
    const float* values = row(slot);
    const float lowest = least(values, n_);
    Near best{kNobody, 0, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity()};
    if (std::isinf(lowest)) return best;
    const auto take = [&] {
        measure(slot);
        for (std::size_t i = 0; i < slots_.size(); ++i) {
            const double raw = measured_[i];
            if (raw < best.low || (raw == best.low && slots_[i] < best.slot)) best = {slots_[i], 0, raw, raw};
        }
    };
    slots_.assign(1, static_cast<std::int32_t>(first_equal(values, n_, lowest)));
    take();
    // What may be as near as that one.
    const std::int32_t first = best.slot;
    const float limit = static_cast<float>(best.low * scale_) * (1.0f + kShare) + static_cast<float>(kAbsolute);
    slots_.clear();
    constexpr index_t kBlock = 64;
    const auto look = [&](index_t c) {
        if (values[c] <= limit && c != first) slots_.push_back(static_cast<std::int32_t>(c));
    };
    index_t i = 0;
    for (; i + kBlock <= n_; i += kBlock) {
        std::int32_t hits = 0;
        for (index_t c = i; c < i + kBlock; ++c) hits += values[c] <= limit ? 1 : 0;
        for (index_t c = i; hits > 0 && c < i + kBlock; ++c) look(c);
    }
    for (; i < n_; ++i) look(i);
    if (!slots_.empty()) take();
    return best;
}

void ClusterMatrix::merge(const std::vector<Clusters::Pair>& pairs) {
    std::vector<Formula> formulas;
    for (const auto& pair : pairs) {
        formulas.emplace_back(clusters_, pair, scale_, slack_);
        unite_rows(formulas.back());
    }
    for (const Formula& formula : formulas) {
        sizes_[at(formula.a)] += sizes_[at(formula.b)];
        sizes_[at(formula.b)] = 0.0f;
    }
    for (index_t c = 0; c < n_; ++c) {
        if (sizes_[at(c)] > 0.0f) unite_columns(formulas, c);
    }
}

void ClusterMatrix::unite_rows(const Formula& formula) {
    float* a = row(formula.a);
    const float* b = row(formula.b);
    if (formula.is_ward) {
        for (index_t c = 0; c < n_; ++c) a[c] = formula.ward(a[c], b[c], sizes_[at(c)]);
    } else {
        for (index_t c = 0; c < n_; ++c) a[c] = formula.mean(a[c], b[c]);
    }
    a[formula.a] = a[formula.b] = kInfinity;
}

// After the rows: distances to pairs from a cluster that may be a union itself.
void ClusterMatrix::unite_columns(const std::vector<Formula>& formulas, index_t slot) {
    float* values = row(slot);
    const float size = sizes_[at(slot)];
    for (const Formula& formula : formulas) {
        if (formula.a == slot) continue;
        const float a = values[formula.a];
        const float b = values[formula.b];
        values[formula.a] = formula.is_ward ? formula.ward(a, b, size) : formula.mean(a, b);
        values[formula.b] = kInfinity;
    }
}

void ClusterMatrix::compact(const std::vector<std::int32_t>& kept) {
    n_ = static_cast<index_t>(kept.size());
    for (index_t i = 0; i < n_; ++i) {
        const float* from = row(kept[at(i)]);
        float* to = row(i);
        for (index_t k = 0; k < n_; ++k) to[k] = from[kept[at(k)]];
        sizes_[at(i)] = sizes_[at(kept[at(i)])];
    }
    sizes_.resize(at(n_));
}

}  // namespace pyface::linkage
