#include "linkage/few_rows.hpp"

#include "core/aligned.hpp"
#include "distance/distances.hpp"

namespace pyface::linkage {
namespace {

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

}  // namespace

std::vector<Line> lines_of_few(const RowSpace& space, const std::vector<std::int32_t>& rows, double raw_limit,
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

}  // namespace pyface::linkage
