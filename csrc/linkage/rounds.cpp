#include "linkage/rounds.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <utility>

#include "distance/counters.hpp"
#include "distance/rough_squares.hpp"
#include "linkage/choices.hpp"
#include "linkage/cluster_matrix.hpp"

namespace pyface::linkage {
namespace {

// Neighbours that a search is asked for, and that a list holds at most.
constexpr index_t kWanted = 12;
constexpr index_t kKept = 24;
constexpr index_t kRowsPerTask = 64;
// The first sweep takes pairs of which clusters have so many on average, and gives up at so many for each of them.
constexpr index_t kUsual = 16;
constexpr index_t kMostPairs = 32;
constexpr index_t kFew = 1024;  // where a sample and a sweep cost more than they save
constexpr double kInfinity = std::numeric_limits<double>::infinity();

using distance::Counter;
using distance::count;

std::size_t at(index_t i) { return static_cast<std::size_t>(i); }

bool nearer(const Near& a, const Near& b) { return a.low < b.low || (a.low == b.low && a.slot < b.slot); }

class Rounds {
public:
    Rounds(Clusters& clusters, Choices& choices, double height_limit, int n_threads, const PollCallback& poll)
        : clusters_(clusters),
          choices_(choices),
          raw_limit_(clusters.raw_limit(height_limit)),
          // Beyond rounding, so that what lies past it stays past the limit.
          search_limit_(raw_limit_ + (std::isinf(raw_limit_) ? 0.0 : 4.0 * clusters.rounding(raw_limit_))),
          n_threads_(n_threads),
          poll_(poll),
          search_(clusters, n_threads, poll) {
        states_.resize(at(clusters.n_slots()));
        lists_.resize(at(clusters.n_slots() * kKept));
    }

    // Until nobody is left to merge, or `few` slots are: false then, and `open` are those to settle.
    bool run(std::vector<std::int32_t>& open, index_t few) {
        Poller look(poll_);  // rounds may be many and short, too short for parallel_for to look up
        begin(open);
        for (;;) {
            find(open);
            auto pairs = choices_.reciprocal();
            count(Counter::linkage_rounds, 1);
            if (pairs.empty()) open = choices_.next_of_chain(pairs);
            if (pairs.empty() && open.empty()) return true;
            if (!pairs.empty()) {
                merge(pairs);
                open = choices_.unsettled(static_cast<index_t>(pairs.size()));
                if (4 * clusters_.n_alive() < 3 * clusters_.n_slots()) compact(open);
                if (clusters_.n_slots() <= few) return false;
            }
            recall_all(open);
            look();
        }
    }

private:
    struct State {
        std::int32_t successor = kNobody;  // of a slot that is gone: where it went
        std::int32_t n_near = 0;
        double beyond = 0.0;  // what is neither in the list nor forbidden is at least this far away
    };
    State& state(index_t i) { return states_[at(i)]; }
    const State& state(index_t i) const { return states_[at(i)]; }
    Near* list(index_t i) { return lists_.data() + i * kKept; }

    // The cluster that a slot belongs to now.
    std::int32_t alive(std::int32_t slot) const {
        while (!clusters_.is_alive(slot)) slot = state(slot).successor;
        return slot;
    }

    // The first lists from one sweep over all pairs, at half the work of a search for each cluster. Leaves in `open` those
    // that have nobody near.
    void begin(std::vector<std::int32_t>& open) {
        const auto n_open = static_cast<index_t>(open.size());
        if (n_open < kFew) return;
        const double radius = std::min(search_.usual_distance(kUsual), search_limit_);
        std::vector<ClusterSearch::Pair> pairs;
        if (std::isinf(radius) || !search_.sweep(radius, kMostPairs * n_open, pairs)) return;
        std::vector<index_t> starts(at(clusters_.n_slots() + 1), 0);
        for (const auto& pair : pairs) {
            ++starts[at(pair.a) + 1];
            ++starts[at(pair.b) + 1];
        }
        for (std::size_t i = 1; i < starts.size(); ++i) starts[i] += starts[i - 1];
        std::vector<Near> near(at(starts.back()));
        {
            std::vector<index_t> next(starts.begin(), starts.end() - 1);
            for (const auto& pair : pairs) {
                near[at(next[at(pair.a)]++)] = {pair.b, 0, pair.low, pair.high};
                near[at(next[at(pair.b)]++)] = {pair.a, 0, pair.low, pair.high};
            }
        }
        pairs = {};
        parallel_for(
            (n_open + kRowsPerTask - 1) / kRowsPerTask, n_threads_,
            [&](index_t task) {
                for (index_t o = task * kRowsPerTask; o < std::min(n_open, (task + 1) * kRowsPerTask); ++o) {
                    const std::int32_t slot = open[at(o)];
                    Near* first = near.data() + starts[at(slot)];
                    Near* last = near.data() + starts[at(slot) + 1];
                    std::sort(first, last, nearer);
                    keep(slot, first, last - first, radius);
                    if (recall(slot)) open[at(o)] = kNobody;
                }
            },
            poll_);
        std::erase(open, kNobody);
    }

