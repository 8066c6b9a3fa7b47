#include "linkage/few_rows.hpp"

#include <cmath>
#include <functional>
#include <limits>

#include "core/aligned.hpp"
#include "distance/code_choice.hpp"
#include "distance/counters.hpp"
#include "distance/distances.hpp"
#include "distance/rough_squares.hpp"
#include "distance/screen.hpp"
#include "linkage/condensed.hpp"
#include "simd/isa.hpp"

namespace pyface::linkage {
namespace {

using distance::Metric;

constexpr index_t kMostOfTight = 8192;  // whose squares take 256 MB

std::size_t at(index_t i) { return static_cast<std::size_t>(i); }

void all_distances(const RowSpace& space, const std::vector<std::int32_t>& rows, MatrixView<double> out, int n_threads,
                   const PollCallback& poll) {
    if (out.rows == space.n_slots()) {
        distance::dense_symmetric(space.rows(), space.metric(), out, n_threads, poll);
        return;
    }
    parallel_for(
        out.rows, n_threads,
        [&](index_t r) { space.distances(rows[at(r)], rows.data(), out.cols, out.row(r)); }, poll);
}

std::vector<Line> by_all_distances(const RowSpace& space, const std::vector<std::int32_t>& rows, double raw_limit,
                                   int n_threads, const PollCallback& poll) {
    const auto n = static_cast<index_t>(rows.size());
    const AlignedArray<double> memory(n * n);
    const MatrixView<double> distances{memory.get(), n, n};
    all_distances(space, rows, distances, n_threads, poll);
    std::vector<Line> lines;
    std::vector<Line> nearest(rows.size());  // from the tree to each row that is not in it
    std::vector<std::int32_t> left(rows.size());
    std::iota(left.begin(), left.end(), 0);
    Poller look(poll);
    for (std::int32_t last = 0; left.size() > 1;) {
        std::erase(left, last);
        std::int32_t next = left[0];
        for (const std::int32_t r : left) {
            const double raw = distances(last, r);
            Line& line = nearest[at(r)];
            if (raw <= line.raw) {
                const auto [a, b] = std::minmax(rows[at(last)], rows[at(r)]);
                line = std::min(line, Line{raw, raw, a, b});
            }
            if (line < nearest[at(next)]) next = r;
        }
        if (nearest[at(next)].raw < raw_limit) lines.push_back(nearest[at(next)]);
        last = next;
        look();
    }
    return lines;
}

// The same, but a distance is measured only where its bound is not above the shortest one to that row so far: seven of a
// thousand on average where rows come in no order.
std::vector<Line> by_bounds(const RowSpace& space, const distance::RoughSquares& squares,
                            const std::vector<std::int32_t>& rows, double raw_limit, const PollCallback& poll) {
    const index_t n = space.n_slots();
    std::vector<Line> nearest(at(n));                // from the tree to each row that is not in it
    std::vector<float> lengths(at(n), kInfinite<float>);  // of these, rounded
    std::vector<float> limits(at(n), -1.0f);         // no distance with a higher square is as short
    for (const std::int32_t row : rows) limits[at(row)] = kInfinite<float>;
    std::vector<Line> lines;
    std::vector<std::int32_t> hits;
    std::vector<double> values;
    Poller look(poll);
    std::int32_t last = rows[0];
    for (std::size_t n_left = rows.size() - 1; n_left > 0; --n_left) {
        limits[at(last)] = -1.0f;
        lengths[at(last)] = kInfinite<float>;
        hits.clear();
        each_hit(squares.row(last), limits.data(), n, std::less_equal<float>(),
                 [&](index_t r) { hits.push_back(static_cast<std::int32_t>(r)); });
        values.resize(hits.size());
        space.distances(last, hits.data(), static_cast<index_t>(hits.size()), values.data());
        distance::count(distance::Counter::pairs_in_float64, static_cast<index_t>(hits.size()));
        for (std::size_t h = 0; h < hits.size(); ++h) {
            Line& line = nearest[at(hits[h])];
            if (!(values[h] <= line.raw)) continue;
            const auto [a, b] = std::minmax(last, hits[h]);
            line = std::min(line, Line{values[h], values[h], a, b});
            lengths[at(hits[h])] = std::min(static_cast<float>(line.raw), std::numeric_limits<float>::max());
            limits[at(hits[h])] = squares.reach(line.raw);
        }
        const float shortest = least(lengths.data(), n);
        if (std::isinf(shortest)) break;
        std::int32_t next = -1;
        const auto offer = [&](index_t r) {
            if (next < 0 || nearest[at(r)] < nearest[at(next)]) next = static_cast<std::int32_t>(r);
        };
        constexpr index_t kBlock = 64;
        for (index_t r = 0; r < n; r += kBlock) {
            const index_t end = std::min(n, r + kBlock);
            std::int32_t hits_here = 0;
            for (index_t c = r; c < end; ++c) hits_here += lengths[at(c)] == shortest ? 1 : 0;
            for (index_t c = r; hits_here > 0 && c < end; ++c) {
                if (lengths[at(c)] == shortest) offer(c);
            }
        }
        if (nearest[at(next)].raw < raw_limit) lines.push_back(nearest[at(next)]);
        last = next;
        look();
    }
    return lines;
}

}  // namespace

bool are_few(const RowSpace& space, const std::vector<std::int32_t>& rows, index_t few, int n_threads,
             const PollCallback& poll) {
    const auto n_alive = static_cast<index_t>(rows.size());
    if (n_alive <= few || few == 0) return n_alive <= few;
    const simd::Rows& x = space.rows();
    // As lines_of_few() asks: rows that are left out have no place of their own there.
    if (x.size() > kMostOfTight || 2 * n_alive <= x.size() || x.dimension() <= distance::kFewColumns) return false;
    for (index_t i = 0; space.metric() == Metric::cosine && i < x.size(); ++i) {
        if (space.is_zero(i)) return false;  // squares say nothing of it
    }
    const distance::Frame frame(x, nullptr, space.metric(), n_threads, poll);
    return distance::RoughBounds::hold(frame.scale()) && distance::are_tight_groups(simd::kernels(), frame, x);
}

std::vector<Line> lines_of_few(const RowSpace& space, const std::vector<std::int32_t>& rows, double raw_limit,
                               int n_threads, const PollCallback& poll) {
    const index_t n = space.n_slots();
    // Rows that are left out have no place of their own there.
    if (2 * static_cast<index_t>(rows.size()) > n) {
        Crew crew(distance::threads_for_few(n, space.rows().dimension(), n_threads), poll);
        const distance::RoughSquares squares(space.rows(), space.metric(), crew);
        distance::count(distance::Counter::pairs_in_float32, n * (n - 1) / 2);
        if (squares.are_sound()) return by_bounds(space, squares, rows, raw_limit, poll);
    }
    return by_all_distances(space, rows, raw_limit, n_threads, poll);
}

}  // namespace pyface::linkage
