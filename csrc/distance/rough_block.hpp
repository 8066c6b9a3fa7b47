// A few rows against all of some columns in float32, and how far that may be off.
#pragma once

#include <cstdint>
#include <vector>

#include "core/aligned.hpp"
#include "distance/coded.hpp"
#include "distance/rough_bounds.hpp"

namespace pyface::distance {

// Where few pairs have to be looked at a screen does not pay for its codes, and where codes tell little apart it is in vain:
// all squared distances are computed then, by differences, and each row sees the least of them first.
class RoughBlock {
public:
    // Both in float32 (Precision::floats), in one frame, under cosine without rows of zeros.
    RoughBlock(const simd::Kernels& kernels, const CodedRows& rows, const CodedRows& cols);

    // Rows that are taken at once, at most: a multiple of every tile_rows.
    index_t most_rows() const { return most_rows_; }

    // Rows listed, in increasing order, at most most_rows() of them.
    void run(const std::int32_t* rows, index_t count);

    // One value per column, a square in the frame or NaN: of the i-th row of the last run. To be written to as well.
    float* values(index_t i) { return values_.get() + i * stride_; }
    const RoughBounds& bounds() const { return bounds_; }

private:
    const simd::Kernels& kernels_;
    const CodedRows& rows_;
    const CodedRows& cols_;
    RoughBounds bounds_;
    index_t n_panels_, stride_, most_rows_;
    AlignedArray<simd::word_t> words_;
    std::vector<std::int32_t> offsets_;
    AlignedArray<float> values_;
};

}  // namespace pyface::distance
