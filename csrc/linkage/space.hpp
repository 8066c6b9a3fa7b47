// What a ClusterSearch searches.
#pragma once

#include <cstdint>

#include "distance/metric.hpp"
#include "simd/rows.hpp"

namespace pyface::linkage {

// Things with slots and "raw" distances: squared Euclidean ones between rows() plus the spreads of both, or cosine ones.
// Under is_ward() the squares are multiplied by 2 |a| |b| / (|a| + |b|).
class Space {
public:
    virtual ~Space() = default;
    virtual index_t n_slots() const = 0;
    virtual simd::Rows rows() const = 0;
    virtual distance::Metric metric() const { return distance::Metric::sqeuclidean; }
    virtual bool is_ward() const { return false; }
    virtual bool is_alive(index_t) const { return true; }
    virtual double size(index_t) const { return 1.0; }
    virtual double spread(index_t) const { return 0.0; }
    // Pairs that are of no interest.
    virtual bool forbids(index_t a, index_t b) const = 0;
    // out[c] = raw distance of a and bs[c]: what decides.
    virtual void distances(index_t a, const std::int32_t* bs, index_t count, double* out) const = 0;
    // What float64 may have rounded in a raw distance of about this size.
    virtual double rounding(double raw) const = 0;
    // distances() has lifted the raw distance of a pair to this.
    virtual double least(index_t, index_t) const { return 0.0; }
    // Whether pairs at equal raw distances are ordered by ties() first, then by slot; such pairs are common then.
    virtual bool breaks_ties() const { return false; }
    virtual void ties(index_t, const std::int32_t*, index_t, double*) const {}
};

}  // namespace pyface::linkage
