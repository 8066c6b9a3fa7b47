#include "core/require.hpp"
#include "distance/distances.hpp"
#include "distance/sweep.hpp"

namespace pyface::distance {
namespace {

std::size_t at(index_t i) { return static_cast<std::size_t>(i); }

}  // namespace

RadiusGraph::RadiusGraph(const Rows& x, const Rows* y, Metric metric, double radius, int n_threads,
                         const PollCallback& poll)
    : n_rows_(x.size()), mirrored_(y == nullptr), indptr_(at(x.size() + 1), 0) {
    const index_t n_cols = mirrored_ ? x.size() : y->size();
    require(n_rows_ < INT32_MAX && n_cols < INT32_MAX, "a radius graph has at most 2^31 - 2 rows and columns");
    const Grid grid(n_rows_, n_cols, x.dimension());
    hits_.resize(at(grid.n_tasks()));
    const auto consume = [&](index_t task, const Tile& tile) {
        auto& hits = hits_[at(task)];
        const bool on_diagonal = mirrored_ && tile.row == tile.col;
        for (index_t i = 0; i < tile.n_rows; ++i) {
            for (index_t j = on_diagonal ? i : 0; j < tile.n_cols; ++j) {
                const double value = tile(i, j);
                if (value <= radius) {
                    hits.push_back({static_cast<std::int32_t>(tile.row + i), static_cast<std::int32_t>(tile.col + j),
                                    static_cast<float>(value)});
                }
            }
        }
    };
    if (mirrored_) {
        sweep_upper(x, metric, grid, n_threads, poll, consume);
    } else {
        sweep(x, *y, metric, grid, n_threads, poll, consume);
    }
    Poller look(poll);
    for (const auto& hits : hits_) {
        look();
        for (const Hit& hit : hits) {
            ++indptr_[at(hit.row + 1)];
            if (mirrored_ && hit.row != hit.col) ++indptr_[at(hit.col + 1)];
        }
    }
    for (std::size_t i = 1; i < indptr_.size(); ++i) indptr_[i] += indptr_[i - 1];
}

// No sorting: tasks come by block of rows, then by columns, and the hits of a tile by row, then by column. So row r of a
// mirrored graph receives its columns below r from earlier rows, in order, before it meets its own columns from r on.
void RadiusGraph::write(VectorView<std::int64_t> indptr, VectorView<std::int32_t> indices,
                        VectorView<float> distances, const PollCallback& poll) const {
    std::vector<std::int64_t> next(indptr_.begin(), indptr_.end() - 1);
    const auto put = [&](std::int32_t row, std::int32_t col, float distance) {
        const std::int64_t place = next[at(row)]++;
        indices[place] = col;
        distances[place] = distance;
    };
    Poller look(poll);
    for (const auto& hits : hits_) {
        look();
        for (const Hit& hit : hits) {
            put(hit.row, hit.col, hit.distance);
            if (mirrored_ && hit.row != hit.col) put(hit.col, hit.row, hit.distance);
        }
    }
    for (std::size_t i = 0; i < indptr_.size(); ++i) indptr[static_cast<index_t>(i)] = indptr_[i];
}

}  // namespace pyface::distance
