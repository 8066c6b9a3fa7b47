#include <algorithm>
#include <atomic>
#include <memory>

#include "distance/blocks.hpp"
#include "distance/counters.hpp"
#include "distance/neighbor.hpp"
#include "distance/query_block.hpp"
#include "distance/search_index.hpp"

namespace pyface::distance {
namespace {

constexpr index_t kPairWork = 32;  // what a pair costs beside its products, in multiplications
constexpr index_t kTaskWork = index_t{1} << 28;
constexpr index_t kLeastTasks = 64;  // of a block of queries, where there are tiles enough
constexpr double kBytesPerHit = 12.0 + 12.0;  // as a hit, and in the result

std::size_t at(index_t i) { return static_cast<std::size_t>(i); }

struct Found {
    std::int32_t query, row;
};

}  // namespace

FoundWithin::FoundWithin(const SearchIndex& index, const Rows& queries, index_t self, double radius,
                         std::int64_t memory_limit, index_t panels, int n_threads, const PollCallback& poll)
    : n_queries_(queries.size()), indptr_(at(queries.size() + 1), 0) {
    const bool in_panels = panels < 0 ? panels_pay(queries.size()) : queries.size() >= panels;
    const ExactToStored exact(index, queries);
    Pool<QueryBlock> blocks;
    const index_t tile_work = std::max<index_t>(1, std::min(kRowBlock, n_queries_)) * kColBlock *
                              (index.dimension() + kPairWork);
    const index_t chunk = std::clamp<index_t>(kTaskWork / tile_work, 1, std::max<index_t>(1, index.n_tiles() / kLeastTasks));
    n_parts_ = (index.n_tiles() + chunk - 1) / chunk;
    const index_t n_tasks = (n_queries_ + kRowBlock - 1) / kRowBlock * n_parts_;
    hits_.resize(at(n_tasks));
    std::atomic<std::int64_t> n_hits{0};
    std::atomic<index_t> n_done{0};
    parallel_for(
        n_tasks, n_threads,
        [&](index_t task) {
            const auto block = blocks.lease([&] { return std::make_unique<QueryBlock>(index, queries, in_panels); });
            const index_t begin = task / n_parts_ * kRowBlock;
            block->set_queries(begin, std::min(begin + kRowBlock, n_queries_));
            for (index_t i = 0; i < block->size(); ++i) {
                block->set_threshold(i, index.frame().least_score(radius, block->half_square(i)));
            }
            // Candidates of a query come in the order of the rows; putting them by query is all it takes.
            std::vector<Found> found;
            Hits& hits = hits_[at(task)];
            hits.counts.assign(at(block->size()), 0);
            const index_t first = task % n_parts_ * chunk;
            for (index_t t = first; t < std::min(first + chunk, index.n_tiles()); ++t) {
                const SearchIndex::Tile tile = index.tile(t);
                block->run(*tile.stored, tile.first, tile.count, block->size() * tile.count / kManyCandidates);
                for (index_t c = 0; c < block->n_found(); ++c) {
                    const simd::Candidate& candidate = block->candidate(c);
                    const index_t row = tile.row_number + candidate.col;
                    if (self >= 0 && row == self + begin + candidate.row) continue;
                    found.push_back({candidate.row, static_cast<std::int32_t>(row)});
                    ++hits.counts[at(candidate.row)];
                }
            }
            std::vector<std::int32_t> rows(found.size());
            std::vector<std::size_t> next(at(block->size()), 0);
            for (std::size_t i = 1; i < next.size(); ++i) {
                next[i] = next[i - 1] + static_cast<std::size_t>(hits.counts[i - 1]);
            }
            for (const Found& f : found) rows[next[at(f.query)]++] = f.row;
            std::vector<double> values;
            const std::int32_t* of_query = rows.data();
            for (index_t i = 0; i < block->size(); ++i) {
                std::int32_t& n_kept = hits.counts[at(i)];
                const index_t n = n_kept;
                values.resize(at(n));
                exact.distances(begin + i, of_query, n, values.data());
                count(Counter::pairs_in_float64, n);
                n_kept = 0;
                for (index_t c = 0; c < n; ++c) {
                    if (!(values[at(c)] <= radius)) continue;
                    hits.rows.push_back(of_query[c]);
                    hits.distances.push_back(values[at(c)]);
                    ++n_kept;
                }
                of_query += n;
            }
            hits.rows.shrink_to_fit();
            hits.distances.shrink_to_fit();
            const std::int64_t so_far = n_hits += static_cast<std::int64_t>(hits.rows.size());
            const auto done = static_cast<double>(++n_done);
            if (memory_limit >= 0 && static_cast<double>(so_far) * kBytesPerHit > static_cast<double>(memory_limit)) {
                const double expected = static_cast<double>(so_far) * static_cast<double>(n_tasks) / done;
                throw TooManyPairs(so_far, expected, kBytesPerHit, memory_limit);
            }
        },
        poll);
    for (index_t task = 0; task < n_tasks; ++task) {
        const Hits& hits = hits_[at(task)];
        const index_t begin = task / n_parts_ * kRowBlock;
        for (std::size_t i = 0; i < hits.counts.size(); ++i) indptr_[at(begin) + i + 1] += hits.counts[i];
    }
    for (index_t i = 0; i < n_queries_; ++i) indptr_[at(i + 1)] += indptr_[at(i)];
}

void FoundWithin::write(VectorView<std::int64_t> indptr, VectorView<std::int64_t> indices,
                        VectorView<float> distances, bool by_distance, int n_threads, const PollCallback& poll) {
    std::copy(indptr_.begin(), indptr_.end(), indptr.begin());
    const index_t n_blocks = (n_queries_ + kRowBlock - 1) / kRowBlock;
    parallel_for(
        n_blocks, n_threads,
        [&](index_t block) {
            const index_t begin = block * kRowBlock;
            const index_t count = std::min(kRowBlock, n_queries_ - begin);
            std::vector<std::vector<Neighbor>> found(at(count));
            for (index_t p = 0; p < n_parts_; ++p) {
                const Hits hits = std::move(hits_[at(block * n_parts_ + p)]);
                std::size_t h = 0;
                for (index_t i = 0; i < count; ++i) {
                    for (std::int32_t c = 0; c < hits.counts[at(i)]; ++c, ++h) {
                        found[at(i)].push_back({hits.distances[h], hits.rows[h]});
                    }
                }
            }
            for (index_t i = 0; i < count; ++i) {
                auto& of_query = found[at(i)];
                if (by_distance) std::sort(of_query.begin(), of_query.end());
                auto place = indptr_[at(begin + i)];
                for (const Neighbor& neighbor : of_query) {
                    distances[place] = static_cast<float>(neighbor.distance);
                    indices[place++] = neighbor.index;
                }
            }
        },
        poll);
}

}  // namespace pyface::distance
