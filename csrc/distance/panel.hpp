// Blocks of rows in float64, and the tile of distances between two of them.
#pragma once

#include "core/aligned.hpp"
#include "distance/metric.hpp"
#include "simd/rows.hpp"

namespace pyface::distance {

using simd::Rows;

// Up to kBlock consecutive rows in float64, padded, and their squared norms if the metric needs them.
class Panel {
public:
    static constexpr index_t kBlock = 64;

    explicit Panel(index_t dimension);
    void load(const Rows& rows, index_t begin, index_t end, Metric metric);

    const double* data() const { return data_.get(); }
    const double* squared_norms() const { return squared_norms_.get(); }
    index_t stride() const { return stride_; }
    index_t size() const { return size_; }

private:
    index_t stride_;
    index_t size_ = 0;
    AlignedBuffer data_;
    AlignedBuffer squared_norms_;
};

// out[i * Panel::kBlock + j] = distance of row i of a and row j of b, in float64.
// Cosine: 1 - <x, y> / sqrt(|x|^2 |y|^2), clipped to [0, 2]; 1 if a row is zero. Euclidean: from differences, so that
// near duplicates lose nothing.
void tile_distances(const Panel& a, const Panel& b, Metric metric, bool rows_are_float32, double* out);

}  // namespace pyface::distance