    void find(const std::vector<std::int32_t>& open) {
        if (open.empty()) return;
        std::vector<ClusterSearch::Query> queries;
        for (const std::int32_t slot : open) queries.push_back({slot, search_limit_});
        count(Counter::linkage_searches, static_cast<index_t>(open.size()));
        search_.run(queries, kWanted, [&](index_t q, Surroundings& found) {
            const std::int32_t slot = open[at(q)];
            for (Near& near : found.near) near.version = choices_.version(near.slot);
            keep(slot, found.near.data(), static_cast<index_t>(found.near.size()), found.beyond);
            choices_.settle(slot, found.near.empty() ? nullptr : &found.near.front());
        });
    }

    // Takes the nearest of `near`, in order, as the list of a slot.
    void keep(index_t slot, const Near* near, index_t count, double beyond) {
        state(slot).beyond = count > kKept ? std::min(beyond, near[kKept].low) : beyond;
        state(slot).n_near = static_cast<std::int32_t>(std::min(count, kKept));
        std::copy_n(near, state(slot).n_near, list(slot));
    }

    void merge(const std::vector<Clusters::Pair>& pairs) {
        std::vector<std::int32_t> changed;
        std::vector<Near> near;
        for (const auto& pair : pairs) {
            join_lists(pair, near);
            changed.push_back(pair.a);
            changed.push_back(pair.b);
        }
        clusters_.merge(pairs, n_threads_, poll_);
        choices_.merge(pairs);
        for (const auto& pair : pairs) state(pair.b).successor = pair.a;
        std::sort(changed.begin(), changed.end());
        search_.renew(changed);
    }

    // The list of a merged cluster from the lists of its parts, which are as they were before this round's merges.
    void join_lists(const Clusters::Pair& pair, std::vector<Near>& near) {
        near.clear();
        const auto read = [&](std::int32_t slot, std::int32_t other) {
            Near* begin = list(slot);
            Near* end = begin + refresh(slot);
            end = std::remove_if(begin, end, [&](const Near& n) {
                return n.slot == other || clusters_.forbids(n.slot, other);
            });
            state(slot).n_near = static_cast<std::int32_t>(end - begin);
            std::sort(begin, end, [](const Near& x, const Near& y) { return x.slot < y.slot; });
        };
        read(pair.a, pair.b);
        read(pair.b, pair.a);
        const State& a = state(pair.a);
        const State& b = state(pair.b);
        const Near* in_a = list(pair.a);
        const Near* in_b = list(pair.b);
        const Near* end_a = in_a + a.n_near;
        const Near* end_b = in_b + b.n_near;
        while (in_a != end_a || in_b != end_b) {
            const bool from_a = in_b == end_b || (in_a != end_a && in_a->slot <= in_b->slot);
            const bool from_b = in_a == end_a || (in_b != end_b && in_b->slot <= in_a->slot);
            Near n = from_a ? *in_a : *in_b;
            const double low_a = from_a ? in_a->low : a.beyond;
            const double low_b = from_b ? in_b->low : b.beyond;
            const double high_a = from_a ? in_a->high : kInfinity;
            const double high_b = from_b ? in_b->high : kInfinity;
            if (from_a) ++in_a;
            if (from_b) ++in_b;
            // A part that keeps a list of all that there is rules the other one out by not having it.
            if (std::isinf(low_a) || std::isinf(low_b)) continue;
            const double size = clusters_.size(n.slot);
            n.low = clusters_.combined(pair.a, pair.b, pair.raw, low_a, low_b, size);
            n.low = std::max(0.0, n.low - clusters_.rounding(n.low));
            n.high = kInfinity;
            if (std::isfinite(high_a) && std::isfinite(high_b)) {
                n.high = clusters_.combined(pair.a, pair.b, pair.raw, high_a, high_b, size);
                n.high += clusters_.rounding(n.high);
            }
            near.push_back(n);
        }
        std::sort(near.begin(), near.end(), nearer);
        keep(pair.a, near.data(), static_cast<index_t>(near.size()),
             clusters_.combined_low(pair.a, pair.b, pair.raw, a.beyond, b.beyond));
    }

    // Brings a list to the clusters of today: those of its members, whose distances are known from below only, each once.
    std::int32_t refresh(std::int32_t slot) {
        State& s = state(slot);
        Near* begin = list(slot);
        Near* end = begin + s.n_near;
        bool any_stale = false;
        for (Near* n = begin; n != end; ++n) {
            const std::int32_t now = alive(n->slot);
            if (now == n->slot && choices_.version(now) == n->version) continue;
            any_stale = true;
            // Of a merge one side may not have been in the list.
            *n = {now, choices_.version(now), std::min(n->low, s.beyond), kInfinity};
        }
        if (!any_stale) return s.n_near;
        std::sort(begin, end, [](const Near& a, const Near& b) { return a.slot < b.slot || (a.slot == b.slot && a.low < b.low); });
        end = std::unique(begin, end, [](const Near& a, const Near& b) { return a.slot == b.slot; });
        end = std::remove_if(begin, end, [&](const Near& n) { return n.slot == slot || clusters_.forbids(n.slot, slot); });
        return s.n_near = static_cast<std::int32_t>(end - begin);
    }

