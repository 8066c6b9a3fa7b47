// Which pairs may have a score of at least so much: in a first stage, if there is one, along a few axes (axes.hpp) or from
// codes of few bits; then from codes, then from float32. Nothing that a screen rules out can be a pair; what it lets through is to be decided in
// float64 (exact.hpp).
#pragma once

#include <cstdint>
#include <vector>

#include "core/aligned.hpp"
#include "distance/axis_codes.hpp"
#include "distance/coded.hpp"

namespace pyface::distance {

inline constexpr index_t kRowBlock = 192;  // multiples of tile_rows and tile_cols of every instruction set
inline constexpr index_t kColBlock = 256;
// With so few columns float32 costs no more than codes, and leaves hardly a pair in doubt.
inline constexpr index_t kFewColumns = 16;
// Codes do not pay in a tile with more candidates than one in so many pairs, beyond those that there have to be: it is
// screened again in float32, which costs about as much.
inline constexpr index_t kManyCandidates = 32;
inline constexpr double kBeyondAll = 1e20;  // no score in a frame is as high

// One side of a screen: rows, and the codes of all of them.
struct Side {
    const Rows* rows;
    const CodedRows* codes;
    const Frame* frame = nullptr;  // nullptr: that of the screen
    // A first stage, along axes or with codes of few bits where the others are wide: both sides have it, or none. Codes have
    // kept their rows then.
    const AxisCodes* axis_codes = nullptr;
    const CodedRows* few_bits = nullptr;
};

// What one thread needs to screen a block of rows against blocks of columns.
class Screen {
public:
    Screen(const simd::Kernels& kernels, const Frame& frame, Side x, Side y);

    // The rows from now on, at most kRowBlock of them. All thresholds must be set anew.
    void set_rows(index_t begin, index_t end);
    // Any rows instead, in any order; they are borrowed. row_begin() is 0 then, and rows count along the list.
    void set_listed_rows(const std::int32_t* rows, index_t count);
    index_t row_begin() const { return begin_; }
    index_t n_rows() const { return end_ - begin_; }

    // From now on pairs of row begin + i with a score below this are ruled out. With a frame that has shares: a score
    // below least_score - per_share * (the other row's share).
    void set_threshold(index_t i, double least_score, double per_share = 0.0);

    // Whether codes are worth a try: from the rows' columns first, then from one run to the next.
    class Codes {
    public:
        explicit Codes(index_t dimension) : failures_(dimension > kFewColumns ? 0 : kPatience) {}

    private:
        friend class Screen;
        static constexpr int kPatience = 2;  // after so many tiles in a row that codes did not pay for
        int failures_;
    };
    // Screens columns [begin, end), at most kColBlock, begin a multiple of tile_cols: with codes while they pay, else in
    // float32. Codes pay with at most `most` candidates. Rows and columns of candidates count from the beginnings. With
    // `above_diagonal` x is y, and candidates on or below the diagonal may be left out.
    void run(Codes& codes, index_t most, index_t col_begin, index_t col_end, bool above_diagonal);

    // From now on pairs of a column count, too, unless their score from the column's side is below this: one number for
    // each column of the runs to come, borrowed. nullptr: only rows have thresholds. Not with shares, nor along axes.
    void set_column_thresholds(const double* least_scores) { column_thresholds_ = least_scores; }

    // With x as y: from now on, candidates of rows that have the same number here, not -1, are left out. Borrowed; nullptr:
    // none. Rows must not be listed.
    void leave_out(const std::int32_t* numbers) { numbers_ = numbers; }

    // Columns of the matrix have changed.
    void forget_columns() { float_columns_begin_ = float_columns_end_ = -1; }
    index_t n_found() const { return n_found_; }
    const simd::Candidate& candidate(index_t c) const { return found_[c]; }

    // The score of a candidate of the last run lies between low and high.
    struct Bounds {
        double low, high;
    };
    Bounds bounds(const simd::Candidate& candidate) const;
    // The same, and its score from the column's side, where x is y.
    struct BothBounds {
        Bounds of_row, of_column;
    };
    BothBounds both_bounds(const simd::Candidate& candidate) const;

private:
    struct RowSide {
        AlignedArray<simd::word_t> words;
        AlignedArray<float> terms;  // kMostTerms x kRowBlock
        std::vector<std::int32_t> offsets;
        CodedRows block;  // floats only
        bool has_terms = false, has_words = false;
    };
    // What pairs are compared by.
    enum Words { kCodes, kFloats, kFewBits };
    const CodedRows& columns_of(Words words) const;
    const RowFacts& row_facts(Words words, index_t i) const;
    void prepare(Words words);
    void prepare_terms(Words words);
    void set_term(Words words, index_t i);
    double threshold(double least_score, double half_square) const;
    simd::Terms terms(Words words, index_t col_begin, index_t count);

    struct Tile {
        index_t col_begin, col_end;
        bool above_diagonal;
    };
    simd::Panels panels(const simd::word_t* rows, const simd::word_t* cols, index_t depth, const Tile& tile) const;
    void run(Words words, const Tile& tile);
    bool run_stages(index_t most, const Tile& tile);
    void prepare_axes();
    void prepare_rows();
    void run_along_axes(const Tile& tile);
    void finish_pairs(const Tile& tile);
    void drop_left_out(index_t col_begin);
    index_t row_number(index_t i) const { return listed_ == nullptr ? begin_ + i : listed_[i]; }

    const simd::Kernels& kernels_;
    const Frame& frame_;
    Side x_, y_;
    index_t begin_ = 0, end_ = 0;
    const std::int32_t* listed_ = nullptr;
    const std::int32_t* numbers_ = nullptr;
    std::vector<double> thresholds_, per_share_;
    const double* column_thresholds_ = nullptr;
    AlignedArray<float> column_limits_;
    RowSide sides_[3];  // by Words
    struct {
        AlignedArray<simd::word_t> words;
        std::vector<std::int32_t> starts;
        bool is_ready = false;
    } axis_side_;
    // As they lie in memory, for pairs one by one: of one of the two widths.
    std::vector<const std::int8_t*> rows_;
    std::vector<const std::int16_t*> wide_rows_;
    int stage_failures_ = 0;  // tiles in a row that a first stage did not pay for; the next 2, 4, 8, ... go without
    index_t stage_pause_ = 0;
    CodedRows float_columns_;
    index_t float_columns_begin_ = -1, float_columns_end_ = -1;
    AlignedArray<simd::Candidate> found_;
    index_t n_found_ = 0;
    // Of the last run.
    Words words_ = kCodes;
    index_t first_column_ = 0;
};

}  // namespace pyface::distance
