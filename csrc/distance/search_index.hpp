// Rows that are searched again and again: their codes of 8 bits are kept, and a query costs one pass over them.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "core/parallel.hpp"
#include "distance/coded.hpp"
#include "distance/distances.hpp"
#include "distance/within.hpp"

namespace pyface::distance {

// Bytes from one row of codes to the next.
inline constexpr index_t stored_stride(index_t dimension) {
    return (dimension + simd::kCodeLanes - 1) / simd::kCodeLanes * simd::kCodeLanes;
}

// Rows, and what store() has written about them. All of it is borrowed.
struct StoredRows {
    Rows rows;
    const std::uint8_t* codes;  // stored_stride() bytes a row, on a multiple of 4
    const float* bounds;        // a scale and a residual for each row, see RowFacts
    // Cosine: |x|^2, as the distances take it. Euclidean: half of the squared length in the frame.
    const double* squares;
};

struct StoredSummary {
    double longest = 0.0;     // at least the length of each row in the frame
    bool any_scaled = false;  // rows that must be scaled before they are multiplied (Norms of exact.hpp)
};

// Codes rows; codes (n, stored_stride), bounds (n, 2), squares (n).
StoredSummary store(const Frame& frame, const Rows& rows, std::uint8_t* codes, float* bounds, double* squares,
                    int n_threads, const PollCallback& poll);

class SearchIndex {
public:
    // All rows have the same type and dimension. They are numbered through, one segment after the other.
    SearchIndex(Frame frame, index_t dimension, std::vector<StoredRows> segments, StoredSummary summary);

    index_t size() const { return row_begins_.back(); }
    index_t dimension() const { return dimension_; }
    const Frame& frame() const { return frame_; }
    double longest() const { return summary_.longest; }
    bool any_scaled() const { return summary_.any_scaled; }

    // The rows are cut into tiles of at most kColBlock, none across two segments.
    struct Tile {
        const StoredRows* stored;
        index_t first;       // row of the segment
        index_t count;
        index_t row_number;  // of the first one, in the index
    };
    index_t n_tiles() const { return tile_begins_.back(); }
    Tile tile(index_t t) const;

    RowFacts facts(const StoredRows& stored, index_t i) const;

    // The segment of a row and its place there.
    std::pair<const StoredRows*, index_t> find(index_t row_number) const;

    // The k nearest rows for each query, as nearest() of distances.hpp has it: the same values, ties by lower index.
    // `self`: the queries are the rows of this index from that one on, and none is its own neighbour; -1: they are not.
    // `panels`: queries at a time from which on panels are made of the columns, -1: what pays.
    void nearest(const Rows& queries, index_t self, MatrixView<float> distances, MatrixView<std::int64_t> indices,
                 index_t panels, int n_threads, const PollCallback& poll) const;

private:
    Frame frame_;
    index_t dimension_;
    std::vector<StoredRows> segments_;
    StoredSummary summary_;
    std::vector<index_t> row_begins_, tile_begins_;  // per segment, and the end
};

// What distances come from in the end: float64, on the rows as given.
class ExactToStored {
public:
    ExactToStored(const SearchIndex& index, const Rows& queries) : index_(index), queries_(queries) {}

    // out[c] = distance of query i and row js[c]: the bits of Exact for both in float64, or for both in float32.
    void distances(index_t i, const std::int32_t* js, index_t count, double* out) const;

private:
    const SearchIndex& index_;
    Rows queries_;
};

// The rows of an index within a radius of each query, found once and then written as CSR.
class FoundWithin {
public:
    // Throws TooManyPairs when they take more than memory_limit bytes (-1: no limit). Others as for nearest().
    FoundWithin(const SearchIndex& index, const Rows& queries, index_t self, double radius, std::int64_t memory_limit,
                index_t panels, int n_threads, const PollCallback& poll);

    index_t n_entries() const { return indptr_.back(); }

    // indptr (queries + 1), indices and distances (n_entries); the rows of a query are increasing, or with `by_distance` the
    // nearest come first, ties by lower index. Once only.
    void write(VectorView<std::int64_t> indptr, VectorView<std::int64_t> indices, VectorView<float> distances,
               bool by_distance, int n_threads, const PollCallback& poll);

private:
    struct Hits {
        std::vector<std::int32_t> counts;  // per query of the block
        std::vector<std::int32_t> rows;    // query after query
        std::vector<double> distances;
    };
    index_t n_queries_, n_parts_;
    std::vector<Hits> hits_;  // per block of queries, then per part of the rows
    std::vector<std::int64_t> indptr_;
};

}  // namespace pyface::distance
