#include "distance/rough_nearest.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <vector>

#include "distance/blocks.hpp"
#include "distance/counters.hpp"
#include "distance/exact.hpp"
#include "distance/float_lanes.hpp"
#include "distance/neighbor.hpp"
#include "distance/rough_block.hpp"
#include "distance/rough_squares.hpp"
#include "simd/isa.hpp"

namespace pyface::distance {
namespace {

constexpr index_t kRowsPerTask = 64;
constexpr std::size_t kAtOnce = 64;  // candidates that are measured at a time
constexpr index_t kLanes = 64;
constexpr index_t kMostInFloat32 = index_t{1} << 17;  // a few rows of all these values are held at once
constexpr index_t kFewWanted = 16;   // of so many neighbours the least values of lanes tell enough

class Nearest {
public:
    Nearest(const Exact& exact, index_t n, index_t n_found) : exact_(exact), n_(n), n_found_(n_found) {}

    // The nearest of row i, in order, from one value of each row, the nearest the least, the row's own infinite.
    // reach_of(value): rows that are not farther than one of this value have values up to this.
    template <class ReachOf>
    const std::vector<Neighbor>& find(index_t i, const float* values, ReachOf reach_of) {
        listed_.clear();
        near_.clear();
        found_.clear();
        waiting_.clear();
        bool is_done = false;
        each_up_to(values, n_, reach_of(usual_reach(values)), [&](index_t j) {
            if (j == i) return false;
            listed_.push_back(static_cast<std::int32_t>(j));
            near_.push_back(values[j]);
            if (listed_.size() != kAtOnce) return false;
            // Of many equal rows those of the highest indices need no look: no distance is below 0.
            waiting_ = listed_;
            is_done = measure(i) >= n_found_;
            if (!is_done) found_.clear();
            return is_done;
        });
        if (!is_done) measure_listed(i, values, reach_of);
        std::partial_sort(found_.begin(), found_.begin() + n_found_, found_.end());
        return found_;
    }

    ~Nearest() { count(Counter::pairs_in_float64, n_measured_); }
    Nearest(const Nearest&) = delete;
    Nearest& operator=(const Nearest&) = delete;

private:
    template <class ReachOf>
    void measure_listed(index_t i, const float* values, ReachOf reach_of) {
        // Where that many are listed it is no better than the first one.
        const bool is_crowd = static_cast<index_t>(near_.size()) > n_ / 2;
        const float limit = is_crowd ? std::numeric_limits<float>::infinity() : reach_of(wanted_of(near_));
        index_t n_at_zero = 0;
        for (const std::int32_t j : listed_) {
            if (values[j] > limit) continue;
            waiting_.push_back(j);
            if (waiting_.size() < kAtOnce) continue;
            n_at_zero += measure(i);
            if (n_at_zero >= n_found_) return;
        }
        measure(i);
    }

