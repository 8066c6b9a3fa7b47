#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "core/require.hpp"
#include "distance/blocks.hpp"
#include "distance/counters.hpp"
#include "distance/neighbor.hpp"
#include "distance/query_block.hpp"
#include "distance/search_index.hpp"
#include "distance/shortlist.hpp"

namespace pyface::distance {
namespace {

constexpr index_t kPairWork = 32;  // what a pair costs beside its products, in multiplications
constexpr index_t kTaskWork = index_t{1} << 29;  // multiplications: some milliseconds, 100 with the slowest kernels
constexpr index_t kFirstColumns = 32;  // without thresholds everything is a candidate, so the first tiles are narrow
constexpr index_t kWorthThreads = index_t{1} << 20;  // multiplications that take as long as starting a thread

// What float64 may have rounded in a score, much more than it does at any number of columns.
constexpr double kRounding = 1e-9;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

class IndexSearch {
public:
    IndexSearch(const SearchIndex& index, const Rows& queries, index_t self, index_t k, bool in_panels, int n_threads,
                const PollCallback& poll)
        : index_(index),
          queries_(queries),
          self_(self),
          k_(k),
          in_panels_(in_panels),
          n_threads_(n_threads),
          poll_(poll),
          exact_(index, queries) {}

    void run(MatrixView<float> distances, MatrixView<std::int64_t> indices) {
        const index_t n = queries_.size();
        const index_t n_blocks = (n + kRowBlock - 1) / kRowBlock;
        const index_t n_tiles = index_.n_tiles();
        // As in nearest(): blocks side by side, or parts of the rows where there are fewer blocks than threads.
        const index_t n_parts = std::clamp<index_t>((2 * n_threads_ + n_blocks - 1) / n_blocks, 1,
                                                    std::max<index_t>(1, n_tiles / 4));
        const index_t at_once = 8 * n_threads_;
        const index_t tile_work = std::min(kRowBlock, n) * kColBlock * (index_.dimension() + kPairWork);
        const index_t tiles_per_task = std::max<index_t>(1, kTaskWork / tile_work);
        for (index_t first = 0; first < n_blocks; first += at_once) {
            const index_t count = std::min(at_once, n_blocks - first);
            lists_.assign(static_cast<std::size_t>(count * n_parts * kRowBlock), Shortlist());
            const index_t step = std::min(tiles_per_task, (n_tiles + n_parts - 1) / n_parts);
            for (index_t start = 0; start < n_tiles; start += step * n_parts) {
                parallel_for(
                    count * n_parts, threads_for(count * n_parts * step * tile_work),
                    [&](index_t task) {
                        const index_t begin = start + task % n_parts * step;
                        search(first + task / n_parts, task, begin, std::min(begin + step, n_tiles), start / n_parts * kColBlock);
                    },
                    poll_);
            }
            parallel_for(
                std::min(count * kRowBlock, n - first * kRowBlock), n < 8 ? 1 : n_threads_,
                [&](index_t t) {
                    const index_t i = first * kRowBlock + t;
                    finish(i, t / kRowBlock * n_parts * kRowBlock + t % kRowBlock, n_parts, distances, indices);
                },
                poll_);
        }
    }

private:
    int threads_for(index_t work) const { return work < kWorthThreads ? 1 : n_threads_; }
    Shortlist& list(index_t place) { return lists_[static_cast<std::size_t>(place)]; }
    // The row of the index that query i is, or -1.
    index_t own(index_t i) const { return self_ < 0 ? -1 : self_ + i; }

    // Tiles [begin, end) for one block of queries, into the short lists of the task, which have seen so many rows.
    void search(index_t block, index_t task, index_t begin, index_t end, index_t seen_before) {
        if (begin >= end) return;
        const bool is_first = seen_before == 0;
        const auto queries =
            blocks_.lease([&] { return std::make_unique<QueryBlock>(index_, queries_, in_panels_); });
        const index_t row = block * kRowBlock;
        queries->set_queries(row, std::min(row + kRowBlock, queries_.size()));
        for (index_t i = 0; i < queries->size(); ++i) {
            Shortlist& shortlist = list(task * kRowBlock + i);
            if (is_first) shortlist.start(k_);
            queries->set_threshold(i, shortlist.threshold());
        }
        std::vector<char> touched(static_cast<std::size_t>(queries->size()));
        index_t width = is_first ? kFirstColumns : kColBlock;
        index_t n_seen = seen_before;
        for (index_t t = begin; t < end; ++t) {
            const SearchIndex::Tile tile = index_.tile(t);
            for (index_t done = 0; done < tile.count;) {
                const index_t count = std::min(width, tile.count - done);
                // Of rows in no particular order, the j-th one is among the k nearest so far with probability k / j.
                const index_t n_pairs = queries->size() * count;
                const index_t n_new = std::min(n_pairs, n_pairs * k_ / (n_seen + 1));
                queries->run(*tile.stored, tile.first + done, count, 4 * n_new + n_pairs / kManyCandidates);
                take(*queries, task, tile.row_number + done, touched);
                done += count;
                n_seen += count;
                // Pieces of a tile begin on a multiple of what a panel takes.
                width = std::clamp(done, width, kColBlock);
            }
        }
    }

