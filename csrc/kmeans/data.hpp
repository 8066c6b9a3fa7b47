// The rows to be clustered, their weights, and their codes, which all screens share.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/parallel.hpp"
#include "distance/coded_side.hpp"
#include "distance/frame.hpp"

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
    // What coded() holds: codes, or float32 where there are few columns, or where rows are compared in float32.
    Precision precision() const {
        return dimension() > distance::kFewColumns ? choice_.precision : Precision::floats;
    }
    // Whether all rows and centres are compared in float32: few of them, or codes would tell too few apart.
    bool is_rough() const { return is_rough_; }

    // Codes the rows unless they are coded already, in a frame that holds centres which lie far outside the rows, or
    // in one for the rows alone (nullptr). They are to be compared with so many centres, some times. What follows may be
    // asked for after that.
    void prepare(const Rows* centers, index_t n_centers, int n_threads, const PollCallback& poll);
    const distance::Frame& frame() const { return *frame_; }
    const distance::CodedRows& coded() const { return side_.codes(); }
    distance::Side side() const { return side_.side(x_); }
    // The same for others that are to be compared with them.
    void begin(distance::CodedSide& others) const { others.begin(kernels_, choice_, axes_.get()); }
    // |x|^2 / 2 of row i in the frame.
    double half_square(index_t i) const { return coded().facts(i).half_square; }

    // Mean over the columns of the variance of a column, all rows counting alike.
    double mean_variance(int n_threads, const PollCallback& poll) const;

private:
    void find_axes(index_t n_centers, int n_threads, const PollCallback& poll);

    Rows x_;
    VectorView<const double> weights_;
    const simd::Kernels& kernels_;
    bool is_wide_ = false;  // the frame holds more than the rows
    bool is_coded_ = false;
    bool is_rough_ = false;
    distance::CodeChoice choice_;
    std::unique_ptr<distance::Frame> frame_;
    std::unique_ptr<const distance::Axes> axes_;
    distance::CodedSide side_;
};

}  // namespace pyface::kmeans
