// Rows in few bits, with what is needed to bound what the bits leave out.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "core/parallel.hpp"
#include "distance/frame.hpp"
#include "distance/word_panels.hpp"
#include "simd/kernels.hpp"

namespace pyface::distance {

// Codes of as many bits as screen fastest, float32, or codes of 16 bits.
enum class Precision { codes, floats, wide_codes };

// Codes that leave few pairs in doubt where it matters how far away the others are: of at least 8 bits.
inline Precision fine_codes(const simd::Kernels& kernels) {
    return kernels.coding.largest < 127 ? Precision::wide_codes : Precision::codes;
}

inline simd::ScreenKernel screen_of(const simd::Kernels& kernels, Precision precision) {
    return precision == Precision::floats  ? kernels.screen_floats
           : precision == Precision::codes ? kernels.screen_codes
                                           : kernels.screen_wide_codes;
}

// What float64 may have rounded in half squares and thresholds, relative to them: much more than it does at any number of
// columns, and nothing beside the bounds, except where those are 0: a row that lies on the centre of the frame. And what
// denormal products may.
inline constexpr double kScoreRounding = 1e-9;
inline constexpr double kScoreUnderflow = 1e-30;
// What rounding a threshold to one float32 among others may move, relative to it.
inline constexpr double kTermRounding = 1e-6;
// A threshold that none of this lifts above the score that is wanted.
inline double lowered(double score, double half_square) {
    return score - std::fabs(score) * kTermRounding - kScoreRounding * (half_square + std::fabs(score)) - kScoreUnderflow;
}
// Scales of codes are not below this: the inverse of one must not overflow when two of them are multiplied.
inline constexpr double kShortest = 0x1p-45;
// How often an entry is rounded in a sum of products in float32, at most: a chain of kChain roundings, one more for each
// kChain values, and three of the entries themselves.
inline double sum_roundings(index_t dimension) {
    return 3.0 + static_cast<double>(simd::kChain) + static_cast<double>(dimension) / static_cast<double>(simd::kChain);
}

// How a row x was coded: x = c + e with c what the words say.
struct RowFacts {
    float scale;        // c = scale * codes; 1 for floats
    float residual;     // at least |e|, plus what rounding in float32 may add to a product with a row of length 1
    float length;       // at least |x|
    float coded_length; // at least |c|
    double half_square; // |x|^2 / 2 and what the frame adds; 0 under cosine
};

// The float32 next to x that is not below it.
float rounded_up(double x);

// Codes a row of `stride` values as integers of at most `largest`. `length` is |x|, not rounded down. Its half square is
// not set.
RowFacts code_row(const simd::Kernels& kernels, std::int32_t largest, const double* row, index_t stride, double length,
                  std::int16_t* codes);

// What the half square of a row takes off the scores of the others, for simd::Terms.
float half_square_term(const RowFacts& facts);

// The terms of a column for simd::Terms, `stride` apart: two under cosine, else four.
// The bound, divided by both scales: |<x, y> - <c, c'>| <= residual * length' + coded_length * residual'.
void column_terms(const RowFacts& facts, bool is_cosine, float* terms, index_t stride);

// Rows [begin, end) of a matrix as column panels.
class CodedRows {
public:
    // Column panels and facts are made anew; the memory of an earlier load is used again. With `listed`, row i is row
    // listed[begin + i] of the matrix. With `few_bits`, those become the rows in Precision::codes, each being read once.
    void load(const simd::Kernels& kernels, Precision precision, const Frame& frame, const Rows& rows, index_t begin,
              index_t end, int n_threads = 1, const PollCallback& poll = {}, const std::int32_t* listed = nullptr,
              CodedRows* few_bits = nullptr);

    // Codes rows anew that have changed: rows[c] of those that were loaded, whose number in the matrix is the same.
    void renew(const Frame& frame, const Rows& rows, const std::int32_t* changed, index_t count, int n_threads,
               const PollCallback& poll);

    // Whether, from the next load on, the codes are kept as they lie in a row, too, for pairs that are looked at one by one.
    void keep_rows(bool keep) { keeps_rows_ = keep; }

    index_t size() const { return size_; }
    index_t depth() const { return panels_.depth(); }  // words per row
    Precision precision() const { return precision_; }
    const RowFacts& facts(index_t i) const { return facts_[static_cast<std::size_t>(i)]; }
    // No row is longer; of rows in float32.
    double longest() const { return static_cast<double>(longest_); }
    // Start of the panel that begins with row i, a multiple of tile_cols.
    const simd::word_t* panel(index_t i) const { return panels_.panel(i); }
    // The terms of simd::Terms for columns [i, ...), i a multiple of tile_cols, and the distance between two terms.
    const float* terms(index_t i) const { return terms_.get() + i; }
    index_t terms_stride() const { return capacity_; }
    int n_terms() const { return n_terms_; }

    // Rows [begin, end) as row panels, filled up with rows of zeros, and where their sums of codes start.
    void copy_row_panels(index_t begin, index_t end, simd::word_t* words, std::int32_t* offsets) const;
    // The same for any rows, in any order. Slower: rows that are not neighbours share no cache lines.
    void gather_row_panels(const std::int32_t* rows, index_t count, simd::word_t* words, std::int32_t* offsets) const;

    // Row i as signed codes, row_stride() of them, filled up with zeros: of 16 bits in wide_row() if 8 do not hold them.
    bool has_wide_rows() const { return coding()->largest > 127; }
    index_t row_stride() const { return row_stride_; }
    const std::int8_t* row(index_t i) const { return rows_.get() + i * row_stride_; }
    const std::int16_t* wide_row(index_t i) const {
        return reinterpret_cast<const std::int16_t*>(rows_.get()) + i * row_stride_;
    }

private:
    // Room for so many rows; what is not one of them is nobody.
    void begin(const simd::Kernels& kernels, Precision precision, const Frame& frame, index_t dimension, index_t size);
    void set_nobody(index_t i);
    void load_row(index_t i, const double* row, double half_square, std::int16_t* codes, float* floats);
    void set_terms(index_t i, const Frame& frame, index_t source);
    const simd::Coding* coding() const {
        return precision_ == Precision::floats  ? nullptr
               : precision_ == Precision::codes ? &kernels_->coding
                                                : &simd::kWideCoding;
    }

    const simd::Kernels* kernels_ = nullptr;
    Precision precision_ = Precision::codes;
    index_t size_ = 0, dimension_ = 0, capacity_ = 0, row_stride_ = 0;
    int n_terms_ = 0;
    bool is_cosine_ = false, keeps_rows_ = false;
    WordPanels panels_;
    AlignedArray<float> terms_;
    std::vector<RowFacts> facts_;
    float longest_ = 0.0f;
    AlignedArray<std::int8_t> rows_;
    index_t n_row_bytes_ = 0;
};

}  // namespace pyface::distance
