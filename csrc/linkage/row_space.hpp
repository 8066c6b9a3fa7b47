// Rows by themselves as what a ClusterSearch searches.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <numeric>
#include <tuple>
#include <utility>
#include <vector>

#include "core/parallel.hpp"
#include "distance/exact.hpp"
#include "linkage/space.hpp"

namespace pyface::linkage {

struct Line {  // between two rows, a < b
    double raw = std::numeric_limits<double>::infinity();  // what is to be least
    double distance = std::numeric_limits<double>::infinity();
    std::int32_t a = -1, b = -1;  // -1: there is none

    bool operator<(const Line& other) const {
        return std::tie(raw, distance, a, b) < std::tie(other.raw, other.distance, other.a, other.b);
    }
};

// Rows of which those of a component are of no interest to each other. Raw distances are cosine or squared Euclidean
// ones; with core distances they are mutual reachabilities: the largest of the distance and the cores of both rows.
class RowSpace final : public Space {
public:
    RowSpace(const simd::Rows& x, distance::Metric metric, int n_threads, const PollCallback& poll)
        : x_(x),
          metric_(metric == distance::Metric::cosine ? metric : distance::Metric::sqeuclidean),
          exact_(x, nullptr, metric_, n_threads, poll),
          component_(at(x.size())),
          is_double_(at(x.size()), false) {
        std::iota(component_.begin(), component_.end(), 0);
    }

    index_t n_slots() const override { return x_.size(); }
    simd::Rows rows() const override { return x_; }
    distance::Metric metric() const override { return metric_; }
    bool is_alive(index_t i) const override { return !is_double_[at(i)]; }
    bool forbids(index_t i, index_t j) const override { return component(i) == component(j); }
    void distances(index_t i, const std::int32_t* js, index_t count, double* out) const override {
        exact_.distances(i, js, count, out);
        if (!has_cores()) return;
        for (index_t c = 0; c < count; ++c) out[c] = std::max(out[c], least(i, js[c]));
    }
    double rounding(double raw) const override {
        return 1e-12 * raw + (metric_ == distance::Metric::cosine ? 1e-14 : 1e-300);
    }
    double least(index_t i, index_t j) const override {
        return has_cores() ? std::max(cores_[at(i)], cores_[at(j)]) : 0.0;
    }
    bool breaks_ties() const override { return has_cores(); }
    void ties(index_t i, const std::int32_t* js, index_t count, double* out) const override {
        exact_.distances(i, js, count, out);
    }

    // a < b. Throws std::invalid_argument if the distance is not finite.
    Line line(std::int32_t a, std::int32_t b) const;
    bool is_zero(index_t i) const;

    std::int32_t component(index_t i) const { return component_[at(i)]; }
    void set_component(index_t i, std::int32_t c) { component_[at(i)] = c; }
    // The row equals an earlier one and stands for nothing.
    void set_double(index_t i) { is_double_[at(i)] = true; }

    bool has_cores() const { return !cores_.empty(); }
    double core(index_t i) const { return has_cores() ? cores_[at(i)] : 0.0; }
    void set_cores(std::vector<double> cores) { cores_ = std::move(cores); }

private:
    static std::size_t at(index_t i) { return static_cast<std::size_t>(i); }

    simd::Rows x_;
    distance::Metric metric_;
    distance::Exact exact_;
    std::vector<std::int32_t> component_;
    std::vector<bool> is_double_;
    std::vector<double> cores_;  // raw; empty: none
};

// Throws std::invalid_argument unless all squared Euclidean distances are numbers.
void require_finite_distances(const simd::Rows& x, int n_threads, const PollCallback& poll);

}  // namespace pyface::linkage
