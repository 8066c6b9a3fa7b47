// Which pairs may have a score of at least so much: first along a few axes, if there are any (axes.hpp), then from codes of
// a few bits, then from float32. Nothing that a screen rules out can be a pair; what it lets through is to be decided in
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

// One side of a screen: rows, and the codes of all of them.
struct Side {
    const Rows* rows;
    const CodedRows* codes;
    const Frame* frame = nullptr;  // nullptr: that of the screen
    // Both sides have them, or none: a first stage along axes. Codes have kept their rows then.
    const AxisCodes* axis_codes = nullptr;
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

    // Screens columns [begin, end), by the codes of the sides, which are of one kind, or in float32: at most kColBlock,
    // begin a multiple of tile_cols. Rows and columns of candidates count from the beginnings. With `above_diagonal` x is
    // y, and candidates on or below the diagonal may be left out.
    void run(Precision precision, index_t col_begin, index_t col_end, bool above_diagonal);
    // Whether codes are worth a try: from the rows' columns first, then from one run to the next.
    class Codes {
    public:
        explicit Codes(index_t dimension) : failures_(dimension > kFewColumns ? 0 : kPatience) {}

    private:
        friend class Screen;
        static constexpr int kPatience = 2;  // after so many tiles in a row that codes did not pay for
        int failures_;
    };
    // run() with codes while they pay, else in float32. Codes pay with at most `most` candidates.
    void run(Codes& codes, index_t most, index_t col_begin, index_t col_end, bool above_diagonal);

    // With x as y: from now on, candidates of rows that have the same number here, not -1, are left out. Borrowed; nullptr:
    // none. Rows must not be listed.
    void leave_out(const std::int32_t* numbers) { numbers_ = numbers; }

    // Columns of the matrix have changed.
    void forget_columns() { float_columns_begin_ = float_columns_end_ = -1; }
    index_t n_found() const { return n_found_; }
    const simd::Candidate& candidate(index_t c) const { return found_[static_cast<std::size_t>(c)]; }

    // The score of a candidate of the last run lies between low and high.
    struct Bounds {
        double low, high;
    };
    Bounds bounds(const simd::Candidate& candidate) const;

private:
    struct RowSide {
        AlignedArray<simd::word_t> words;
        AlignedArray<float> terms;  // kMostTerms x kRowBlock
        std::vector<std::int32_t> offsets;
        CodedRows block;  // floats only
        bool has_terms = false, has_words = false;
    };
    struct AxisSide {
        AlignedArray<simd::word_t> words;
        std::vector<std::int32_t> starts;
        std::vector<const std::int8_t*> rows;        // one of the two
        std::vector<const std::int16_t*> wide_rows;
        bool is_ready = false;
    };
    RowSide& side(Precision precision) { return sides_[static_cast<std::size_t>(precision)]; }
    const RowSide& side(Precision precision) const { return sides_[static_cast<std::size_t>(precision)]; }
    void prepare(Precision precision);
    void prepare_words(Precision precision);
    void prepare_axes();
    bool run_stages(index_t most, index_t col_begin, index_t col_end, bool above_diagonal);
    void drop_left_out(index_t col_begin);
    void set_term(RowSide& to, index_t i) const;
    const RowFacts& row_facts(const RowSide& side, index_t i) const;
    index_t row_number(index_t i) const { return listed_ == nullptr ? begin_ + i : listed_[i]; }

    const simd::Kernels& kernels_;
    const Frame& frame_;
    Side x_, y_;
    index_t begin_ = 0, end_ = 0;
    const std::int32_t* listed_ = nullptr;
    const std::int32_t* numbers_ = nullptr;
    std::vector<double> thresholds_, per_share_;
    RowSide sides_[2];
    AxisSide axis_side_;
    int axis_failures_ = 0;  // tiles in a row that axes did not pay for; the next 2, 4, 8, ... go without
    index_t axis_pause_ = 0;
    CodedRows float_columns_;
    index_t float_columns_begin_ = -1, float_columns_end_ = -1;
    std::vector<simd::Candidate> found_;
    index_t n_found_ = 0;
    // Of the last run.
    Precision precision_ = Precision::codes;
    const CodedRows* columns_ = nullptr;
    index_t first_column_ = 0;
};

}  // namespace pyface::distance
