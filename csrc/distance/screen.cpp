#include "distance/screen.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "distance/counters.hpp"

namespace pyface::distance {
namespace {

constexpr double kMostPerShare = 1e12;  // beyond all scores; a row's scale is at least 2^-45
// What codes of few bits save of each product, and what a pair costs that they leave, in products.
constexpr double kFewBitsSave = 0.8, kPairLeft = 1500.0, kProductLeft = 2.0;

std::size_t at(index_t i) { return static_cast<std::size_t>(i); }

}  // namespace

Screen::Screen(const simd::Kernels& kernels, const Frame& frame, Side x, Side y)
    : kernels_(kernels),
      frame_(frame),
      x_(x),
      y_(y),
      thresholds_(at(kRowBlock)),
      per_share_(at(kRowBlock)),
      found_(kRowBlock * kColBlock) {}

void Screen::set_rows(index_t begin, index_t end) {
    begin_ = begin;
    end_ = end;
    listed_ = nullptr;
    for (RowSide& side : sides_) side.has_terms = side.has_words = false;
    axis_side_.is_ready = false;
    rows_.clear();
    wide_rows_.clear();
}

void Screen::set_listed_rows(const std::int32_t* rows, index_t count) {
    set_rows(0, count);
    listed_ = rows;
}

const CodedRows& Screen::columns_of(Words words) const {
    return words == kFloats ? float_columns_ : words == kCodes ? *y_.codes : *y_.few_bits;
}

const RowFacts& Screen::row_facts(Words words, index_t i) const {
    if (words == kFloats) return sides_[kFloats].block.facts(i);
    return (words == kCodes ? x_.codes : x_.few_bits)->facts(row_number(i));
}

void Screen::set_threshold(index_t i, double least_score, double per_share) {
    thresholds_[at(i)] = least_score;
    per_share_[at(i)] = per_share;
    for (const Words words : {kCodes, kFloats, kFewBits}) {
        if (sides_[words].has_terms) set_term(words, i);
    }
    if (axis_side_.is_ready) axis_side_.starts[at(i)] = x_.axis_codes->row_start(row_number(i), least_score);
}

double Screen::threshold(double least_score, double half_square) const {
    // No score is below this, and float32 has no room for thresholds that are far below it.
    const double lowest = frame_.is_cosine() ? -4.0 : -8.0 * static_cast<double>(frame_.stride()) - 1.0;
    return lowered(std::max(least_score, lowest), half_square);
}

void Screen::set_term(Words words, index_t i) {
    RowSide& to = sides_[words];
    const RowFacts& f = row_facts(words, i);
    const double least = threshold(thresholds_[at(i)], f.half_square);
    const double bound = frame_.is_cosine() ? static_cast<double>(f.residual) : 0.0;  // the other row has length 1
    const double scale = static_cast<double>(f.scale);
    if (!frame_.has_shares()) {
        to.terms[i] = static_cast<float>((bound - least) / scale);
        return;
    }
    // Shares are at most 1. A threshold without limit must not turn into a difference of infinities.
    const double per_share = std::min(per_share_[at(i)], kMostPerShare);
    to.terms[i] = static_cast<float>((bound - least + per_share * kTermRounding) / scale);
    to.terms[4 * kRowBlock + i] = static_cast<float>(per_share / scale);
}

void Screen::prepare_terms(Words words) {
    RowSide& to = sides_[words];
    if (to.has_terms) return;
    if (words == kFloats) {
        to.block.load(kernels_, Precision::floats, frame_, *x_.rows, begin_, end_, 1, {}, listed_);
    }
    if (to.terms.get() == nullptr) to.terms = AlignedArray<float>(simd::kMostTerms * kRowBlock);
    for (index_t i = 0; i < kRowBlock; ++i) {
        if (i >= n_rows()) {
            // Both, as a column's threshold takes the place of the row's.
            to.terms[i] = to.terms[kRowBlock + i] = std::numeric_limits<float>::quiet_NaN();
            for (int t = 2; t < simd::kMostTerms; ++t) to.terms[t * kRowBlock + i] = 0.0f;
            continue;
        }
        const RowFacts& f = row_facts(words, i);
        set_term(words, i);
        to.terms[kRowBlock + i] = f.coded_length / f.scale;
        to.terms[2 * kRowBlock + i] = f.residual / f.scale;
        to.terms[3 * kRowBlock + i] = 1.0f / f.scale;
        if (frame_.has_shares()) continue;
        // Beside a column's threshold: what the other side's terms hold beside a row's.
        to.terms[4 * kRowBlock + i] = frame_.is_cosine() ? to.terms[2 * kRowBlock + i] : half_square_term(f);
    }
    to.has_terms = true;
}

void Screen::prepare(Words words) {
    prepare_terms(words);
    RowSide& to = sides_[words];
    if (to.has_words) return;
    const CodedRows& source = words == kFloats ? to.block : words == kCodes ? *x_.codes : *x_.few_bits;
    const index_t height = kernels_.tile_rows;
    if (to.words.get() == nullptr) {
        to.words = AlignedArray<simd::word_t>((kRowBlock + height) * source.depth());
        to.offsets.resize(at(kRowBlock + height));
    }
    if (words != kFloats && listed_ != nullptr) {
        source.gather_row_panels(listed_, n_rows(), to.words.get(), to.offsets.data());
    } else {
        const index_t first = words == kFloats ? 0 : begin_;
        source.copy_row_panels(first, first + n_rows(), to.words.get(), to.offsets.data());
    }
    to.has_words = true;
}

// Of the rows and `count` columns from col_begin on.
simd::Terms Screen::terms(Words words, index_t col_begin, index_t count) {
    const CodedRows& cols = columns_of(words);
    const index_t first = words == kFloats ? 0 : col_begin;
    simd::Terms result{sides_[words].terms.get(), kRowBlock, cols.terms(first), cols.terms_stride(), cols.n_terms()};
    if (column_thresholds_ == nullptr) return result;
    if (column_limits_.get() == nullptr) column_limits_ = AlignedArray<float>(kColBlock);
    for (index_t j = 0; j < count; ++j) {
        const RowFacts& f = cols.facts(first + j);
        const double least = threshold(column_thresholds_[j], f.half_square);
        column_limits_[j] = static_cast<float>(-least / static_cast<double>(f.scale));
    }
    // Of columns that fill up a panel, which other terms rule out.
    std::fill(column_limits_.get() + count, column_limits_.get() + kColBlock, 0.0f);
    result.col_limits = column_limits_.get();
    return result;
}

simd::Panels Screen::panels(const simd::word_t* rows, const simd::word_t* cols, index_t depth, const Tile& tile) const {
    const index_t height = kernels_.tile_rows;
    const index_t width = kernels_.tile_cols;
    return {rows,
            (n_rows() + height - 1) / height,
            cols,
            (tile.col_end - tile.col_begin + width - 1) / width,
            depth,
            tile.above_diagonal ? tile.col_begin - begin_ : simd::kNoDiagonal};
}

void Screen::run(Words words, const Tile& tile) {
    prepare(words);
    words_ = words;
    first_column_ = words == kFloats ? 0 : tile.col_begin;
    if (words == kFloats && (float_columns_begin_ != tile.col_begin || float_columns_end_ != tile.col_end)) {
        const Frame& frame = y_.frame == nullptr ? frame_ : *y_.frame;
        float_columns_.load(kernels_, Precision::floats, frame, *y_.rows, tile.col_begin, tile.col_end);
        float_columns_begin_ = tile.col_begin;
        float_columns_end_ = tile.col_end;
    }
    const CodedRows& cols = columns_of(words);
    const RowSide& rows = sides_[words];
    const index_t n_cols = tile.col_end - tile.col_begin;
    n_found_ = screen_of(kernels_, cols.precision())(
        panels(rows.words.get(), cols.panel(first_column_), cols.depth(), tile), rows.offsets.data(),
        terms(words, tile.col_begin, n_cols), found_.get());
    count(words == kFloats ? Counter::pairs_in_float32 : Counter::pairs_in_codes, n_rows() * n_cols);
    if (numbers_ != nullptr) drop_left_out(tile.col_begin);
}

void Screen::prepare_axes() {
    if (axis_side_.is_ready) return;
    const WordPanels& source = x_.axis_codes->panels();
    const index_t height = kernels_.tile_rows;
    if (axis_side_.words.get() == nullptr) {
        axis_side_.words = AlignedArray<simd::word_t>((kRowBlock + height) * source.depth());
        axis_side_.starts.resize(at(kRowBlock + height));
    }
    if (listed_ != nullptr) {
        source.gather_row_panels(listed_, n_rows(), axis_side_.words.get());
    } else {
        source.copy_row_panels(begin_, end_, axis_side_.words.get());
    }
    for (index_t i = 0; i < n_rows(); ++i) {
        axis_side_.starts[at(i)] = x_.axis_codes->row_start(row_number(i), thresholds_[at(i)]);
    }
    std::fill(axis_side_.starts.begin() + n_rows(), axis_side_.starts.end(), AxisCodes::kNobody);
    axis_side_.is_ready = true;
}

void Screen::prepare_rows() {
    if (!rows_.empty() || !wide_rows_.empty()) return;
    for (index_t i = 0; i < n_rows(); ++i) {
        if (x_.codes->has_wide_rows()) wide_rows_.push_back(x_.codes->wide_row(row_number(i)));
        if (!x_.codes->has_wide_rows()) rows_.push_back(x_.codes->row(row_number(i)));
    }
}

void Screen::run_along_axes(const Tile& tile) {
    prepare_axes();
    const WordPanels& cols = y_.axis_codes->panels();
    n_found_ = kernels_.screen_axes(panels(axis_side_.words.get(), cols.panel(tile.col_begin), cols.depth(), tile),
                                    axis_side_.starts.data(), y_.axis_codes->col_starts(tile.col_begin), found_.get());
    const index_t n_pairs = n_rows() * (tile.col_end - tile.col_begin);
    count(Counter::pairs_along_axes, n_pairs);
    count(Counter::products_saved, -n_pairs * x_.axis_codes->axes().count());
    if (numbers_ != nullptr) drop_left_out(tile.col_begin);
}

// A first stage, then the whole codes of each pair that is left. False: that does not pay.
bool Screen::run_stages(index_t most, const Tile& tile) {
    const bool along_axes = x_.axis_codes != nullptr && column_thresholds_ == nullptr;
    if ((!along_axes && x_.few_bits == nullptr) || stage_pause_-- > 0) return false;
    stage_pause_ = 0;
    const auto d = static_cast<double>(x_.rows->dimension());
    const index_t n_pairs = n_rows() * (tile.col_end - tile.col_begin);
    const double share = along_axes ? x_.axis_codes->axes().most_left() : kFewBitsSave * d / (kPairLeft + kProductLeft * d);
    const auto most_left = static_cast<index_t>(share * static_cast<double>(n_pairs));
    // So many are to be expected, beyond the few that doubt leaves: thresholds are still low.
    const index_t few = n_pairs / kManyCandidates;
    if (most > few + std::max(few, most_left)) return false;
    if (along_axes) run_along_axes(tile);
    if (!along_axes) run(kFewBits, tile);
    if (n_found_ > most_left) {
        stage_pause_ = index_t{1} << std::min(++stage_failures_, 6);
        return false;
    }
    stage_failures_ = 0;
    if (along_axes) {
        count(Counter::products_saved, (n_pairs - n_found_) * x_.rows->dimension());
        count(Counter::pairs_in_codes, n_found_);
    }
    finish_pairs(tile);
    return true;
}

void Screen::finish_pairs(const Tile& tile) {
    prepare_terms(kCodes);
    prepare_rows();
    words_ = kCodes;
    first_column_ = tile.col_begin;
    const simd::Terms by = terms(kCodes, tile.col_begin, tile.col_end - tile.col_begin);
    const CodedRows& cols = *y_.codes;
    const index_t stride = cols.row_stride();
    n_found_ = cols.has_wide_rows() ? kernels_.screen_wide_pairs(wide_rows_.data(), cols.wide_row(tile.col_begin), stride,
                                                                 by, found_.get(), n_found_)
                                    : kernels_.screen_pairs(rows_.data(), cols.row(tile.col_begin), stride, by,
                                                            found_.get(), n_found_);
}

void Screen::drop_left_out(index_t col_begin) {
    const std::int32_t* rows = numbers_ + begin_;
    const std::int32_t* cols = numbers_ + col_begin;
    const auto is_out = [&](const simd::Candidate& c) { return rows[c.row] >= 0 && rows[c.row] == cols[c.col]; };
    simd::Candidate* first = found_.get();
    n_found_ = std::remove_if(first, first + n_found_, is_out) - first;
}

void Screen::run(Codes& codes, index_t most, index_t col_begin, index_t col_end, bool above_diagonal) {
    const Tile tile{col_begin, col_end, above_diagonal};
    if (codes.failures_ < Codes::kPatience) {
        if (!run_stages(most, tile)) run(kCodes, tile);
        if (n_found_ <= most) {
            codes.failures_ = 0;
            return;
        }
        ++codes.failures_;
    }
    run(kFloats, tile);
}

Screen::Bounds Screen::bounds(const simd::Candidate& candidate) const { return both_bounds(candidate).of_row; }

Screen::BothBounds Screen::both_bounds(const simd::Candidate& candidate) const {
    const RowFacts& a = row_facts(words_, candidate.row);
    const RowFacts& b = columns_of(words_).facts(first_column_ + candidate.col);
    const double product =
        static_cast<double>(candidate.value) * static_cast<double>(a.scale) * static_cast<double>(b.scale);
    const double bound = static_cast<double>(a.residual) * static_cast<double>(b.length) +
                         static_cast<double>(a.coded_length) * static_cast<double>(b.residual) +
                         kScoreRounding * (a.half_square + b.half_square) + kScoreUnderflow;
    const double of_row = product - b.half_square, of_column = product - a.half_square;
    return {{of_row - bound, of_row + bound}, {of_column - bound, of_column + bound}};
}

}  // namespace pyface::distance
