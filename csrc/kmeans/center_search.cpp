#include "kmeans/center_search.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/aligned.hpp"
#include "distance/counters.hpp"
#include "distance/screen.hpp"
#include "kmeans/rough_worker.hpp"

namespace pyface::kmeans {
namespace {

using distance::kBeyondAll;
using distance::kColBlock;
using distance::kRowBlock;
using distance::Screen;

constexpr index_t kManyCandidates = 16;  // one candidate in so many pairs: codes do not pay
constexpr index_t kFirstColumns = 64;    // without thresholds everything is a candidate: begin with narrow tiles
constexpr std::size_t kManyFound = 16 * kRowBlock;
// What float64 may add to a threshold, relative to the squares that it is the difference of.
constexpr double kRounding = 1e-12;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

constexpr index_t kScreenWork = 1500;  // cycles per row

// All pairs in float64: the same bits as one pair at a time.
template <class T>
class DirectWorker final : public Worker {
public:
    DirectWorker(const Data& data, const CenterSet<T>& set, Assignment known, Crew& crew)
        : data_(data),
          set_(set),
          known_(known),
          crew_(crew),
          stride_(simd::padded(data.dimension())),
          rows_(kAtOnce * stride_),
          centers_(set.size() * stride_),
          squares_(kAtOnce * set.size()) {
        for (index_t j = 0; j < set.size(); ++j) set.rows().copy_row(j, centers_.get() + j * stride_);
    }

    bool run(const std::int32_t* rows, index_t n_rows) override {
        const index_t m = set_.size();
        bool any_change = false;
        for (index_t begin = 0; begin < n_rows; begin += kAtOnce) {
            const index_t count = std::min(kAtOnce, n_rows - begin);
            for (index_t i = 0; i < count; ++i) data_.rows().copy_row(rows[begin + i], rows_.get() + i * stride_);
            data_.kernels().squared_differences(rows_.get(), count, centers_.get(), m, stride_, squares_.get(), m);
            for (index_t i = 0; i < count; ++i) any_change |= compare(rows[begin + i], squares_.get() + i * m);
            crew_.look();
        }
        distance::count(distance::Counter::pairs_in_float64, n_rows * m);
        return any_change;
    }

private:
    static constexpr index_t kAtOnce = 16;

    bool compare(index_t row, const double* squares) {
        double distance = known_.distances[row];
        std::int32_t label = known_.labels[row];
        for (index_t j = 0; j < set_.size(); ++j) {
            if (squares[j] > distance) continue;
            const std::int32_t number = set_.number(j);
            if (squares[j] == distance && label != kUnknown && number >= label) continue;
            distance = squares[j];
            label = number;
        }
        known_.distances[row] = distance;
        return std::exchange(known_.labels[row], label) != label;
    }

    const Data& data_;
    const CenterSet<T>& set_;
    Assignment known_;
    Crew& crew_;
    index_t stride_;
    AlignedBuffer rows_, centers_, squares_;
};

template <class T>
class ScreenWorker final : public Worker {
public:
    ScreenWorker(const Data& data, const CenterSet<T>& set, Assignment known, Crew& crew)
        : data_(data),
          set_(set),
          known_(known),
          crew_(crew),
          screen_(data.kernels(), data.frame(), data.side(), set.side()),
          decide_(data, set),
          limits_(static_cast<std::size_t>(kRowBlock)) {}

    bool run(const std::int32_t* rows, index_t n_rows) override {
        rows_ = rows;
        any_change_ = false;
        // Neighbours are copied faster than rows from here and there.
        if (rows[n_rows - 1] - rows[0] == n_rows - 1) {
            screen_.set_rows(rows[0], rows[0] + n_rows);
        } else {
            screen_.set_listed_rows(rows, n_rows);
        }
        bool is_unknown = false;
        next_number_ = set_.number(0);
        for (index_t i = 0; i < n_rows; ++i) {
            is_unknown |= known_.labels[rows[i]] == kUnknown;
            set_limit(i, least_score(i));
        }
        Screen::Codes codes(data_.dimension());
        index_t width = is_unknown ? kFirstColumns : kColBlock;
        for (index_t col = 0, col_end = 0; col < set_.size(); col = col_end) {
            // To the end of a block at most, and from there on whole blocks.
            col_end = std::min({col + width, (col / kColBlock + 1) * kColBlock, set_.size()});
            width = std::min(2 * width, kColBlock);
            const bool is_first = is_unknown && col == 0;
            const index_t n_pairs = n_rows * (col_end - col);
            screen_.run(codes, is_first ? n_pairs : n_pairs / kManyCandidates, col, col_end, false);
            collect(col);
            if (col_end < set_.size()) next_number_ = set_.number(col_end);
            if (found_.size() > kManyFound) decide();
            crew_.look();
        }
        decide();
        return any_change_;
    }

private:
    struct Found {
        std::int32_t row, col;  // row counts along the block
        double high;            // the score is not above this
    };

    // No centre of a lower score is nearer than the one that is known.
    double least_score(index_t i) const {
        const double distance = known_.distances[rows_[i]];
        if (distance == kInfinity) return -kInfinity;
        // Of equal centres those that are still to come are of higher numbers.
        if (distance == 0.0 && known_.labels[rows_[i]] <= next_number_) return kBeyondAll;
        return below(i, data_.frame().least_score(distance, data_.half_square(rows_[i])));
    }

    // A score that is lower for certain, whatever rounding did to this one.
    double below(index_t i, double score) const {
        return score - kRounding * (data_.half_square(rows_[i]) + std::fabs(score));
    }

