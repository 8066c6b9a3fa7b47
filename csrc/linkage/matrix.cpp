#include "linkage/matrix.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/require.hpp"
#include "linkage/agglomeration.hpp"
#include "linkage/generic.hpp"
#include "linkage/minimum_tree.hpp"

namespace pyface::linkage {
namespace {

constexpr index_t kChunk = index_t{1} << 18;  // entries that a thread takes at a time

// Calls body(begin, end) for all of a vector, a chunk at a time.
template <class Body>
void in_chunks(index_t size, int n_threads, const PollCallback& poll, const Body& body) {
    parallel_for((size + kChunk - 1) / kChunk, size < 2 * kChunk ? 1 : n_threads,
                 [&](index_t chunk) { body(chunk * kChunk, std::min(size, (chunk + 1) * kChunk)); }, poll);
}

template <class T>
struct Extent {
    T largest = 0;  // without sign
    T least = 0;    // 0, or the one farthest below
};

// Throws if there is a distance that cannot be.
template <class T>
Extent<T> checked_extent(VectorView<T> distances, int n_threads, const PollCallback& poll) {
    const auto n_chunks = at((distances.size + kChunk - 1) / kChunk);
    std::vector<T> least(n_chunks), largest(n_chunks);
    in_chunks(distances.size, n_threads, poll, [&](index_t begin, index_t end) {
        const T* values = distances.data + begin;
        // NaN counts as infinite: no other comparison with it would be true.
        const auto size = [=](index_t i) {
            const T value = values[i] < T{0} ? -values[i] : values[i];
            return value <= std::numeric_limits<T>::max() ? value : kInfinite<T>;
        };
        least[at(begin / kChunk)] = least_of<T>(end - begin, [=](index_t i) { return values[i]; });
        largest[at(begin / kChunk)] = -least_of<T>(end - begin, [=](index_t i) { return -size(i); });
    });
    if (n_chunks == 0) return {};
    const Extent<T> extent{*std::max_element(largest.begin(), largest.end()),
                           std::min(T{0}, *std::min_element(least.begin(), least.end()))};
    require(extent.largest < kInfinite<T>, "distances must be finite");
    return extent;
}

// Squares are kept as large as sums allow, so that small ones do not vanish. Ward's of clusters may be n times as large
// as those of rows, and are multiplied by sizes on the way.
template <class T>
Scale scale_for(MatrixMethod method, double largest, index_t n) {
    constexpr int kTop = std::numeric_limits<T>::max_exponent;
    const int exponent = largest > 0.0 ? std::ilogb(largest) + 1 : 0;  // largest < 2^exponent
    if (method == MatrixMethod::ward || !is_monotone(method)) {
        const int room = kTop - 6 - 2 * std::ilogb(static_cast<double>(n));
        // Beyond that the factor itself would overflow.
        const int shift = std::clamp(room / 2 - exponent, -1000, 1000);
        return {largest > 0.0 ? std::ldexp(1.0, shift) : 1.0, true};
    }
    // New distances are computed in double, where sums of n float32 distances cannot overflow.
    const int room = std::numeric_limits<double>::max_exponent - 4 - std::ilogb(static_cast<double>(n));
    return {exponent > room ? std::ldexp(1.0, room - exponent) : 1.0, false};
}

template <class T>
void apply(const Scale& scale, bool clips, VectorView<T> distances, int n_threads, const PollCallback& poll) {
    if (scale.factor == 1.0 && !scale.is_squared && !clips) return;
    const double least = clips ? 0.0 : kLowest<double>;
    in_chunks(distances.size, n_threads, poll, [&](index_t begin, index_t end) {
        for (index_t i = begin; i < end; ++i) {
            const double value = std::max(static_cast<double>(distances[i]), least) * scale.factor;
            distances[i] = static_cast<T>(scale.is_squared ? value * value : value);
        }
    });
}

template <class T>
void forbid(Condensed<T> matrix, const NumberSets& sets, const PollCallback& poll) {
    std::vector<std::pair<std::int64_t, index_t>> order;
    for (index_t i = 0; i < sets.size(); ++i) {
        for (const std::int64_t number : sets.of(i)) order.emplace_back(number, i);
    }
    std::sort(order.begin(), order.end());
    Poller look(poll);
    for (std::size_t i = 0; i < order.size(); ++i) {
        for (std::size_t j = i + 1; j < order.size() && order[j].first == order[i].first; ++j) {
            matrix.at(order[i].second, order[j].second) = kInfinite<T>;
        }
        look();
    }
}

template <class T, class Update>
std::vector<Merge> agglomerate(Condensed<T> matrix, const Scale& scale, const MatrixOptions& options, int n_threads,
                               const PollCallback& poll) {
    Agglomeration<T, Update> work(matrix, scale, options.stop, n_threads, poll);
    if (options.must_link.size > 0) work.must_link(options.must_link);
    return work.run();
}

}  // namespace

template <class T>
std::vector<Merge> from_condensed(VectorView<T> distances, index_t n, MatrixMethod method, const MatrixOptions& options,
                                  int n_threads, const PollCallback& poll) {
    require(n >= 1 && distances.size == Condensed<T>::length(n), "there must be n (n - 1) / 2 distances");
    require(options.must_link.size == 0 || options.must_link.size == n, "must_link must have one entry per row");
    require(!options.cannot_link.any() || options.cannot_link.size() == n, "cannot_link must have a set for each row");
    require(!std::isnan(options.stop), "stop must be a number");
    const bool is_free = options.must_link.size == 0 && !options.cannot_link.any();
    require(is_monotone(method) || (is_free && !(options.stop < kInfinite<double>)),
            "centroid and median linkage take no constraints and do not stop");
    const Extent<T> extent = checked_extent(distances, n_threads, poll);
    const Condensed<T> matrix{distances.data, n};
    if (method == MatrixMethod::single && is_free) return minimum_tree(matrix, options.stop, n_threads, poll);
    const Scale scale = scale_for<T>(method, static_cast<double>(extent.largest), n);
    // Squares have no sign, and groups merge at 0 before all others.
    require(!scale.is_squared || extent.least >= -extent.largest * static_cast<T>(kNearZero),
            "distances that are squared must not be negative");
    const bool clips = extent.least < T{0} && (scale.is_squared || !is_free);
    apply(scale, clips, distances, n_threads, poll);
    if (!is_monotone(method)) {
        return method == MatrixMethod::centroid ? merge_closest<T, Centroid>(matrix, scale, poll)
                                                : merge_closest<T, Median>(matrix, scale, poll);
    }
    forbid(matrix, options.cannot_link, poll);
    switch (method) {
        case MatrixMethod::single: return agglomerate<T, Single>(matrix, scale, options, n_threads, poll);
        case MatrixMethod::complete: return agglomerate<T, Complete>(matrix, scale, options, n_threads, poll);
        case MatrixMethod::average: return agglomerate<T, Average>(matrix, scale, options, n_threads, poll);
        case MatrixMethod::weighted: return agglomerate<T, Weighted>(matrix, scale, options, n_threads, poll);
        default: return agglomerate<T, Ward>(matrix, scale, options, n_threads, poll);
    }
}

void write_in_order(const std::vector<Merge>& merges, index_t n, MatrixView<double> z) {
    require(n >= 1 && z.rows == static_cast<index_t>(merges.size()) && z.cols == 4, "Z must have a row for each merge");
    for (index_t i = 0; i < z.rows; ++i) {
        const Merge& merge = merges[at(i)];
        const auto [left, right] = std::minmax(merge.left, merge.right);
        z(i, 0) = static_cast<double>(left);
        z(i, 1) = static_cast<double>(right);
        z(i, 2) = merge.height;
        z(i, 3) = static_cast<double>(merge.size);
    }
}

template std::vector<Merge> from_condensed(VectorView<float>, index_t, MatrixMethod, const MatrixOptions&, int,
                                           const PollCallback&);
template std::vector<Merge> from_condensed(VectorView<double>, index_t, MatrixMethod, const MatrixOptions&, int,
                                           const PollCallback&);

}  // namespace pyface::linkage
