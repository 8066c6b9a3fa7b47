#include <algorithm>
#include <cmath>
#include <limits>

#include "core/require.hpp"
#include "distance/blocks.hpp"
#include "distance/code_choice.hpp"
#include "distance/counters.hpp"
#include "distance/distances.hpp"
#include "distance/exact.hpp"
#include "distance/few_nearest.hpp"
#include "distance/shortlist.hpp"
#include "distance/sides.hpp"
#include "simd/isa.hpp"

namespace pyface::distance {
namespace {

constexpr index_t kPairWork = 32;  // what a pair costs beside its products, in multiplications
constexpr index_t kTaskWork = index_t{1} << 30;  // multiplications: some milliseconds, 200 with the slowest kernels
constexpr index_t kFirstColumns = 32;  // without thresholds everything is a candidate, so the first tiles are narrow

struct Neighbor {
    double distance;
    std::int32_t index;

    bool operator<(const Neighbor& other) const {
        return distance < other.distance || (distance == other.distance && index < other.index);
    }
};

// What float64 may have rounded in a score, much more than it does at any number of columns.
constexpr double kRounding = 1e-9;
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kBeyondAll = 1e20;  // no score in a frame is as high
constexpr index_t kRowsPerTask = 32;  // of those that are put in order

class Search {
public:
    Search(const Rows& x, const Rows* y, Metric metric, index_t k, int n_threads, const PollCallback& poll)
        : x_(x),
          y_(y == nullptr ? x : *y),
          to_itself_(y == nullptr),
          n_found_(to_itself_ ? k - 1 : k),
          n_threads_(n_threads),
          poll_(poll),
          kernels_(simd::kernels()),
          frame_(x, y, metric, n_threads, poll),
          exact_(x, y, metric, n_threads, poll),
          sides_(x, y) {
        require(y_.size() < INT32_MAX, "at most 2^31 - 2 rows can be searched");
        if (x_.dimension() <= kFewColumns) return;
        const Precision codes = codes_for_neighbors(kernels_, frame_, y_);
        const double n_pairs = static_cast<double>(x_.size()) * static_cast<double>(y_.size());
        sides_.find_axes(kernels_, codes, frame_, Reach::nearest(n_found_, y_.size()), n_pairs, n_threads, poll);
        sides_.load(kernels_, codes, frame_, n_threads, poll);
    }

    void run(MatrixView<float> distances, MatrixView<std::int64_t> indices) {
        const index_t n = x_.size();
        const index_t n_blocks = (n + kRowBlock - 1) / kRowBlock;
        const index_t n_col_blocks = (y_.size() + kColBlock - 1) / kColBlock;
        // Blocks of rows are searched side by side, each through all columns, some of them at a time. Where there are
        // fewer blocks than threads, each is searched in parts as well, and the parts are put together.
        const index_t n_parts = std::clamp<index_t>((2 * n_threads_ + n_blocks - 1) / std::max<index_t>(1, n_blocks), 1,
                                                    std::max<index_t>(1, n_col_blocks / 4));
        // A few blocks at a time, so that the short lists of all rows need not be held at once.
        const index_t at_once = 8 * n_threads_;
        const index_t tiles_per_task =
            std::max<index_t>(1, kTaskWork / (kRowBlock * kColBlock * (x_.dimension() + kPairWork)));
        for (index_t first = 0; first < n_blocks; first += at_once) {
            const index_t count = std::min(at_once, n_blocks - first);
            lists_.assign(static_cast<std::size_t>(count * n_parts * kRowBlock), Shortlist());
            for (index_t start = 0; n_found_ > 0 && start < n_col_blocks; start += tiles_per_task * n_parts) {
                parallel_for(
                    count * n_parts, n_threads_,
                    [&](index_t task) {
                        const index_t begin = start + task % n_parts * tiles_per_task;
                        const index_t end = std::min(begin + tiles_per_task, n_col_blocks);
                        search(first + task / n_parts, task, begin, end, start / n_parts * kColBlock);
                    },
                    poll_);
            }
            const index_t n_rows = std::min(count * kRowBlock, n - first * kRowBlock);
            parallel_for(
                (n_rows + kRowsPerTask - 1) / kRowsPerTask, n_threads_,
                [&](index_t task) {
                    for (index_t t = task * kRowsPerTask; t < std::min(n_rows, (task + 1) * kRowsPerTask); ++t) {
                        finish(first * kRowBlock + t, t / kRowBlock * n_parts * kRowBlock + t % kRowBlock, n_parts,
                               distances, indices);
                    }
                },
                poll_);
        }
    }

private:
    Shortlist& list(index_t place) { return lists_[static_cast<std::size_t>(place)]; }

