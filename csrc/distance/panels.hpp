// From column panels to row panels.
#pragma once

#include <algorithm>

#include "simd/kernels.hpp"

namespace pyface::distance {

// Rows [begin, end) of column panels of `depth` words a row as row panels, filled up with rows of zeros.
inline void copy_row_panels(const simd::Kernels& kernels, const simd::word_t* cols, index_t depth, index_t begin,
                            index_t end, simd::RowWord how, simd::word_t* out) {
    const index_t height = kernels.tile_rows;
    const index_t width = kernels.tile_cols;
    for (index_t first = begin; first < end; first += height, out += height * depth) {
        const index_t count = std::min(height, end - first);
        // A row panel lies in one column panel or in a few neighbours: in each, its words are next to each other.
        const index_t lane = first % width;
        const index_t n_here = std::min(count, width - lane);
        const simd::word_t* here = cols + first / width * width * depth + lane;
        const simd::word_t* next = cols + (first / width + 1) * width * depth;
        kernels.row_panel(here, n_here, next, count, depth, how, out);
    }
}

}  // namespace pyface::distance
