// Some queries against the tiles of an index: which pairs may have a score of at least so much.
#pragma once

#include <cstdint>
#include <vector>

#include "core/aligned.hpp"
#include "distance/screen.hpp"
#include "distance/search_index.hpp"

namespace pyface::distance {

// What one thread needs to screen a block of queries. Like Screen, for columns that were coded long ago, in two ways:
// a few queries pass over the codes as they lie in memory; for many, a tile is brought into panels first. A tile in which
// codes leave too many pairs in doubt is screened again in float32.
class QueryBlock {
public:
    QueryBlock(const SearchIndex& index, const Rows& queries, bool in_panels);

    // Queries [begin, end), at most kRowBlock, from now on. Thresholds must be set anew.
    void set_queries(index_t begin, index_t end);
    index_t begin() const { return begin_; }
    index_t size() const { return end_ - begin_; }

    // From now on pairs of query begin + i with a score below this are ruled out.
    void set_threshold(index_t i, double least_score);

    // Looks at rows [first, first + count) of a tile's segment; `count` is at most kColBlock. Codes pay with at most `most`
    // candidates.
    void run(const StoredRows& stored, index_t first, index_t count, index_t most);
    index_t n_found() const { return n_found_; }
    // Columns count from the first row of the run, and are in order for each query.
    const simd::Candidate& candidate(index_t c) const { return found_[static_cast<std::size_t>(c)]; }
    Screen::Bounds bounds(const simd::Candidate& candidate) const;

    double half_square(index_t i) const { return facts_[static_cast<std::size_t>(i)].half_square; }

private:
    void load_columns(const StoredRows& stored, index_t first, index_t count);
    void run_as_they_lie(const StoredRows& stored, index_t first, index_t count);
    void run_in_panels(const StoredRows& stored, index_t first, index_t count);
    void run_in_floats(const StoredRows& stored, index_t first, index_t count);
    void code(index_t i, double* row);
    void set_rows_terms(const RowFacts& facts, index_t i, float* terms) const;
    float threshold_term(const RowFacts& facts, index_t i) const;
    simd::Terms terms(index_t i, index_t j) const;

    const SearchIndex& index_;
    const simd::Kernels& kernels_;
    Rows queries_;
    bool in_panels_;
    // Whether the instructions take codes as the index has them, but for their bias.
    bool takes_stored_codes() const { return kernels_.coding.group == 4 && kernels_.coding.largest == 127; }
    index_t begin_ = 0, end_ = 0, stride_;
    std::vector<RowFacts> facts_;
    std::vector<double> thresholds_;
    std::vector<char> is_far_;            // outside of what float32 can screen
    bool any_far_ = false;
    std::vector<std::int32_t> offsets_;
    AlignedArray<float> row_terms_, col_terms_;  // kMostTerms x kRowBlock, 4 x kColBlock
    AlignedArray<std::int16_t> codes_;    // a few queries
    CodedRows coded_;                     // many
    AlignedArray<simd::word_t> row_words_, col_words_;
    AlignedArray<std::int16_t> wide_;     // a panel of columns
    CodedRows float_rows_, float_cols_;
    AlignedArray<simd::word_t> float_words_;
    AlignedArray<float> float_terms_;
    bool floats_ready_ = false;
    int failures_ = 0;                    // tiles in a row that codes did not pay for
    std::vector<simd::Candidate> found_;
    index_t n_found_ = 0;
    const StoredRows* stored_ = nullptr;  // of the last run
    index_t first_ = 0;
    bool were_floats_ = false;
};

// Whether panels pay for so many queries at a time.
bool panels_pay(index_t n_queries);

}  // namespace pyface::distance