    // Blocks of columns [begin, end) for one block of rows, into the short lists of the task, which have seen n_seen
    // columns before. Blocks are counted from the one that the rows themselves lie in: where rows are in some order, the
    // nearest ones are likely to be there, and with them the thresholds are high from the start.
    void search(index_t block, index_t task, index_t begin, index_t end, index_t n_seen) {
        const auto screen = screens_.lease(
            [&] { return std::make_unique<Screen>(kernels_, frame_, sides_.x(), sides_.y()); });
        const index_t row = block * kRowBlock;
        screen->set_rows(row, std::min(row + kRowBlock, x_.size()));
        for (index_t i = 0; i < screen->n_rows(); ++i) {
            Shortlist& shortlist = list(task * kRowBlock + i);
            if (n_seen == 0) shortlist.start(n_found_);
            screen->set_threshold(i, shortlist.threshold());
        }
        Screen::Codes codes(x_.dimension());
        std::vector<char> touched(static_cast<std::size_t>(screen->n_rows()));
        // Rows that have all their neighbours, unless a column comes before these.
        std::vector<char> full(static_cast<std::size_t>(screen->n_rows()), 0);
        index_t width = n_seen == 0 ? kFirstColumns : kColBlock;
        const index_t n_col_blocks = (y_.size() + kColBlock - 1) / kColBlock;
        const index_t own = to_itself_ ? row / kColBlock : 0;
        index_t b = begin;
        for (index_t col = 0, col_end = 0; b < end; n_seen += col_end - col) {
            const index_t block_begin = (own + b) % n_col_blocks * kColBlock;
            const index_t block_end = std::min(block_begin + kColBlock, y_.size());
            col = col_end > block_begin && col_end < block_end ? col_end : block_begin;
            col_end = std::min(col + width, block_end);
            if (col_end == block_end) ++b;
            width = std::min(2 * width, kColBlock);
            index_t n_full = 0;
            for (index_t i = 0; i < screen->n_rows(); ++i) {
                const Shortlist& shortlist = list(task * kRowBlock + i);
                const bool is_full = shortlist.end() <= col;
                n_full += is_full;
                char& was_full = full[static_cast<std::size_t>(i)];
                if (is_full != (was_full != 0)) {
                    screen->set_threshold(i, is_full ? kBeyondAll : shortlist.threshold());
                    was_full = is_full;
                }
            }
            if (n_full == screen->n_rows()) continue;
            // Of columns in no particular order, the j-th one is among the k nearest so far with probability k / j.
            const index_t n_pairs = screen->n_rows() * (col_end - col);
            const index_t n_new = std::min(n_pairs, n_pairs * n_found_ / (n_seen + 1));
            screen->run(codes, 4 * n_new + n_pairs / kManyCandidates, col, col_end, false);
            std::fill(touched.begin(), touched.end(), 0);
            for (index_t c = 0; c < screen->n_found(); ++c) {
                const simd::Candidate& candidate = screen->candidate(c);
                touched[static_cast<std::size_t>(candidate.row)] = 1;
                const index_t j = col + candidate.col;
                if (to_itself_ && j == row + candidate.row) continue;
                const auto [low, high] = screen->bounds(candidate);
                Shortlist& shortlist = list(task * kRowBlock + candidate.row);
                if (shortlist.offer(low, high, static_cast<std::int32_t>(j))) settle(row + candidate.row, shortlist);
            }
            for (index_t i = 0; i < screen->n_rows(); ++i) {
                if (touched[static_cast<std::size_t>(i)]) {
                    screen->set_threshold(i, list(task * kRowBlock + i).threshold());
                }
            }
        }
    }

