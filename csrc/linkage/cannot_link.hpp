// Which clusters may never be one: those that hold rows of a same group.
#pragma once

#include <cstdint>
#include <vector>

#include "core/views.hpp"

namespace pyface::linkage {

// Sets of group numbers, one per cluster. Memory: one number for each row that has a group, whatever the merges.
class CannotLink {
public:
    // Nobody has a group: nothing is forbidden.
    CannotLink() = default;
    // groups[i] is the group of cluster i, -1 for none. Nobody has one where the view is empty.
    explicit CannotLink(VectorView<const std::int64_t> groups);

    bool any() const { return !sets_.empty(); }
    // Takes the size of the smaller set times the logarithm of the larger one.
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
