#include "linkage/spanning_tree.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "core/require.hpp"
#include "core/union_find.hpp"
#include "distance/counters.hpp"
#include "distance/exact.hpp"
#include "linkage/cluster_search.hpp"
#include "linkage/equal_rows.hpp"

namespace pyface::linkage {
namespace {

using distance::Metric;

// Neighbours that a search is asked for, and that a list holds at most.
constexpr index_t kWanted = 8;
constexpr index_t kKept = 12;
constexpr index_t kRowsPerTask = 64;
constexpr index_t kPairsPerTask = 4096;
// The first sweep takes pairs of which rows have so many on average, and gives up at so many for each row.
constexpr index_t kUsual = 16;
constexpr index_t kMostPairs = 32;
constexpr index_t kFew = 1024;  // where a sample and a sweep cost more than they save
constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::size_t at(index_t i) { return static_cast<std::size_t>(i); }

struct Line {  // between two rows, a < b
    double raw = kInfinity;
    std::int32_t a = kNobody, b = kNobody;

    bool operator<(const Line& other) const {
        if (raw != other.raw) return raw < other.raw;
        return a != other.a ? a < other.a : b < other.b;
    }
};

// Rows by themselves, of which those of a component are of no interest to each other.
class RowSpace final : public Space {
public:
    RowSpace(const simd::Rows& x, Metric metric, int n_threads, const PollCallback& poll)
        : x_(x),
          metric_(metric == Metric::cosine ? metric : Metric::sqeuclidean),
          exact_(x, nullptr, metric_, n_threads, poll),
          component_(at(x.size())),
          is_double_(at(x.size()), false) {
        std::iota(component_.begin(), component_.end(), 0);
    }

    index_t n_slots() const override { return x_.size(); }
    simd::Rows rows() const override { return x_; }
    Metric metric() const override { return metric_; }
    bool is_alive(index_t i) const override { return !is_double_[at(i)]; }
    bool forbids(index_t i, index_t j) const override { return component(i) == component(j); }
    void distances(index_t i, const std::int32_t* js, index_t count, double* out) const override {
        exact_.distances(i, js, count, out);
    }
    double rounding(double raw) const override { return 1e-12 * raw + (metric_ == Metric::cosine ? 1e-14 : 1e-300); }

    std::int32_t component(index_t i) const { return component_[at(i)]; }
    void set_component(index_t i, std::int32_t c) { component_[at(i)] = c; }
    // The row equals an earlier one and stands for nothing.
    void set_double(index_t i) { is_double_[at(i)] = true; }

private:
    simd::Rows x_;
    Metric metric_;
    distance::Exact exact_;
    std::vector<std::int32_t> component_;
    std::vector<bool> is_double_;
};

class SpanningTree {
public:
    SpanningTree(const simd::Rows& x, Metric metric, double raw_limit, int n_threads, const PollCallback& poll)
        : n_(x.size()),
          raw_limit_(raw_limit),
          n_threads_(n_threads),
          poll_(poll),
          space_(x, metric, n_threads, poll),
          sets_(n_) {
        for (const auto& equal : equal_rows(x, n_threads, poll)) {
            for (std::size_t i = 1; i < equal.size(); ++i) {
                space_.set_double(equal[i]);
                add({0.0, equal[0], equal[i]});
            }
        }
        for (std::int32_t i = 0; i < n_; ++i) {
            space_.set_component(i, sets_.find(i));
            if (space_.is_alive(i)) rows_.push_back(i);
        }
    }

    std::vector<Line> run() {
        ClusterSearch search(space_, n_threads_, poll_);
        lists_.resize(at(n_ * kKept));
        states_.resize(at(n_));
        Poller look(poll_);
        begin(search);
        for (;;) {
            count_members();
            best_.assign(at(n_), Line());
            recall();
            const auto open = unproven();
            if (!open.empty()) {
                find(search, open);
                recall();
            }
            distance::count(distance::Counter::linkage_rounds, 1);
            if (!join()) break;
            look();
        }
        return std::move(lines_);
    }

private:
    struct State {
        std::int32_t n_near = 0;
        double beyond = 0.0;
    };
    State& state(index_t i) { return states_[at(i)]; }
    Near* list(index_t i) { return lists_.data() + i * kKept; }

