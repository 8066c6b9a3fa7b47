#include "distance/query_block.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "distance/counters.hpp"
#include "simd/isa.hpp"

namespace pyface::distance {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr float kNobody = std::numeric_limits<float>::quiet_NaN();
constexpr std::int32_t kLargestCode = 32767;
// As in screen.cpp: what the rounding of thresholds, denormal products, and float64 itself may move.
constexpr double kRelative = 1e-6;
constexpr double kAbsolute = 1e-30;
constexpr double kFloat64 = 1e-9;
// Lengths in the frame beyond which terms may leave float32: half of a square over two scales of at least 2^-45.
constexpr double kLongestQuery = 0x1p40;
constexpr double kLongestRow = 0x1p50;

}  // namespace

bool panels_pay(const simd::Kernels& kernels, index_t n_queries) {
    // Codes of 16 bits are multiplied as quickly from where they lie; those of 8 bits go twice as fast in panels.
    return kernels.coding.group == 4 && n_queries >= 16;
}

QueryBlock::QueryBlock(const SearchIndex& index, const Rows& queries, bool in_panels)
    : index_(index),
      kernels_(simd::kernels()),
      queries_(queries),
      in_panels_(in_panels),
      stride_(stored_stride(index.dimension())),
      facts_(static_cast<std::size_t>(kRowBlock)),
      is_far_(static_cast<std::size_t>(kRowBlock)),
      offsets_(static_cast<std::size_t>(kRowBlock + kernels_.tile_rows)),
      row_terms_(simd::kMostTerms * kRowBlock),
      col_terms_(4 * kColBlock) {
    if (!in_panels) codes_ = AlignedArray<std::int16_t>(std::min(kRowBlock, queries.size()) * stride_);
}

void QueryBlock::set_queries(index_t begin, index_t end) {
    begin_ = begin;
    end_ = end;
    const auto wanted = static_cast<std::size_t>(size() * kColBlock);
    if (found_.size() < wanted) found_.resize(wanted);
    const Frame& frame = index_.frame();
    const AlignedBuffer row(frame.stride());
    if (in_panels_) {
        coded_.load(kernels_, Precision::codes, frame, queries_, begin, end);
        if (row_words_.get() == nullptr) {
            row_words_ = AlignedArray<simd::word_t>((kRowBlock + kernels_.tile_rows) * coded_.depth());
        }
        coded_.copy_row_panels(0, size(), row_words_.get(), offsets_.data());
    }
    for (index_t i = 0; i < kRowBlock; ++i) {
        row_terms_[i] = kNobody;
        for (int t = 1; t < simd::kMostTerms; ++t) row_terms_[t * kRowBlock + i] = 0.0f;
    }
    for (index_t i = 0; i < size(); ++i) {
        RowFacts& facts = facts_[static_cast<std::size_t>(i)];
        if (in_panels_) {
            facts = coded_.facts(i);
        } else {
            const double half_square = frame.read(queries_, begin + i, row.get());
            const auto is_zero = [](double v) { return v == 0.0; };
            double square = 2.0 * half_square;
            if (frame.is_cosine()) square = std::all_of(row.get(), row.get() + frame.stride(), is_zero) ? 0.0 : 1.0;
            std::int16_t* codes = codes_.get() + i * stride_;
            const double length = std::sqrt(square) * (1.0 + 1e-12);
            facts = code_row(kernels_, kLargestCode, row.get(), frame.stride(), length, codes);
            facts.half_square = half_square;
            std::fill(codes + index_.dimension(), codes + stride_, std::int16_t{0});
            // Unsigned, since it may wrap: the sum of products that follows brings it back.
            simd::word_t sum = 0;
            for (index_t k = 0; k < stride_; ++k) sum += static_cast<simd::word_t>(codes[k]);
            offsets_[static_cast<std::size_t>(i)] =
                static_cast<std::int32_t>(0u - static_cast<simd::word_t>(simd::kStoredBias) * sum);
        }
        const double length = static_cast<double>(facts.length);
        is_far_[static_cast<std::size_t>(i)] = !(length <= kLongestQuery && index_.longest() <= kLongestRow);
        row_terms_[kRowBlock + i] = facts.coded_length / facts.scale;
        row_terms_[2 * kRowBlock + i] = facts.residual / facts.scale;
        row_terms_[3 * kRowBlock + i] = 1.0f / facts.scale;
        set_threshold(i, -kInfinity);
    }
}

void QueryBlock::set_threshold(index_t i, double least_score) {
    const RowFacts& f = facts_[static_cast<std::size_t>(i)];
    if (is_far_[static_cast<std::size_t>(i)]) {
        for (int t = 1; t < simd::kMostTerms; ++t) row_terms_[t * kRowBlock + i] = 0.0f;
        row_terms_[i] = std::numeric_limits<float>::infinity();  // nothing is ruled out
        return;
    }
    const bool cosine = index_.frame().is_cosine();
    const double longest = index_.longest();
    // No score is below this, and float32 has no room for thresholds that are far below it.
    const double lowest =
        cosine ? -4.0 : -2.0 * (static_cast<double>(f.length) * longest + longest * longest) - 1.0;
    const double wanted = std::max(least_score, lowest);
    const double threshold =
        wanted - std::fabs(wanted) * kRelative - kFloat64 * (f.half_square + std::fabs(wanted)) - kAbsolute;
    const double bound = cosine ? static_cast<double>(f.residual) : 0.0;  // the other row has length 1
    row_terms_[i] = static_cast<float>((bound - threshold) / static_cast<double>(f.scale));
}

