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
// Lengths in the frame beyond which terms may leave float32: half of a square over two scales of at least 2^-45.
constexpr double kLongestQuery = 0x1p40;
constexpr double kLongestRow = 0x1p50;
constexpr index_t kManyQueries = 4;
constexpr int kPatience = 2;  // after so many tiles in a row that codes did not pay for, the rest goes without
constexpr index_t kFewColumnsAtOnce = 32;

}  // namespace

bool panels_pay(index_t n_queries) { return n_queries >= 16; }

QueryBlock::QueryBlock(const SearchIndex& index, const Rows& queries, bool in_panels)
    : index_(index),
      kernels_(simd::kernels()),
      queries_(queries),
      in_panels_(in_panels),
      stride_(stored_stride(index.dimension())),
      facts_(static_cast<std::size_t>(kRowBlock)),
      thresholds_(static_cast<std::size_t>(kRowBlock)),
      is_far_(static_cast<std::size_t>(kRowBlock)),
      offsets_(static_cast<std::size_t>(kRowBlock + kernels_.tile_rows)),
      row_terms_(simd::kMostTerms * kRowBlock),
      col_terms_(4 * kColBlock) {
    if (!in_panels) codes_ = AlignedArray<std::int16_t>(std::min(kRowBlock, queries.size()) * stride_);
}

void QueryBlock::set_queries(index_t begin, index_t end) {
    begin_ = begin;
    end_ = end;
    failures_ = 0;
    floats_ready_ = any_far_ = false;
    const auto wanted = static_cast<std::size_t>(size() * kColBlock);
    if (found_.size() < wanted) found_.resize(wanted);
    if (in_panels_) {
        const Precision precision = takes_stored_codes() ? Precision::codes : Precision::wide_codes;
        coded_.load(kernels_, precision, index_.frame(), queries_, begin, end);
        if (row_words_.get() == nullptr) {
            row_words_ = AlignedArray<simd::word_t>((kRowBlock + kernels_.tile_rows) * coded_.depth());
        }
        coded_.copy_row_panels(0, size(), row_words_.get(), offsets_.data());
    }
    const AlignedBuffer row(index_.frame().stride());
    for (index_t i = 0; i < kRowBlock; ++i) {
        if (i < size()) {
            RowFacts& facts = facts_[static_cast<std::size_t>(i)];
            if (in_panels_) {
                facts = coded_.facts(i);
            } else {
                code(i, row.get());
            }
            is_far_[static_cast<std::size_t>(i)] =
                !(static_cast<double>(facts.length) <= kLongestQuery && index_.longest() <= kLongestRow);
            any_far_ = any_far_ || is_far_[static_cast<std::size_t>(i)] != 0;
            thresholds_[static_cast<std::size_t>(i)] = -kInfinity;
        }
        set_rows_terms(facts_[static_cast<std::size_t>(i)], i, row_terms_.get());
    }
}

void QueryBlock::code(index_t i, double* row) {
    const Frame& frame = index_.frame();
    const double half_square = frame.read(queries_, begin_ + i, row);
    double square = 2.0 * half_square;
    if (frame.is_cosine()) square = std::all_of(row, row + frame.stride(), [](double v) { return v == 0.0; }) ? 0.0 : 1.0;
    std::int16_t* codes = codes_.get() + i * stride_;
    const double length = std::sqrt(square) * (1.0 + 1e-12);
    RowFacts& facts = facts_[static_cast<std::size_t>(i)];
    facts = code_row(kernels_, kLargestCode, row, frame.stride(), length, codes);
    facts.half_square = half_square;
    std::fill(codes + index_.dimension(), codes + stride_, std::int16_t{0});
    // Unsigned, since it may wrap: the sum of products that follows brings it back.
    simd::word_t sum = 0;
    for (index_t k = 0; k < stride_; ++k) sum += static_cast<simd::word_t>(codes[k]);
    offsets_[static_cast<std::size_t>(i)] =
        static_cast<std::int32_t>(0u - static_cast<simd::word_t>(simd::kStoredBias) * sum);
}