    // The rows listed by their distance from row i in float64, the nearest n_found_ first and in order.
    std::vector<Neighbor> in_order(index_t i, const std::vector<std::int32_t>& js) const {
        const auto n_rows = static_cast<index_t>(js.size());
        std::vector<double> values(js.size());
        exact_.distances(i, js.data(), n_rows, values.data());
        count(Counter::pairs_in_float64, n_rows);
        std::vector<Neighbor> neighbors(js.size());
        for (std::size_t c = 0; c < js.size(); ++c) {
            neighbors[c] = {std::isnan(values[c]) ? std::numeric_limits<double>::infinity() : values[c], js[c]};
        }
        std::partial_sort(neighbors.begin(), neighbors.begin() + n_found_, neighbors.end());
        return neighbors;
    }

    // Rows that bounds cannot tell apart must not pile up: all of them may be duplicates of one.
    void settle(index_t i, Shortlist& shortlist) const {
        std::vector<std::int32_t> js;
        for (const auto& entry : shortlist.entries()) js.push_back(entry.index);
        const auto neighbors = in_order(i, js);
        const AlignedBuffer row(frame_.stride());
        const double half_square = frame_.read(x_, i, row.get());
        const double score = frame_.least_score(neighbors[static_cast<std::size_t>(n_found_ - 1)].distance, half_square);
        std::vector<Shortlist::Entry> kept;
        for (index_t c = 0; c < n_found_; ++c) {
            kept.push_back({kInfinity, kInfinity, neighbors[static_cast<std::size_t>(c)].index});
        }
        const Neighbor& last = neighbors[static_cast<std::size_t>(n_found_ - 1)];
        shortlist.settle(std::move(kept), score - kRounding * (half_square + std::fabs(score)) - 1e-30,
                         end_of(last.distance, last.index));
    }

    void finish(index_t i, index_t place, index_t n_parts, MatrixView<float> distances,
                MatrixView<std::int64_t> indices) {
        index_t column = 0;
        if (to_itself_) {
            distances(i, column) = 0.0f;
            indices(i, column++) = i;
        }
        if (n_found_ == 0) return;
        std::vector<std::int32_t> js;
        double limit = list(place).threshold();
        for (index_t p = 1; p < n_parts; ++p) limit = std::max(limit, list(place + p * kRowBlock).threshold());
        for (index_t p = 0; p < n_parts; ++p) {
            for (const auto& entry : list(place + p * kRowBlock).entries()) {
                if (entry.high >= limit) js.push_back(entry.index);
            }
        }
        if (static_cast<index_t>(js.size()) < n_found_) {  // only where bounds are not numbers
            js.clear();
            for (std::int32_t j = 0; j < y_.size(); ++j) {
                if (!to_itself_ || j != i) js.push_back(j);
            }
        }
        const auto neighbors = in_order(i, js);
        for (index_t f = 0; f < n_found_; ++f, ++column) {
            distances(i, column) = static_cast<float>(neighbors[static_cast<std::size_t>(f)].distance);
            indices(i, column) = neighbors[static_cast<std::size_t>(f)].index;
        }
        lists_[static_cast<std::size_t>(place)] = Shortlist();
    }

    Rows x_, y_;
    bool to_itself_;
    index_t n_found_;
    int n_threads_;
    const PollCallback& poll_;
    const simd::Kernels& kernels_;
    Frame frame_;
    Exact exact_;
    Sides sides_;
    Pool<Screen> screens_;
    std::vector<Shortlist> lists_;
};

}  // namespace

void nearest(const Rows& x, const Rows* y, Metric metric, MatrixView<float> distances,
             MatrixView<std::int64_t> indices, index_t few, int n_threads, const PollCallback& poll) {
    const index_t k = distances.cols;
    require(k >= 1 && k <= (y == nullptr ? x : *y).size(), "k must be between 1 and the number of rows");
    if (y == nullptr && x.size() <= few && nearest_of_few(x, metric, distances, indices, n_threads, poll)) return;
    Search(x, y, metric, k, n_threads, poll).run(distances, indices);
}

}  // namespace pyface::distance
