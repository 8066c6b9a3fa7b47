#include "distance/within.hpp"

#include <algorithm>
#include <atomic>
#include <string>

#include "core/require.hpp"

namespace pyface::distance {
namespace {

std::size_t at(index_t i) { return static_cast<std::size_t>(i); }

// What an entry of a graph takes while it is built: the pair and its distance, then its place in the result, twice
// where the graph is symmetric.
constexpr double kBytesPerPair = 12.0 + 8.0;
constexpr double kBytesPerMirroredPair = 12.0 + 16.0;

}  // namespace

TooManyPairs::TooManyPairs(std::int64_t found, double expected, double bytes_per_pair, std::int64_t memory_limit) {
    constexpr double kMiB = 1024.0 * 1024.0;
    message_ = std::to_string(found) + " pairs were found within the radius, about " +
               std::to_string(static_cast<std::int64_t>(std::max(expected, static_cast<double>(found)))) +
               " are expected in all; they need " +
               std::to_string(static_cast<std::int64_t>(std::max(expected, static_cast<double>(found)) *
                                                        bytes_per_pair / kMiB)) +
               " MiB, and " + std::to_string(static_cast<std::int64_t>(static_cast<double>(memory_limit) / kMiB)) +
               " MiB are free. Choose a smaller radius, or search portions of the rows with Y=.";
}

RadiusGraph::RadiusGraph(const Rows& x, const Rows* y, Metric metric, double radius, std::int64_t memory_limit,
                         int n_threads, const PollCallback& poll)
    : n_rows_(x.size()), mirrored_(y == nullptr), indptr_(at(x.size() + 1), 0) {
    PairsWithin within(x, y, metric, radius, n_threads, poll);
    const Blocks& blocks = within.blocks();
    hits_.resize(at(blocks.size()));
    const double bytes_per_pair = mirrored_ ? kBytesPerMirroredPair : kBytesPerPair;
    std::atomic<std::int64_t> n_pairs{0};
    std::atomic<index_t> n_seen{0};
    const auto area = [](const Blocks::Task& t) { return (t.row_end - t.row_begin) * (t.col_end - t.col_begin); };
    parallel_for(
        blocks.size(), n_threads,
        [&](index_t task) {
            Hits& hits = hits_[at(task)];
            within.run(task, hits.pairs, &hits.distances);
            // The vectors grew by doubling; what stays is what they need.
            hits.pairs.shrink_to_fit();
            hits.distances.shrink_to_fit();
            const std::int64_t found = n_pairs += static_cast<std::int64_t>(hits.pairs.size());
            const index_t seen = n_seen += area(blocks[task]);
            if (memory_limit >= 0 && static_cast<double>(found) * bytes_per_pair > static_cast<double>(memory_limit)) {
                // By area: the first tasks of a triangle are the widest.
                index_t all = 0;
                for (index_t t = 0; t < blocks.size(); ++t) all += area(blocks[t]);
                const double share = static_cast<double>(seen) / static_cast<double>(all);
                throw TooManyPairs(found, static_cast<double>(found) / share, bytes_per_pair, memory_limit);
            }
        },
        poll);
    Poller look(poll);
    for (const Hits& hits : hits_) {
        look();
        for (const auto& pair : hits.pairs) {
            ++indptr_[at(pair.row + 1)];
            if (mirrored_) ++indptr_[at(pair.col + 1)];
        }
    }
    if (mirrored_) {
        for (index_t i = 0; i < n_rows_; ++i) ++indptr_[at(i + 1)];  // each row is its own neighbour
    }
    for (std::size_t i = 1; i < indptr_.size(); ++i) indptr_[i] += indptr_[i - 1];
}

// No sorting: tasks come by block of rows, then by columns, and the pairs of a task by row, then by column. So row r of a
// mirrored graph receives its columns below r from earlier rows, in order, before it meets its own columns above r.
void RadiusGraph::write(VectorView<std::int64_t> indptr, VectorView<std::int32_t> indices,
                        VectorView<float> distances, const PollCallback& poll) {
    std::vector<std::int64_t> next(indptr_.begin(), indptr_.end() - 1);
    const auto put = [&](index_t row, index_t col, float distance) {
        const std::int64_t place = next[at(row)]++;
        indices[place] = static_cast<std::int32_t>(col);
        distances[place] = distance;
    };
    index_t n_selves = 0;  // rows below this have met themselves
    const auto meet_selves = [&](index_t end) {
        for (; mirrored_ && n_selves < end; ++n_selves) put(n_selves, n_selves, 0.0f);
    };
    Poller look(poll);
    for (Hits& hits : hits_) {
        look();
        for (std::size_t h = 0; h < hits.pairs.size(); ++h) {
            const auto& pair = hits.pairs[h];
            meet_selves(pair.row + 1);
            put(pair.row, pair.col, hits.distances[h]);
            if (mirrored_) put(pair.col, pair.row, hits.distances[h]);
        }
        hits = Hits();
    }
    meet_selves(n_rows_);
    for (std::size_t i = 0; i < indptr_.size(); ++i) indptr[static_cast<index_t>(i)] = indptr_[i];
}

bool EdgeStream::next(index_t max_edges, std::vector<PairsWithin::Pair>& edges, const std::int32_t* settled,
                      int n_threads, const PollCallback& poll) {
    require(!interrupted_, "the stream was interrupted and cannot go on; make a new one");
    edges.clear();
    interrupted_ = true;  // until this call comes to its end
    const index_t n_tasks = within_.blocks().size();
    while (edges.empty() && next_task_ < n_tasks) {
        const index_t n_batch = std::min(batch_, n_tasks - next_task_);
        std::vector<std::vector<PairsWithin::Pair>> found(at(n_batch));
        // Tasks that were done beyond the first one that was not are kept for the next call.
        for (index_t t = 0; t < std::min(n_batch, static_cast<index_t>(ahead_.size())); ++t) {
            found[at(t)] = std::move(ahead_[at(t)].edges);
        }
        std::vector<char> done(at(n_batch), 0);
        for (index_t t = 0; t < std::min(n_batch, static_cast<index_t>(ahead_.size())); ++t) {
            done[at(t)] = ahead_[at(t)].done;
        }
        std::atomic<index_t> n_edges{0};
        parallel_for(
            n_batch, n_threads,
            [&](index_t t) {
                if (!done[at(t)]) {
                    if (t > 0 && n_edges >= max_edges) return;
                    within_.run(next_task_ + t, found[at(t)], nullptr, settled);
                    done[at(t)] = 1;
                }
                n_edges += static_cast<index_t>(found[at(t)].size());
            },
            poll);
        index_t n_ready = 0;
        while (n_ready < n_batch && done[at(n_ready)]) ++n_ready;
        for (index_t t = 0; t < n_ready; ++t) {
            edges.insert(edges.end(), found[at(t)].begin(), found[at(t)].end());
        }
        ahead_.clear();
        for (index_t t = n_ready; t < n_batch; ++t) ahead_.push_back({std::move(found[at(t)]), done[at(t)] != 0});
        next_task_ += n_ready;
        // Few edges: more tasks at a time, up to what keeps a call interruptible in any case.
        if (n_ready == n_batch && n_edges * 4 < max_edges) batch_ = std::min<index_t>(batch_ * 2, 4096);
        if (n_ready < n_batch) batch_ = std::max<index_t>(n_ready, n_threads);
    }
    interrupted_ = false;
    return !edges.empty();
}

}  // namespace pyface::distance
