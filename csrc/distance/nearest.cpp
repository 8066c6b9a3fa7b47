#include <algorithm>
#include <cmath>
#include <limits>

#include "core/require.hpp"
#include "distance/blocks.hpp"
#include "distance/code_choice.hpp"
#include "distance/counters.hpp"
#include "distance/distances.hpp"
#include "distance/exact.hpp"
#include "distance/neighbor.hpp"
#include "distance/rough_nearest.hpp"
#include "distance/shared_lists.hpp"
#include "distance/sides.hpp"
#include "simd/isa.hpp"

namespace pyface::distance {
namespace {

constexpr index_t kPairWork = 32;  // what a pair costs beside its products, in multiplications
constexpr index_t kTaskWork = index_t{1} << 30;  // multiplications: some milliseconds, 200 with the slowest kernels
constexpr index_t kFirstColumns = 32;  // without thresholds everything is a candidate, so the first tiles are narrow

// What float64 may have rounded in a score, much more than it does at any number of columns.
constexpr double kRounding = 1e-9;
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr index_t kRowsPerTask = 32;  // of those that are put in order
// Each pair is looked at once, for both of its rows, if there are so many.
constexpr index_t kManyRows = 4 * Blocks::kSquare;

class Search {
public:
    Search(const Rows& x, const Rows* y, const Frame& frame, CodeChoice choice, index_t k, int n_threads,
           const PollCallback& poll)
        : x_(x),
          y_(y == nullptr ? x : *y),
          to_itself_(y == nullptr),
          n_found_(to_itself_ ? k - 1 : k),
          once_(to_itself_ && n_found_ > 0 && x.size() >= kManyRows && lists_fit()),
          n_threads_(n_threads),
          poll_(poll),
          kernels_(simd::kernels()),
          frame_(frame),
          exact_(x, y, frame.metric(), n_threads, poll),
          sides_(x, y) {
        require(y_.size() < INT32_MAX, "at most 2^31 - 2 rows can be searched");
        if (x_.dimension() <= kFewColumns) return;
        const double n_pairs = static_cast<double>(x_.size()) * static_cast<double>(y_.size());
        Reach reach = Reach::nearest(n_found_, y_.size());
        once_ = once_ && !choice.are_many_equal;
        if (once_) reach.otherwise = 0.5;
        once_ = !sides_.find_axes(kernels_, choice.precision, frame_, reach, n_pairs, n_threads, poll) && once_;
        sides_.load(kernels_, choice, frame_, n_threads, poll);
    }

    void run(MatrixView<float> distances, MatrixView<std::int64_t> indices) {
        if (once_) return run_once(distances, indices);
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
            for (Shortlist& shortlist : lists_) shortlist.start(n_found_);
            for (index_t start = 0; n_found_ > 0 && start < n_col_blocks; start += tiles_per_task * n_parts) {
                parallel_for(
                    count * n_parts, n_threads_,
                    [&](index_t task) {
                        const index_t begin = start + task % n_parts * tiles_per_task;
                        const index_t end = std::min(begin + tiles_per_task, n_col_blocks);
                        search(first + task / n_parts, &list(task * kRowBlock), {0, n_col_blocks}, begin, end,
                               start / n_parts * kColBlock);
                    },
                    poll_);
            }
            const index_t n_rows = std::min(count * kRowBlock, n - first * kRowBlock);
            parallel_for(
                (n_rows + kRowsPerTask - 1) / kRowsPerTask, n_threads_,
                [&](index_t task) {
                    for (index_t t = task * kRowsPerTask; t < std::min(n_rows, (task + 1) * kRowsPerTask); ++t) {
                        finish(first * kRowBlock + t, &list(t / kRowBlock * n_parts * kRowBlock + t % kRowBlock), n_parts,
                               distances, indices);
                    }
                },
                poll_);
        }
    }

private:
    Shortlist& list(index_t place) { return lists_[static_cast<std::size_t>(place)]; }
    auto lease() {
        return screens_.lease([&] { return std::make_unique<Screen>(kernels_, frame_, sides_.x(), sides_.y()); });
    }
    bool lists_fit() const {
        const double row_bytes = static_cast<double>(x_.dimension()) * (x_.is_float32() ? 4.0 : 8.0);
        const double most = std::max(SharedLists::kLittle, row_bytes * static_cast<double>(x_.size()));
        return SharedLists::bytes(x_.size(), n_found_) <= most;
    }

