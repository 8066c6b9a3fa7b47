#include "linkage/spanning_tree.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "core/require.hpp"
#include "core/union_find.hpp"
#include "distance/counters.hpp"
#include "linkage/cluster_search.hpp"
#include "linkage/equal_rows.hpp"
#include "linkage/few_rows.hpp"
#include "linkage/row_space.hpp"

namespace pyface::linkage {
namespace {

using distance::Metric;

// Neighbours that a search is asked for, and that a list holds at most; more with many neighbours to a core distance.
constexpr index_t kWanted = 8;
constexpr index_t kKept = 12;
constexpr index_t kMostKept = 32;
constexpr index_t kRowsPerTask = 64;
constexpr index_t kPairsPerTask = 4096;
// The first sweep takes pairs of which rows have so many on average, and gives up at twice as many for each row. It is
// left out where many more would be needed.
constexpr index_t kUsual = 16;
constexpr index_t kMostUsual = 32;
constexpr index_t kFew = 1024;  // where a sample and a sweep cost more than they save
constexpr double kEqualRows = -1.0;  // a distance that is less than that of rows which rounding puts at 0
constexpr double kInfinity = std::numeric_limits<double>::infinity();
std::size_t at(index_t i) { return static_cast<std::size_t>(i); }

class SpanningTree {
public:
    // With n_neighbors > 1: of mutual reachabilities.
    SpanningTree(const simd::Rows& x, Metric metric, double raw_limit, index_t n_neighbors, double core_factor,
                 int n_threads, const PollCallback& poll)
        : n_(x.size()),
          raw_limit_(raw_limit),
          n_neighbors_(n_neighbors),
          core_factor_(core_factor),
          n_kept_(std::clamp(n_neighbors + 4, kKept, kMostKept)),
          n_threads_(n_threads),
          poll_(poll),
          space_(x, metric, n_threads, poll),
          sets_(n_) {
        if (needs_cores()) n_copies_.assign(at(n_), 1);
        for (const auto& equal : equal_rows(x, n_threads, poll)) {
            if (metric == Metric::cosine && space_.is_zero(equal[0])) continue;  // at distance 1 even from each other
            for (std::size_t i = 1; i < equal.size(); ++i) {
                space_.set_double(equal[i]);
                add({0.0, kEqualRows, equal[0], equal[i]});
            }
            if (needs_cores()) n_copies_[at(equal[0])] = static_cast<std::int32_t>(equal.size());
        }
        update_components();
        for (std::int32_t i = 0; i < n_; ++i) {
            if (space_.is_alive(i)) rows_.push_back(i);
        }
    }

    std::vector<Line> run() {
        ClusterSearch search(space_, n_threads_, poll_);
        lists_.resize(at(n_ * n_kept_));
        states_.resize(at(n_));
        Poller look(poll_);
        begin(search);
        for (;;) {
            count_members();
            best_.assign(at(n_), Line());
            recall();
            const auto open = unproven();
            if (sweep_again(search, static_cast<index_t>(open.size()))) continue;
            if (!open.empty()) find(search, open);
            distance::count(distance::Counter::linkage_rounds, 1);
            if (!join()) break;
            look();
        }
        return std::move(lines_);
    }

    // The same without core distances, of few rows: what rounds cost beside distances is more.
    std::vector<Line> run_on_few() {
        for (const Line& line : lines_of_few(space_, rows_, raw_limit_, n_threads_, poll_)) add(line);
        return std::move(lines_);
    }

    // Whether that is the faster way. Of each set of equal rows one counts.
    bool are_few(index_t few) const { return linkage::are_few(space_, rows_, few, n_threads_, poll_); }

    // Raw core distances; empty without.
    std::vector<double> take_cores() { return std::move(cores_); }

private:
    // Lines that a row's list does not name are not below `beyond`, nor are their distances below `beyond_distance`.
    struct State {
        std::int32_t n_near = 0;
        double beyond = 0.0, beyond_distance = 0.0;
    };
    State& state(index_t i) { return states_[at(i)]; }
    Near* list(index_t i) { return lists_.data() + i * n_kept_; }
    bool needs_cores() const { return n_neighbors_ > 1; }

