// Whom each cluster would merge with, and who may merge now.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "linkage/cluster_search.hpp"
#include "linkage/clusters.hpp"

namespace pyface::linkage {

// The nearest cluster of each, as far as it is known. However it is found, the merges are the same.
class Choices {
public:
    Choices(const Clusters& clusters, double height_limit);

    std::int32_t version(index_t slot) const { return of(slot).version; }
    // `near` is exact and the nearest of all, or there is none.
    void settle(index_t slot, const Near* near);

    // Pairs that choose each other.
    std::vector<Clusters::Pair> reciprocal() const;
    // Where there is none: the next cluster to settle on the way from the closest one to its nearest and so on, which ends
    // at a pair. Nobody is left to settle: none, and no pair.
    std::vector<std::int32_t> next_of_chain(std::vector<Clusters::Pair>& pairs) const;

    // These have merged.
    void merge(const std::vector<Clusters::Pair>& pairs);
    // After so many merges, the clusters to settle: those that are new, and those whose nearest cluster is not what it was
    // if that is paid for. A pair may merge whenever it is reciprocal, so that the others can wait.
    std::vector<std::int32_t> unsettled(index_t n_merges);

    // Slot kept[i] is slot i from now on. Returns where each has gone.
    std::vector<std::int32_t> compact(const std::vector<std::int32_t>& kept);

private:
    struct Choice {
        std::int32_t nearest = kNobody;
        std::int32_t version = 0;  // how often this slot has changed
        std::int32_t nearest_version = 0;
        bool is_new = false;
        bool is_open = false;  // it may have a nearest cluster that is not known
        double raw = std::numeric_limits<double>::infinity();  // to the nearest
    };
    Choice& of(index_t slot) { return choices_[static_cast<std::size_t>(slot)]; }
    const Choice& of(index_t slot) const { return choices_[static_cast<std::size_t>(slot)]; }
    bool comes_before(std::int32_t a, std::int32_t b) const;

    const Clusters& clusters_;
    double height_limit_;
    index_t paid_ = 0;
    std::vector<Choice> choices_;
};

}  // namespace pyface::linkage