    void take(QueryBlock& queries, index_t task, index_t first_row, std::vector<char>& touched) {
        if (queries.n_found() == 0) return;
        for (index_t c = 0; c < queries.n_found(); ++c) {
            const simd::Candidate& candidate = queries.candidate(c);
            const index_t j = first_row + candidate.col;
            const index_t i = queries.begin() + candidate.row;
            if (j == own(i)) continue;
            touched[static_cast<std::size_t>(candidate.row)] = 1;
            const auto [low, high] = queries.bounds(candidate);
            Shortlist& shortlist = list(task * kRowBlock + candidate.row);
            if (shortlist.offer(low, high, static_cast<std::int32_t>(j))) settle(i, shortlist);
        }
        for (index_t i = 0; i < queries.size(); ++i) {
            if (touched[static_cast<std::size_t>(i)] == 0) continue;
            touched[static_cast<std::size_t>(i)] = 0;
            queries.set_threshold(i, list(task * kRowBlock + i).threshold());
        }
    }

    // The rows listed by their distance from query i in float64, the nearest k first and in order.
    std::vector<Neighbor> in_order(index_t i, const std::vector<std::int32_t>& js) const {
        std::vector<double> values(js.size());
        exact_.distances(i, js.data(), static_cast<index_t>(js.size()), values.data());
        count(Counter::pairs_in_float64, static_cast<index_t>(js.size()));
        std::vector<Neighbor> neighbors(js.size());
        for (std::size_t c = 0; c < js.size(); ++c) {
            neighbors[c] = {std::isnan(values[c]) ? kInfinity : values[c], js[c]};
        }
        std::partial_sort(neighbors.begin(), neighbors.begin() + k_, neighbors.end());
        return neighbors;
    }

    // Rows that bounds cannot tell apart must not pile up: all of them may be duplicates of one.
    void settle(index_t i, Shortlist& shortlist) const {
        std::vector<std::int32_t> js;
        for (const auto& entry : shortlist.entries()) js.push_back(entry.index);
        const auto neighbors = in_order(i, js);
        const AlignedBuffer row(index_.frame().stride());
        const double half_square = index_.frame().read(queries_, i, row.get());
        const double farthest = neighbors[static_cast<std::size_t>(k_ - 1)].distance;
        const double score = index_.frame().least_score(farthest, half_square);
        std::vector<Shortlist::Entry> kept;
        for (index_t c = 0; c < k_; ++c) {
            kept.push_back({kInfinity, kInfinity, neighbors[static_cast<std::size_t>(c)].index});
        }
        shortlist.settle(kept, score - kRounding * (half_square + std::fabs(score)) - 1e-30,
                         end_of(farthest, neighbors[static_cast<std::size_t>(k_ - 1)].index));
    }

    void finish(index_t i, index_t place, index_t n_parts, MatrixView<float> distances,
                MatrixView<std::int64_t> indices) {
        std::vector<std::int32_t> js;
        double limit = list(place).threshold();
        for (index_t p = 1; p < n_parts; ++p) limit = std::max(limit, list(place + p * kRowBlock).threshold());
        for (index_t p = 0; p < n_parts; ++p) {
            for (const auto& entry : list(place + p * kRowBlock).entries()) {
                if (entry.high >= limit) js.push_back(entry.index);
            }
        }
        if (static_cast<index_t>(js.size()) < k_) {  // only where bounds are not numbers
            js.clear();
            for (index_t j = 0; j < index_.size(); ++j) {
                if (j != own(i)) js.push_back(static_cast<std::int32_t>(j));
            }
        }
        const auto neighbors = in_order(i, js);
        for (index_t f = 0; f < k_; ++f) {
            distances(i, f) = static_cast<float>(neighbors[static_cast<std::size_t>(f)].distance);
            indices(i, f) = neighbors[static_cast<std::size_t>(f)].index;
        }
        for (index_t p = 0; p < n_parts; ++p) list(place + p * kRowBlock) = Shortlist();
    }

    const SearchIndex& index_;
    Rows queries_;
    index_t self_, k_;
    bool in_panels_;
    int n_threads_;
    const PollCallback& poll_;
    ExactToStored exact_;
    Pool<QueryBlock> blocks_;
    std::vector<Shortlist> lists_;
};

}  // namespace

void SearchIndex::nearest(const Rows& queries, index_t self, MatrixView<float> distances,
                          MatrixView<std::int64_t> indices, index_t panels, int n_threads,
                          const PollCallback& poll) const {
    const index_t k = distances.cols;
    require(k >= 1 && k <= size() - (self < 0 ? 0 : 1), "k must be between 1 and the number of rows to choose from");
    if (queries.size() == 0) return;
    const bool in_panels = panels < 0 ? panels_pay(queries.size()) : queries.size() >= panels;
    IndexSearch(*this, queries, self, k, in_panels, n_threads, poll).run(distances, indices);
}

}  // namespace pyface::distance
