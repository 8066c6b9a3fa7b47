// The rows to be clustered, their weights, and their codes, which all screens share.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core/parallel.hpp"
#include "distance/coded.hpp"
#include "distance/frame.hpp"
#include "distance/screen.hpp"

namespace pyface::kmeans {

using distance::Precision;
using simd::Rows;

class Data {
public:
    // `weights`: one per row, not negative; size 0 means 1 for all. Rows and weights are borrowed.
    Data(const Rows& x, VectorView<const double> weights);

    const Rows& rows() const { return x_; }
    index_t size() const { return x_.size(); }
    index_t dimension() const { return x_.dimension(); }
    double weight(index_t i) const { return weights_.size == 0 ? 1.0 : weights_[i]; }

    const simd::Kernels& kernels() const { return kernels_; }
    // What coded() holds: codes, or float32 where there are few columns.
    Precision precision() const {
        return dimension() > distance::kFewColumns ? codes_ : Precision::floats;
    }

    // Codes the rows unless they are coded already, in a frame that holds centres which lie far outside the rows, or
    // in one for the rows alone (nullptr). They are to be compared with so many centres, some times. What follows may be
    // asked for after that.
    void prepare(const Rows* centers, index_t n_centers, int n_threads, const PollCallback& poll);
    const distance::Frame& frame() const { return *frame_; }
    const distance::CodedRows& coded() const { return coded_; }
    // nullptr: no first stage along axes.
    const distance::AxisCodes* axis_codes() const { return axis_codes_ ? &*axis_codes_ : nullptr; }
    // |x|^2 / 2 of row i in the frame.
    double half_square(index_t i) const { return coded_.facts(i).half_square; }

    // Mean over the columns of the variance of a column, all rows counting alike.
    double mean_variance(int n_threads, const PollCallback& poll) const;

private:
    void find_axes(index_t n_centers, int n_threads, const PollCallback& poll);

    Rows x_;
    VectorView<const double> weights_;
    const simd::Kernels& kernels_;
    bool is_wide_ = false;  // the frame holds more than the rows
    bool is_coded_ = false;
    Precision codes_ = Precision::codes;
    std::unique_ptr<distance::Frame> frame_;
    std::unique_ptr<const distance::Axes> axes_;
    std::optional<distance::AxisCodes> axis_codes_;
    distance::CodedRows coded_;
};

}  // namespace pyface::kmeans