// All terms of a query; those of the rows that fill up a panel say that they are nobody.
void QueryBlock::set_rows_terms(const RowFacts& facts, index_t i, float* terms) const {
    for (int t = 0; t < simd::kMostTerms; ++t) terms[t * kRowBlock + i] = t == 0 ? kNobody : 0.0f;
    if (i >= size()) return;
    terms[i] = threshold_term(facts, i);
    if (is_far_[static_cast<std::size_t>(i)]) return;
    terms[kRowBlock + i] = facts.coded_length / facts.scale;
    terms[2 * kRowBlock + i] = facts.residual / facts.scale;
    terms[3 * kRowBlock + i] = 1.0f / facts.scale;
}

void QueryBlock::set_threshold(index_t i, double least_score) {
    thresholds_[static_cast<std::size_t>(i)] = least_score;
    row_terms_[i] = threshold_term(facts_[static_cast<std::size_t>(i)], i);
    if (floats_ready_) float_terms_[i] = threshold_term(float_rows_.facts(i), i);
}

float QueryBlock::threshold_term(const RowFacts& f, index_t i) const {
    if (is_far_[static_cast<std::size_t>(i)]) return std::numeric_limits<float>::infinity();  // nothing is ruled out
    const bool cosine = index_.frame().is_cosine();
    const double longest = index_.longest();
    // No score is below this, and float32 has no room for thresholds that are far below it.
    const double lowest =
        cosine ? -4.0 : -2.0 * (static_cast<double>(f.length) * longest + longest * longest) - 1.0;
    const double threshold = lowered(std::max(thresholds_[static_cast<std::size_t>(i)], lowest), f.half_square);
    const double bound = cosine ? static_cast<double>(f.residual) : 0.0;  // the other row has length 1
    return static_cast<float>((bound - threshold) / static_cast<double>(f.scale));
}