    double& limit(index_t i) { return limits_[static_cast<std::size_t>(i)]; }

    void set_limit(index_t i, double score) {
        limit(i) = score;
        screen_.set_threshold(i, score);
    }

    void collect(index_t col_begin) {
        touched_.clear();
        for (index_t c = 0; c < screen_.n_found(); ++c) {
            const simd::Candidate& candidate = screen_.candidate(c);
            const auto col = static_cast<std::int32_t>(col_begin + candidate.col);
            if (set_.number(col) == known_.labels[rows_[candidate.row]]) continue;
            const auto [low, high] = screen_.bounds(candidate);
            if (high < limit(candidate.row)) continue;
            found_.push_back({candidate.row, col, high});
            const double sure = below(candidate.row, low);
            if (sure > limit(candidate.row)) {
                limit(candidate.row) = sure;
                touched_.push_back(candidate.row);
            }
        }
        for (const std::int32_t i : touched_) screen_.set_threshold(i, limit(i));
    }

    // Compares what has been found in float64.
    void decide() {
        index_t starts[kRowBlock + 1] = {};
        std::erase_if(found_, [this](const Found& f) { return f.high < limit(f.row); });
        for (const Found& f : found_) ++starts[f.row + 1];
        for (index_t i = 0; i < kRowBlock; ++i) starts[i + 1] += starts[i];
        by_row_.resize(found_.size());
        index_t next[kRowBlock];
        std::copy_n(starts, kRowBlock, next);
        for (const Found& f : found_) by_row_[static_cast<std::size_t>(next[f.row]++)] = f.col;
        for (index_t i = 0; i < kRowBlock; ++i) {
            const index_t count = starts[i + 1] - starts[i];
            if (count > 0) compare(i, by_row_.data() + starts[i], count);
        }
        distance::count(distance::Counter::pairs_in_float64, static_cast<index_t>(found_.size()));
        found_.clear();
    }

    void compare(index_t i, const std::int32_t* cols, index_t count) {
        if (!decide_.take_nearest(known_, rows_[i], cols, count)) return;
        any_change_ = true;
        set_limit(i, std::max(limit(i), least_score(i)));
    }

    const Data& data_;
    const CenterSet<T>& set_;
    Assignment known_;
    Crew& crew_;
    Screen screen_;
    Decision<T> decide_;
    const std::int32_t* rows_ = nullptr;
    std::int32_t next_number_ = 0;  // of the first centre that has not been looked at
    std::vector<double> limits_;  // per row of the block: scores below this are of no interest
    std::vector<std::int32_t> touched_, by_row_;
    std::vector<Found> found_;
    bool any_change_ = false;
};

}  // namespace

bool is_small(index_t n_centers, index_t dimension) { return n_centers * (dimension / 5 + 8) < kScreenWork; }

template <class T>
void CenterSet<T>::code(const Data& data, int n_threads, const PollCallback& poll) {
    // A screen in float32 reads the rows themselves.
    if (!data.is_rough() && (is_small(size(), data.dimension()) || data.precision() == Precision::floats)) return;
    data.begin(side_);
    side_.load(data.frame(), rows_, n_threads, poll);
}

template <class T>
void CenterSet<T>::take_all(const Data& data, MatrixView<const T> centers, int n_threads, const PollCallback& poll) {
    numbers_.clear();
    rows_ = Rows(centers);
    code(data, n_threads, poll);
}

template <class T>
void CenterSet<T>::take(const Data& data, MatrixView<const T> centers, std::vector<std::int32_t> numbers,
                        int n_threads, const PollCallback& poll) {
    numbers_ = std::move(numbers);
    const auto n_centers = static_cast<index_t>(numbers_.size());
    copies_.resize(static_cast<std::size_t>(n_centers * centers.cols));
    for (index_t j = 0; j < n_centers; ++j) {
        std::copy_n(centers.row(number(j)), centers.cols, copies_.data() + j * centers.cols);
    }
    rows_ = Rows(MatrixView<const T>{copies_.data(), n_centers, centers.cols});
    code(data, n_threads, poll);
}

template <class T>
bool search(const Data& data, const CenterSet<T>& set, VectorView<const std::int32_t> rows, Assignment known,
            Crew& crew) {
    // Whole blocks, but smaller ones rather than idle threads.
    const index_t height = data.kernels().tile_rows;
    const index_t share = (rows.size / (4 * crew.size()) + height) / height * height;
    const index_t block = std::min(kRowBlock, share);
    distance::Pool<Worker> workers;
    const auto make = [&]() -> std::unique_ptr<Worker> {
        if (data.is_rough()) return std::make_unique<RoughWorker<T>>(data, set, known, crew);
        if (is_small(set.size(), data.dimension())) {
            return std::make_unique<DirectWorker<T>>(data, set, known, crew);
        }
        return std::make_unique<ScreenWorker<T>>(data, set, known, crew);
    };
    std::atomic<bool> any_change{false};
    crew.run((rows.size + block - 1) / block, [&](index_t task) {
        const auto worker = workers.lease(make);
        const index_t begin = task * block;
        if (worker->run(rows.data + begin, std::min(block, rows.size - begin))) any_change = true;
    });
    return any_change;
}

#define PYFACE_INSTANTIATE(T)                                                                                    \
    template class CenterSet<T>;                                                                                 \
    template bool search(const Data&, const CenterSet<T>&, VectorView<const std::int32_t>, Assignment, Crew&);
PYFACE_INSTANTIATE(float)
PYFACE_INSTANTIATE(double)
#undef PYFACE_INSTANTIATE

}  // namespace pyface::kmeans
