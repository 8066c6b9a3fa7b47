// Disjoint sets of the numbers below n, each called by its smallest member.
#pragma once

#include <cstdint>
#include <numeric>
#include <vector>

#include "core/views.hpp"

namespace pyface {

class UnionFind {
public:
    explicit UnionFind(index_t n) : parent_(static_cast<std::size_t>(n)) {
        std::iota(parent_.begin(), parent_.end(), std::int32_t{0});
    }

    std::int32_t find(std::int32_t i) {
        while (parent(i) != i) i = parent(i) = parent(parent(i));  // halving
        return i;
    }

    // Returns whether the two were apart.
    bool unite(std::int32_t i, std::int32_t j) {
        i = find(i);
        j = find(j);
        if (i == j) return false;
        if (i < j) {
            parent(j) = i;
        } else {
            parent(i) = j;
        }
        return true;
    }

private:
    std::int32_t& parent(std::int32_t i) { return parent_[static_cast<std::size_t>(i)]; }
    std::vector<std::int32_t> parent_;
};

}  // namespace pyface
