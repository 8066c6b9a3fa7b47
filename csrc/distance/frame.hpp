// Rows as a screen sees them: in float64, brought to where few bits tell most.
#pragma once

#include "core/aligned.hpp"
#include "core/parallel.hpp"
#include "distance/metric.hpp"
#include "simd/rows.hpp"

namespace pyface::distance {

using simd::Rows;

// Cosine: rows of unit length (rows of zeros stay zero). Euclidean: rows times a power of two that brings the largest
// entry of all below 1, minus one centre near the mean, since distances do not change with it and short rows are coded
// more finely.
//
// The score of a pair orders it like its distance, the nearest highest: <x, y> under cosine, <x, y> - |y|^2 / 2 in the
// Euclidean metrics.
class Frame {
public:
    Frame(const Rows& x, const Rows* y, Metric metric, int n_threads, const PollCallback& poll);
    // Euclidean, on rows as they are, which must not be far from 1 in size.
    explicit Frame(index_t dimension);
    // The one that another had: its scale, and its centre of stride() values or nullptr for none.
    Frame(Metric metric, index_t dimension, double scale, const double* centre);
    // The same frame for rows that keep their length under cosine, which is at most 1: means of rows of unit length.
    struct AsTheyAre {};
    Frame(const Frame& other, AsTheyAre);

    bool is_cosine() const { return metric_ == Metric::cosine; }
    index_t stride() const { return stride_; }
    // What rows are multiplied by; 1 under cosine.
    double scale() const { return scale_; }
    // stride() values, or nullptr.
    const double* centre() const { return centre_.get(); }
    Metric metric() const { return metric_; }

    // Rows whose `added` is NaN are nobody. In the Euclidean metrics, from now on, the score of a pair is
    // <x, y> - (|y|^2 + added[y]) / 2, in the frame's own scale, and a threshold may depend on shares[y] as well
    // (screen.hpp). Borrowed, read whenever rows are coded; nullptr: nothing.
    void adjust(const double* added, const double* shares) {
        added_ = added;
        shares_ = shares;
    }
    double added(index_t i) const { return added_ == nullptr ? 0.0 : added_[i]; }
    bool has_shares() const { return shares_ != nullptr; }
    double share(index_t i) const { return shares_[i]; }

    // Writes row i, padded with zeros to a multiple of simd::kLanes, and returns half of its squared length (cosine: 0).
    double read(const Rows& rows, index_t i, double* out) const;

    // A pair is within the radius if and only if its score is at least this, but for rounding of float64.
    double least_score(double radius, double half_square) const;

private:
    Metric metric_;
    index_t stride_;
    bool keeps_lengths_ = false;
    double scale_ = 1.0;
    AlignedBuffer centre_;  // empty: none
    const double* added_ = nullptr;
    const double* shares_ = nullptr;
};

}  // namespace pyface::distance
