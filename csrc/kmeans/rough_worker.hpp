// All pairs in float32: where few have to be looked at, or codes tell too little apart.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "distance/float_lanes.hpp"
#include "distance/rough_block.hpp"
#include "kmeans/worker.hpp"

namespace pyface::kmeans {

template <class T>
class RoughWorker final : public Worker {
public:
    RoughWorker(const Data& data, const CenterSet<T>& set, Assignment known, Crew& crew)
        : data_(data),
          set_(set),
          known_(known),
          crew_(crew),
          decide_(data, set),
          block_(data.kernels(), data.coded(), set.coded()),
          unit_(data.frame().scale() * data.frame().scale() * (1.0 + kRounding)) {}

    bool run(const std::int32_t* rows, index_t n_rows) override {
        bool any_change = false;
        for (index_t begin = 0, count = 0; begin < n_rows; begin += count) {
            count = std::min(block_.most_rows(), n_rows - begin);
            block_.run(rows + begin, count);
            for (index_t i = 0; i < count; ++i) any_change |= compare(rows[begin + i], block_.values(i));
            crew_.look();
        }
        distance::count(distance::Counter::pairs_in_float32, n_rows * set_.size());
        return any_change;
    }

private:
    static constexpr double kRounding = 1e-12;  // of a distance in float64, more than it is
    static constexpr index_t kAtOnce = 8;

    bool compare(index_t row, const float* values) {
        const float least = distance::least_of(set_.size(), [&](index_t j) { return values[j]; });
        float limit = block_.bounds().reach_of(least);
        const double distance = known_.distances[row];
        // Whose distance is known needs no look.
        const std::int32_t own = std::isfinite(distance) ? known_.labels[row] : kUnknown;
        if (std::isfinite(distance)) limit = std::min(limit, block_.bounds().reach(distance * unit_));
        near_.clear();
        distance::each_up_to(values, set_.size(), limit, [&](index_t j) {
            if (set_.number(j) != own) near_.push_back(static_cast<std::int32_t>(j));
            return false;
        });
        const auto n_near = static_cast<index_t>(near_.size());
        const std::int32_t before = known_.labels[row];
        index_t n_measured = 0;
        for (index_t begin = 0; begin < n_near; begin += kAtOnce) {
            // Of centres at distance 0 the first one counts.
            const std::int32_t label = known_.labels[row];
            if (known_.distances[row] == 0.0 && label != kUnknown && label < set_.number(near_[at(begin)])) break;
            const index_t count = std::min(kAtOnce, n_near - begin);
            decide_.take_nearest(known_, row, near_.data() + begin, count);
            n_measured += count;
        }
        distance::count(distance::Counter::pairs_in_float64, n_measured);
        return known_.labels[row] != before;
    }

    static std::size_t at(index_t i) { return static_cast<std::size_t>(i); }

    const Data& data_;
    const CenterSet<T>& set_;
    Assignment known_;
    Crew& crew_;
    Decision<T> decide_;
    distance::RoughBlock block_;
    double unit_;  // of a squared distance in the frame
    std::vector<std::int32_t> near_;
};

}  // namespace pyface::kmeans