    void add(const Line& line) {
        if (sets_.unite(line.a, line.b)) lines_.push_back(line);
    }

    // All lines of up to some length from one sweep over all pairs, at half the work of a search for each row: Kruskal's
    // algorithm leaves nothing to do for them but to join what lies farther apart.
    void begin(ClusterSearch& search) {
        const auto n_rows = static_cast<index_t>(rows_.size());
        if (n_rows < kFew) return;
        const double radius = std::min(search.usual_distance(kUsual), search_limit());
        std::vector<ClusterSearch::Pair> pairs;
        if (std::isinf(radius) || !search.sweep(radius, kMostPairs * n_rows, pairs)) return;
        std::vector<Line> lines(pairs.size());
        parallel_for(
            (static_cast<index_t>(pairs.size()) + kPairsPerTask - 1) / kPairsPerTask, n_threads_,
            [&](index_t task) {
                const auto end = std::min(static_cast<index_t>(pairs.size()), (task + 1) * kPairsPerTask);
                for (index_t p = task * kPairsPerTask; p < end; ++p) lines[at(p)] = measured(pairs[at(p)]);
            },
            poll_);
        distance::count(distance::Counter::pairs_in_float64, static_cast<index_t>(pairs.size()));
        pairs = {};
        std::sort(lines.begin(), lines.end());
        for (const Line& line : lines) {
            if (line.raw < radius && line.raw < raw_limit_) add(line);
        }
        for (std::int32_t i = 0; i < n_; ++i) space_.set_component(i, sets_.find(i));
        for (State& s : states_) s.beyond = radius;
    }

    Line measured(const ClusterSearch::Pair& pair) const {
        Line line{0.0, pair.a, pair.b};
        space_.distances(pair.a, &pair.b, 1, &line.raw);
        require(std::isfinite(line.raw), "X: distances are not finite numbers; scale the data");
        return line;
    }

    double search_limit() const {
        return raw_limit_ + (std::isinf(raw_limit_) ? 0.0 : 4.0 * space_.rounding(raw_limit_));
    }

    void count_members() {
        n_members_.assign(at(n_), 0);
        for (const std::int32_t i : rows_) ++n_members_[at(space_.component(i))];
        largest_ = static_cast<std::int32_t>(std::max_element(n_members_.begin(), n_members_.end()) -
                                             n_members_.begin());
    }

    void offer(std::int32_t component, const Line& line) {
        if (line < best_[at(component)]) best_[at(component)] = line;
    }

    // The shortest lines out of components that lists know. Measures what may be among them.
    void recall() {
        const auto n_rows = static_cast<index_t>(rows_.size());
        std::vector<Line> found(rows_.size());
        parallel_for(
            (n_rows + kRowsPerTask - 1) / kRowsPerTask, n_threads_,
            [&](index_t task) {
                for (index_t r = task * kRowsPerTask; r < std::min(n_rows, (task + 1) * kRowsPerTask); ++r) {
                    found[at(r)] = nearest_outside(rows_[at(r)]);
                }
            },
            poll_);
        for (index_t r = 0; r < n_rows; ++r) {
            const Line& line = found[at(r)];
            if (line.a == kNobody) continue;
            // The largest component is joined by the others: to it the line is an offer like any other.
            offer(space_.component(line.a), line);
            offer(space_.component(line.b), line);
        }
    }

    Line nearest_outside(std::int32_t row) {
        State& s = state(row);
        Near* begin = list(row);
        Near* end = std::remove_if(begin, begin + s.n_near, [&](const Near& n) { return space_.forbids(row, n.slot); });
        s.n_near = static_cast<std::int32_t>(end - begin);
        double least_high = s.beyond;
        for (const Near* n = begin; n != end; ++n) least_high = std::min(least_high, n->high);
        distance::count(distance::Counter::linkage_recalls, measure(space_, row, begin, end, least_high));
        Line line;
        for (const Near* n = begin; n != end; ++n) {
            if (!n->is_exact()) continue;
            const auto [a, b] = std::minmax(row, n->slot);
            line = std::min(line, Line{n->low, a, b});
        }
        return line;
    }

