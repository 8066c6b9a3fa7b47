#include "kmeans/lloyd.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/require.hpp"
#include "kmeans/means.hpp"

namespace pyface::kmeans {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr index_t kRowsPerTask = 256;

std::vector<std::int32_t> all_rows(index_t n) {
    std::vector<std::int32_t> rows(static_cast<std::size_t>(n));
    std::iota(rows.begin(), rows.end(), 0);
    return rows;
}

// Values that are not finite, or overflow, leave rows without a centre; the front door refuses them.
void require_known(Assignment known) {
    double sum = 0.0;
    bool all_known = true;
    for (index_t i = 0; i < known.labels.size; ++i) {
        all_known &= known.labels[i] != kUnknown;
        sum += known.distances[i];
    }
    require(all_known && std::isfinite(sum), "x: distances are not finite numbers; scale the data");
}

// Not more than a round has work for: starting a thread takes as long as some million multiplications.
int useful_threads(const Data& data, index_t n_centers, int n_threads) {
    constexpr double kThreadWork = 2e6;
    const double work = static_cast<double>(data.size()) * static_cast<double>(n_centers * data.dimension());
    return static_cast<int>(std::min<double>(n_threads, 1.0 + work / kThreadWork));
}

VectorView<const std::int32_t> view(const std::vector<std::int32_t>& rows) {
    return {rows.data(), static_cast<index_t>(rows.size())};
}

template <class T>
class Run {
public:
    Run(Data& data, MatrixView<T> centers, VectorView<std::int32_t> labels, const Rules& rules, int n_threads,
        const PollCallback& poll)
        : data_(data),
          centers_(centers),
          rules_(rules),
          is_small_(is_small(centers.rows, data.dimension())),
          n_threads_(n_threads),
          poll_(poll),
          crew_(useful_threads(data, centers.rows, n_threads), poll),
          means_(data, rules.spherical),
          distances_(static_cast<std::size_t>(data.size()), kInfinity),
          known_{labels, {distances_.data(), data.size()}},
          rows_(all_rows(data.size())) {}

    Outcome run() {
        start();
        Outcome outcome{0.0, 0};
        bool any_change = true;
        while (true) {
            const Movement movement = means_.update(known_.labels, known_.distances, centers_, crew_);
            ++outcome.n_iter;
            if (!any_change) {
                measure(movement);
                break;
            }
            any_change = assign(movement);
            if (movement.shift <= rules_.tolerance || outcome.n_iter == rules_.max_iter) break;
        }
        for (index_t i = 0; i < data_.size(); ++i) outcome.inertia += data_.weight(i) * known_.distances[i];
        return outcome;
    }

private:
    Rows centers() const { return Rows(static_cast<MatrixView<const T>>(centers_)); }

    // The first assignment.
    void start() {
        const Rows rows = centers();
        if (!is_small_) data_.prepare(&rows, rows.size(), n_threads_, poll_);
        const distance::Exact exact(data_.rows(), &rows, distance::Metric::sqeuclidean, 1, {});
        each_row([&](index_t i) {
            const std::int32_t guess = known_.labels[i];
            if (guess != kUnknown) exact.distances(i, &guess, 1, &known_.distances[i]);
        });
        all_.take_all(data_, centers_, n_threads_, poll_);
        search(data_, all_, view(rows_), known_, crew_);
        require_known(known_);
        if (!is_small_) data_.prepare(nullptr, rows.size(), n_threads_, poll_);  // means lie among the rows
    }

    // Distances to centres that have moved; lists which rows are to be compared with whom.
    void measure(const Movement& movement) {
        std::vector<char> is_moved(static_cast<std::size_t>(centers_.rows), 0);
        for (const std::int32_t j : movement.moved) is_moved[static_cast<std::size_t>(j)] = 1;
        const Rows rows = centers();
        const distance::Exact exact(data_.rows(), &rows, distance::Metric::sqeuclidean, 1, {});
        std::vector<char> is_farther(static_cast<std::size_t>(data_.size()), 0);
        each_row([&](index_t i) {
            const std::int32_t label = known_.labels[i];
            if (!is_moved[static_cast<std::size_t>(label)]) return;
            const double before = known_.distances[i];
            exact.distances(i, &label, 1, &known_.distances[i]);
            is_farther[static_cast<std::size_t>(i)] = known_.distances[i] > before;
        });
        farther_.clear();
        others_.clear();
        for (index_t i = 0; i < data_.size(); ++i) {
            (is_farther[static_cast<std::size_t>(i)] ? farther_ : others_).push_back(static_cast<std::int32_t>(i));
        }
    }

