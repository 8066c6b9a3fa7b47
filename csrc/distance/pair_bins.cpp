#include "distance/pair_bins.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "core/require.hpp"
#include "distance/blocks.hpp"
#include "distance/exact.hpp"
#include "distance/float_tiles.hpp"
#include "distance/sweep.hpp"

namespace pyface::distance {
namespace {

std::size_t at(index_t i) { return static_cast<std::size_t>(i); }

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kLargestFloat = std::numeric_limits<float>::max();
constexpr double kSmallestFloat = std::numeric_limits<float>::denorm_min();

float not_above(double value) {
    const float rounded = static_cast<float>(value);
    return static_cast<double>(rounded) > value ? std::nextafter(rounded, -std::numeric_limits<float>::infinity())
                                                : rounded;
}

float not_below(double value) { return -not_above(-value); }

// From a distance in float32 to its bin, or to the answer that float64 must tell. The range of the thresholds is cut into
// cells, few of which have a threshold in them, and hardly any two.
class Cells {
public:
    // A value in float32 may be wrong by `absolute` and by `relative` of the distance.
    Cells(VectorView<const double> thresholds, double absolute, double relative)
        : thresholds_(thresholds), absolute_(absolute), relative_(relative) {
        n_ = std::clamp<index_t>(8 * thresholds.size, kFewest, kMost);
        const double first = std::clamp(thresholds[0], -kLargestFloat / 4, kLargestFloat / 4);
        const double last = std::clamp(thresholds[thresholds.size - 1], -kLargestFloat / 4, kLargestFloat / 4);
        const double margin = 4.0 * error(std::max(std::fabs(first), std::fabs(last)));
        origin_ = static_cast<float>(first - margin);
        const double width = last + margin - static_cast<double>(origin_);
        // Where thresholds are so near to 0 that a float32 hardly tells them, cells need not do better.
        scale_ = static_cast<float>(std::min(static_cast<double>(n_) / std::max(width, 1e-36), 1e36));
        cells_.resize(at(n_ + 2));
        for (index_t c = 0; c < n_ + 2; ++c) set(c);
    }

    struct Cell {
        float low, high;     // the bin is `bin` below low and bin + 1 above high; between them float64 must tell
        std::int32_t bin;
    };

    // Which cell a value lies in: grows with the value. NaN, which no row that is finite can give, comes last.
    std::int32_t place(float value) const {
        const float last = static_cast<float>(n_ + 1);
        float position = (value - origin_) * scale_ + 1.0f;
        position = position < last ? position : last;
        position = position > 0.0f ? position : 0.0f;
        return static_cast<std::int32_t>(position);
    }
    const Cell& cell(std::int32_t c) const { return cells_[at(c)]; }

    index_t bin(double distance) const {
        return std::lower_bound(thresholds_.begin(), thresholds_.end(), distance) - thresholds_.begin();
    }

private:
    static constexpr index_t kFewest = 1 << 10, kMost = 1 << 15;

    double error(double value) const { return absolute_ + relative_ * value + kSmallestFloat; }

    void set(index_t c) {
        // place() rounds three times; a cell is so much wider on both sides.
        const double slack = 0.05;
        const double scale = static_cast<double>(scale_);
        const double origin = static_cast<double>(origin_);
        const double from = c == 0 ? -kInfinity : origin + (static_cast<double>(c - 1) - slack) / scale;
        const double to = c == n_ + 1 ? kInfinity : origin + (static_cast<double>(c) + slack) / scale;
        const index_t first = bin(from - 2.0 * error(std::fabs(from)));
        const index_t last = bin(to + 2.0 * error(std::fabs(to)));
        Cell& cell = cells_[at(c)];
        cell.bin = static_cast<std::int32_t>(first);
        cell.low = std::numeric_limits<float>::infinity();
        cell.high = std::numeric_limits<float>::infinity();
        if (first == last) return;
        cell.low = -std::numeric_limits<float>::infinity();
        if (last > first + 1) return;  // two thresholds in reach
        const double threshold = thresholds_[first];
        cell.low = not_above(threshold - error(std::fabs(threshold)));
        cell.high = not_below(threshold + error(std::fabs(threshold)));
    }

