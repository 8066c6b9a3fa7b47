// Lower bounds on the distances of all pairs of few clusters.
#pragma once

#include <cstdint>
#include <vector>

#include "core/aligned.hpp"
#include "core/crew.hpp"
#include "linkage/cluster_search.hpp"
#include "linkage/clusters.hpp"

namespace pyface::linkage {

// They begin with squares in float32 and go on by Lance and Williams' formula; where they do not tell which cluster is the
// nearest, distances are measured, and kept as such. n^2 numbers; each merge takes O(n) of them anew.
class ClusterMatrix {
public:
    // Clusters are borrowed.
    ClusterMatrix(const Clusters& clusters, Crew& crew);

    // Whether bounds hold (distance/rough_squares.hpp).
    bool is_sound() const { return is_sound_; }

    // The nearest cluster that is not forbidden, exact, ties to the lower slot; kNobody if there is none. Throws
    // std::invalid_argument if a distance is not finite.
    Near nearest(std::int32_t slot);

    // To be called before the clusters merge.
    void merge(const std::vector<Clusters::Pair>& pairs);
    // Slot kept[i] is slot i from now on.
    void compact(const std::vector<std::int32_t>& kept);

private:
    struct Formula;
    // Exact distances have their sign bit set.
    double* row(index_t slot) const { return values_.get() + slot * stride_; }
    void measure(std::int32_t slot);
    void unite_rows(const Formula& formula);
    void unite_columns(const std::vector<Formula>& formulas, index_t slot, double size);

    const Clusters& clusters_;
    bool is_sound_;
    index_t n_, stride_;
    double slack_;  // what float64 may round in a distance, beside a share of it
    AlignedBuffer values_;
    std::vector<double> sizes_;  // 0: gone
    std::vector<std::int32_t> slots_;
    std::vector<double> measured_;
};

}  // namespace pyface::linkage
