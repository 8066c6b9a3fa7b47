#include <algorithm>

#include "core/require.hpp"
#include "distance/distances.hpp"
#include "distance/sweep.hpp"

namespace pyface::distance {
namespace {

struct Neighbor {
    double distance;
    index_t index;

    bool operator<(const Neighbor& other) const {
        return distance < other.distance || (distance == other.distance && index < other.index);
    }
};

}  // namespace

void nearest(const Rows& x, const Rows* y, Metric metric, MatrixView<float> distances,
             MatrixView<std::int64_t> indices, int n_threads, const PollCallback& poll) {
    const bool to_itself = y == nullptr;
    const Rows& others = to_itself ? x : *y;
    const index_t n = x.size();
    const index_t k = distances.cols;
    require(k >= 1 && k <= others.size(), "k must be between 1 and the number of rows");
    // The row itself is known to come first, so only the others are searched for.
    const index_t n_found = to_itself ? k - 1 : k;

    // A max-heap per row, kept between the chunks of columns, so that a task stays short at any number of columns.
    std::vector<Neighbor> heaps(static_cast<std::size_t>(n * n_found));
    std::vector<index_t> sizes(static_cast<std::size_t>(n), 0);
    const Grid whole(n, others.size(), x.dimension());
    const auto search = [&](index_t first, index_t last) {
        parallel_for(whole.n_blocks, n_threads, [&](index_t block) {
            Panel a(x.dimension());
            Panel b(x.dimension());
            const AlignedBuffer values(Panel::kBlock * Panel::kBlock);
            const index_t row = block * Panel::kBlock;
            const index_t row_end = std::min(row + Panel::kBlock, n);
            a.load(x, row, row_end, metric);
            for (index_t col = first; col < last; col += Panel::kBlock) {
                b.load(others, col, std::min(col + Panel::kBlock, last), metric);
                tile_distances(a, b, metric, x.is_float32() && others.is_float32(), values.get());
                for (index_t i = row; i < row_end; ++i) {
                    Neighbor* heap = heaps.data() + i * n_found;
                    index_t& size = sizes[static_cast<std::size_t>(i)];
                    for (index_t j = 0; j < b.size(); ++j) {
                        const Neighbor candidate{values.get()[(i - row) * Panel::kBlock + j], col + j};
                        if (to_itself && candidate.index == i) continue;
                        if (size < n_found) {
                            heap[size++] = candidate;
                            std::push_heap(heap, heap + size);
                        } else if (candidate < heap[0]) {
                            std::pop_heap(heap, heap + size);
                            heap[size - 1] = candidate;
                            std::push_heap(heap, heap + size);
                        }
                    }
                }
            }
        }, poll);
    };
    if (n_found > 0) {
        for (index_t first = 0; first < others.size(); first += whole.chunk) {
            search(first, std::min(first + whole.chunk, others.size()));
        }
    }
    for (index_t i = 0; i < n; ++i) {
        Neighbor* heap = heaps.data() + i * n_found;
        std::sort_heap(heap, heap + n_found);
        index_t place = 0;
        if (to_itself) {
            distances(i, place) = 0.0f;
            indices(i, place++) = i;
        }
        for (index_t f = 0; f < n_found; ++f, ++place) {
            distances(i, place) = static_cast<float>(heap[f].distance);
            indices(i, place) = heap[f].index;
        }
    }
}

}  // namespace pyface::distance