    // Leaves in `open` the clusters that must be searched for, as their lists do not tell.
    void recall_all(std::vector<std::int32_t>& open) {
        const auto n_open = static_cast<index_t>(open.size());
        parallel_for(
            (n_open + kRowsPerTask - 1) / kRowsPerTask, n_threads_,
            [&](index_t task) {
                for (index_t o = task * kRowsPerTask; o < std::min(n_open, (task + 1) * kRowsPerTask); ++o) {
                    if (recall(open[at(o)])) open[at(o)] = kNobody;
                }
            },
            poll_);
        std::erase(open, kNobody);
    }

    // Whether the list of a slot tells its nearest cluster, or that there is none below the limit.
    bool recall(std::int32_t slot) {
        const std::int32_t n_near = refresh(slot);
        State& s = state(slot);
        Near* begin = list(slot);
        Near* end = begin + n_near;
        double least_high = std::min(s.beyond, search_limit_);
        for (const Near* n = begin; n != end; ++n) least_high = std::min(least_high, n->high);
        count(Counter::linkage_recalls, measure(clusters_, slot, begin, end, least_high));
        const Near* best = nullptr;
        for (const Near* n = begin; n != end; ++n) {
            if (n->is_exact() && (best == nullptr || nearer(*n, *best))) best = n;
        }
        const double surely = std::isinf(s.beyond) ? s.beyond : s.beyond - 2.0 * clusters_.rounding(s.beyond);
        if (best != nullptr && best->low < surely) {
            choices_.settle(slot, best);
            return true;
        }
        if (surely < raw_limit_) return false;
        choices_.settle(slot, best);
        return true;
    }

    void compact(std::vector<std::int32_t>& open) {
        const index_t before = clusters_.n_slots();
        // What was remembered of slots that are gone is put down to where they went.
        for (std::int32_t i = 0; i < before; ++i) {
            if (!clusters_.is_alive(i)) continue;
            refresh(i);
        }
        const auto kept = clusters_.compact();
        const auto moved = choices_.compact(kept);
        for (index_t i = 0; i < static_cast<index_t>(kept.size()); ++i) {
            const index_t old = kept[at(i)];
            State& s = state(i);
            s = state(old);
            Near* near = list(i);
            if (old != i) std::copy_n(list(old), s.n_near, near);
            for (Near* n = near; n != near + s.n_near; ++n) n->slot = moved[at(n->slot)];
        }
        states_.resize(kept.size());
        for (auto& slot : open) slot = moved[at(slot)];
        search_.reload();
    }

    Clusters& clusters_;
    Choices& choices_;
    double raw_limit_, search_limit_;
    int n_threads_;
    const PollCallback& poll_;
    ClusterSearch search_;
    std::vector<State> states_;
    std::vector<Near> lists_;
};

// The same of few clusters, by a matrix of bounds instead of lists and searches.
void merge_few(Clusters& clusters, ClusterMatrix& matrix, Choices& choices, std::vector<std::int32_t> open,
               const PollCallback& poll) {
    Poller look(poll);
    for (;;) {
        for (const std::int32_t slot : open) {
            const Near near = matrix.nearest(slot);
            choices.settle(slot, near.slot == kNobody ? nullptr : &near);
        }
        open.clear();
        look();
        auto pairs = choices.reciprocal();
        count(Counter::linkage_rounds, 1);
        if (pairs.empty()) open = choices.next_of_chain(pairs);
        if (pairs.empty() && open.empty()) return;
        if (pairs.empty()) continue;
        matrix.merge(pairs);
        clusters.merge(pairs, 1, {});
        choices.merge(pairs);
        open = choices.unsettled(static_cast<index_t>(pairs.size()));
        if (4 * clusters.n_alive() >= 3 * clusters.n_slots()) continue;
        const auto kept = clusters.compact();
        matrix.compact(kept);
        const auto moved = choices.compact(kept);
        for (auto& slot : open) slot = moved[at(slot)];
    }
}

}  // namespace

void merge_all(Clusters& clusters, double height_limit, index_t few, int n_threads, const PollCallback& poll) {
    if (clusters.n_alive() < 2) return;
    std::vector<std::int32_t> open(at(clusters.n_slots()));
    std::iota(open.begin(), open.end(), 0);
    std::erase_if(open, [&](std::int32_t i) { return !clusters.is_alive(i); });
    Choices choices(clusters, height_limit);
    if (clusters.n_slots() > few && Rounds(clusters, choices, height_limit, n_threads, poll).run(open, few)) return;
    std::optional<ClusterMatrix> matrix;
    {
        Crew crew(distance::threads_for_few(clusters.n_slots(), clusters.stride(), n_threads), poll);
        matrix.emplace(clusters, crew);
    }
    if (matrix->is_sound()) {
        merge_few(clusters, *matrix, choices, std::move(open), poll);
    } else {
        Rounds(clusters, choices, height_limit, n_threads, poll).run(open, 0);
    }
}

}  // namespace pyface::linkage
