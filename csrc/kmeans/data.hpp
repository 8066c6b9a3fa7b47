// The rows to be clustered, their weights, and their codes, which all searches share.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/parallel.hpp"
#include "distance/coded.hpp"
#include "distance/frame.hpp"

namespace pyface::kmeans {

using distance::Precision;
using simd::Rows;

// With so few columns float32 costs no more than codes, and leaves hardly a pair in doubt.
inline constexpr index_t kFewColumns = 16;

class Data {
public:
    // `weights`: one per row, not negative; size 0 means 1 for all. Rows and weights are borrowed.
    Data(const Rows& x, VectorView<const double> weights, int n_threads, const PollCallback& poll);

    const Rows& rows() const { return x_; }
    index_t size() const { return x_.size(); }
    index_t dimension() const { return x_.dimension(); }
    double weight(index_t i) const { return weights_.size == 0 ? 1.0 : weights_[i]; }

    const simd::Kernels& kernels() const { return kernels_; }
    const distance::Frame& frame() const { return *frame_; }
    // What coded() holds: codes, or float32 where there are few columns.
    Precision precision() const { return dimension() > kFewColumns ? Precision::codes : Precision::floats; }
    const distance::CodedRows& coded() const { return coded_; }
    // |x|^2 / 2 of row i in the frame.
    double half_square(index_t i) const { return coded_.facts(i).half_square; }

    // Makes room in the frame for centres that lie far outside the rows, or takes it back (nullptr). Returns whether
    // there is such room now.
    bool make_room(const Rows* centers, int n_threads, const PollCallback& poll);

    // Mean over the columns of the variance of a column, all rows counting alike.
    double mean_variance(int n_threads, const PollCallback& poll) const;

private:
    void code(const Rows* centers, int n_threads, const PollCallback& poll);

    Rows x_;
    VectorView<const double> weights_;
    const simd::Kernels& kernels_;
    bool has_room_ = false;
    std::unique_ptr<distance::Frame> frame_;
    distance::CodedRows coded_;
};

}  // namespace pyface::kmeans
