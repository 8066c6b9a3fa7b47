// The distances that decide: float64, on the rows as given, one pair at a time.
#pragma once

#include <cstdint>
#include <vector>

#include "core/parallel.hpp"
#include "distance/metric.hpp"
#include "simd/rows.hpp"

namespace pyface::distance {

using simd::Rows;

// Squared norms of rows under cosine, and which of them must be scaled before they are multiplied.
class Norms {
public:
    Norms() = default;
    Norms(const Rows& rows, int n_threads, const PollCallback& poll);

    double squared(index_t i) const { return squared_[static_cast<std::size_t>(i)]; }
    bool any_scaled() const { return any_scaled_; }

private:
    std::vector<double> squared_;
    bool any_scaled_ = false;
};

// Rows of x against rows of y, or of x itself where y is nullptr. The same bits as the tiles of panel.hpp, for every
// pair and in either order of the two.
class Exact {
public:
    Exact(const Rows& x, const Rows* y, Metric metric, int n_threads, const PollCallback& poll);
    Exact(const Exact&) = delete;  // it points into itself
    Exact& operator=(const Exact&) = delete;

    // out[c] = distance of row i of x and row js[c] of y.
    void distances(index_t i, const std::int32_t* js, index_t count, double* out) const;

private:
    template <class T>
    void sums(index_t i, const std::int32_t* js, index_t count, double* out) const;

    Rows x_, y_;
    Metric metric_;
    Norms x_norms_, other_norms_;
    const Norms* y_norms_;
};

}  // namespace pyface::distance
