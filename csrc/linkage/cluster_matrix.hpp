// Lower bounds on the distances of all pairs of few clusters.
#pragma once

#include <cstdint>
#include <vector>

#include "core/crew.hpp"
#include "distance/rough_squares.hpp"
#include "linkage/cluster_search.hpp"
#include "linkage/clusters.hpp"

namespace pyface::linkage {

// They begin with squares in float32 and go on by Lance and Williams' formula. Only what may be the nearest is measured.
// n^2 numbers of float32; a merge makes O(n) of them anew.
class ClusterMatrix {
public:
    // Clusters are borrowed.
    ClusterMatrix(const Clusters& clusters, Crew& crew);

    // Whether bounds hold (distance/rough_squares.hpp).
    bool is_sound() const { return squares_.are_sound(); }

    // The nearest cluster that is not forbidden, exact, ties to the lower slot; kNobody if there is none. Throws
    // std::invalid_argument if a distance is not finite.
    Near nearest(std::int32_t slot);

    // To be called before the clusters merge.
    void merge(const std::vector<Clusters::Pair>& pairs);
    // Slot kept[i] is slot i from now on.
    void compact(const std::vector<std::int32_t>& kept);

private:
    struct Formula;
    float* row(index_t slot) const { return squares_.row(slot); }
    // Bounds are in the scale of the squares, rounded down.
    float bound(double raw) const;
    void measure(std::int32_t slot);
    void unite_rows(const Formula& formula);
    void unite_columns(const std::vector<Formula>& formulas, index_t slot);

    const Clusters& clusters_;
    distance::RoughSquares squares_;  // their memory holds the bounds
    index_t n_;
    double scale_;  // of a raw distance
    float slack_;   // what may be rounded beside a share of a distance
    std::vector<float> sizes_;  // 0: gone
    std::vector<std::int32_t> slots_;
    std::vector<double> measured_;
};

}  // namespace pyface::linkage