    // All pairs of rows, each once. Rows are compared with those about them first, so that there are thresholds.
    void run_once(MatrixView<float> distances, MatrixView<std::int64_t> indices) {
        const index_t n = x_.size();
        SharedLists lists(n, n_found_);
        const index_t n_col_blocks = (n + kColBlock - 1) / kColBlock;
        parallel_for(
            (n + kRowBlock - 1) / kRowBlock, n_threads_,
            [&](index_t block) {
                const index_t row = block * kRowBlock;
                constexpr index_t kBlocks = Blocks::kSquare / kColBlock;
                const index_t first = row / Blocks::kSquare * kBlocks;
                const Window window = {first, std::min(first + kBlocks, n_col_blocks)};
                search(block, &lists[row], window, 0, window.end - window.begin, 0);
                for (index_t i = row; i < std::min(row + kRowBlock, n); ++i) lists.publish(i);
            },
            poll_);
        const Blocks blocks(n, n, x_.dimension(), Blocks::Part::beyond_squares);
        parallel_for(blocks.size(), n_threads_, [&](index_t task) { search_once(blocks[task], lists); }, poll_);
        parallel_for(
            (n + kRowsPerTask - 1) / kRowsPerTask, n_threads_,
            [&](index_t task) {
                for (index_t i = task * kRowsPerTask; i < std::min(n, (task + 1) * kRowsPerTask); ++i) {
                    finish(i, &lists[i], 1, distances, indices);
                }
            },
            poll_);
    }

    // A block of rows and some columns, all of higher numbers, for the lists of both.
    void search_once(const Blocks::Task& part, SharedLists& lists) {
        const auto screen = lease();
        screen->set_rows(part.row_begin, part.row_end);
        Screen::Codes codes(x_.dimension());
        const index_t n_rows = screen->n_rows();
        double row_limits[kRowBlock], col_limits[kColBlock];
        std::fill_n(row_limits, kRowBlock, std::numeric_limits<double>::quiet_NaN());
        std::vector<ForColumn> for_columns;
        for (index_t col = part.col_begin; col < part.col_end; col += kColBlock) {
            const index_t n_cols = std::min(kColBlock, part.col_end - col);
            const double least_limit = read_limits(*screen, lists, row_limits, col, n_cols, col_limits);
            if (least_limit == kBeyondAll) continue;
            const index_t n_pairs = n_rows * n_cols;
            // Rows have seen about so many others by now, and columns.
            const index_t n_new = n_pairs * n_found_ / col + n_pairs * n_found_ / (part.row_begin + Blocks::kSquare);
            screen->set_column_thresholds(col_limits);
            screen->run(codes, std::min(n_pairs, 4 * n_new) + n_pairs / kManyCandidates, col, col + n_cols, false);
            screen->set_column_thresholds(nullptr);

            for_columns.clear();
            offer_to_rows(*screen, lists, row_limits, col, col_limits, for_columns);
            std::unique_lock<std::mutex> lock;
            for (const ForColumn& f : for_columns) {
                if (lock.mutex() != &lists.lock(f.col)) {
                    if (lock) lock.unlock();
                    lock = std::unique_lock(lists.lock(f.col));
                }
                if (lists[f.col].offer(f.bounds.low, f.bounds.high, f.row)) settle(f.col, lists[f.col]);
                lists.publish(f.col);
            }
        }
    }

    struct ForColumn {
        std::int32_t row, col;
        Screen::Bounds bounds;
    };

    // Of the rows and columns of a tile; the least of them.
    static double read_limits(Screen& screen, const SharedLists& lists, double* of_rows, index_t col, index_t n_cols,
                              double* of_cols) {
        double least = kBeyondAll;
        for (index_t i = 0; i < screen.n_rows(); ++i) {
            const double limit = lists.threshold(screen.row_begin() + i, col);
            if (limit != of_rows[i]) screen.set_threshold(i, limit);
            of_rows[i] = limit;
            least = std::min(least, limit);
        }
        for (index_t j = 0; j < n_cols; ++j) {
            of_cols[j] = lists.threshold(col + j, screen.row_begin());
            least = std::min(least, of_cols[j]);
        }
        return least;
    }

    // Those of the last run; what may matter to columns is kept for later, as no thread may wait for two blocks.
    void offer_to_rows(const Screen& screen, SharedLists& lists, const double* row_limits, index_t col,
                       const double* col_limits, std::vector<ForColumn>& for_columns) {
        const index_t row = screen.row_begin();
        std::vector<std::unique_lock<std::mutex>> held;
        for (index_t i = 0; i < screen.n_rows(); i += SharedLists::kRowsPerLock) held.emplace_back(lists.lock(row + i));
        std::vector<char> touched(static_cast<std::size_t>(screen.n_rows()), 0);
        for (index_t c = 0; c < screen.n_found(); ++c) {
            const simd::Candidate& candidate = screen.candidate(c);
            const Screen::BothBounds bounds = screen.both_bounds(candidate);
            const auto i = static_cast<std::int32_t>(row + candidate.row);
            const auto j = static_cast<std::int32_t>(col + candidate.col);
            if (!(bounds.of_column.high < col_limits[candidate.col])) for_columns.push_back({i, j, bounds.of_column});
            if (bounds.of_row.high < row_limits[candidate.row]) continue;
            touched[static_cast<std::size_t>(candidate.row)] = 1;
            if (lists[i].offer(bounds.of_row.low, bounds.of_row.high, j)) settle(i, lists[i]);
        }
        for (index_t i = 0; i < screen.n_rows(); ++i) {
            if (touched[static_cast<std::size_t>(i)]) lists.publish(row + i);
        }
    }

