// Squared distances of all pairs of few rows in float32, and how far they may be off.
#pragma once

#include "core/aligned.hpp"
#include "core/crew.hpp"
#include "distance/frame.hpp"
#include "distance/rough_bounds.hpp"

namespace pyface::distance {

// As many threads as n rows compared among themselves have work for: starting one takes as long as some million
// multiplications.
int threads_for_few(index_t n, index_t dimension, int n_threads);

// Few rows are soon compared, all with all: what a screen keeps for each row would take longer. Half of the pairs are
// computed, n^2 values are kept.
class RoughSquares {
public:
    RoughSquares(const Rows& x, Metric metric, Crew& crew);

    // Whether bounds hold: not for rows of zeros under cosine, nor where squares leave float64's range.
    bool are_sound() const { return are_sound_; }

    // Values of row i and all n rows; infinite for the row itself. To be written to as well.
    float* row(index_t i) const { return values_.get() + i * stride_; }

    // What a square of this frame is times the squares of rows as they are given.
    double scale() const { return 1.0 / unit_; }
    // A square in the frame, of a pair with this value, is not below.
    float low_square(float value) const {
        const float square = value * least_of_square_ - added_to_square_;
        return square > 0.0f ? square : 0.0f;
    }
    // Pairs within this distance have values up to this.
    float reach(double distance) const;
    // The same for pairs that are not farther than a pair of this value.
    float reach_of(float value) const { return bounds_.reach_of(value); }

private:
    Metric metric_;
    bool are_sound_ = true;
    index_t stride_;
    double unit_;  // of a square in the frame
    RoughBounds bounds_;
    float least_of_square_, added_to_square_;  // a little less, and more, so that float32 will do
    AlignedArray<float> values_;
};

}  // namespace pyface::distance
