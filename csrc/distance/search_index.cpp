#include "distance/search_index.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "core/aligned.hpp"
#include "core/require.hpp"
#include "distance/exact.hpp"
#include "distance/screen.hpp"
#include "simd/isa.hpp"

namespace pyface::distance {
namespace {

constexpr index_t kRowsPerTask = 256;
constexpr std::int32_t kLargestCode = 127;

// A length in the frame from what is stored, as CodedRows has it.
double length_of(bool is_cosine, double square) {
    return is_cosine ? (square > 0.0 ? 1.0 + 1e-12 : 0.0) : std::sqrt(2.0 * square) * (1.0 + 1e-12);
}

}  // namespace

StoredSummary store(const Frame& frame, const Rows& rows, std::uint8_t* codes, float* bounds, double* squares,
                    int n_threads, const PollCallback& poll) {
    const index_t n_tasks = (rows.size() + kRowsPerTask - 1) / kRowsPerTask;
    const index_t stride = frame.stride();
    const index_t bytes = stored_stride(rows.dimension());
    const auto& kernels = simd::kernels();
    std::vector<double> longest(static_cast<std::size_t>(n_tasks), 0.0);
    std::atomic<bool> any_scaled{false};
    parallel_for(
        n_tasks, n_threads,
        [&](index_t task) {
            const AlignedBuffer row(stride);
            const AlignedArray<std::int16_t> row_codes(stride);
            const index_t end = std::min(rows.size(), (task + 1) * kRowsPerTask);
            for (index_t i = task * kRowsPerTask; i < end; ++i) {
                double square = 0.0;
                if (frame.is_cosine()) {
                    rows.copy_row(i, row.get());
                    if (!rows.is_float32() && simd::scale_for_cosine(row.get(), stride)) any_scaled = true;
                    square = simd::squared_norm(row.get(), stride);
                }
                const double half_square = frame.read(rows, i, row.get());
                squares[i] = frame.is_cosine() ? square : half_square;
                const double length = length_of(frame.is_cosine(), squares[i]);
                const RowFacts facts = code_row(kernels, kLargestCode, row.get(), stride, length, row_codes.get());
                bounds[2 * i] = facts.scale;
                bounds[2 * i + 1] = facts.residual;
                std::uint8_t* out = codes + i * bytes;
                for (index_t k = 0; k < bytes; ++k) {
                    const std::int32_t code = k < rows.dimension() ? row_codes[k] : 0;
                    out[k] = static_cast<std::uint8_t>(code + simd::kStoredBias);
                }
                auto& most = longest[static_cast<std::size_t>(task)];
                most = std::max(most, static_cast<double>(facts.length));
            }
        },
        poll);
    return {longest.empty() ? 0.0 : *std::max_element(longest.begin(), longest.end()), any_scaled};
}

SearchIndex::SearchIndex(Frame frame, index_t dimension, std::vector<StoredRows> segments, StoredSummary summary)
    : frame_(std::move(frame)),
      dimension_(dimension),
      segments_(std::move(segments)),
      summary_(summary),
      row_begins_(1, 0),
      tile_begins_(1, 0) {
    for (const StoredRows& stored : segments_) {
        require(stored.rows.dimension() == dimension && stored.rows.is_float32() == segments_[0].rows.is_float32(),
                "all rows of an index must have one type and number of columns");
        row_begins_.push_back(row_begins_.back() + stored.rows.size());
        tile_begins_.push_back(tile_begins_.back() + (stored.rows.size() + kColBlock - 1) / kColBlock);
    }
    require(size() < INT32_MAX, "at most 2^31 - 2 rows can be searched");
}

SearchIndex::Tile SearchIndex::tile(index_t t) const {
    const auto place = std::upper_bound(tile_begins_.begin(), tile_begins_.end(), t) - tile_begins_.begin() - 1;
    const auto segment = static_cast<std::size_t>(place);
    const index_t first = (t - tile_begins_[segment]) * kColBlock;
    const StoredRows& stored = segments_[segment];
    return {&stored, first, std::min(kColBlock, stored.rows.size() - first), row_begins_[segment] + first};
}

std::pair<const StoredRows*, index_t> SearchIndex::find(index_t row_number) const {
    if (segments_.size() == 1) return {&segments_[0], row_number};
    const auto place = std::upper_bound(row_begins_.begin(), row_begins_.end(), row_number) - row_begins_.begin() - 1;
    const auto segment = static_cast<std::size_t>(place);
    return {&segments_[segment], row_number - row_begins_[segment]};
}

RowFacts SearchIndex::facts(const StoredRows& stored, index_t i) const {
    RowFacts facts{};
    facts.scale = stored.bounds[2 * i];
    facts.residual = stored.bounds[2 * i + 1];
    facts.length = rounded_up(length_of(frame_.is_cosine(), stored.squares[i]));
    facts.coded_length = rounded_up(static_cast<double>(facts.length) + static_cast<double>(facts.residual));
    facts.half_square = frame_.is_cosine() ? 0.0 : stored.squares[i];
    return facts;
}

namespace {

constexpr index_t kBatch = 64;  // rows whose addresses are gathered at a time

template <class T>
void sums_of_pairs(const SearchIndex& index, const T* query, bool is_cosine, const std::int32_t* js, index_t count,
                   double* out) {
    const auto& kernels = simd::kernels();
    simd::PairKernel<T> kernel;
    if constexpr (sizeof(T) == sizeof(float)) {
        kernel = is_cosine ? kernels.pair_dots_of_float32 : kernels.pair_squares_of_float32;
    } else {
        kernel = is_cosine ? kernels.pair_dots : kernels.pair_squares;
    }
    const T* others[kBatch];
    for (index_t first = 0; first < count; first += kBatch) {
        const index_t n = std::min(kBatch, count - first);
        for (index_t c = 0; c < n; ++c) {
            const auto [stored, i] = index.find(js[first + c]);
            others[c] = stored->rows.row<T>(i);
        }
        kernel(query, others, n, index.dimension(), out + first);
    }
}

}  // namespace

void ExactToStored::distances(index_t i, const std::int32_t* js, index_t count, double* out) const {
    const Metric metric = index_.frame().metric();
    const bool is_cosine = metric == Metric::cosine;
    const index_t stride = simd::padded(index_.dimension());
    double square = 0.0;
    bool must_scale = is_cosine && index_.any_scaled();
    AlignedBuffer query;
    const bool same_type = count == 0 || index_.find(js[0]).first->rows.is_float32() == queries_.is_float32();
    if (is_cosine || !same_type) {
        query = AlignedBuffer(stride);
        queries_.copy_row(i, query.get());
        if (is_cosine) {
            if (!queries_.is_float32() && simd::scale_for_cosine(query.get(), stride)) must_scale = true;
            square = simd::squared_norm(query.get(), stride);
        }
    }
    if (must_scale || !same_type) {
        const auto& kernels = simd::kernels();
        const AlignedBuffer other(stride);
        for (index_t c = 0; c < count; ++c) {
            const auto [stored, j] = index_.find(js[c]);
            stored->rows.copy_row(j, other.get());
            if (is_cosine) {
                if (!stored->rows.is_float32()) simd::scale_for_cosine(other.get(), stride);
                kernels.dots(query.get(), 1, other.get(), 1, stride, out + c, 1);
            } else {
                kernels.squared_differences(query.get(), 1, other.get(), 1, stride, out + c, 1);
            }
        }
    } else if (queries_.is_float32()) {
        sums_of_pairs(index_, queries_.row<float>(i), is_cosine, js, count, out);
    } else {
        sums_of_pairs(index_, queries_.row<double>(i), is_cosine, js, count, out);
    }
    if (metric == Metric::sqeuclidean) return;
    for (index_t c = 0; c < count; ++c) {
        if (!is_cosine) {
            out[c] = std::sqrt(out[c]);
            continue;
        }
        const auto [stored, j] = index_.find(js[c]);
        out[c] = cosine_distance(out[c], square, stored->squares[j]);
    }
}

}  // namespace pyface::distance