void QueryBlock::load_columns(const StoredRows& stored, index_t first, index_t count) {
    const bool cosine = index_.frame().is_cosine();
    const float* bounds = stored.bounds + 2 * first;
    float* inverses = col_terms_.get();
    float* residuals = inverses + kColBlock;
    // What column_terms() computes, in a form that a compiler can do several at a time.
    for (index_t j = 0; j < count; ++j) {
        inverses[j] = 1.0f / bounds[2 * j];
        residuals[j] = bounds[2 * j + 1] / bounds[2 * j];
    }
    if (!cosine) {
        for (index_t j = 0; j < count; ++j) {
            float terms[4];
            column_terms(index_.facts(stored, first + j), false, terms, 1);
            for (int t = 0; t < 4; ++t) col_terms_[t * kColBlock + j] = terms[t];
        }
    }
    const index_t end = std::min<index_t>((count + 31) / 32 * 32, kColBlock);
    for (int t = 0; t < (cosine ? 2 : 4); ++t) {
        for (index_t j = count; j < end; ++j) col_terms_[t * kColBlock + j] = kNobody;
    }
}

void QueryBlock::run(const StoredRows& stored, index_t first, index_t count) {
    stored_ = &stored;
    first_ = first;
    load_columns(stored, first, count);
    n_found_ = 0;
    distance::count(Counter::pairs_in_codes, size() * count);
    if (in_panels_) {
        run_in_panels(stored, first, count);
        return;
    }
    for (index_t i = 0; i < size(); i += simd::kScanRows) {
        const simd::Scan scan{codes_.get() + i * stride_, std::min(simd::kScanRows, size() - i),
                              stored.codes + first * stride_, count, stride_};
        const simd::Terms terms{row_terms_.get() + i, kRowBlock, col_terms_.get(), kColBlock,
                                index_.frame().is_cosine() ? 2 : 4};
        simd::Candidate* out = found_.data() + n_found_;
        const index_t n_new = kernels_.scan(scan, offsets_.data() + i, terms, out);
        for (index_t c = 0; c < n_new; ++c) out[c].row += static_cast<std::int32_t>(i);
        n_found_ += n_new;
    }
}

void QueryBlock::run_in_panels(const StoredRows& stored, index_t first, index_t count) {
    const index_t width = kernels_.tile_cols;
    const index_t depth = coded_.depth();
    const bool by_four = kernels_.coding.group == 4;
    const index_t words = stride_ / (by_four ? 4 : 2);  // of a row, filled up
    if (col_words_.get() == nullptr) {
        col_words_ = AlignedArray<simd::word_t>(kColBlock * depth);
        wide_ = AlignedArray<std::int16_t>(width * stride_);
    }
    for (index_t j = 0; j < count; j += width) {
        const index_t n = std::min(width, count - j);
        const std::uint8_t* codes = stored.codes + (first + j) * stride_;
        auto* panel = reinterpret_cast<float*>(col_words_.get() + j * depth);
        if (n < width) std::fill_n(col_words_.get() + j * depth, width * depth, simd::word_t{0});
        if (by_four) {  // the bias is that of the instruction
            kernels_.transpose(reinterpret_cast<const float*>(codes), n, depth, words, panel, width);
            continue;
        }
        for (index_t k = 0; k < n * stride_; ++k) wide_[k] = static_cast<std::int16_t>(codes[k] - simd::kStoredBias);
        kernels_.transpose(reinterpret_cast<const float*>(wide_.get()), n, depth, words, panel, width);
    }
    const index_t height = kernels_.tile_rows;
    const simd::Panels panels{row_words_.get(),
                              (size() + height - 1) / height,
                              col_words_.get(),
                              (count + width - 1) / width,
                              depth,
                              simd::kNoDiagonal};
    const simd::Terms terms{row_terms_.get(), kRowBlock, col_terms_.get(), kColBlock,
                            index_.frame().is_cosine() ? 2 : 4};
    n_found_ = kernels_.screen_codes(panels, offsets_.data(), terms, found_.data());
}

Screen::Bounds QueryBlock::bounds(const simd::Candidate& candidate) const {
    if (is_far_[static_cast<std::size_t>(candidate.row)]) return {-kInfinity, kInfinity};
    const RowFacts& a = facts_[static_cast<std::size_t>(candidate.row)];
    const RowFacts b = index_.facts(*stored_, first_ + candidate.col);
    const double product =
        static_cast<double>(candidate.value) * static_cast<double>(a.scale) * static_cast<double>(b.scale);
    const double bound = static_cast<double>(a.residual) * static_cast<double>(b.length) +
                         static_cast<double>(a.coded_length) * static_cast<double>(b.residual) +
                         kFloat64 * (a.half_square + b.half_square) + kAbsolute;
    const double score = product - b.half_square;
    return {score - bound, score + bound};
}

}  // namespace pyface::distance
