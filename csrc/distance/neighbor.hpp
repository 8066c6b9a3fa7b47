// A row among the neighbours of another.
#pragma once

#include <cstdint>

namespace pyface::distance {

// The order of neighbours: by distance, ties by lower index.
struct Neighbor {
    double distance;
    std::int32_t index;

    bool operator<(const Neighbor& other) const {
        return distance < other.distance || (distance == other.distance && index < other.index);
    }
};

}  // namespace pyface::distance
