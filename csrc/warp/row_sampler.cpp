#include "warp/row_sampler.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <type_traits>

#include "simd/isa.hpp"

namespace pyface::warp {
namespace {

template <class T>
simd::BlendKernel<T> blend_of(index_t channels) {
    const index_t which = channels == 1 ? 0 : channels - 2;
    if constexpr (std::is_same_v<T, float>) {
        return simd::kernels().blend_floats[which];
    } else {
        return simd::kernels().blend_bytes[which];
    }
}

// The position in [0, size - 1] that stands for one anywhere.
double folded(double u, index_t size, Border border) {
    const double last = static_cast<double>(size - 1);
    if (border == Border::replicate) return std::clamp(u, 0.0, last);
    if (u >= 0 && u <= last) return u;
    if (size == 1) return 0;
    const double rest = std::fmod(std::abs(u), 2 * last);
    return rest > last ? 2 * last - rest : rest;
}

std::size_t at(std::int32_t x) { return static_cast<std::size_t>(x); }

}  // namespace

template <class T>
RowSampler<T>::RowSampler(ImageView<const T> image, bool linear, Border border, const double* fill, index_t cols)
    : image_(image), linear_(linear),
      fits_places_(image.rows <= std::numeric_limits<std::int32_t>::max() / image.cols), border_(border),
      channels_(image.channels), cols_(cols), blend_(blend_of<T>(image.channels)) {
    for (index_t c = 0; c < channels_; ++c) {
        fill_[c] = static_cast<T>(fill[c]);
        is_one_colour_ &= fill[c] == fill[0];
    }
    const auto n = static_cast<std::size_t>(cols + simd::kPlaceSlack);
    columns_.resize(n), u_.resize(n), v_.resize(n), index_.resize(n), right_.resize(n), down_.resize(n);
    std::iota(columns_.begin(), columns_.end(), 0.0);
    patches_.resize(4 * static_cast<std::size_t>(cols * channels_));
}

template <class T>
void RowSampler<T>::draw(index_t y, VectorView<const simd::Span> spans, const double* coefficients,
                         const std::uint8_t* inside, T* out) {
    std::int32_t x = 0;
    for (index_t s = 0; s < spans.size;) {
        blank(x, spans[s].begin, out);
        const VectorView<const simd::Span> rest{spans.data + s, spans.size - s};
        const index_t done = whole_spans(static_cast<double>(y), rest, coefficients, inside, out);
        if (done == 0) any_span(static_cast<double>(y), spans[s], coefficients, out);
        s += std::max<index_t>(done, 1);
        x = spans[s - 1].end;
    }
    blank(x, static_cast<std::int32_t>(cols_), out);
}

template <class T>
void RowSampler<T>::draw(index_t y, VectorView<const simd::Span> spans, const double* coefficients,
                         const std::uint8_t* inside, const Relieved& relief, T* out) {
    relief_ = &relief;
    draw(y, spans, coefficients, inside, out);
    relief_ = nullptr;
}

template <class T>
simd::Places RowSampler<T>::places(index_t x) {
    return {columns_.data() + x, index_.data() + x, right_.data() + x, down_.data() + x};
}

template <class T>
void RowSampler<T>::blank(std::int32_t begin, std::int32_t end, T* out) const {
    T* to = out + begin * channels_;
    if (is_one_colour_) {
        std::fill(to, out + end * channels_, fill_[0]);
        return;
    }
    for (std::int32_t x = begin; x < end; ++x) to = std::copy_n(fill_, channels_, to);
}

// Spans whose four neighbours all lie in the image; returns how many there were.
template <class T>
index_t RowSampler<T>::whole_spans(double y, VectorView<const simd::Span> spans, const double* coefficients,
                                   const std::uint8_t* inside, T* out) {
    if (!linear_ || !fits_places_) return 0;
    const simd::Kernels& kernels = simd::kernels();
    const index_t done = relief_ == nullptr ? kernels.place(spans.data, spans.size, inside, coefficients, y, image_.rows,
                                                            image_.cols, places())
                                            : kernels.place_bent(spans.data, spans.size, inside, coefficients, y,
                                                                 image_.cols, relief_->bend, places());
    if (done > 0) {
        const std::int32_t begin = spans[0].begin, end = spans[done - 1].end;
        if (relief_ != nullptr) std::fill(relief_->covered + begin, relief_->covered + end, std::uint8_t{1});
        blend_(image_.data, image_.cols, places(begin), end - begin, out + begin * channels_);
    }
    return done;
}

// Without a relief positions grow or fall along a span, so that what lies inside is one part of it; with one the first
// part counts, and the others are sampled one by one, too.
template <class T>
void RowSampler<T>::any_span(double y, const simd::Span& span, const double* coefficients, T* out) {
    simd::kernels().positions(span, coefficients + 6 * static_cast<index_t>(span.triangle), y, u_.data(), v_.data());
    if (relief_ != nullptr) {
        const simd::Bend& by = relief_->bend;
        simd::kernels().bend(by.depth, by.u, span.begin, span.end, u_.data());
        simd::kernels().bend(by.depth, by.v, span.begin, span.end, v_.data());
    }
    std::int32_t begin = span.end, end = span.end;
    if (linear_ && fits_places_) {
        const double last_col = static_cast<double>(image_.cols - 1), last_row = static_cast<double>(image_.rows - 1);
        const auto inside = [&](std::int32_t x) {
            return u_[at(x)] >= 0 && u_[at(x)] < last_col && v_[at(x)] >= 0 && v_[at(x)] < last_row;
        };
        for (begin = span.begin; begin < span.end && !inside(begin);) ++begin;
        for (end = begin; end < span.end && inside(end);) ++end;
    }
    one_by_one(span.begin, begin, out);
    one_by_one(end, span.end, out);
    if (begin < end) {
        const simd::Span part{begin, end, 0};
        const std::uint8_t known = 1;
        whole_spans(y, {&part, 1}, coefficients + 6 * static_cast<index_t>(span.triangle), &known, out);
    }
    if (relief_ != nullptr) note_covered(span);
}

template <class T>
void RowSampler<T>::note_covered(const simd::Span& span) const {
    for (std::int32_t x = span.begin; x < span.end; ++x) {
        const double u = u_[at(x)], v = v_[at(x)];
        relief_->covered[x] = u >= relief_->left && u <= relief_->right && v >= relief_->top && v <= relief_->bottom;
    }
}

template <class T>
void RowSampler<T>::one_by_one(std::int32_t begin, std::int32_t end, T* out) {
    for (std::int32_t x = begin; x < end;) {
        if (is_far(x)) {
            std::copy_n(fill_, channels_, out + x * channels_);
            ++x;
            continue;
        }
        std::int32_t stop = x + 1;
        while (stop < end && !is_far(stop)) ++stop;
        near_border(x, stop, out);
        x = stop;
    }
}

// Is the pixel of the colour of what lies beyond the image, as no neighbour is in it?
template <class T>
bool RowSampler<T>::is_far(std::int32_t x) const {
    const double u = u_[at(x)], v = v_[at(x)];
    return border_ == Border::constant &&
           !(u > -1 && v > -1 && u < static_cast<double>(image_.cols) && v < static_cast<double>(image_.rows));
}

template <class T>
void RowSampler<T>::near_border(std::int32_t begin, std::int32_t end, T* out) {
    const index_t count = end - begin;
    for (std::int32_t x = begin; x < end; ++x) {
        double u = u_[at(x)], v = v_[at(x)];
        if (border_ != Border::constant) {
            u = folded(u, image_.cols, border_);
            v = folded(v, image_.rows, border_);
        }
        const double col = std::floor(u), row = std::floor(v);
        const auto left = static_cast<index_t>(col), upper = static_cast<index_t>(row);
        if (linear_) {
            patch(x - begin, count, left, upper, static_cast<float>(u - col), static_cast<float>(v - row));
        } else {
            std::copy_n(pixel(upper + (v - row >= 0.5), left + (u - col >= 0.5)), channels_, out + x * channels_);
        }
    }
    if (linear_) blend_(patches_.data(), 2 * count, places(), count, out + begin * channels_);
}

// The four neighbours of pixel i side by side in an image of 2 x 2 count pixels: one kernel blends them all.
template <class T>
void RowSampler<T>::patch(index_t i, index_t count, index_t x, index_t y, float right, float down) {
    index_[static_cast<std::size_t>(i)] = static_cast<std::int32_t>(2 * i);
    right_[static_cast<std::size_t>(i)] = right;
    down_[static_cast<std::size_t>(i)] = down;
    for (index_t dy = 0; dy < 2; ++dy) {
        for (index_t dx = 0; dx < 2; ++dx) {
            std::copy_n(pixel(y + dy, x + dx), channels_, patches_.data() + ((dy * count + i) * 2 + dx) * channels_);
        }
    }
}

template <class T>
const T* RowSampler<T>::pixel(index_t y, index_t x) const {
    const bool inside = y >= 0 && y < image_.rows && x >= 0 && x < image_.cols;
    return inside ? image_.row(y) + x * channels_ : fill_;
}

template class RowSampler<std::uint8_t>;
template class RowSampler<float>;

}  // namespace pyface::warp