    struct Window {
        index_t begin, end;  // blocks of columns
    };

    // Blocks of columns [begin, end) of a window for one block of rows, into the short lists of its rows, which have seen
    // n_seen columns before. Blocks are counted from the one that the rows themselves lie in: where rows are in some order,
    // the nearest ones are likely to be there, and with them the thresholds are high from the start.
    void search(index_t block, Shortlist* lists, Window window, index_t begin, index_t end, index_t n_seen) {
        const auto screen = lease();
        const index_t row = block * kRowBlock;
        screen->set_rows(row, std::min(row + kRowBlock, x_.size()));
        for (index_t i = 0; i < screen->n_rows(); ++i) {
            screen->set_threshold(i, lists[i].threshold());
        }
        Screen::Codes codes(x_.dimension());
        std::vector<char> touched(static_cast<std::size_t>(screen->n_rows()));
        // Rows that have all their neighbours, unless a column comes before these.
        std::vector<char> full(static_cast<std::size_t>(screen->n_rows()), 0);
        index_t width = n_seen == 0 ? kFirstColumns : kColBlock;
        const index_t own = to_itself_ ? row / kColBlock - window.begin : 0;
        index_t b = begin;
        for (index_t col = 0, col_end = 0; b < end; n_seen += col_end - col) {
            const index_t block_begin = (window.begin + (own + b) % (window.end - window.begin)) * kColBlock;
            const index_t block_end = std::min(block_begin + kColBlock, y_.size());
            col = col_end > block_begin && col_end < block_end ? col_end : block_begin;
            col_end = std::min(col + width, block_end);
            if (col_end == block_end) ++b;
            width = std::min(2 * width, kColBlock);
            index_t n_full = 0;
            for (index_t i = 0; i < screen->n_rows(); ++i) {
                const bool is_full = lists[i].end() <= col;
                n_full += is_full;
                char& was_full = full[static_cast<std::size_t>(i)];
                if (is_full != (was_full != 0)) {
                    screen->set_threshold(i, is_full ? kBeyondAll : lists[i].threshold());
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
                Shortlist& shortlist = lists[candidate.row];
                if (shortlist.offer(low, high, static_cast<std::int32_t>(j))) settle(row + candidate.row, shortlist);
            }
            for (index_t i = 0; i < screen->n_rows(); ++i) {
                if (touched[static_cast<std::size_t>(i)]) {
                    screen->set_threshold(i, lists[i].threshold());
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
        shortlist.settle(kept, score - kRounding * (half_square + std::fabs(score)) - 1e-30,
                         end_of(last.distance, last.index));
    }

    // From the lists of its parts, kRowBlock apart.
    void finish(index_t i, Shortlist* lists, index_t n_parts, MatrixView<float> distances,
                MatrixView<std::int64_t> indices) {
        index_t column = 0;
        if (to_itself_) {
            distances(i, column) = 0.0f;
            indices(i, column++) = i;
        }
        if (n_found_ == 0) return;
        std::vector<std::int32_t> js;
        double limit = lists->threshold();
        for (index_t p = 1; p < n_parts; ++p) limit = std::max(limit, lists[p * kRowBlock].threshold());
        for (index_t p = 0; p < n_parts; ++p) {
            for (const auto& entry : lists[p * kRowBlock].entries()) {
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
        *lists = Shortlist();
    }

    Rows x_, y_;
    bool to_itself_;
    index_t n_found_;
    bool once_;  // each pair is looked at once, for both of its rows
    int n_threads_;
    const PollCallback& poll_;
    const simd::Kernels& kernels_;
    const Frame& frame_;
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
    const Frame frame(x, y, metric, n_threads, poll);
    CodeChoice choice;
    if (x.dimension() > kFewColumns) choice = what_tells_neighbors(simd::kernels(), frame, y == nullptr ? x : *y);
    if (choice.precision == Precision::floats) {
        if (y == nullptr && nearest_in_float32(x, frame, distances, indices, n_threads, poll)) return;
        choice = {Precision::wide_codes};
    }
    Search(x, y, frame, choice, k, n_threads, poll).run(distances, indices);
}

}  // namespace pyface::distance
