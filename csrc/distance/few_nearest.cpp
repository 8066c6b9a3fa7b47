#include "distance/few_nearest.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "distance/counters.hpp"
#include "distance/exact.hpp"
#include "distance/rough_squares.hpp"

namespace pyface::distance {
namespace {

constexpr index_t kRowsPerTask = 64;
constexpr std::size_t kAtOnce = 64;  // candidates that are measured at a time
constexpr index_t kLanes = 64;       // entries that are looked at at a time
constexpr index_t kFewWanted = 16;   // of so many neighbours the least values of lanes tell enough

// Calls found(j), in order, for each value that is not above the limit: few of them.
template <class Found>
void each_up_to(const float* values, index_t count, float limit, Found found) {
    index_t j = 0;
    for (; j + kLanes <= count; j += kLanes) {
        std::int32_t hits = 0;
        for (index_t l = 0; l < kLanes; ++l) hits += values[j + l] > limit ? 0 : 1;
        if (hits == 0) continue;
        for (index_t l = j; l < j + kLanes; ++l) {
            if (!(values[l] > limit)) found(l);
        }
    }
    for (; j < count; ++j) {
        if (!(values[j] > limit)) found(j);
    }
}

struct Neighbor {
    double distance;
    std::int32_t index;

    bool operator<(const Neighbor& other) const {
        return distance < other.distance || (distance == other.distance && index < other.index);
    }
};

class FewRows {
public:
    FewRows(const RoughSquares& squares, const Exact& exact, index_t n, index_t n_found)
        : squares_(squares), exact_(exact), n_(n), n_found_(n_found) {}

    // The nearest of row i, in order.
    const std::vector<Neighbor>& nearest(index_t i) {
        const float* values = squares_.row(i);
        listed_.clear();
        near_.clear();
        each_up_to(values, n_, squares_.reach_of(usual_reach(values)), [&](index_t j) {
            listed_.push_back(static_cast<std::int32_t>(j));
            near_.push_back(values[j]);
        });
        // Where that many are listed it is no better than the first one.
        const bool is_crowd = static_cast<index_t>(near_.size()) > n_ / 2;
        const float limit = is_crowd ? std::numeric_limits<float>::infinity() : squares_.reach_of(wanted_of(near_));
        found_.clear();
        waiting_.clear();
        index_t n_at_zero = 0;
        for (const std::int32_t j : listed_) {
            if (values[j] > limit || j == i) continue;
            waiting_.push_back(j);
            if (waiting_.size() < kAtOnce) continue;
            n_at_zero += measure(i);
            // Of many equal rows those of the highest indices need no look: no distance is below 0.
            if (n_at_zero >= n_found_) break;
        }
        measure(i);
        std::partial_sort(found_.begin(), found_.begin() + n_found_, found_.end());
        return found_;
    }

private:
    // A value that as many others as are wanted do not exceed, and not many more.
    float usual_reach(const float* values) {
        if (n_found_ <= kFewWanted && n_ >= 2 * kLanes) {
            copies_.assign(kLanes, std::numeric_limits<float>::infinity());
            float* least = copies_.data();
            index_t j = 0;
            for (; j + kLanes <= n_; j += kLanes) {
                for (index_t l = 0; l < kLanes; ++l) least[l] = values[j + l] < least[l] ? values[j + l] : least[l];
            }
        } else {
            copies_.assign(values, values + n_);
        }
        return wanted_of(copies_);
    }

    float wanted_of(std::vector<float>& values) const {
        const auto place = values.begin() + (n_found_ - 1);
        std::nth_element(values.begin(), place, values.end());
        return *place;
    }

    // Returns how many of those that waited are at distance 0.
    index_t measure(index_t i) {
        values_.resize(waiting_.size());
        exact_.distances(i, waiting_.data(), static_cast<index_t>(waiting_.size()), values_.data());
        count(Counter::pairs_in_float64, static_cast<index_t>(waiting_.size()));
        index_t n_at_zero = 0;
        for (std::size_t c = 0; c < waiting_.size(); ++c) {
            const double value = std::isnan(values_[c]) ? std::numeric_limits<double>::infinity() : values_[c];
            n_at_zero += value == 0.0 ? 1 : 0;
            found_.push_back({value, waiting_[c]});
        }
        waiting_.clear();
        return n_at_zero;
    }

    const RoughSquares& squares_;
    const Exact& exact_;
    index_t n_;
    index_t n_found_;
    std::vector<std::int32_t> listed_, waiting_;
    std::vector<double> values_;
    std::vector<Neighbor> found_;
    std::vector<float> copies_, near_;
};

}  // namespace

bool nearest_of_few(const Rows& x, Metric metric, MatrixView<float> distances, MatrixView<std::int64_t> indices,
                    int n_threads, const PollCallback& poll) {
    const index_t n = x.size();
    Crew crew(threads_for_few(n, x.dimension(), n_threads), poll);
    const RoughSquares squares(x, metric, crew);
    if (!squares.are_sound()) return false;
    count(Counter::pairs_in_float32, n * n);
    const Exact exact(x, nullptr, metric, 1, {});
    crew.run((n + kRowsPerTask - 1) / kRowsPerTask, [&](index_t task) {
        FewRows rows(squares, exact, n, distances.cols - 1);
        for (index_t i = task * kRowsPerTask; i < std::min(n, (task + 1) * kRowsPerTask); ++i) {
            distances(i, 0) = 0.0f;
            indices(i, 0) = i;
            if (distances.cols == 1) continue;
            const auto& neighbors = rows.nearest(i);
            for (index_t f = 1; f < distances.cols; ++f) {
                distances(i, f) = static_cast<float>(neighbors[static_cast<std::size_t>(f - 1)].distance);
                indices(i, f) = neighbors[static_cast<std::size_t>(f - 1)].index;
            }
        }
    });
    return true;
}

}  // namespace pyface::distance