    // The largest component is left out: all others are joined to something anyway.
    // Rows that may have a line out of their component that is not longer than the shortest that is known.
    std::vector<std::int32_t> unproven() const {
        std::vector<std::int32_t> open;
        for (const std::int32_t row : rows_) {
            const std::int32_t c = space_.component(row);
            const double beyond = states_[at(row)].beyond;
            const double surely = std::isinf(beyond) ? beyond : beyond - 2.0 * space_.rounding(beyond);
            if (c != largest_ && surely <= std::min(best_[at(c)].raw, raw_limit_)) open.push_back(row);
        }
        return open;
    }

    void find(ClusterSearch& search, const std::vector<std::int32_t>& open) {
        distance::count(distance::Counter::linkage_searches, static_cast<index_t>(open.size()));
        std::vector<ClusterSearch::Query> queries;
        for (const std::int32_t row : open) queries.push_back({row, search_limit()});
        search.run(queries, kWanted, [&](index_t q, Surroundings& found) {
            const std::int32_t row = open[at(q)];
            const auto n_near = static_cast<index_t>(found.near.size());
            state(row).beyond = n_near > kKept ? std::min(found.beyond, found.near[at(kKept)].low) : found.beyond;
            state(row).n_near = static_cast<std::int32_t>(std::min(n_near, kKept));
            std::copy_n(found.near.begin(), state(row).n_near, list(row));
        });
    }

    // Joins all components but the largest to their nearest; false if there is nothing left to join.
    bool join() {
        std::vector<Line> chosen;
        for (const std::int32_t row : rows_) {
            if (space_.component(row) != row || row == largest_) continue;
            const Line& line = best_[at(row)];
            if (line.a != kNobody && line.raw < raw_limit_) chosen.push_back(line);
        }
        // In order, so that of equally long lines that would close a ring the last one is left out.
        std::sort(chosen.begin(), chosen.end());
        const std::size_t before = lines_.size();
        for (const Line& line : chosen) add(line);
        if (lines_.size() == before) return false;
        for (std::int32_t i = 0; i < n_; ++i) space_.set_component(i, sets_.find(i));
        return true;
    }

    index_t n_;
    double raw_limit_;
    int n_threads_;
    const PollCallback& poll_;
    RowSpace space_;
    UnionFind sets_;
    std::vector<std::int32_t> rows_;  // one of each set of equal rows
    std::vector<Line> lines_, best_;
    std::vector<std::int32_t> n_members_;
    std::int32_t largest_ = 0;
    std::vector<State> states_;
    std::vector<Near> lists_;
};

// Whether all squared distances are numbers.
void require_finite(const simd::Rows& x, int n_threads, const PollCallback& poll) {
    const index_t n = x.size();
    parallel_for(
        (n + kRowsPerTask - 1) / kRowsPerTask, n_threads,
        [&](index_t task) {
            const index_t stride = simd::padded(x.dimension());
            const AlignedBuffer row(stride);
            for (index_t i = task * kRowsPerTask; i < std::min(n, (task + 1) * kRowsPerTask); ++i) {
                x.copy_row(i, row.get());
                require(std::isfinite(4.0 * simd::squared_norm(row.get(), stride)),
                        "X: distances are not finite numbers; scale the data");
            }
        },
        poll);
}

}  // namespace

std::vector<Edge> spanning_edges(const simd::Rows& x, Metric metric, double height_limit, int n_threads,
                                 const PollCallback& poll) {
    if (metric != Metric::cosine) require_finite(x, n_threads, poll);
    const bool is_root = metric == Metric::euclidean;
    const double raw_limit = is_root ? height_limit * height_limit * (1.0 + 1e-12) : height_limit;
    auto lines = SpanningTree(x, metric, raw_limit, n_threads, poll).run();
    require(static_cast<index_t>(lines.size()) == std::max<index_t>(x.size() - 1, 0) || std::isfinite(height_limit),
            "X: distances are not finite numbers; scale the data");
    std::sort(lines.begin(), lines.end());
    std::vector<Edge> edges;
    edges.reserve(lines.size());
    for (const Line& line : lines) edges.push_back({line.a, line.b});
    return edges;
}

}  // namespace pyface::linkage
