// The few directions along which rows differ most, and whether a first stage along them pays.
#pragma once

#include <memory>

#include "core/aligned.hpp"
#include "core/parallel.hpp"
#include "distance/coded.hpp"
#include "distance/use.hpp"
#include "simd/kernels.hpp"

namespace pyface::distance {

// Which pairs matter: those within a squared distance in the frame (cosine: twice the cosine distance), or those of a row
// and a share of the others, the nearest ones.
struct Reach {
    double square;
    double share;   // if square is NaN
    bool is_known;  // from the start, but for few rows, and not found along the way
    double otherwise = 1.0;  // without axes so much of the pairs would be looked at

    static Reach within(double square) { return {square, 0.0, true}; }
    static Reach nearest(index_t count, index_t of, bool is_known = false);
};

// A first stage along axes; any first stage.
void use_axes(Use use);
Use axes_used();

// An orthonormal basis, to 1e-9 but for the rounding to float32, of a space in which most of the length of most rows lies.
// With h the coordinates of x in it and t what is left of its length, |<x, y> - <h, h'>| <= t t' for any rows x and y
// (Cauchy-Schwarz).
class Axes {
public:
    // Beyond this share of pairs that the axes leave, a tile is screened faster without them.
    double most_left() const { return most_left_; }

    // The axes that save most when n_pairs pairs of a row of x and one of y (nullptr: of x) are looked at, with codes of
    // this precision; nullptr if a sample of the rows says that they save little.
    static std::unique_ptr<const Axes> find(const simd::Kernels& kernels, Precision precision, const Frame& frame,
                                            const Rows& x, const Rows* y, Reach reach, double n_pairs, int n_threads,
                                            const PollCallback& poll);

    index_t count() const { return count_; }  // a multiple of simd::kLanes
    // What a code of 1 means along every axis, and what the usual row is shorter than in their space.
    double scale() const { return scale_; }
    double longest() const { return longest_; }
    // The axes as column panels of float32, `dimension` words each.
    const simd::word_t* panels() const { return panels_.get(); }
    index_t dimension() const { return dimension_; }

private:
    friend class AxisSearch;
    index_t count_ = 0, dimension_ = 0;
    double scale_ = 0.0, longest_ = 0.0, most_left_ = 0.0;
    AlignedArray<simd::word_t> panels_;
};

// Sums of products of so many codes of at most 127 stay below 2^24.
inline constexpr index_t kMostAxes = 1024;
inline std::int32_t largest_axis_code(const simd::Kernels& kernels) {
    return kernels.coding.largest < 127 ? kernels.coding.largest : 127;
}

}  // namespace pyface::distance
