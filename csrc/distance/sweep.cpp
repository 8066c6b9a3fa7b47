#include "distance/sweep.hpp"

#include <algorithm>

namespace pyface::distance {
namespace {

constexpr index_t kBlock = Panel::kBlock;
// Multiplications per task: about 30 ms with the slowest kernels of a current CPU.
constexpr index_t kTaskWork = index_t{1} << 26;
// What taking one distance out of a tile costs, in multiplications: with few columns it is most of the work.
constexpr index_t kConsumeWork = 32;

index_t blocks(index_t n) { return (n + kBlock - 1) / kBlock; }

void run(const Rows& x, const Rows& y, Metric metric, const Grid& grid, bool upper, int n_threads,
         const PollCallback& poll, const Consume& consume) {
    const bool rows_are_float32 = x.is_float32() && y.is_float32();
    const auto task = [&](index_t t) {
        const index_t row = t / grid.n_chunks * kBlock;
        const index_t first = t % grid.n_chunks * grid.chunk;
        const index_t begin = upper ? std::max(first, row) : first;
        const index_t end = std::min(first + grid.chunk, grid.n_cols);
        if (begin >= end) return;
        Panel a(x.dimension());
        Panel b(x.dimension());
        const AlignedBuffer values(kBlock * kBlock);
        const index_t row_end = std::min(row + kBlock, grid.n_rows);
        a.load(x, row, row_end, metric);
        for (index_t col = begin; col < end; col += kBlock) {
            const index_t col_end = std::min(col + kBlock, end);
            b.load(y, col, col_end, metric);
            tile_distances(a, b, metric, rows_are_float32, values.get());
            if (upper && col == row) {
                for (index_t i = 0; i < row_end - row; ++i) values.get()[i * kBlock + i] = 0.0;
            }
            consume(t, Tile{row, row_end - row, col, col_end - col, values.get()});
        }
    };
    parallel_for(grid.n_tasks(), n_threads, task, poll);
}

}  // namespace

Grid::Grid(index_t rows, index_t cols, index_t dimension)
    : n_rows(rows),
      n_cols(cols),
      chunk(std::max<index_t>(1, kTaskWork / (kBlock * kBlock * (simd::padded(dimension) + kConsumeWork))) * kBlock),
      n_chunks((cols + chunk - 1) / chunk),
      n_blocks(blocks(rows)) {}

void sweep(const Rows& x, const Rows& y, Metric metric, const Grid& grid, int n_threads, const PollCallback& poll,
           const Consume& consume) {
    run(x, y, metric, grid, false, n_threads, poll, consume);
}

void sweep_upper(const Rows& x, Metric metric, const Grid& grid, int n_threads, const PollCallback& poll,
                 const Consume& consume) {
    run(x, x, metric, grid, true, n_threads, poll, consume);
}

}  // namespace pyface::distance
