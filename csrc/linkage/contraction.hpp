// Linkage below a threshold on a graph of the pairs of rows within it: nodes are merged, nearest first.
#pragma once

#include <cstdint>
#include <vector>

#include "core/parallel.hpp"
#include "linkage/clusters.hpp"

namespace pyface::linkage {

// Two clusters with a pair of rows within the threshold. Their raw distance is at least `low`, and exactly that if known.
struct Link {
    std::int32_t slot;
    bool is_exact;
    double low;
};
// Of each slot the links to others, by slot, both ways. Where there is none, no pair of rows is within the threshold.
using Links = std::vector<std::vector<Link>>;

// Average and weighted linkage, from means. Clusters without a link are at the threshold or beyond, since no mean of
// distances is below all of them; so links are all that ever merges, and their distances come from the means.
class MeasureMeans {
public:
    MeasureMeans(Clusters& clusters, double height_limit);
    index_t n_slots() const { return clusters_.n_slots(); }
    bool forbids(index_t a, index_t b) const { return clusters_.forbids(a, b); }
    bool is_below(double raw) const { return clusters_.height(raw) < height_limit_; }
    double measure(index_t a, index_t b) const { return clusters_.distance(a, b); }
    void measure_all(index_t a, std::vector<Link>& links) const;
    // The link of a and b merged to a third cluster, from theirs; nullptr: none. False if it would be of no use.
    bool combine(index_t a, index_t b, double between, const Link* of_a, const Link* of_b, Link& out) const;
    void merge(index_t a, index_t b, double raw) { clusters_.merge(a, b, raw); }

private:
    Clusters& clusters_;
    double height_limit_, raw_limit_;
};

// Complete linkage: clusters that lack a pair of rows within the threshold never merge below it.
class MeasureFarthest {
public:
    MeasureFarthest(Forest& forest, double height_limit) : forest_(forest), height_limit_(height_limit) {}
    index_t n_slots() const { return forest_.n_slots(); }
    bool forbids(index_t a, index_t b) const { return forest_.forbids(a, b); }
    bool is_below(double height) const { return height < height_limit_; }
    double measure(index_t, index_t) const { return 0.0; }  // all are known
    void measure_all(index_t, std::vector<Link>&) const {}
    bool combine(index_t a, index_t b, double between, const Link* of_a, const Link* of_b, Link& out) const;
    void merge(index_t a, index_t b, double height) { forest_.merge(a, b, height); }

private:
    Forest& forest_;
    double height_limit_;
};

// Merges the nearest two clusters, ties by the lower slots, until none is left below the threshold. Links are used up.
// Time: a logarithm for each link that there ever is, and d for each distance that has to be known. `look` may be nullptr.
template <class Measure>
void contract(Measure& measure, Links& links, Poller* look);

}  // namespace pyface::linkage
