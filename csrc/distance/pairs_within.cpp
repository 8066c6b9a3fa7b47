#include "distance/pairs_within.hpp"

#include <algorithm>
#include <cmath>

#include "core/require.hpp"
#include "distance/counters.hpp"
#include "simd/isa.hpp"

namespace pyface::distance {
namespace {

// Whether the radius is less than what the codes of rows leave in doubt, judged by some of them: those of a tight group are
// nearer to each other than codes of a few bits can tell.
bool is_within_doubt(double radius, const Frame& frame, const CodedRows& rows) {
    constexpr index_t kSample = 256;
    const index_t step = (rows.size() + kSample - 1) / kSample;
    double doubt = 0.0;
    double count = 0.0;
    for (index_t i = 0; i < rows.size(); i += step, count += 1.0) {
        doubt += 2.0 * static_cast<double>(rows.facts(i).residual) * static_cast<double>(rows.facts(i).length);
    }
    // How far the score of a pair at the radius is from that of a row with itself.
    const double reach = frame.is_cosine() ? 1.0 - frame.least_score(radius, 0.0) : -frame.least_score(radius, 0.0);
    return reach * count < doubt;
}

}  // namespace

PairsWithin::PairsWithin(const Rows& x, const Rows* y, Metric metric, double radius, int n_threads,
                         const PollCallback& poll)
    : x_(x),
      y_(y == nullptr ? x : *y),
      to_itself_(y == nullptr),
      radius_(radius),
      kernels_(simd::kernels()),
      frame_(x, y, metric, n_threads, poll),
      exact_(x, y, metric, n_threads, poll),
      blocks_(x_.size(), y_.size(), x_.dimension(), to_itself_ ? Blocks::Part::upper : Blocks::Part::all),
      sides_(x, y) {
    require(x_.size() < INT32_MAX && y_.size() < INT32_MAX, "a radius graph has at most 2^31 - 2 rows and columns");
    if (x_.dimension() > kFewColumns) code(n_threads, poll);
    const bool cosine = frame_.is_cosine();
    least_scores_.resize(static_cast<std::size_t>(cosine ? 1 : x_.size()), frame_.least_score(radius, 0.0));
    if (cosine) return;
    constexpr index_t kRowsPerTask = 1024;
    parallel_for(
        (x_.size() + kRowsPerTask - 1) / kRowsPerTask, n_threads,
        [&](index_t task) {
            const AlignedBuffer row(frame_.stride());
            const index_t end = std::min(x_.size(), (task + 1) * kRowsPerTask);
            for (index_t i = task * kRowsPerTask; i < end; ++i) {
                least_scores_[static_cast<std::size_t>(i)] =
                    frame_.least_score(radius, frame_.read(x_, i, row.get()));
            }
        },
        poll);
}

void PairsWithin::code(int n_threads, const PollCallback& poll) {
    const double n_pairs = static_cast<double>(x_.size()) * static_cast<double>(y_.size()) * (to_itself_ ? 0.5 : 1.0);
    const double square = frame_.is_cosine() ? 2.0 * radius_ : -2.0 * frame_.least_score(radius_, 0.0);
    sides_.find_axes(kernels_, Precision::codes, frame_, Reach::within(square), n_pairs, n_threads, poll);
    sides_.load(kernels_, {Precision::codes}, frame_, n_threads, poll);
    const bool are_few_bits = kernels_.coding.largest <= 127;
    if (are_few_bits && is_within_doubt(radius_, frame_, sides_.x_codes())) {
        sides_.load(kernels_, {Precision::wide_codes}, frame_, n_threads, poll);
    }
}

void PairsWithin::run(index_t task, std::vector<Pair>& pairs, std::vector<float>* distances,
                      const std::int32_t* settled) {
    const Blocks::Task part = blocks_[task];
    const auto worker = workers_.lease([&] {
        return std::unique_ptr<Worker>(new Worker{Screen(kernels_, frame_, sides_.x(), sides_.y()), {}, {}, {}, {}});
    });
    Screen& screen = worker->screen;
    screen.set_rows(part.row_begin, part.row_end);
    for (index_t i = 0; i < screen.n_rows(); ++i) screen.set_threshold(i, least_score(part.row_begin + i));
    screen.leave_out(settled);
    worker->found.clear();
    // Of one number throughout: -1 if they are not, or have none.
    const auto number_of = [&](index_t begin, index_t end) {
        const auto is_another = [&](std::int32_t number) { return number != settled[begin]; };
        return std::any_of(settled + begin, settled + end, is_another) ? -1 : settled[begin];
    };
    const std::int32_t rows_number = settled == nullptr ? -1 : number_of(part.row_begin, part.row_end);
    Screen::Codes codes(x_.dimension());
    for (index_t col = part.col_begin; col < part.col_end; col += kColBlock) {
        const index_t col_end = std::min(col + kColBlock, part.col_end);
        if (rows_number >= 0 && number_of(col, col_end) == rows_number) continue;
        const bool on_diagonal = to_itself_ && col < part.row_end;
        screen.run(codes, screen.n_rows() * (col_end - col) / kManyCandidates, col, col_end, on_diagonal);
        collect(*worker, col, on_diagonal ? part.row_begin : -kRowBlock, distances == nullptr);
    }
    decide(*worker, pairs, distances);
}

// `diagonal`: pairs of a row and a column at or below its own number are left out.
void PairsWithin::collect(Worker& worker, index_t col_begin, index_t diagonal, bool accept) const {
    const Screen& screen = worker.screen;
    for (index_t c = 0; c < screen.n_found(); ++c) {
        const simd::Candidate& candidate = screen.candidate(c);
        const index_t col = col_begin + candidate.col;
        if (col <= diagonal + candidate.row) continue;
        const bool sure =
            accept && screen.bounds(candidate).low >= least_score(screen.row_begin() + candidate.row);
        worker.found.push_back({candidate.row, static_cast<std::int32_t>(col), sure});
    }
}

void PairsWithin::decide(Worker& worker, std::vector<Pair>& pairs, std::vector<float>* distances) const {
    // Tiles come by columns and candidates of a row in the order of theirs, so that putting them by row is all it takes.
    index_t starts[kRowBlock + 1] = {};
    for (const Found& f : worker.found) ++starts[f.row + 1];
    for (index_t i = 0; i < kRowBlock; ++i) starts[i + 1] += starts[i];
    worker.by_row.resize(worker.found.size());
    index_t next[kRowBlock];
    std::copy_n(starts, kRowBlock, next);
    for (const Found& f : worker.found) worker.by_row[static_cast<std::size_t>(next[f.row]++)] = f;

    index_t n_decided = 0;
    for (index_t i = 0; i < worker.screen.n_rows(); ++i) {
        const Found* begin = worker.by_row.data() + starts[i];
        const Found* end = worker.by_row.data() + starts[i + 1];
        const index_t row = worker.screen.row_begin() + i;
        worker.doubtful.clear();
        for (const Found* f = begin; f != end; ++f) {
            if (!f->accepted) worker.doubtful.push_back(f->col);
        }
        const auto n_doubtful = static_cast<index_t>(worker.doubtful.size());
        worker.values.resize(worker.doubtful.size());
        exact_.distances(row, worker.doubtful.data(), n_doubtful, worker.values.data());
        n_decided += n_doubtful;
        const double* value = worker.values.data();
        for (const Found* f = begin; f != end; ++f) {
            if (!f->accepted && !(*value++ <= radius_)) continue;
            pairs.push_back({static_cast<std::int32_t>(row), f->col});
            if (distances != nullptr) distances->push_back(static_cast<float>(value[-1]));
        }
    }
    count(Counter::pairs_in_float64, n_decided);
    count(Counter::pairs_accepted, static_cast<index_t>(worker.found.size()) - n_decided);
}

}  // namespace pyface::distance
