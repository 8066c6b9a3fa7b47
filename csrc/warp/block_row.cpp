#include "warp/block_row.hpp"

#include <algorithm>

namespace pyface::warp {

template <class T>
BlockRow<T>::BlockRow(ImageView<const T> image, const double* fill, index_t k, index_t left, index_t cols)
    : image_(image), fill_(fill), k_(k), left_(left), cols_(cols), begin_(inside(left)),
      end_(inside(left + cols * k)), sums_(static_cast<std::size_t>((end_ - begin_) * image.channels)) {
    whole_begin_ = std::clamp<index_t>((begin_ - left + k - 1) / k, 0, cols);
    whole_end_ = std::clamp((end_ - left) / k, whole_begin_, cols);
}

template <class T>
void BlockRow<T>::average(index_t top, float* out) {
    const index_t begin = std::clamp<index_t>(top, 0, image_.rows);
    const index_t end = std::clamp<index_t>(top + k_, 0, image_.rows), channels = image_.channels;
    const bool is_whole = end - begin == k_;
    const Sum* sums = is_whole && k_ == 1 ? nullptr : sum(begin, end);
    const index_t whole_begin = is_whole ? whole_begin_ : cols_, whole_end = is_whole ? whole_end_ : cols_;
    for (index_t j = 0; j < whole_begin; ++j) partly(sums, j, end - begin, out + j * channels);
    for (index_t j = whole_end; j < cols_; ++j) partly(sums, j, end - begin, out + j * channels);
    if (whole_begin == whole_end) return;
    const index_t first = left_ + whole_begin * k_, count = whole_end - whole_begin;
    float* to = out + whole_begin * channels;
    if (k_ == 1) {
        const T* from = image_.row(begin) + first * channels;
        for (index_t i = 0; i < count * channels; ++i) to[i] = static_cast<float>(from[i]);
    } else if (channels == 1) {
        wholly<1>(sums + (first - begin_), count, to);
    } else if (channels == 3) {
        wholly<3>(sums + (first - begin_) * 3, count, to);
    } else {
        wholly<4>(sums + (first - begin_) * 4, count, to);
    }
}

template <class T>
index_t BlockRow<T>::inside(index_t x) const {
    return std::clamp<index_t>(x, 0, image_.cols);
}

template <class T>
auto BlockRow<T>::sum(index_t begin, index_t end) -> const Sum* {
    std::fill(sums_.begin(), sums_.end(), Sum{0});
    for (index_t y = begin; y < end; ++y) {
        const T* from = image_.row(y) + begin_ * image_.channels;
        for (std::size_t i = 0; i < sums_.size(); ++i) sums_[i] += static_cast<Sum>(from[i]);
    }
    return sums_.data();
}

// Blocks that lie in the image.
template <class T>
template <int channels>
void BlockRow<T>::wholly(const Sum* sums, index_t count, float* out) const {
    const double share = 1 / static_cast<double>(k_ * k_);
    for (index_t j = 0; j < count; ++j, out += channels) {
        Total totals[channels] = {};
        for (index_t x = 0; x < k_; ++x, sums += channels) {
            for (int c = 0; c < channels; ++c) totals[c] += static_cast<Total>(sums[c]);
        }
        for (int c = 0; c < channels; ++c) out[c] = static_cast<float>(static_cast<double>(totals[c]) * share);
    }
}

// Block j, of which `rows` rows and some columns lie in the image, or none.
template <class T>
void BlockRow<T>::partly(const Sum* sums, index_t j, index_t rows, float* out) const {
    const index_t begin = inside(left_ + j * k_), end = inside(left_ + (j + 1) * k_), channels = image_.channels;
    const double there = static_cast<double>((end - begin) * rows), all = static_cast<double>(k_ * k_);
    for (index_t c = 0; c < channels; ++c) {
        double total = 0;
        for (index_t x = begin; x < end; ++x) total += static_cast<double>(sums[(x - begin_) * channels + c]);
        if (fill_ != nullptr && there < all) total += (all - there) * fill_[c];
        out[c] = static_cast<float>(total / (fill_ == nullptr ? there : all));
    }
}

template class BlockRow<std::uint8_t>;
template class BlockRow<float>;

}  // namespace pyface::warp
