// Rows of words in panels, for the kernels.
#pragma once

#include <cstdint>
#include <vector>

#include "core/aligned.hpp"
#include "simd/kernels.hpp"

namespace pyface::distance {

// Column panels, of which any rows can be had as row panels. Distinct rows can be written at the same time.
class WordPanels {
public:
    // For so many rows of `dimension` values from now on; the memory of an earlier reset is used again. No coding: a word
    // is a float32.
    void reset(const simd::Kernels& kernels, const simd::Coding* coding, index_t dimension, index_t size);

    index_t depth() const { return depth_; }  // words per row
    // Rows that there is room for, a multiple of tile_cols.
    index_t capacity() const { return capacity_; }
    // Start of the panel that begins with row i, a multiple of tile_cols.
    const simd::word_t* panel(index_t i) const { return words_.get() + i * depth_; }
    float* float_panel(index_t i) { return reinterpret_cast<float*>(words_.get() + i * depth_); }

    // Row i as `dimension` codes, zeros up to a multiple of the coding's group.
    void set(index_t i, const std::int16_t* codes);
    void clear(index_t i);

    // What a sum of products of row i starts from: it takes back what the bias of the columns adds.
    std::int32_t offset(index_t i) const;
    // Rows [begin, end) as row panels, filled up with rows of zeros.
    void copy_row_panels(index_t begin, index_t end, simd::word_t* words) const;
    // The same for any rows, in any order. Slower: rows that are not neighbours share no cache lines.
    void gather_row_panels(const std::int32_t* rows, index_t count, simd::word_t* words) const;

private:
    simd::word_t* lane(index_t i) const { return words_.get() + i / width_ * width_ * depth_ + i % width_; }
    simd::RowWord row_word() const { return coding_ == nullptr ? simd::RowWord{} : coding_->row; }

    const simd::Kernels* kernels_ = nullptr;
    const simd::Coding* coding_ = nullptr;
    index_t dimension_ = 0, depth_ = 0, width_ = 0, capacity_ = 0, n_words_ = 0;
    AlignedArray<simd::word_t> words_;
    std::vector<std::int32_t> code_sums_;
};

}  // namespace pyface::distance