    VectorView<const double> thresholds_;
    double absolute_, relative_;
    index_t n_ = 0;
    float origin_ = 0.0f, scale_ = 1.0f;
    std::vector<Cell> cells_;
};

// What a thread has counted, and where it works.
struct Counts {
    std::vector<std::int64_t> bins;  // (same, bin)
    std::int32_t places[kColBlock];
    std::int32_t doubtful[kColBlock];
    double values[kColBlock];
};

class Binning {
public:
    Binning(VectorView<const std::int32_t> labels, const Cells& cells, index_t n_bins,
            MatrixView<const std::uint8_t> wanted)
        : labels_(labels), cells_(cells), n_bins_(n_bins), wanted_(wanted) {}

    // Pairs of row i and columns [col, col + n), of which `values` are the distances, give or take. `exact(js, n, out)`
    // gives the distances themselves.
    template <class Exactly>
    void add(Counts& counts, std::vector<PairDistance>* found, index_t i, index_t col, index_t n, const float* values,
             const Exactly& exact) const {
        const index_t n_doubtful = found == nullptr ? sort_out<false>(counts, i, col, n, values)
                                                    : sort_out<true>(counts, i, col, n, values);
        if (n_doubtful == 0) return;
        const std::int32_t label = labels_[i];
        exact(counts.doubtful, n_doubtful, counts.values);
        for (index_t k = 0; k < n_doubtful; ++k) {
            const std::int32_t j = counts.doubtful[k];
            const index_t slot = (labels_[j] == label ? n_bins_ : 0) + cells_.bin(counts.values[k]);
            ++counts.bins[at(slot)];
            if (found != nullptr && wanted_.data[slot] != 0) {
                found->push_back({static_cast<std::int32_t>(i), j, counts.values[k]});
            }
        }
    }

private:
    // Counts the pairs that float32 can tell, and lists the others, and those that are wanted, in `doubtful`.
    template <bool kWanted>
    index_t sort_out(Counts& counts, index_t i, index_t col, index_t n, const float* values) const {
        std::int32_t* const places = counts.places;
        std::int32_t* const doubtful = counts.doubtful;
        std::int64_t* const bins = counts.bins.data();
        const Cells& cells = cells_;
        for (index_t j = 0; j < n; ++j) places[j] = cells.place(values[j]);
        const std::int32_t label = labels_[i];
        const std::int32_t* const others = labels_.data + col;
        index_t n_doubtful = 0;
        for (index_t j = 0; j < n; ++j) {
            const Cells::Cell& cell = cells.cell(places[j]);
            const bool above = values[j] > cell.high;
            const index_t slot = (others[j] == label ? n_bins_ : 0) + cell.bin + static_cast<index_t>(above);
            bool sure = above | (values[j] < cell.low);
            if constexpr (kWanted) sure &= wanted_.data[slot] == 0;
            bins[slot] += static_cast<std::int64_t>(sure);
            doubtful[n_doubtful] = static_cast<std::int32_t>(col + j);
            n_doubtful += static_cast<index_t>(!sure);
        }
        return n_doubtful;
    }