    void add(const Line& line) {
        if (sets_.unite(line.a, line.b)) lines_.push_back(line);
    }

    void update_components() {
        for (std::int32_t i = 0; i < n_; ++i) space_.set_component(i, sets_.find(i));
    }

    // All lines of up to some length from one sweep over all pairs, at half the work of a search for each row: Kruskal's
    // algorithm leaves nothing to do for them but to join what lies farther apart.
    void begin(ClusterSearch& search) {
        std::vector<Line> lines = near_lines(search, std::max(kUsual, 2 * (n_neighbors_ - 1)));
        if (needs_cores()) find_cores(search, lines);
        join_below(lines);
    }

    // The same again among components, where more than half of the rows would have to be searched for. Returns whether
    // that has joined any.
    bool sweep_again(ClusterSearch& search, index_t n_open) {
        if (2 * n_open <= static_cast<index_t>(rows_.size())) return false;
        std::vector<Line> lines = near_lines(search, kUsual);
        return join_below(lines);
    }

    bool join_below(std::vector<Line>& lines) {
        const double limit = std::min(surely(radius_), raw_limit_);
        const auto is_long = [limit](const Line& line) { return !(line.raw < limit); };
        std::erase_if(lines, is_long);
        std::sort(lines.begin(), lines.end());
        const std::size_t before = lines_.size();
        for (const Line& line : lines) add(line);
        update_components();
        for (State& s : states_) s.beyond = std::max(s.beyond, radius_);
        return lines_.size() > before;
    }

    // The lines between components below a radius, by length, if there are not too many. Rows have `usual` of them on
    // average.
    std::vector<Line> near_lines(ClusterSearch& search, index_t usual) {
        const auto n_rows = static_cast<index_t>(rows_.size());
        if (n_rows < kFew || usual > kMostUsual) return {};
        const double near = std::min(search.usual_distance(usual), search_limit());
        std::vector<ClusterSearch::Pair> pairs;
        if (std::isinf(near) || near <= radius_ || !search.sweep(near, 2 * usual * n_rows, pairs)) return {};
        std::vector<Line> lines(pairs.size());
        parallel_for(
            (static_cast<index_t>(pairs.size()) + kPairsPerTask - 1) / kPairsPerTask, n_threads_,
            [&](index_t task) {
                const auto end = std::min(static_cast<index_t>(pairs.size()), (task + 1) * kPairsPerTask);
                for (index_t p = task * kPairsPerTask; p < end; ++p) lines[at(p)] = space_.line(pairs[at(p)].a, pairs[at(p)].b);
            },
            poll_);
        distance::count(distance::Counter::pairs_in_float64, static_cast<index_t>(pairs.size()));
        radius_ = near;
        // Bounds may be wrong by what float64 rounds: lines next to the radius may be missing.
        std::erase_if(lines, [this](const Line& line) { return !(line.raw < surely(radius_)); });
        std::sort(lines.begin(), lines.end());
        return lines;
    }

    // Core distances: from the lines, which are all there are below some length and by length, where these tell;
    // from a search for a row's neighbours otherwise. From then on lines are measured by mutual reachability.
    void find_cores(ClusterSearch& search, std::vector<Line>& lines) {
        cores_.assign(at(n_), kInfinity);
        std::vector<index_t> counts(n_copies_.begin(), n_copies_.end());  // neighbours so far, the row itself among them
        for (const std::int32_t row : rows_) {
            if (counts[at(row)] >= n_neighbors_) cores_[at(row)] = 0.0;
        }
        for (const Line& line : lines) {
            for (const auto& [row, other] : {std::pair(line.a, line.b), std::pair(line.b, line.a)}) {
                counts[at(row)] += n_copies_[at(other)];
                if (counts[at(row)] >= n_neighbors_ && std::isinf(cores_[at(row)])) cores_[at(row)] = line.raw;
            }
        }
        search_cores(search);
        for (Line& line : lines_) {  // of equal rows
            cores_[at(line.b)] = cores_[at(line.a)];
            line.raw = core_factor_ * cores_[at(line.a)];
        }
        std::vector<double> scaled(cores_);
        for (double& core : scaled) core *= core_factor_;
        space_.set_cores(std::move(scaled));
        for (Line& line : lines) line.raw = std::max(line.distance, space_.least(line.a, line.b));
        for (const std::int32_t row : rows_) {
            for (Near* near = list(row); near != list(row) + state(row).n_near; ++near) {
                near->low = near->high = std::max(near->low, space_.least(row, near->slot));
            }
        }
    }

