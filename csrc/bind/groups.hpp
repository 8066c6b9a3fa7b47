// What is known of rows, as arrays.
#pragma once

#include <optional>
#include <utility>

#include <pybind11/stl.h>

#include "bind/arrays.hpp"
#include "linkage/forest.hpp"

namespace pyface::bind {

// (n,) group numbers, -1 for none, or None.
using GroupArray = std::optional<Array<std::int64_t>>;
// (starts (n + 1,), numbers (starts[n],)), see linkage::NumberSets, or None.
using SetArrays = std::optional<std::pair<Array<std::int64_t>, Array<std::int64_t>>>;

inline linkage::NumberSets as_sets(const SetArrays& arrays, index_t n) {
    if (!arrays) return {};
    const linkage::NumberSets sets{as_vector(arrays->first, "cannot_link: starts must be 1-D"),
                                   as_vector(arrays->second, "cannot_link: numbers must be 1-D")};
    const auto& [starts, numbers] = sets;
    require(n >= 0 && starts.size == n + 1, "cannot_link must have a set for each row");
    require(starts[0] == 0 && starts[n] == numbers.size, "cannot_link: starts must go from 0 to the size of numbers");
    for (index_t i = 0; i < n; ++i) {
        require(starts[i] <= starts[i + 1] && starts[i + 1] <= numbers.size, "cannot_link: starts must not decrease");
        for (index_t k = starts[i] + 1; k < starts[i + 1]; ++k) {
            require(numbers[k - 1] < numbers[k], "cannot_link: numbers of a row must increase");
        }
    }
    return sets;
}

inline linkage::Groups as_groups(const SetArrays& cannot_link, const GroupArray& must_link, index_t n) {
    linkage::Groups groups;
    groups.cannot_link = as_sets(cannot_link, n);
    if (must_link) groups.must_link = as_vector(*must_link, "must_link must be 1-D");
    require(!must_link || groups.must_link.size == n, "must_link must have one entry per row");
    return groups;
}

}  // namespace pyface::bind
