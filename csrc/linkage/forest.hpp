// Who has merged with whom so far.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "linkage/cannot_link.hpp"
#include "linkage/dendrogram.hpp"

namespace pyface::linkage {

// A merge of the clusters whose smallest rows are a and b, a < b; a stays the smallest row of the result.
struct Joint {
    std::int32_t a, b;
    double height;
};

// The merges of a list of joints, of which those of the parts come before that of the whole.
std::vector<Merge> as_merges(const std::vector<Joint>& joints, index_t n);

// What is known of rows.
struct Groups {
    NumberSets cannot_link;  // rows that share a number never come together
    // A group for each row, -1 for none; empty if nobody has one. Rows of a group are merged first, at height 0.
    VectorView<const std::int64_t> must_link;
};

// Clusters by slots, which are in the order of their smallest rows. At first slot i is row rows[i].
class Forest {
public:
    // An empty view of rows means rows 0 .. n - 1. Sets of numbers belong to slots.
    Forest(index_t n, VectorView<const std::int32_t> rows, const NumberSets& cannot_link);

    index_t n_slots() const { return static_cast<index_t>(entries_.size()); }
    index_t n_alive() const { return n_alive_; }
    bool is_alive(index_t a) const { return entry(a).size > 0.0; }
    double size(index_t a) const { return entry(a).size; }
    bool forbids(index_t a, index_t b) const { return cannot_link_.forbids(a, b); }
    bool has_forbidden() const { return cannot_link_.any(); }

    // a < b; the slot of a keeps the result, that of b is gone.
    void merge(index_t a, index_t b, double height);
    // Closes the gaps, keeping the order, and says which slots were kept.
    std::vector<std::int32_t> compact();

    std::vector<Joint> take_joints() { return std::move(joints_); }

private:
    struct Entry {
        std::int32_t row;
        double size;  // 0: merged into another one
    };
    const Entry& entry(index_t a) const { return entries_[static_cast<std::size_t>(a)]; }

    index_t n_alive_;
    std::vector<Entry> entries_;
    CannotLink cannot_link_;
    std::vector<Joint> joints_;
};

// Pairs (first, i) of each row i that has a must-link group and the first row of that group, by increasing i.
std::vector<std::pair<std::int32_t, std::int32_t>> given_pairs(VectorView<const std::int64_t> must_link);

}  // namespace pyface::linkage