simd::Terms QueryBlock::terms(index_t i, index_t j) const {
    return {row_terms_.get() + i, kRowBlock, col_terms_.get() + j, kColBlock, index_.frame().is_cosine() ? 2 : 4};
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

void QueryBlock::run(const StoredRows& stored, index_t first, index_t count, index_t most) {
    stored_ = &stored;
    first_ = first;
    n_found_ = 0;
    were_floats_ = false;
    if (failures_ < kPatience) {
        load_columns(stored, first, count);
        if (in_panels_) {
            run_in_panels(stored, first, count);
        } else {
            run_as_they_lie(stored, first, count);
        }
        distance::count(Counter::pairs_in_codes, size() * count);
        if (n_found_ <= most || size() < kManyQueries || any_far_) {
            failures_ = 0;
            return;
        }
        ++failures_;
    }
    run_in_floats(stored, first, count);
    distance::count(Counter::pairs_in_float32, size() * count);
}

void QueryBlock::run_as_they_lie(const StoredRows& stored, index_t first, index_t count) {
    // Each column once for all, or for many queries so few columns at a time that they stay in the first cache.
    const index_t n_rows = size() < kManyQueries ? 1 : simd::kScanRows;
    const index_t n_cols = size() < kManyQueries ? kColBlock : kFewColumnsAtOnce;
    for (index_t j = 0; j < count; j += n_cols) {
        for (index_t i = 0; i < size(); i += n_rows) {
            const simd::Scan scan{codes_.get() + i * stride_, std::min(n_rows, size() - i),
                                  stored.codes + (first + j) * stride_, std::min(n_cols, count - j), stride_};
            simd::Candidate* out = found_.data() + n_found_;
            const index_t n_new = kernels_.scan(scan, offsets_.data() + i, terms(i, j), out);
            for (index_t c = 0; c < n_new; ++c) {
                out[c].row += static_cast<std::int32_t>(i);
                out[c].col += static_cast<std::int32_t>(j);
            }
            n_found_ += n_new;
        }
    }
}

void QueryBlock::run_in_panels(const StoredRows& stored, index_t first, index_t count) {
    const index_t width = kernels_.tile_cols;
    const index_t depth = coded_.depth();
    const index_t words = stride_ / (takes_stored_codes() ? 4 : 2);  // of a row, filled up
    if (col_words_.get() == nullptr) {
        col_words_ = AlignedArray<simd::word_t>(kColBlock * depth);
        wide_ = AlignedArray<std::int16_t>(width * stride_);
    }
    for (index_t j = 0; j < count; j += width) {
        const index_t n = std::min(width, count - j);
        const std::uint8_t* codes = stored.codes + (first + j) * stride_;
        auto* panel = reinterpret_cast<float*>(col_words_.get() + j * depth);
        if (n < width) std::fill_n(col_words_.get() + j * depth, width * depth, simd::word_t{0});
        if (takes_stored_codes()) {
            kernels_.transpose(reinterpret_cast<const float*>(codes), n, depth, words, panel, width);
            if (kernels_.coding.bias == 0) {
                simd::word_t* flipped = col_words_.get() + j * depth;
                for (index_t w = 0; w < width * depth; ++w) flipped[w] ^= 0x80808080u;
            }
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
    n_found_ = screen_of(kernels_, coded_.precision())(panels, offsets_.data(), terms(0, 0), found_.data());
}

void QueryBlock::run_in_floats(const StoredRows& stored, index_t first, index_t count) {
    const index_t height = kernels_.tile_rows;
    const index_t width = kernels_.tile_cols;
    if (!floats_ready_) {
        float_rows_.load(kernels_, Precision::floats, index_.frame(), queries_, begin_, end_);
        if (float_words_.get() == nullptr) {
            float_words_ = AlignedArray<simd::word_t>((kRowBlock + height) * float_rows_.depth());
            float_terms_ = AlignedArray<float>(simd::kMostTerms * kRowBlock);
        }
        std::vector<std::int32_t> unused(offsets_.size());
        float_rows_.copy_row_panels(0, size(), float_words_.get(), unused.data());
        for (index_t i = 0; i < kRowBlock; ++i) {
            set_rows_terms(i < size() ? float_rows_.facts(i) : RowFacts{}, i, float_terms_.get());
        }
        floats_ready_ = true;
    }
    were_floats_ = true;
    float_cols_.load(kernels_, Precision::floats, index_.frame(), stored.rows, first, first + count);
    const simd::Panels panels{float_words_.get(), (size() + height - 1) / height,    float_cols_.panel(0),
                              (count + width - 1) / width, float_cols_.depth(), simd::kNoDiagonal};
    const simd::Terms terms{float_terms_.get(), kRowBlock, float_cols_.terms(0), float_cols_.terms_stride(),
                            float_cols_.n_terms()};
    n_found_ = kernels_.screen_floats(panels, nullptr, terms, found_.data());
}

Screen::Bounds QueryBlock::bounds(const simd::Candidate& candidate) const {
    if (is_far_[static_cast<std::size_t>(candidate.row)]) return {-kInfinity, kInfinity};
    const RowFacts& a = were_floats_ ? float_rows_.facts(candidate.row) : facts_[static_cast<std::size_t>(candidate.row)];
    const RowFacts b = were_floats_ ? float_cols_.facts(candidate.col) : index_.facts(*stored_, first_ + candidate.col);
    const double product =
        static_cast<double>(candidate.value) * static_cast<double>(a.scale) * static_cast<double>(b.scale);
    const double bound = static_cast<double>(a.residual) * static_cast<double>(b.length) +
                         static_cast<double>(a.coded_length) * static_cast<double>(b.residual) +
                         kScoreRounding * (a.half_square + b.half_square) + kScoreUnderflow;
    const double score = product - b.half_square;
    return {score - bound, score + bound};
}

}  // namespace pyface::distance
