#include "linkage/choices.hpp"

#include <algorithm>

namespace pyface::linkage {
namespace {

// Clusters that lost their nearest one are settled again, all at once, when merges have paid so many for each. So time stays
// quadratic where all others are nearest to one cluster at all times, as where all distances are equal.
constexpr index_t kSettledPerMerge = 32;

std::size_t at(index_t i) { return static_cast<std::size_t>(i); }

}  // namespace

Choices::Choices(const Clusters& clusters, double height_limit)
    : clusters_(clusters), height_limit_(height_limit), choices_(at(clusters.n_slots())) {}

void Choices::settle(index_t slot, const Near* near) {
    Choice& choice = of(slot);
    choice.is_open = false;
    const bool merges = near != nullptr && clusters_.height(near->low) < height_limit_;
    choice.nearest = merges ? near->slot : kNobody;
    choice.nearest_version = merges ? of(near->slot).version : 0;
    choice.raw = merges ? near->low : std::numeric_limits<double>::infinity();
}

std::vector<Clusters::Pair> Choices::reciprocal() const {
    std::vector<Clusters::Pair> pairs;
    for (std::int32_t a = 0; a < clusters_.n_slots(); ++a) {
        if (!clusters_.is_alive(a) || of(a).nearest == kNobody) continue;
        const std::int32_t b = of(a).nearest;
        if (b > a && of(b).nearest == a) pairs.push_back({a, b, of(a).raw});
    }
    return pairs;
}

std::vector<std::int32_t> Choices::next_of_chain(std::vector<Clusters::Pair>& pairs) const {
    std::int32_t a = kNobody;
    std::int32_t some_open = kNobody;
    for (std::int32_t i = 0; i < clusters_.n_slots(); ++i) {
        if (!clusters_.is_alive(i)) continue;
        if (of(i).is_open) some_open = i;
        if (of(i).nearest != kNobody && (a == kNobody || of(i).raw < of(a).raw)) a = i;
    }
    if (a == kNobody) return some_open == kNobody ? std::vector<std::int32_t>() : std::vector{some_open};
    for (;;) {
        const std::int32_t b = of(a).nearest;
        if (of(b).is_open) return {b};
        if (of(b).nearest == kNobody || !comes_before(b, a)) {
            // But for an ulp of rounding by which a merge may have come closer to it, the two would be a pair.
            pairs.push_back({std::min(a, b), std::max(a, b), of(a).raw});
            return {};
        }
        a = b;
    }
}

// Whether the line from a to its nearest comes before that of b, by length and by slots.
bool Choices::comes_before(std::int32_t a, std::int32_t b) const {
    if (of(a).raw != of(b).raw) return of(a).raw < of(b).raw;
    return std::minmax({a, of(a).nearest}) < std::minmax({b, of(b).nearest});
}

void Choices::merge(const std::vector<Clusters::Pair>& pairs) {
    for (const auto& pair : pairs) {
        ++of(pair.a).version;
        of(pair.a).is_new = true;
    }
}

std::vector<std::int32_t> Choices::unsettled(index_t n_merges) {
    std::vector<std::int32_t> fresh, open;
    for (std::int32_t i = 0; i < clusters_.n_slots(); ++i) {
        if (!clusters_.is_alive(i)) continue;
        Choice& choice = of(i);
        const auto is_lost = [&](std::int32_t nearest) {
            return !clusters_.is_alive(nearest) || of(nearest).version != choice.nearest_version;
        };
        choice.is_open |= choice.is_new || (choice.nearest != kNobody && is_lost(choice.nearest));
        if (choice.is_open) choice.nearest = kNobody;
        if (choice.is_new) fresh.push_back(i);
        if (choice.is_open) open.push_back(i);
        choice.is_new = false;
    }
    paid_ += kSettledPerMerge * n_merges;
    const auto n_lost = static_cast<index_t>(open.size() - fresh.size());
    if (n_lost > paid_) return fresh;
    paid_ -= n_lost;
    return open;
}

std::vector<std::int32_t> Choices::compact(const std::vector<std::int32_t>& kept) {
    std::vector<std::int32_t> moved(choices_.size(), kNobody);
    for (std::size_t i = 0; i < kept.size(); ++i) moved[at(kept[i])] = static_cast<std::int32_t>(i);
    for (std::size_t i = 0; i < kept.size(); ++i) {
        choices_[i] = of(kept[i]);
        if (choices_[i].nearest != kNobody) choices_[i].nearest = moved[at(choices_[i].nearest)];
    }
    choices_.resize(kept.size());
    return moved;
}

}  // namespace pyface::linkage