    void search_cores(ClusterSearch& search) {
        std::vector<ClusterSearch::Query> queries;
        for (const std::int32_t row : rows_) {
            if (std::isinf(cores_[at(row)])) queries.push_back({row, kInfinity});
        }
        // Some more than needed, so that what is not in the list is surely farther away.
        search.run(queries, std::max(kWanted, n_neighbors_ + 3), [&](index_t q, Surroundings& found) {
            const std::int32_t row = queries[at(q)].slot;
            auto& near = found.near;
            distance::count(distance::Counter::pairs_in_float64,
                            measure(space_, row, near.data(), near.data() + near.size(), kInfinity));
            std::sort(near.begin(), near.end(), [](const Near& a, const Near& b) {
                return a.low < b.low || (a.low == b.low && a.slot < b.slot);
            });
            index_t count = n_copies_[at(row)];
            for (auto n = near.begin(); n != near.end() && count < n_neighbors_; ++n) {
                count += n_copies_[at(n->slot)];
                cores_[at(row)] = n->low;
            }
            keep(row, found);
            state(row).beyond_distance = std::exchange(state(row).beyond, 0.0);
        });
    }

    void keep(std::int32_t row, const Surroundings& found) {
        const auto n_near = static_cast<index_t>(found.near.size());
        state(row).beyond = n_near > n_kept_ ? std::min(found.beyond, found.near[at(n_kept_)].low) : found.beyond;
        state(row).beyond_distance = 0.0;
        state(row).n_near = static_cast<std::int32_t>(std::min(n_near, n_kept_));
        std::copy_n(found.near.begin(), state(row).n_near, list(row));
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

    // The largest component is joined by the others: to it the line is an offer like any other.
    void offer(const Line& line) {
        if (line.a == kNobody) return;
        for (const std::int32_t row : {line.a, line.b}) {
            Line& best = best_[at(space_.component(row))];
            best = std::min(best, line);
        }
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
        for (const Line& line : found) offer(line);
    }

    Line nearest_outside(std::int32_t row) {
        State& s = state(row);
        Near* begin = list(row);
        Near* end = std::remove_if(begin, begin + s.n_near, [&](const Near& n) { return space_.forbids(row, n.slot); });
        s.n_near = static_cast<std::int32_t>(end - begin);
        double least_high = std::max(s.beyond, s.beyond_distance);
        for (const Near* n = begin; n != end; ++n) least_high = std::min(least_high, n->high);
        distance::count(distance::Counter::linkage_recalls, measure(space_, row, begin, end, least_high));
        return shortest(row, begin, end);
    }

    // Of those that are exact.
    Line shortest(std::int32_t row, const Near* begin, const Near* end) const {
        Line line;
        for (const Near* n = begin; n != end; ++n) {
            if (!n->is_exact() || n->low > line.raw) continue;
            const auto [a, b] = std::minmax(row, n->slot);
            Line other{n->low, n->low, a, b};
            if (space_.has_cores()) space_.ties(row, &n->slot, 1, &other.distance);
            line = std::min(line, other);
        }
        return line;
    }

    // The largest component is left out: all others are joined to something anyway.
    // Rows that may have a line out of their component that is not longer than the shortest that is known.
    std::vector<std::int32_t> unproven() const {
        std::vector<std::int32_t> open;
        for (const std::int32_t row : rows_) {
            const std::int32_t c = space_.component(row);
            const State& s = states_[at(row)];
            const double distance = surely(s.beyond_distance);
            const double raw = std::max({space_.core(row), surely(s.beyond), distance});
            const Line& best = best_[at(c)];
            const bool is_proven = best.raw < raw || (best.raw == raw && best.distance < distance);
            if (c != largest_ && raw <= raw_limit_ && !is_proven) open.push_back(row);
        }
        return open;
    }

    double surely(double raw) const { return std::isinf(raw) ? raw : raw - 2.0 * space_.rounding(raw); }

    void find(ClusterSearch& search, const std::vector<std::int32_t>& open) {
        distance::count(distance::Counter::linkage_searches, static_cast<index_t>(open.size()));
        std::vector<ClusterSearch::Query> queries;
        for (const std::int32_t row : open) queries.push_back({row, search_limit()});
        std::vector<Line> shortest_lines(open.size());
        search.run(queries, kWanted, [&](index_t q, Surroundings& found) {
            const std::int32_t row = open[at(q)];
            const Near* first = found.near.data();
            shortest_lines[at(q)] = shortest(row, first, first + found.near.size());
            keep(row, found);
        });
        for (const Line& line : shortest_lines) offer(line);
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
        update_components();
        return true;
    }

    index_t n_;
    double raw_limit_;
    index_t n_neighbors_;
    double core_factor_;
    index_t n_kept_;
    int n_threads_;
    const PollCallback& poll_;
    RowSpace space_;
    UnionFind sets_;
    std::vector<std::int32_t> n_copies_;  // of the first of equal rows; empty without core distances
    std::vector<double> cores_;
    std::vector<std::int32_t> rows_;  // one of each set of equal rows
    std::vector<Line> lines_, best_;
    double radius_ = 0.0;  // lines that are surely below it have been joined
    std::vector<std::int32_t> n_members_;
    std::int32_t largest_ = 0;
    std::vector<State> states_;
    std::vector<Near> lists_;
};

}  // namespace

std::vector<Edge> spanning_edges(const simd::Rows& x, Metric metric, double height_limit, index_t few, int n_threads,
                                 const PollCallback& poll) {
    if (metric != Metric::cosine) require_finite_distances(x, n_threads, poll);
    const bool is_root = metric == Metric::euclidean;
    const double raw_limit = is_root ? height_limit * height_limit * (1.0 + 1e-12) : height_limit;
    SpanningTree tree(x, metric, raw_limit, 1, 1.0, n_threads, poll);
    auto lines = tree.are_few(few) ? tree.run_on_few() : tree.run();
    require(static_cast<index_t>(lines.size()) == std::max<index_t>(x.size() - 1, 0) || std::isfinite(height_limit),
            "X: distances are not finite numbers; scale the data");
    std::sort(lines.begin(), lines.end());
    std::vector<Edge> edges;
    for (const Line& line : lines) edges.push_back({line.a, line.b});
    return edges;
}

ReachabilityTree reachability_tree(const simd::Rows& x, Metric metric, index_t n_neighbors, double core_factor,
                                   int n_threads, const PollCallback& poll) {
    require(n_neighbors >= 1 && n_neighbors <= x.size(), "n_neighbors must be between 1 and the number of rows");
    require(core_factor > 0.0 && std::isfinite(core_factor), "core_factor must be a positive number");
    if (metric != Metric::cosine) require_finite_distances(x, n_threads, poll);
    const bool is_root = metric == Metric::euclidean;
    const double raw_factor = is_root ? core_factor * core_factor : core_factor;
    SpanningTree tree(x, metric, kInfinity, n_neighbors, raw_factor, n_threads, poll);
    auto lines = tree.run();
    require(static_cast<index_t>(lines.size()) == x.size() - 1, "X: distances are not finite numbers; scale the data");
    std::sort(lines.begin(), lines.end());
    ReachabilityTree result;
    for (const Line& line : lines) {
        result.edges.push_back({line.a, line.b});
        const double distance = std::max(line.distance, 0.0);
        result.distances.push_back(is_root ? std::sqrt(distance) : distance);
    }
    result.cores = tree.take_cores();
    result.cores.resize(at(x.size()), 0.0);
    if (is_root) {
        for (double& core : result.cores) core = std::sqrt(core);
    }
    return result;
}

}  // namespace pyface::linkage
