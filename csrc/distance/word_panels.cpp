#include "distance/word_panels.hpp"

#include "distance/panels.hpp"

namespace pyface::distance {

using simd::word_t;

void WordPanels::reset(const simd::Kernels& kernels, const simd::Coding* coding, index_t dimension, index_t size) {
    kernels_ = &kernels;
    coding_ = coding;
    dimension_ = dimension;
    const index_t group = coding == nullptr ? 1 : coding->group;
    depth_ = (dimension + group - 1) / group;
    width_ = kernels.tile_cols;
    capacity_ = (size + width_ - 1) / width_ * width_;
    if (capacity_ * depth_ > n_words_) {
        n_words_ = capacity_ * depth_;
        words_ = AlignedArray<word_t>(n_words_);
    }
    if (static_cast<std::size_t>(capacity_) > code_sums_.size()) code_sums_.resize(static_cast<std::size_t>(capacity_));
}

void WordPanels::set(index_t i, const std::int16_t* codes) {
    word_t* words = lane(i);
    std::int32_t code_sum = 0;
    const auto bias = static_cast<word_t>(coding_->bias);
    if (coding_->group == 4) {
        for (index_t k = 0; k < dimension_; ++k) code_sum += codes[k];
        for (index_t w = 0; w < depth_; ++w) {
            const std::int16_t* c = codes + 4 * w;
            word_t word = 0;
            for (int g = 0; g < 4; ++g) word |= ((static_cast<word_t>(c[g]) + bias) & 0xffu) << (8 * g);
            words[w * width_] = word;
        }
    } else {
        for (index_t w = 0; w < depth_; ++w) {
            words[w * width_] = static_cast<word_t>(static_cast<std::uint16_t>(codes[2 * w])) |
                                static_cast<word_t>(static_cast<std::uint16_t>(codes[2 * w + 1])) << 16;
        }
    }
    code_sums_[static_cast<std::size_t>(i)] = code_sum;
}

void WordPanels::clear(index_t i) {
    word_t* words = lane(i);
    for (index_t w = 0; w < depth_; ++w) words[w * width_] = 0;
    code_sums_[static_cast<std::size_t>(i)] = 0;
}

std::int32_t WordPanels::offset(index_t i) const {
    const auto bias = coding_ == nullptr ? 0u : static_cast<word_t>(coding_->bias);
    // Unsigned, since it may wrap: the sum of codes that follows brings it back.
    return static_cast<std::int32_t>(0u - bias * static_cast<word_t>(code_sums_[static_cast<std::size_t>(i)]));
}

void WordPanels::copy_row_panels(index_t begin, index_t end, word_t* words) const {
    distance::copy_row_panels(*kernels_, words_.get(), depth_, begin, end, row_word(), words);
}

void WordPanels::gather_row_panels(const std::int32_t* rows, index_t count, word_t* words) const {
    const index_t height = kernels_->tile_rows;
    const simd::RowWord how = row_word();
    for (index_t p = 0; p < (count + height - 1) / height * height; ++p) {
        word_t* out = words + p / height * height * depth_ + p % height;
        if (p >= count) {
            for (index_t w = 0; w < depth_; ++w) out[w * height] = 0;
            continue;
        }
        const word_t* from = lane(rows[p]);
        for (index_t w = 0; w < depth_; ++w) out[w * height] = simd::row_word(from[w * width_], how);
    }
}

}  // namespace pyface::distance