    // A value that as many others as are wanted do not exceed, and not many more.
    float usual_reach(const float* values) {
        if (n_found_ <= kFewWanted && n_ >= 2 * kLanes) {
            copies_.resize(kLanes);
            least_of_lanes<kLanes>(n_, copies_.data(), [&](index_t j) { return values[j]; });
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
        n_measured_ += static_cast<index_t>(waiting_.size());
        index_t n_at_zero = 0;
        for (std::size_t c = 0; c < waiting_.size(); ++c) {
            const double value = std::isnan(values_[c]) ? std::numeric_limits<double>::infinity() : values_[c];
            n_at_zero += value == 0.0 ? 1 : 0;
            found_.push_back({value, waiting_[c]});
        }
        waiting_.clear();
        return n_at_zero;
    }

    const Exact& exact_;
    index_t n_;
    index_t n_found_;
    index_t n_measured_ = 0;
    std::vector<std::int32_t> listed_, waiting_;
    std::vector<double> values_;
    std::vector<Neighbor> found_;
    std::vector<float> copies_, near_;
};

void write(index_t i, const std::vector<Neighbor>& neighbors, MatrixView<float> distances,
           MatrixView<std::int64_t> indices) {
    for (index_t f = 1; f < distances.cols; ++f) {
        distances(i, f) = static_cast<float>(neighbors[static_cast<std::size_t>(f - 1)].distance);
        indices(i, f) = neighbors[static_cast<std::size_t>(f - 1)].index;
    }
}

void write_themselves(MatrixView<float> distances, MatrixView<std::int64_t> indices) {
    for (index_t i = 0; i < distances.rows; ++i) {
        distances(i, 0) = 0.0f;
        indices(i, 0) = i;
    }
}

}  // namespace

bool nearest_of_few(const Rows& x, Metric metric, MatrixView<float> distances, MatrixView<std::int64_t> indices,
                    int n_threads, const PollCallback& poll) {
    const index_t n = x.size();
    Crew crew(threads_for_few(n, x.dimension(), n_threads), poll);
    const RoughSquares squares(x, metric, crew);
    if (!squares.are_sound()) return false;
    count(Counter::pairs_in_float32, n * n);
    write_themselves(distances, indices);
    if (distances.cols == 1) return true;
    const Exact exact(x, nullptr, metric, 1, {});
    crew.run((n + kRowsPerTask - 1) / kRowsPerTask, [&](index_t task) {
        Nearest nearest(exact, n, distances.cols - 1);
        const auto reach_of = [&](float value) { return squares.reach_of(value); };
        for (index_t i = task * kRowsPerTask; i < std::min(n, (task + 1) * kRowsPerTask); ++i) {
            write(i, nearest.find(i, squares.row(i), reach_of), distances, indices);
        }
    });
    return true;
}

bool nearest_in_float32(const Rows& x, const Frame& frame, MatrixView<float> distances,
                        MatrixView<std::int64_t> indices, int n_threads, const PollCallback& poll) {
    const index_t n = x.size(), n_found = distances.cols - 1;
    if (n > kMostInFloat32 || n_found == 0 || !RoughBounds::hold(frame.scale())) return false;
    const simd::Kernels& kernels = simd::kernels();
    CodedRows rows;
    rows.load(kernels, Precision::floats, frame, x, 0, n, n_threads, poll);
    for (index_t i = 0; i < n; ++i) {
        if (!std::isfinite(rows.facts(i).length) || (frame.is_cosine() && rows.facts(i).length == 0.0f)) return false;
    }
    const Exact exact(x, nullptr, frame.metric(), n_threads, poll);
    write_themselves(distances, indices);
    struct Worker {
        RoughBlock block;
        Nearest nearest;
        std::vector<std::int32_t> rows;
    };
    Pool<Worker> workers;
    const auto make = [&] {
        return std::unique_ptr<Worker>(new Worker{{kernels, rows, rows}, {exact, n, n_found}, {}});
    };
    const index_t n_rows = workers.lease(make)->block.most_rows();
    parallel_for(
        (n + n_rows - 1) / n_rows, n_threads,
        [&](index_t task) {
            const auto worker = workers.lease(make);
            RoughBlock& block = worker->block;
            const auto reach_of = [&](float value) { return block.bounds().reach_of(value); };
            const index_t first = task * n_rows, end = std::min(n, first + n_rows);
            worker->rows.resize(static_cast<std::size_t>(end - first));
            std::iota(worker->rows.begin(), worker->rows.end(), static_cast<std::int32_t>(first));
            block.run(worker->rows.data(), end - first);
            for (index_t i = first; i < end; ++i) {
                float* values = block.values(i - first);
                values[i] = std::numeric_limits<float>::infinity();
                write(i, worker->nearest.find(i, values, reach_of), distances, indices);
            }
        },
        poll);
    count(Counter::pairs_in_float32, n * n);
    return true;
}

}  // namespace pyface::distance
