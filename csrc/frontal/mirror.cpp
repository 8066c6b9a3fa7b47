#include "frontal/mirror.hpp"

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <vector>

#include "frontal/spread.hpp"

namespace pyface::frontal {
namespace {

constexpr index_t kHalf = kNodes / 2;

// A grid of values, bilinear between its places, at the pixels of a picture: first all its rows, then row after row.
class Stretched {
public:
    Stretched(const float* grid, index_t places, index_t channels, const std::vector<Between>& columns,
              const std::vector<Between>& lines)
        : lines_(lines), width_(static_cast<index_t>(columns.size()) * channels),
          values_(static_cast<std::size_t>(places * width_)) {
        float* to = values_.data();
        for (index_t r = 0; r < places; ++r, grid += places * channels) {
            for (const Between& at : columns) {
                const float* from = grid + at.low * channels;
                for (index_t c = 0; c < channels; ++c) *to++ = from[c] + at.way * (from[channels + c] - from[c]);
            }
        }
    }

    // Row y into out (columns, channels).
    void row(index_t y, float* out) const {
        const Between at = lines_[static_cast<std::size_t>(y)];
        const float *upper = values_.data() + at.low * width_, *lower = upper + width_;
        for (index_t i = 0; i < width_; ++i) out[i] = upper[i] + at.way * (lower[i] - upper[i]);
    }

private:
    const std::vector<Between>& lines_;
    index_t width_;
    std::vector<float> values_;
};

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
        const float kept = made < 0 ? 0 : made > 255 ? 255 : made;
        return static_cast<T>((kept + 0x1.8p23f) - 0x1.8p23f);
    }
}

// Where the photo has no pixel here or in the other half, what is taken depends on that alone.
void correct_shares(const simd::Span& run, const std::uint8_t* has_photo, const float* sure, index_t cols, float* share) {
    for (index_t x = run.begin; x < run.end; ++x) {
        const index_t mirrored = cols - 1 - x;
        if (!has_photo[mirrored]) share[x] = 0;
        else if (!has_photo[x]) share[x] = sure[mirrored];
    }
}

// Fills the rows of a picture.
template <class T>
class Filling {
public:
    Filling(const Relief& relief, const Look& look, const Front<T>& front)
        : front_(front), cols_(relief.cols()), differences_(differences(relief, look, front)),
          shares_(look.fill.data(), kNodes, 1, relief.columns(), relief.lines()),
          sure_(look.sure.data(), kNodes, 1, relief.columns(), relief.lines()),
          stretched_(differences_.data(), kHalf, front.channels, relief.half_columns(), relief.half_lines()),
          share_(static_cast<std::size_t>(cols_)), sure_row_(share_.size()),
          difference_(static_cast<std::size_t>(cols_ * front.channels)), own_(difference_.size()), has_photo_(share_.size()) {}

    // Returns the sum of the shares that were taken.
    double row(index_t y, VectorView<const simd::Span> runs, bool is_whole) {
        std::uint8_t* mask = front_.mask + y * cols_;
        shares_.row(y, share_.data());
        if (!is_whole) {
            sure_.row(y, sure_row_.data());
            std::copy_n(mask, cols_, has_photo_.begin());
            for (const simd::Span& run : runs) {
                correct_shares(run, has_photo_.data(), sure_row_.data(), cols_, share_.data());
                for (std::int32_t x = run.begin; x < run.end; ++x) mask[x] |= share_[static_cast<std::size_t>(x)] >= 0.5f;
            }
        }
        bool is_prepared = false;
        double sum = 0;
        for (const simd::Span& run : runs) {
            for (std::int32_t x = run.begin; x < run.end; ++x) {
                const float share = share_[static_cast<std::size_t>(x)];
                if (!(share > 0)) continue;
                if (!is_prepared) prepare(y);
                is_prepared = true;
                sum += mask[x] ? static_cast<double>(share) : 0;
                mix(y, x, share);
            }
        }
        return sum;
    }

private:
    void prepare(index_t y) {
        std::copy_n(front_.picture + y * cols_ * front_.channels, own_.size(), own_.begin());
        stretched_.row(y, difference_.data());
    }

    void mix(index_t y, index_t x, float share) {
        const index_t channels = front_.channels;
        const T* mirrored = own_.data() + (cols_ - 1 - x) * channels;
        const float* difference = difference_.data() + x * channels;
        T* to = front_.picture + (y * cols_ + x) * channels;
        for (index_t k = 0; k < channels; ++k) to[k] = mixed(to[k], mirrored[k], difference[k], share);
    }

    const Front<T>& front_;
    index_t cols_;
    std::vector<float> differences_;
    Stretched shares_, sure_, stretched_;
    std::vector<float> share_, sure_row_, difference_;
    std::vector<T> own_;
    std::vector<std::uint8_t> has_photo_;
};

bool all_of(const std::uint8_t* mask, VectorView<const simd::Span> runs) {
    for (const simd::Span& run : runs) {
        if (std::find(mask + run.begin, mask + run.end, std::uint8_t{0}) != mask + run.end) return false;
    }
    return true;
}

}  // namespace

template <class T>
double finish(const Relief& relief, const Look& look, bool symmetric, const Front<T>& front) {
    const index_t cols = relief.cols();
    const Stretched visible(look.visible.data(), kNodes, 1, relief.columns(), relief.lines());
    std::vector<float> line(static_cast<std::size_t>(cols));
    bool is_whole = true;
    for (index_t y = 0; y < relief.rows(); ++y) {
        const std::uint8_t* mask = front.mask + y * cols;
        float* to = front.visibility + y * cols;
        is_whole &= all_of(mask, relief.runs(y));
        std::fill_n(to, cols, 0.0f);
        if (relief.runs(y).size == 0) continue;
        visible.row(y, line.data());
        for (const simd::Span& run : relief.runs(y)) {
            for (index_t x = run.begin; x < run.end; ++x) to[x] = mask[x] ? line[static_cast<std::size_t>(x)] : 0;
        }
    }
    const bool fills = !is_whole || std::any_of(look.fill.begin(), look.fill.end(), [](float f) { return f > 0; });
    if (!symmetric || !fills) return 0;
    Filling<T> filling(relief, look, front);
    double sum = 0;
    for (index_t y = 0; y < relief.rows(); ++y) {
        if (relief.runs(y).size > 0) sum += filling.row(y, relief.runs(y), is_whole);
    }
    const auto count = std::count(front.mask, front.mask + relief.rows() * cols, std::uint8_t{1});
    return count > 0 ? sum / static_cast<double>(count) : 0;
}

template double finish(const Relief&, const Look&, bool, const Front<std::uint8_t>&);
template double finish(const Relief&, const Look&, bool, const Front<float>&);

}  // namespace pyface::frontal
