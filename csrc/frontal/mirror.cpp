#include "frontal/mirror.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

#include "frontal/spread.hpp"

namespace pyface::frontal {
namespace {

constexpr index_t kHalf = kNodes / 2;

// Pixels of a row, [begin, end).
struct Stretch {
    index_t begin, end;

    index_t size() const { return end - begin; }
};

// A grid of values, bilinear between its places, at the pixels of a picture: first all its rows, then row after row.
template <int channels>
class Stretched {
public:
    // `columns` and `lines` are those of all pixels; only the columns `of` are made.
    Stretched(const float* grid, index_t places, const std::vector<Between>& columns, const std::vector<Between>& lines,
              const Stretch& of)
        : lines_(lines), width_(of.size() * channels), values_(static_cast<std::size_t>(places * width_)) {
        float* to = values_.data();
        const Between *begin = columns.data() + of.begin, *end = columns.data() + of.end;
        // No further than the last row that is asked for.
        const index_t used = std::min<index_t>(places, lines.back().low + 2);
        for (index_t r = 0; r < used; ++r, grid += places * channels) {
            for (const Between* at = begin; at < end; ++at) {
                const float* from = grid + at->low * channels;
                for (int c = 0; c < channels; ++c) *to++ = from[c] + at->way * (from[channels + c] - from[c]);
            }
        }
    }

    // Row y into out, the columns that were made, or `count` of them from `begin` on.
    void row(index_t y, float* out) const { row(y, 0, width_, out); }
    void row(index_t y, index_t begin, index_t count, float* out) const {
        const Between at = lines_[static_cast<std::size_t>(y)];
        const float *upper = values_.data() + at.low * width_ + begin, *lower = upper + width_;
        for (index_t i = 0; i < count; ++i) out[i] = upper[i] + at.way * (lower[i] - upper[i]);
    }

private:
    const std::vector<Between>& lines_;
    index_t width_;
    std::vector<float> values_;
};

// The pixels whose share may be more than 0: those beside a place where it is.
Stretch filled_columns(const Plane& fill, const std::vector<Between>& columns) {
    bool is_filled[kNodes + 1] = {};
    for (std::size_t i = 0; i < kPlane; ++i) is_filled[i % kNodes] |= fill[i] > 0;
    const auto n = static_cast<index_t>(columns.size());
    const auto touches = [&](index_t x) {
        const std::int32_t low = columns[static_cast<std::size_t>(x)].low;
        return is_filled[low] || is_filled[low + 1];
    };
    Stretch found{0, n};
    while (found.begin < n && !touches(found.begin)) ++found.begin;
    while (found.end > found.begin && !touches(found.end - 1)) --found.end;
    return found;
}

// The picture minus its mirror image at the places of the coarse grid, where both can be seen; from there spread to all.
template <class T>
std::vector<float> differences(const Relief& relief, const Look& look, const Front<T>& front) {
    const Nodes& nodes = relief.nodes();
    const index_t channels = front.channels, cols = relief.cols();
    std::vector<float> values(static_cast<std::size_t>(kHalf * kHalf * channels)), weights(kHalf * kHalf);
    float difference[4];
    for (index_t r = 0; r < kNodes; ++r) {
        const index_t line = relief.nearest_row()[static_cast<std::size_t>(r)] * cols;
        for (index_t c = 0; c < kHalf; ++c) {
            const index_t i = r * kNodes + c, mirrored = r * kNodes + kNodes - 1 - c;
            const auto at = [](index_t k) { return static_cast<std::size_t>(k); };
            const float weight = look.sure[at(i)] * look.sure[at(mirrored)] * (1 - nodes.feature()[at(i)]) / 4;
            const index_t x = relief.nearest_column()[at(c)], here = line + x, there = line + cols - 1 - x;
            if (!(weight > 0) || !nodes.on_face(i) || !nodes.on_face(mirrored) || !front.mask[here] || !front.mask[there])
                continue;
            bool is_number = true;
            for (index_t k = 0; k < channels; ++k) {
                difference[k] = static_cast<float>(front.picture[here * channels + k]) -
                                static_cast<float>(front.picture[there * channels + k]);
                is_number &= std::isfinite(difference[k]);
            }
            if (!is_number) continue;
            for (const index_t cell : {r / 2 * kHalf + c / 2, r / 2 * kHalf + kHalf - 1 - c / 2}) {
                weights[at(cell)] += weight;
                const float signed_weight = cell == r / 2 * kHalf + c / 2 ? weight : -weight;
                for (index_t k = 0; k < channels; ++k) values[at(cell * channels + k)] += signed_weight * difference[k];
            }
        }
    }
    for (index_t cell = 0; cell < kHalf * kHalf; ++cell) {
        const float weight = weights[static_cast<std::size_t>(cell)];
        if (!(weight > 0)) continue;
        for (index_t k = 0; k < channels; ++k) values[static_cast<std::size_t>(cell * channels + k)] /= weight;
    }
    spread(values.data(), weights.data(), kHalf, channels);
    return values;
}

template <class T>
T mixed(T own, T mirrored, float difference, float share) {
    const auto value = static_cast<float>(own);
    const float made = value + share * (static_cast<float>(mirrored) + difference - value);
    if constexpr (std::is_same_v<T, float>) {
        return made;
    } else {
        return static_cast<T>((std::min(std::max(made, 0.0f), 255.0f) + 0x1.8p23f) - 0x1.8p23f);
    }
}

// Fills the rows of a picture.
template <class T, int channels>
class Filling {
public:
    // `columns` are those whose share may be more than 0.
    Filling(const Relief& relief, const Look& look, const Front<T>& front, const Stretch& columns)
        : front_(front), cols_(relief.cols()), columns_(columns), differences_(differences<T>(relief, look, front)),
          shares_(look.fill.data(), kNodes, relief.columns(), relief.lines(), columns),
          stretched_(differences_.data(), kHalf, relief.half_columns(), relief.half_lines(), columns),
          share_(static_cast<std::size_t>(columns.size())), difference_(share_.size() * channels),
          own_(static_cast<std::size_t>(cols_ * channels)) {}

