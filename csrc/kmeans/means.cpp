#include "kmeans/means.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/aligned.hpp"

namespace pyface::kmeans {
namespace {

// Rows of one sum: short enough to share a large cluster among threads, long enough that the sums take little memory.
constexpr index_t kPieceRows = 512;

std::size_t at(index_t i) { return static_cast<std::size_t>(i); }

}  // namespace

template <class T>
Means<T>::Means(const Data& data, bool spherical)
    : data_(data), spherical_(spherical), before_(at(data.size()), -1), order_(at(data.size())) {}

template <class T>
void Means<T>::weigh(index_t n_clusters) {
    weights_.assign(at(n_clusters), 0.0);
    for (index_t i = 0; i < data_.size(); ++i) weights_[at(owners_[at(i)])] += data_.weight(i);
}

// Sets owners_ and weights_.
template <class T>
void Means<T>::settle(VectorView<const std::int32_t> labels, VectorView<const double> distances, index_t n_clusters) {
    owners_.assign(labels.begin(), labels.end());
    weigh(n_clusters);
    std::vector<std::int32_t> empty;
    for (index_t j = 0; j < n_clusters; ++j) {
        if (weights_[at(j)] == 0.0) empty.push_back(static_cast<std::int32_t>(j));
    }
    if (empty.empty() || *std::max_element(distances.begin(), distances.end()) == 0.0) return;
    std::vector<std::int32_t> far(at(labels.size));
    std::iota(far.begin(), far.end(), 0);
    std::partial_sort(far.begin(), far.begin() + static_cast<index_t>(empty.size()), far.end(),
                      [&](std::int32_t a, std::int32_t b) {
                          return distances[a] > distances[b] || (distances[a] == distances[b] && a < b);
                      });
    for (std::size_t e = 0; e < empty.size(); ++e) owners_[at(far[e])] = empty[e];
    weigh(n_clusters);
}

// Sorts the rows by owner and cuts the clusters that have changed into pieces. Rows without weight are left out: their
// coming and going must not even change the order of a sum.
template <class T>
void Means<T>::cut(const std::vector<char>& is_changed) {
    const auto n_clusters = static_cast<index_t>(is_changed.size());
    starts_.assign(at(n_clusters + 1), 0);
    for (index_t i = 0; i < data_.size(); ++i) {
        if (data_.weight(i) > 0.0) ++starts_[at(owners_[at(i)] + 1)];
    }
    for (index_t j = 0; j < n_clusters; ++j) starts_[at(j + 1)] += starts_[at(j)];
    std::vector<index_t> next(starts_.begin(), starts_.end() - 1);
    for (index_t i = 0; i < data_.size(); ++i) {
        if (data_.weight(i) > 0.0) order_[at(next[at(owners_[at(i)])]++)] = static_cast<std::int32_t>(i);
    }

    pieces_.clear();
    n_slots_ = 0;
    for (index_t j = 0; j < n_clusters; ++j) {
        const index_t begin = starts_[at(j)];
        const index_t end = starts_[at(j + 1)];
        if (!is_changed[at(j)]) continue;
        const bool is_whole = end - begin <= kPieceRows;
        for (index_t first = begin; first < end; first += kPieceRows) {
            pieces_.push_back({static_cast<std::int32_t>(j), first, std::min(first + kPieceRows, end),
                               is_whole ? -1 : n_slots_++});
        }
    }
}

// Differences from the cluster's first row, so that the mean of equal rows is that row, to the bit.
template <class T>
void Means<T>::add(const Piece& piece, double* sum) const {
    constexpr index_t kAtOnce = 64;
    simd::SumKernel<T> kernel;
    if constexpr (sizeof(T) == sizeof(float)) {
        kernel = data_.kernels().add_differences_of_float32;
    } else {
        kernel = data_.kernels().add_differences;
    }
    const index_t d = data_.dimension();
    const T* first = data_.rows().template row<T>(order_[at(starts_[at(piece.cluster)])]);
    const T* rows[kAtOnce];
    double weights[kAtOnce];
    std::fill_n(sum, d, 0.0);
    for (index_t begin = piece.begin; begin < piece.end; begin += kAtOnce) {
        const index_t count = std::min(kAtOnce, piece.end - begin);
        for (index_t p = 0; p < count; ++p) {
            const index_t i = order_[at(begin + p)];
            rows[p] = data_.rows().template row<T>(i);
            weights[p] = data_.weight(i);
        }
        kernel(rows, weights, count, first, d, sum);
    }
}

// From the sum of differences to the centre; a mean without direction leaves it alone.
template <class T>
void Means<T>::finish(std::int32_t cluster, double* sum, T* center) const {
    const index_t d = data_.dimension();
    const T* first = data_.rows().template row<T>(order_[at(starts_[at(cluster)])]);
    const double weight = weights_[at(cluster)];
    double length = 1.0;
    if (spherical_) length = 0.0;
    for (index_t k = 0; k < d; ++k) {
        sum[k] = static_cast<double>(first[k]) + sum[k] / weight;
        if (spherical_) length += sum[k] * sum[k];
    }
    if (spherical_) {
        length = std::sqrt(length);
        if (length < 8.0 * static_cast<double>(std::numeric_limits<T>::epsilon())) return;
    }
    for (index_t k = 0; k < d; ++k) center[k] = static_cast<T>(sum[k] / length);
}

// The means of the clusters in pieces_, and what takes the place of a mean where nothing weighs.
template <class T>
void Means<T>::average(MatrixView<T> centers, Crew& crew) {
    const index_t d = centers.cols;
    std::vector<double> sums(at(n_slots_ * d));
    crew.run(static_cast<index_t>(pieces_.size()), [&](index_t p) {
        const Piece& piece = pieces_[at(p)];
        if (piece.slot >= 0) {
            add(piece, sums.data() + piece.slot * d);
            return;
        }
        const AlignedBuffer sum(d);
        add(piece, sum.get());
        finish(piece.cluster, sum.get(), centers.row(piece.cluster));
    });
    for (std::size_t p = 0; p < pieces_.size();) {
        const Piece& piece = pieces_[p++];
        if (piece.slot < 0) continue;
        double* sum = sums.data() + piece.slot * d;
        for (; p < pieces_.size() && pieces_[p].cluster == piece.cluster; ++p) {
            const double* more = sums.data() + pieces_[p].slot * d;
            for (index_t c = 0; c < d; ++c) sum[c] += more[c];
        }
        finish(piece.cluster, sum, centers.row(piece.cluster));
    }
    const auto heaviest = static_cast<index_t>(std::max_element(weights_.begin(), weights_.end()) - weights_.begin());
    for (index_t j = 0; j < centers.rows; ++j) {
        if (weights_[at(j)] == 0.0) std::copy_n(centers.row(heaviest), d, centers.row(j));
    }
}

template <class T>
Movement Means<T>::update(VectorView<const std::int32_t> labels, VectorView<const double> distances,
                          MatrixView<T> centers, Crew& crew) {
    const index_t k = centers.rows;
    const index_t d = centers.cols;
    settle(labels, distances, k);
    std::vector<char> is_changed(at(k), 0);
    for (index_t i = 0; i < data_.size(); ++i) {
        const std::int32_t now = owners_[at(i)];
        const std::int32_t then = before_[at(i)];
        if (now == then) continue;
        is_changed[at(now)] = 1;
        if (then >= 0) is_changed[at(then)] = 1;
    }
    before_ = owners_;
    cut(is_changed);

    std::vector<std::int32_t> written;
    for (index_t j = 0; j < k; ++j) {
        if (is_changed[at(j)] || weights_[at(j)] == 0.0) written.push_back(static_cast<std::int32_t>(j));
    }
    const auto n_written = static_cast<index_t>(written.size());
    const auto each_written = [&](auto body) {
        constexpr index_t kAtOnce = 64;
        crew.run((n_written + kAtOnce - 1) / kAtOnce, [&](index_t task) {
            for (index_t w = task * kAtOnce; w < std::min(n_written, (task + 1) * kAtOnce); ++w) body(w);
        });
    };
    AlignedArray<T> old(n_written * d);
    each_written([&](index_t w) { std::copy_n(centers.row(written[at(w)]), d, old.get() + w * d); });

    average(centers, crew);

    std::vector<double> ways(at(n_written));
    each_written([&](index_t w) {
        const T* was = old.get() + w * d;
        const T* is = centers.row(written[at(w)]);
        double way = 0.0;
        for (index_t c = 0; c < d; ++c) {
            const double step = static_cast<double>(is[c]) - static_cast<double>(was[c]);
            way += step * step;
        }
        // A step may be so short that its square is 0.
        ways[at(w)] = std::equal(was, was + d, is) ? -1.0 : way;
    });
    Movement result;
    for (index_t w = 0; w < n_written; ++w) {
        if (ways[at(w)] < 0.0) continue;
        result.moved.push_back(written[at(w)]);
        result.shift += ways[at(w)];
    }
    return result;
}

template class Means<float>;
template class Means<double>;

}  // namespace pyface::kmeans