    // Returns whether a label has changed.
    bool assign(const Movement& movement) {
        const auto n_moved = static_cast<index_t>(movement.moved.size());
        if (n_moved == 0) return false;
        if (is_small_) {
            std::fill(distances_.begin(), distances_.end(), kInfinity);
            all_.take_all(data_, centers_, n_threads_, poll_);
            return search(data_, all_, view(rows_), known_, crew_);
        }
        measure(movement);
        const bool all_moved = n_moved == centers_.rows;
        bool any_change = false;
        if (all_moved || !farther_.empty()) {
            all_.take_all(data_, centers_, n_threads_, poll_);
            any_change |= search(data_, all_, view(farther_), known_, crew_);
        }
        if (!all_moved) moved_.take(data_, centers_, movement.moved, n_threads_, poll_);
        any_change |= search(data_, all_moved ? all_ : moved_, view(others_), known_, crew_);
        return any_change;
    }

    template <class Body>
    void each_row(const Body& body) {
        crew_.run((data_.size() + kRowsPerTask - 1) / kRowsPerTask, [&](index_t task) {
            const index_t end = std::min(data_.size(), (task + 1) * kRowsPerTask);
            for (index_t i = task * kRowsPerTask; i < end; ++i) body(i);
        });
    }

    Data& data_;
    MatrixView<T> centers_;
    const Rules& rules_;
    bool is_small_;
    int n_threads_;
    const PollCallback& poll_;
    Crew crew_;
    Means<T> means_;
    std::vector<double> distances_;
    Assignment known_;
    std::vector<std::int32_t> rows_;  // all of them
    CenterSet<T> all_, moved_;
    std::vector<std::int32_t> farther_, others_;  // rows whose own centre is farther than it was, and all others
};

}  // namespace

template <class T>
Outcome lloyd(Data& data, MatrixView<T> centers, VectorView<std::int32_t> labels, const Rules& rules, int n_threads,
              const PollCallback& poll) {
    require(centers.rows >= 1 && centers.rows <= data.size(), "there must be from 1 to n centers");
    require(centers.cols == data.dimension(), "centers must have as many columns as x");
    require(labels.size == data.size(), "labels must have one entry per row of x");
    require(rules.max_iter >= 1, "max_iter must be at least 1");
    for (const std::int32_t label : labels) {
        require(label >= kUnknown && label < centers.rows, "a guess must be -1 or the number of a center");
    }
    return Run<T>(data, centers, labels, rules, n_threads, poll).run();
}

template <class T>
void nearest_centers(Data& data, MatrixView<const T> centers, Assignment result, int n_threads,
                     const PollCallback& poll) {
    require(centers.rows >= 1 && centers.rows < INT32_MAX, "there must be from 1 to 2^31 - 2 centers");
    require(centers.cols == data.dimension(), "centers must have as many columns as x");
    require(result.labels.size == data.size() && result.distances.size == data.size(),
            "labels and distances must have one entry per row of x");
    const Rows rows(centers);
    if (!is_small(centers.rows, data.dimension())) data.prepare(&rows, rows.size(), n_threads, poll);
    std::fill(result.labels.begin(), result.labels.end(), kUnknown);
    std::fill(result.distances.begin(), result.distances.end(), kInfinity);
    CenterSet<T> all;
    all.take_all(data, centers, n_threads, poll);
    Crew crew(useful_threads(data, centers.rows, n_threads), poll);
    search(data, all, view(all_rows(data.size())), result, crew);
    require_known(result);
}

#define PYFACE_INSTANTIATE(T)                                                                                    \
    template Outcome lloyd(Data&, MatrixView<T>, VectorView<std::int32_t>, const Rules&, int, const PollCallback&); \
    template void nearest_centers(Data&, MatrixView<const T>, Assignment, int, const PollCallback&);
PYFACE_INSTANTIATE(float)
PYFACE_INSTANTIATE(double)
#undef PYFACE_INSTANTIATE

}  // namespace pyface::kmeans