    // Shares of row y, of pixels `columns`.
    float* shares(index_t y) {
        shares_.row(y, share_.data());
        return share_.data();
    }

    // Fills row y by its shares, and returns their sum over the mask.
    double fill(index_t y, VectorView<const simd::Span> runs) {
        if (std::none_of(share_.begin(), share_.end(), [](float share) { return share > 0; })) return 0;
        std::copy_n(front_.picture + y * cols_ * channels, own_.size(), own_.begin());
        stretched_.row(y, difference_.data());
        // Named here, as bytes that are written could be any of them.
        const float *const shares = share_.data() - columns_.begin;
        const float *const difference = difference_.data() - columns_.begin * channels;
        const std::uint8_t* const mask = front_.mask + y * cols_;
        const T* const last = own_.data() + (cols_ - 1) * channels;
        T* const row = front_.picture + y * cols_ * channels;
        double sum = 0;
        for (const simd::Span& run : runs) {
            const index_t begin = std::max<index_t>(run.begin, columns_.begin);
            const index_t end = std::min<index_t>(run.end, columns_.end);
            for (index_t x = begin; x < end; ++x) {
                const float share = shares[x];
                if (!(share > 0)) continue;
                sum += mask[x] ? static_cast<double>(share) : 0;
                T made[channels];
                for (int k = 0; k < channels; ++k) {
                    made[k] = mixed(row[x * channels + k], last[k - x * channels], difference[x * channels + k], share);
                }
                std::copy_n(made, channels, row + x * channels);
            }
        }
        return sum;
    }

private:
    const Front<T>& front_;
    index_t cols_;
    Stretch columns_;
    std::vector<float> differences_;
    Stretched<1> shares_;
    Stretched<channels> stretched_;
    std::vector<float> share_, difference_;
    std::vector<T> own_;
};

// Where the photo has no pixel here or in the other half, what is taken depends on that alone; filled by at least a half,
// a pixel belongs to the mask.
void correct_shares(VectorView<const simd::Span> runs, const float* sure, index_t cols, std::uint8_t* mask,
                    const std::uint8_t* has_photo, float* share) {
    for (const simd::Span& run : runs) {
        for (index_t x = run.begin; x < run.end; ++x) {
            const index_t mirrored = cols - 1 - x;
            if (!has_photo[mirrored]) share[x] = 0;
            else if (!has_photo[x]) share[x] = sure[mirrored];
            mask[x] = has_photo[x] || share[x] >= 0.5f;
        }
    }
}

template <class T, int channels>
double fill_all(const Relief& relief, const Look& look, const Front<T>& front, bool is_whole) {
    const index_t cols = relief.cols();
    const Stretch all{0, cols}, filled = is_whole ? filled_columns(look.fill, relief.columns()) : all;
    if (filled.size() == 0) return 0;
    Filling<T, channels> filling(relief, look, front, filled);
    const Stretched<1> sure(look.sure.data(), kNodes, relief.columns(), relief.lines(), is_whole ? Stretch{0, 0} : all);
    std::vector<float> sure_row(is_whole ? 0 : static_cast<std::size_t>(cols));
    std::vector<std::uint8_t> has_photo(sure_row.size());
    double sum = 0;
    for (index_t y = 0; y < relief.rows(); ++y) {
        if (relief.runs(y).size == 0) continue;
        float* share = filling.shares(y);
        if (!is_whole) {
            std::uint8_t* mask = front.mask + y * cols;
            sure.row(y, sure_row.data());
            std::copy_n(mask, cols, has_photo.begin());
            correct_shares(relief.runs(y), sure_row.data(), cols, mask, has_photo.data(), share);
        }
        sum += filling.fill(y, relief.runs(y));
    }
    return sum;
}

bool all_of(const std::uint8_t* mask, VectorView<const simd::Span> runs) {
    for (const simd::Span& run : runs) {
        if (std::memchr(mask + run.begin, 0, static_cast<std::size_t>(run.end - run.begin)) != nullptr) return false;
    }
    return true;
}

}  // namespace

template <class T>
double finish(const Relief& relief, const Look& look, bool symmetric, const Front<T>& front) {
    const index_t cols = relief.cols();
    const Stretch shown{relief.first_column(), relief.end_column()};
    const Stretched<1> visible(look.visible.data(), kNodes, relief.columns(), relief.lines(), shown);
    bool is_whole = true;
    index_t count = 0;
    for (index_t y = 0; y < relief.rows(); ++y) {
        const std::uint8_t* mask = front.mask + y * cols;
        float* to = front.visibility + y * cols;
        const bool has_all = all_of(mask, relief.runs(y));
        is_whole &= has_all;
        index_t done = 0;
        for (const simd::Span& run : relief.runs(y)) {
            std::fill(to + done, to + run.begin, 0.0f);
            visible.row(y, run.begin - shown.begin, run.end - run.begin, to + run.begin);
            for (index_t x = run.begin; !has_all && x < run.end; ++x) to[x] = mask[x] ? to[x] : 0;
            count += has_all ? run.end - run.begin : std::count(mask + run.begin, mask + run.end, std::uint8_t{1});
            done = run.end;
        }
        std::fill(to + done, to + cols, 0.0f);
    }
    if (count == 0) return std::numeric_limits<double>::quiet_NaN();
    if (!symmetric) return 0;
    double sum = 0;
    if (front.channels == 1) sum = fill_all<T, 1>(relief, look, front, is_whole);
    if (front.channels == 3) sum = fill_all<T, 3>(relief, look, front, is_whole);
    if (front.channels == 4) sum = fill_all<T, 4>(relief, look, front, is_whole);
    if (!is_whole) count = std::count(front.mask, front.mask + relief.rows() * cols, std::uint8_t{1});
    return sum / static_cast<double>(count);
}

template double finish(const Relief&, const Look&, bool, const Front<std::uint8_t>&);
template double finish(const Relief&, const Look&, bool, const Front<float>&);

}  // namespace pyface::frontal