    VectorView<const std::int32_t> labels_;
    const Cells& cells_;
    index_t n_bins_;
    MatrixView<const std::uint8_t> wanted_;
};

}  // namespace

std::vector<PairDistance> bin_pairs(const Rows& x, VectorView<const std::int32_t> labels, Metric metric,
                                    VectorView<const double> thresholds, MatrixView<std::int64_t> counts,
                                    MatrixView<const std::uint8_t> wanted, int n_threads, const PollCallback& poll) {
    const index_t n_bins = thresholds.size + 1;
    require(thresholds.size >= 1 && n_bins < INT32_MAX / 2, "from 1 to 2^30 thresholds");
    require(labels.size == x.size(), "one label for each row");
    require(counts.rows == 2 && counts.cols == n_bins, "counts must have shape (2, thresholds + 1)");
    require(wanted.data == nullptr || (wanted.rows == 2 && wanted.cols == n_bins),
            "wanted must have shape (2, thresholds + 1)");
    require(x.size() < INT32_MAX, "at most 2^31 - 2 rows");
    for (index_t t = 0; t < thresholds.size; ++t) {
        require(!std::isnan(thresholds[t]) && (t == 0 || thresholds[t - 1] < thresholds[t]),
                "thresholds must increase");
    }
    const bool in_float32 = float32_will_do(x, nullptr, metric);
    constexpr double kRounded = 0x1p-23;  // of a distance that was computed in float64, to a float32
    const double error = in_float32 ? float32_error(x.dimension(), metric) : kRounded;
    const bool is_absolute = in_float32 && metric == Metric::cosine;
    const Cells cells(thresholds, is_absolute ? error : 0.0, is_absolute ? kRounded : error);
    const Binning binning(labels, cells, n_bins, wanted);
    const Grid grid(x.size(), x.size(), x.dimension());
    std::vector<std::vector<PairDistance>> found;
    if (wanted.data != nullptr) found.resize(at(in_float32 ? float32_tasks(x, nullptr) : grid.n_tasks()));
    const auto found_by = [&](index_t task) { return found.empty() ? nullptr : &found[at(task)]; };
    Pool<Counts> pool;
    const auto lease = [&] {
        return pool.lease([&] {
            auto made = std::make_unique<Counts>();
            made->bins.assign(at(2 * n_bins), 0);
            return made;
        });
    };
    if (in_float32) {
        const Exact exact(x, nullptr, metric, n_threads, poll);
        sweep_float32(x, nullptr, metric, n_threads, poll, [&](const simd::Kernels&, index_t task, const FloatTile& t) {
            const auto mine = lease();
            for (index_t i = t.row; i < t.row + t.n_rows; ++i) {
                const index_t begin = std::clamp<index_t>(i + 1 - t.col, 0, t.n_cols);
                binning.add(*mine, found_by(task), i, t.col + begin, t.n_cols - begin,
                            t.values + (i - t.row) * kColBlock + begin,
                            [&](const std::int32_t* js, index_t n, double* out) { exact.distances(i, js, n, out); });
            }
        });
    } else {
        sweep_upper(x, metric, grid, n_threads, poll, [&](index_t task, const Tile& t) {
            const auto mine = lease();
            float rounded[Panel::kBlock];
            for (index_t i = 0; i < t.n_rows; ++i) {
                const index_t begin = std::clamp<index_t>(t.row + i + 1 - t.col, 0, t.n_cols);
                for (index_t j = begin; j < t.n_cols; ++j) rounded[j] = static_cast<float>(t(i, j));
                binning.add(*mine, found_by(task), t.row + i, t.col + begin, t.n_cols - begin, rounded + begin,
                            [&](const std::int32_t* js, index_t n, double* out) {
                                for (index_t k = 0; k < n; ++k) out[k] = t(i, js[k] - t.col);
                            });
            }
        });
    }
    pool.for_each([&](const Counts& mine) {
        for (index_t slot = 0; slot < 2 * n_bins; ++slot) counts.data[slot] += mine.bins[at(slot)];
    });
    std::vector<PairDistance> all;
    std::size_t total = 0;
    for (const auto& part : found) total += part.size();
    all.reserve(total);
    for (auto& part : found) {
        all.insert(all.end(), part.begin(), part.end());
        std::vector<PairDistance>().swap(part);
    }
    return all;
}

void distances_of_pairs(const Rows& x, VectorView<const std::int32_t> first, VectorView<const std::int32_t> second,
                        Metric metric, VectorView<double> out, int n_threads, const PollCallback& poll) {
    constexpr index_t kPairsPerTask = 4096;
    require(first.size == second.size && first.size == out.size, "first, second and out must have the same length");
    for (index_t p = 0; p < first.size; ++p) {
        require(first[p] >= 0 && first[p] < x.size() && second[p] >= 0 && second[p] < x.size(),
                "pairs must name rows of x");
    }
    const Exact exact(x, nullptr, metric, n_threads, poll);
    parallel_for(
        (first.size + kPairsPerTask - 1) / kPairsPerTask, n_threads,
        [&](index_t task) {
            const index_t end = std::min(first.size, (task + 1) * kPairsPerTask);
            for (index_t p = task * kPairsPerTask, next = p; p < end; p = next) {
                while (next < end && first[next] == first[p]) ++next;  // the pairs of one row together
                exact.distances(first[p], second.data + p, next - p, out.data + p);
            }
        },
        poll);
}

}  // namespace pyface::distance
