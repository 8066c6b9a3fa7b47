// Rows as a few codes along the axes of a set of rows, for a first stage that rules out most pairs.
#pragma once

#include <cstdint>
#include <vector>

#include "distance/axes.hpp"
#include "distance/word_panels.hpp"

namespace pyface::distance {

// All codes share one scale, so that what rules a pair out is one integer: with h = c + e the coordinates of x, t what is
// left of its length, and L at least |c| and |h'|,
//
//     <x, y> <= <c, c'> + L (|e| + |e'|) + (t^2 + t'^2) / 2
//
// where each term but the first belongs to one of the two rows. t t' would be less than the mean of the squares, by
// (t - t')^2 / 2: little, as rows go.
class AxisCodes {
public:
    AxisCodes(const simd::Kernels& kernels, const Axes& axes);

    void load(const Frame& frame, const Rows& rows, int n_threads, const PollCallback& poll);
    // Codes rows anew that have changed.
    void renew(const Frame& frame, const Rows& rows, const std::int32_t* changed, index_t count, int n_threads,
               const PollCallback& poll);

    const Axes& axes() const { return axes_; }
    const WordPanels& panels() const { return panels_; }
    // Of simd::AxesKernel: column i, and row i if pairs of a score below least_score are to be ruled out.
    const std::int32_t* col_starts(index_t i) const { return col_starts_.data() + i; }
    std::int32_t row_start(index_t i, double least_score) const;
    static constexpr std::int32_t kNobody = -1'000'000'000;  // whom no column brings back

private:
    void load_rows(const Frame& frame, const Rows& rows, const std::int32_t* listed, index_t begin, index_t end);
    void set(index_t i, const Frame& frame, double square, double half_square, const double* heads, std::int16_t* codes);

    const simd::Kernels& kernels_;
    const Axes& axes_;
    double error_;  // of the coordinates of a row, relative to its length
    WordPanels panels_;
    std::vector<double> row_parts_;
    std::vector<std::int32_t> col_starts_;
};

}  // namespace pyface::distance
