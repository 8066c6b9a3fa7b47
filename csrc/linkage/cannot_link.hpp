// Which clusters may never be one: those whose sets of numbers share one.
#pragma once

#include <cstdint>
#include <vector>

#include "core/views.hpp"

namespace pyface::linkage {

// A set of numbers for each row: those of row i are numbers[starts[i]] to numbers[starts[i + 1] - 1], increasing. A group of
// rows that never come together is a number in the sets of all of them; so is a pair. Nobody has a number where `starts`,
// of one entry more than there are rows, is empty.
struct NumberSets {
    VectorView<const std::int64_t> starts, numbers;

    bool any() const { return starts.size > 0; }
    index_t size() const { return any() ? starts.size - 1 : 0; }
    VectorView<const std::int64_t> of(index_t i) const {
        return {numbers.data + starts[i], static_cast<index_t>(starts[i + 1] - starts[i])};
    }
};

// The sets of clusters. Memory: one number for each of all rows' numbers, whatever the merges.
class CannotLink {
public:
    // Nobody has a number: nothing is forbidden.
    CannotLink() = default;
    // Cluster i is row i.
    explicit CannotLink(const NumberSets& rows);

    bool any() const { return !sets_.empty(); }
    // Takes the size of the smaller set times the logarithm of the larger one, or the sum of both if that is less.
    bool forbids(index_t a, index_t b) const { return any() && share(set(a), set(b)); }
    // a becomes the union of a and b, b the empty set. The smaller set is put into the larger one.
    void merge(index_t a, index_t b);
    // Cluster i is cluster kept[i] from now on; kept is increasing.
    void keep(const std::vector<std::int32_t>& kept);

private:
    using Set = std::vector<std::int64_t>;  // increasing
    static bool share(const Set& a, const Set& b);
    const Set& set(index_t i) const { return sets_[static_cast<std::size_t>(i)]; }

    std::vector<Set> sets_;
};

}  // namespace pyface::linkage
