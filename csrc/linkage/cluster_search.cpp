#include "linkage/cluster_search.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/require.hpp"
#include "distance/counters.hpp"
#include "distance/screen.hpp"
#include "simd/isa.hpp"

namespace pyface::linkage {
namespace {

using distance::Counter;
using distance::count;
using distance::kColBlock;
using distance::kFewColumns;
using distance::kManyCandidates;
using distance::kRowBlock;
using distance::Precision;
using distance::Screen;
using distance::Shortlist;

constexpr index_t kPairWork = 32;
constexpr index_t kTaskWork = index_t{1} << 30;
constexpr index_t kFirstColumns = 32;
constexpr index_t kUsualNeighbors = 8;  // of a cluster that matter, when it is judged what a first stage would save
// Squares of rows that are this short carry few bits, or none.
constexpr double kUnderflow = 1e-300;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::size_t at(index_t i) { return static_cast<std::size_t>(i); }

}  // namespace

index_t measure(const Space& space, index_t slot, Near* begin, Near* end, double limit) {
    constexpr index_t kAtOnce = 64;
    std::int32_t slots[kAtOnce];
    Near* open[kAtOnce];
    double values[kAtOnce];
    index_t n_open = 0;
    index_t n_measured = 0;
    const auto flush = [&] {
        space.distances(slot, slots, n_open, values);
        for (index_t i = 0; i < n_open; ++i) {
            require(std::isfinite(values[i]), "X: distances are not finite numbers; scale the data");
            open[i]->low = open[i]->high = values[i];
        }
        n_measured += n_open;
        n_open = 0;
    };
    for (Near* near = begin; near != end; ++near) {
        if (near->is_exact() || near->low > limit) continue;
        slots[n_open] = near->slot;
        open[n_open++] = near;
        if (n_open == kAtOnce) flush();
    }
    if (n_open > 0) flush();
    return n_measured;
}

void put_in_order(const Space& space, index_t slot, std::vector<Near>& near) {
    const auto nearer = [](const Near& a, const Near& b) {
        return a.low < b.low || (a.low == b.low && a.slot < b.slot);
    };
    std::sort(near.begin(), near.end(), nearer);
    if (!space.breaks_ties()) return;
    std::vector<std::int32_t> slots;
    std::vector<double> ties;
    std::vector<std::pair<double, Near>> tied;
    for (auto begin = near.begin(), end = begin; begin != near.end(); begin = end) {
        slots.clear();
        for (; end != near.end() && end->low == begin->low; ++end) slots.push_back(end->slot);
        if (slots.size() < 2 || !begin->is_exact()) continue;
        ties.resize(slots.size());
        space.ties(slot, slots.data(), static_cast<index_t>(slots.size()), ties.data());
        tied.clear();
        for (std::size_t i = 0; i < slots.size(); ++i) tied.emplace_back(ties[i], begin[static_cast<index_t>(i)]);
        std::sort(tied.begin(), tied.end(), [](const auto& a, const auto& b) {
            return a.first < b.first || (a.first == b.first && a.second.slot < b.second.slot);
        });
        for (std::size_t i = 0; i < tied.size(); ++i) begin[static_cast<index_t>(i)] = tied[i].second;
    }
}

ClusterSearch::ClusterSearch(const Space& space, int n_threads, const PollCallback& poll)
    : space_(space),
      n_threads_(n_threads),
      poll_(poll),
      kernels_(simd::kernels()),
      rows_(space.rows()),
      frame_(rows_, nullptr, space.metric(), n_threads, poll),
      scale_(std::min(frame_.scale() * frame_.scale(), std::numeric_limits<double>::max())) {
    require(space.n_slots() < INT32_MAX, "at most 2^31 - 2 rows can be clustered");
    if (has_codes()) begin_codes();
    reload();
}

bool ClusterSearch::has_codes() const { return rows_.dimension() > kFewColumns; }

void ClusterSearch::begin_codes() {
    const distance::CodeChoice choice = distance::codes_for_neighbors(kernels_, frame_, rows_);
    const auto n = static_cast<double>(rows_.size());
    const auto reach = distance::Reach::nearest(kUsualNeighbors, rows_.size());
    // Ward's thresholds depend on both clusters by a product, which a sum of two starts can't say.
    if (!space_.is_ward()) {
        axes_ = distance::Axes::find(kernels_, choice.precision, frame_, rows_, nullptr, reach, n * n / 2.0, n_threads_,
                                     poll_);
    }
    side_.begin(kernels_, choice, axes_.get());
}

// Ward's distance is a square times 2 |a| |b| / (|a| + |b|): that it is below a limit depends on 1 / |b| linearly, hence
// the shares. The other distances are a square plus spreads.
void ClusterSearch::set_facts(index_t slot) {
    const bool is_alive = space_.is_alive(slot);
    added_[at(slot)] = !is_alive ? std::numeric_limits<double>::quiet_NaN()
                       : space_.is_ward() ? 0.0
                                             : space_.spread(slot) * scale_;
    if (space_.is_ward()) shares_[at(slot)] = is_alive ? 1.0 / space_.size(slot) : 1.0;
}

void ClusterSearch::reload() {
    const index_t n = space_.n_slots();
    rows_ = space_.rows();
    added_.resize(at(n));
    if (space_.is_ward()) shares_.resize(at(n));
    for (index_t i = 0; i < n; ++i) set_facts(i);
    frame_.adjust(added_.data(), space_.is_ward() ? shares_.data() : nullptr);
    if (has_codes()) {
        side_.load(frame_, rows_, n_threads_, poll_);
        return;
    }
    halves_.resize(at(n));
    std::vector<std::int32_t> all(at(n));
    std::iota(all.begin(), all.end(), 0);
    renew(all);
}

void ClusterSearch::renew(const std::vector<std::int32_t>& changed) {
    for (const std::int32_t slot : changed) set_facts(slot);
    if (has_codes()) {
        side_.renew(frame_, rows_, changed.data(), static_cast<index_t>(changed.size()), n_threads_, poll_);
        return;
    }
    const AlignedBuffer row(frame_.stride());
    for (const std::int32_t slot : changed) {
        halves_[at(slot)] = frame_.read(rows_, slot, row.get()) + added_[at(slot)] / 2.0;
    }
}

void ClusterSearch::set_threshold(Screen& screen, index_t i, index_t slot, double raw) const {
    if (frame_.is_cosine()) {
        screen.set_threshold(i, 1.0 - raw);
        return;
    }
    const double half = has_codes() ? side_.codes().facts(slot).half_square : halves_[at(slot)];
    raw += kUnderflow;
    if (!space_.is_ward()) {
        screen.set_threshold(i, half - raw * scale_ / 2.0);
        return;
    }
    const double per_share = raw * scale_ / 4.0;
    screen.set_threshold(i, half - per_share / space_.size(slot), per_share);
}

ClusterSearch::Interval ClusterSearch::raw_bounds(index_t a, index_t b, const Screen::Bounds& score) const {
    const double least = space_.least(a, b);
    if (frame_.is_cosine()) return {std::max(least, 1.0 - score.high), std::max(least, 1.0 - score.low)};
    const double half = has_codes() ? side_.codes().facts(a).half_square : halves_[at(a)];
    const double n_a = space_.size(a);
    const double n_b = space_.size(b);
    const double factor = (space_.is_ward() ? 2.0 * (n_a * n_b) / (n_a + n_b) : 1.0) * 2.0 / scale_;
    return {std::max(least, (half - score.high) * factor - kUnderflow),
            std::max(least, std::max(0.0, (half - score.low) * factor) + kUnderflow)};
}

void ClusterSearch::run(const std::vector<Query>& queries, index_t n_wanted, const Take& take) {
    n_wanted_ = n_wanted;
    const auto n = static_cast<index_t>(queries.size());
    const index_t n_blocks = (n + kRowBlock - 1) / kRowBlock;
    const index_t n_col_blocks = (space_.n_slots() + kColBlock - 1) / kColBlock;
    // As for the nearest rows: blocks side by side, in parts where there are few of them.
    const index_t n_parts = std::clamp<index_t>((2 * n_threads_ + n_blocks - 1) / std::max<index_t>(1, n_blocks), 1,
                                                std::max<index_t>(1, n_col_blocks / 4));
    const index_t at_once = 8 * n_threads_;
    const index_t tiles_per_task =
        std::max<index_t>(1, kTaskWork / (kRowBlock * kColBlock * (rows_.dimension() + kPairWork)));
    for (index_t first = 0; first < n_blocks; first += at_once) {
        const index_t count = std::min(at_once, n_blocks - first);
        lists_.assign(at(count * n_parts * kRowBlock), Shortlist());
        for (index_t start = 0; start < n_col_blocks; start += tiles_per_task * n_parts) {
            parallel_for(
                count * n_parts, n_threads_,
                [&](index_t task) {
                    const index_t begin = start + task % n_parts * tiles_per_task;
                    const index_t end = std::min(begin + tiles_per_task, n_col_blocks);
                    search(queries, first + task / n_parts, task, begin, end, start / n_parts * kColBlock);
                },
                poll_);
        }
        constexpr index_t kRowsPerTask = 16;
        parallel_for(
            count * kRowBlock / kRowsPerTask, n_threads_,
            [&](index_t task) {
                Surroundings found;
                for (index_t t = task * kRowsPerTask; t < (task + 1) * kRowsPerTask; ++t) {
                    const index_t q = first * kRowBlock + t;
                    if (q >= n) break;
                    finish(queries[at(q)].slot, t / kRowBlock * n_parts * kRowBlock + t % kRowBlock, n_parts, found);
                    take(q, found);
                }
            },
            poll_);
    }
    lists_.clear();
}

// Blocks of columns [begin, end) for one block of queries, into the short lists of a task, which have seen n_seen
// columns before. Blocks are counted from the one that the first query lies in: its nearest may well be there.
void ClusterSearch::search(const std::vector<Query>& queries, index_t block, index_t task, index_t begin, index_t end,
                           index_t n_seen) {
    const auto worker = lease();
    Screen& screen = worker->screen;
    const index_t first = block * kRowBlock;
    const index_t n_rows = std::min(kRowBlock, static_cast<index_t>(queries.size()) - first);
    worker->slots.clear();
    for (index_t i = 0; i < n_rows; ++i) worker->slots.push_back(queries[at(first + i)].slot);
    const auto slot_of = [&](index_t i) { return worker->slots[at(i)]; };
    // Neighbours are copied faster than rows from here and there.
    if (slot_of(n_rows - 1) - slot_of(0) == n_rows - 1) {
        screen.set_rows(slot_of(0), slot_of(0) + n_rows);
    } else {
        screen.set_listed_rows(worker->slots.data(), n_rows);
    }
    Shortlist* lists = &lists_[at(task * kRowBlock)];
    for (index_t i = 0; i < n_rows; ++i) {
        if (n_seen == 0) {
            lists[i].start(n_wanted_);
            lists[i].raise(-queries[at(first + i)].limit);
        }
        set_threshold(screen, i, slot_of(i), -lists[i].threshold());
    }
    Screen::Codes codes(rows_.dimension());
    std::vector<char> touched(at(n_rows));
    index_t width = n_seen == 0 ? kFirstColumns : kColBlock;
    const index_t n_slots = space_.n_slots();
    const index_t n_col_blocks = (n_slots + kColBlock - 1) / kColBlock;
    const index_t own = slot_of(0) / kColBlock;
    index_t b = begin;
    for (index_t col = 0, col_end = 0; b < end; n_seen += col_end - col) {
        const index_t block_begin = (own + b) % n_col_blocks * kColBlock;
        const index_t block_end = std::min(block_begin + kColBlock, n_slots);
        col = col_end > block_begin && col_end < block_end ? col_end : block_begin;
        col_end = std::min(col + width, block_end);
        if (col_end == block_end) ++b;
        width = std::min(2 * width, kColBlock);
        const index_t n_pairs = n_rows * (col_end - col);  // of which so many are expected, as for the nearest rows
        const index_t n_new = std::min(n_pairs, n_pairs * n_wanted_ / (n_seen + 1));
        screen.run(codes, 4 * n_new + n_pairs / kManyCandidates, col, col_end, false);
        std::fill(touched.begin(), touched.end(), 0);
        for (index_t c = 0; c < screen.n_found(); ++c) {
            const simd::Candidate& candidate = screen.candidate(c);
            const index_t slot = slot_of(candidate.row);
            const index_t other = col + candidate.col;
            if (other == slot) continue;
            const Interval raw = raw_bounds(slot, other, screen.bounds(candidate));
            Shortlist& shortlist = lists[candidate.row];
            if (-raw.low < shortlist.threshold() || space_.forbids(slot, other)) continue;
            touched[at(candidate.row)] = 1;
            if (shortlist.offer(-raw.high, -raw.low, static_cast<std::int32_t>(other))) settle(slot, shortlist);
        }
        for (index_t i = 0; i < n_rows; ++i) {
            if (touched[at(i)]) set_threshold(screen, i, slot_of(i), -lists[i].threshold());
        }
    }
}

bool ClusterSearch::sweep(double raw, index_t max_pairs, std::vector<Pair>& pairs) {
    const distance::Blocks blocks(space_.n_slots(), space_.n_slots(), rows_.dimension(),
                                  distance::Blocks::Part::upper);
    std::vector<std::vector<Pair>> found(at(blocks.size()));
    std::atomic<index_t> n_found{0};
    parallel_for(
        blocks.size(), n_threads_,
        [&](index_t task) {
            if (n_found > max_pairs) return;
            sweep_task(blocks[task], raw, found[at(task)]);
            n_found += static_cast<index_t>(found[at(task)].size());
        },
        poll_);
    pairs.clear();
    if (n_found > max_pairs) return false;
    pairs.reserve(at(n_found));
    for (auto& part : found) {
        pairs.insert(pairs.end(), part.begin(), part.end());
        part = {};
    }
    return true;
}

void ClusterSearch::sweep_task(const distance::Blocks::Task& task, double raw, std::vector<Pair>& pairs) {
    const auto worker = lease();
    Screen& screen = worker->screen;
    screen.set_rows(task.row_begin, task.row_end);
    for (index_t i = 0; i < screen.n_rows(); ++i) set_threshold(screen, i, task.row_begin + i, raw);
    Screen::Codes codes(rows_.dimension());
    for (index_t col = task.col_begin; col < task.col_end; col += kColBlock) {
        const index_t col_end = std::min(col + kColBlock, task.col_end);
        const bool on_diagonal = col < task.row_end;
        screen.run(codes, screen.n_rows() * (col_end - col) / kManyCandidates, col, col_end, on_diagonal);
        for (index_t c = 0; c < screen.n_found(); ++c) {
            const simd::Candidate& candidate = screen.candidate(c);
            const index_t a = task.row_begin + candidate.row;
            const index_t b = col + candidate.col;
            if (b <= a || !space_.is_alive(a) || space_.forbids(a, b)) continue;
            const Interval bounds = raw_bounds(a, b, screen.bounds(candidate));
            if (bounds.low >= raw) continue;
            pairs.push_back({static_cast<std::int32_t>(a), static_cast<std::int32_t>(b), bounds.low, bounds.high});
        }
    }
}

double ClusterSearch::usual_distance(index_t n_others) {
    constexpr index_t kSample = kRowBlock;
    const index_t n = space_.n_slots();
    const index_t step = std::max<index_t>(1, n / kSample);
    std::vector<Query> queries;
    for (index_t i = 0; i < n && static_cast<index_t>(queries.size()) < kSample; i += step) {
        if (space_.is_alive(i)) queries.push_back({static_cast<std::int32_t>(i), kInfinity});
    }
    std::vector<std::vector<double>> found(queries.size());
    run(queries, 4 * n_others, [&](index_t q, const Surroundings& around) {
        for (const Near& near : around.near) found[at(q)].push_back(near.low);
    });
    std::vector<double> all;
    for (const auto& part : found) all.insert(all.end(), part.begin(), part.end());
    const auto wanted = at(n_others) * queries.size();
    if (wanted >= all.size()) return kInfinity;
    std::nth_element(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(wanted), all.end());
    return all[wanted];
}

// Clusters that bounds cannot tell apart must not pile up: rows may be nearly the same.
void ClusterSearch::settle(index_t slot, Shortlist& shortlist) const {
    std::vector<Near> near;
    for (const auto& entry : shortlist.entries()) near.push_back({entry.index, 0, -entry.high, -entry.low});
    count(Counter::pairs_in_float64, measure(space_, slot, near.data(), near.data() + near.size(), kInfinity));
    const auto first = std::min(near.size(), at(n_wanted_));
    put_in_order(space_, slot, near);
    near.resize(first);
    std::vector<Shortlist::Entry> kept;
    for (const Near& n : near) kept.push_back({-n.low, -n.low, n.slot});
    const double floor = -(near.back().low + space_.rounding(near.back().low));
    shortlist.settle(kept, at(n_wanted_) == near.size() ? floor : -kInfinity);
}

void ClusterSearch::finish(index_t slot, index_t place, index_t n_parts, Surroundings& found) {
    found.near.clear();
    double limit = -kInfinity;
    for (index_t p = 0; p < n_parts; ++p) limit = std::max(limit, lists_[at(place + p * kRowBlock)].threshold());
    double least_high = kInfinity;
    for (index_t p = 0; p < n_parts; ++p) {
        Shortlist& list = lists_[at(place + p * kRowBlock)];
        for (const auto& entry : list.entries()) {
            if (entry.high < limit) continue;
            found.near.push_back({entry.index, 0, -entry.high, -entry.low});
            least_high = std::min(least_high, -entry.low);
        }
        list = Shortlist();
    }
    found.beyond = -limit;
    count(Counter::pairs_in_float64,
          measure(space_, slot, found.near.data(), found.near.data() + found.near.size(), least_high));
    put_in_order(space_, slot, found.near);
}

}  // namespace pyface::linkage
