#include "distance/screen.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "distance/counters.hpp"

namespace pyface::distance {
namespace {

// A threshold is one float32 among others: what its rounding may move.
constexpr double kRelative = 1e-6;
constexpr double kMostPerShare = 1e12;  // beyond all scores; a row's scale is at least 2^-45

}  // namespace

Screen::Screen(const simd::Kernels& kernels, const Frame& frame, Side x, Side y)
    : kernels_(kernels),
      frame_(frame),
      x_(x),
      y_(y),
      thresholds_(static_cast<std::size_t>(kRowBlock)),
      per_share_(static_cast<std::size_t>(kRowBlock)),
      found_(static_cast<std::size_t>(kRowBlock * kColBlock)) {}

void Screen::set_rows(index_t begin, index_t end) {
    begin_ = begin;
    end_ = end;
    listed_ = nullptr;
    for (RowSide& side : sides_) side.has_terms = side.has_words = false;
    axis_side_.is_ready = false;
}

void Screen::set_listed_rows(const std::int32_t* rows, index_t count) {
    set_rows(0, count);
    listed_ = rows;
}

const RowFacts& Screen::row_facts(const RowSide& side, index_t i) const {
    if (&side == &sides_[static_cast<std::size_t>(Precision::floats)]) return side.block.facts(i);
    return x_.codes->facts(row_number(i));
}

void Screen::set_threshold(index_t i, double least_score, double per_share) {
    thresholds_[static_cast<std::size_t>(i)] = least_score;
    per_share_[static_cast<std::size_t>(i)] = per_share;
    for (const Precision precision : {Precision::codes, Precision::floats}) {
        if (side(precision).has_terms) set_term(side(precision), i);
    }
    if (axis_side_.is_ready) {
        axis_side_.starts[static_cast<std::size_t>(i)] = x_.axis_codes->row_start(row_number(i), least_score);
    }
}

void Screen::set_term(RowSide& to, index_t i) const {
    const RowFacts& f = row_facts(to, i);
    // No score is below this, and float32 has no room for thresholds that are far below it.
    const double lowest = frame_.is_cosine() ? -4.0 : -8.0 * static_cast<double>(frame_.stride()) - 1.0;
    const double wanted = std::max(thresholds_[static_cast<std::size_t>(i)], lowest);
    const double threshold =
        wanted - std::fabs(wanted) * kRelative - kScoreRounding * (f.half_square + std::fabs(wanted)) - kScoreUnderflow;
    const double bound = frame_.is_cosine() ? static_cast<double>(f.residual) : 0.0;  // the other row has length 1
    const double scale = static_cast<double>(f.scale);
    if (!frame_.has_shares()) {
        to.terms[i] = static_cast<float>((bound - threshold) / scale);
        return;
    }
    // Shares are at most 1. A threshold without limit must not turn into a difference of infinities.
    const double per_share = std::min(per_share_[static_cast<std::size_t>(i)], kMostPerShare);
    to.terms[i] = static_cast<float>((bound - threshold + per_share * kRelative) / scale);
    to.terms[4 * kRowBlock + i] = static_cast<float>(per_share / scale);
}

void Screen::prepare(Precision precision) {
    RowSide& to = side(precision);
    if (precision == Precision::floats) {
        to.block.load(kernels_, precision, frame_, *x_.rows, begin_, end_, 1, {}, listed_);
    }
    if (to.terms.get() == nullptr) to.terms = AlignedArray<float>(simd::kMostTerms * kRowBlock);
    for (index_t i = 0; i < kRowBlock; ++i) {
        if (i >= n_rows()) {
            to.terms[i] = std::numeric_limits<float>::quiet_NaN();
            for (int t = 1; t < simd::kMostTerms; ++t) to.terms[t * kRowBlock + i] = 0.0f;
            continue;
        }
        const RowFacts& f = row_facts(to, i);
        set_term(to, i);
        to.terms[kRowBlock + i] = f.coded_length / f.scale;
        to.terms[2 * kRowBlock + i] = f.residual / f.scale;
        to.terms[3 * kRowBlock + i] = 1.0f / f.scale;
    }
    to.has_terms = true;
}

void Screen::prepare_words(Precision precision) {
    RowSide& to = side(precision);
    const CodedRows& source = precision == Precision::codes ? *x_.codes : to.block;
    const index_t height = kernels_.tile_rows;
    if (to.words.get() == nullptr) {
        to.words = AlignedArray<simd::word_t>((kRowBlock + height) * source.depth());
        to.offsets.resize(static_cast<std::size_t>(kRowBlock + height));
    }
    if (precision == Precision::codes && listed_ != nullptr) {
        source.gather_row_panels(listed_, n_rows(), to.words.get(), to.offsets.data());
    } else {
        const index_t first = precision == Precision::codes ? begin_ : 0;
        source.copy_row_panels(first, first + n_rows(), to.words.get(), to.offsets.data());
    }
    to.has_words = true;
}

void Screen::prepare_axes() {
    AxisSide& to = axis_side_;
    const WordPanels& source = x_.axis_codes->panels();
    const index_t height = kernels_.tile_rows;
    if (to.words.get() == nullptr) {
        to.words = AlignedArray<simd::word_t>((kRowBlock + height) * source.depth());
        to.starts.resize(static_cast<std::size_t>(kRowBlock + height));
    }
    if (listed_ != nullptr) {
        source.gather_row_panels(listed_, n_rows(), to.words.get());
    } else {
        source.copy_row_panels(begin_, end_, to.words.get());
    }
    const bool are_wide = x_.codes->has_wide_rows();
    to.rows.clear();
    to.wide_rows.clear();
    for (index_t i = 0; i < n_rows(); ++i) {
        to.starts[static_cast<std::size_t>(i)] =
            x_.axis_codes->row_start(row_number(i), thresholds_[static_cast<std::size_t>(i)]);
        if (are_wide) to.wide_rows.push_back(x_.codes->wide_row(row_number(i)));
        if (!are_wide) to.rows.push_back(x_.codes->row(row_number(i)));
    }
    std::fill(to.starts.begin() + n_rows(), to.starts.end(), AxisCodes::kNobody);
    to.is_ready = true;
}

// Along the axes, then with the whole codes of each pair that is left. False: that does not pay, and nothing has been done.
bool Screen::run_stages(index_t most, index_t col_begin, index_t col_end, bool above_diagonal) {
    if (x_.axis_codes == nullptr || axis_pause_-- > 0) return false;
    axis_pause_ = 0;
    const index_t n_pairs = n_rows() * (col_end - col_begin);
    const auto most_left = static_cast<index_t>(x_.axis_codes->axes().most_left() * static_cast<double>(n_pairs));
    // So many are to be expected, beyond the few that doubt leaves: thresholds are still low.
    const index_t few = n_pairs / kManyCandidates;
    if (most > few + std::max(few, most_left)) return false;
    if (!axis_side_.is_ready) prepare_axes();
    if (!side(Precision::codes).has_terms) prepare(Precision::codes);
    const WordPanels& cols = y_.axis_codes->panels();
    const index_t height = kernels_.tile_rows;
    const index_t width = kernels_.tile_cols;
    const simd::Panels panels{axis_side_.words.get(),
                              (n_rows() + height - 1) / height,
                              cols.panel(col_begin),
                              (col_end - col_begin + width - 1) / width,
                              cols.depth(),
                              above_diagonal ? col_begin - begin_ : simd::kNoDiagonal};
    n_found_ = kernels_.screen_axes(panels, axis_side_.starts.data(), y_.axis_codes->col_starts(col_begin), found_.data());
    const index_t d = x_.rows->dimension(), n_axes = x_.axis_codes->axes().count();
    count(Counter::pairs_along_axes, n_pairs);
    count(Counter::products_saved, -n_pairs * n_axes);
    if (numbers_ != nullptr) drop_left_out(col_begin);
    if (n_found_ > most_left) {
        axis_pause_ = index_t{1} << std::min(++axis_failures_, 6);
        return false;
    }
    axis_failures_ = 0;
    count(Counter::products_saved, (n_pairs - n_found_) * d);
    count(Counter::pairs_in_codes, n_found_);
    precision_ = Precision::codes;
    columns_ = y_.codes;
    first_column_ = col_begin;
    const RowSide& rows = side(Precision::codes);
    const simd::Terms terms{rows.terms.get(), kRowBlock, columns_->terms(col_begin), columns_->terms_stride(),
                            columns_->n_terms()};
    const index_t stride = columns_->row_stride();
    n_found_ = columns_->has_wide_rows()
                   ? kernels_.screen_wide_pairs(axis_side_.wide_rows.data(), columns_->wide_row(col_begin), stride, terms,
                                                found_.data(), n_found_)
                   : kernels_.screen_pairs(axis_side_.rows.data(), columns_->row(col_begin), stride, terms, found_.data(),
                                           n_found_);
    return true;
}

void Screen::run(Precision precision, index_t col_begin, index_t col_end, bool above_diagonal) {
    const RowSide& rows = side(precision);
    if (!rows.has_terms) prepare(precision);
    if (!rows.has_words) prepare_words(precision);
    precision_ = precision;
    if (precision == Precision::codes) {
        columns_ = y_.codes;
        first_column_ = col_begin;
    } else {
        if (float_columns_begin_ != col_begin || float_columns_end_ != col_end) {
            const Frame& frame = y_.frame == nullptr ? frame_ : *y_.frame;
            float_columns_.load(kernels_, precision, frame, *y_.rows, col_begin, col_end);
            float_columns_begin_ = col_begin;
            float_columns_end_ = col_end;
        }
        columns_ = &float_columns_;
        first_column_ = 0;
    }
    const index_t height = kernels_.tile_rows;
    const index_t width = kernels_.tile_cols;
    const simd::Panels panels{rows.words.get(),
                              (n_rows() + height - 1) / height,
                              columns_->panel(first_column_),
                              (col_end - col_begin + width - 1) / width,
                              columns_->depth(),
                              above_diagonal ? col_begin - begin_ : simd::kNoDiagonal};
    const simd::Terms terms{rows.terms.get(), kRowBlock, columns_->terms(first_column_), columns_->terms_stride(),
                            columns_->n_terms()};
    n_found_ = screen_of(kernels_, columns_->precision())(panels, rows.offsets.data(), terms, found_.data());
    count(precision == Precision::codes ? Counter::pairs_in_codes : Counter::pairs_in_float32,
          n_rows() * (col_end - col_begin));
    if (numbers_ != nullptr) drop_left_out(col_begin);
}

void Screen::drop_left_out(index_t col_begin) {
    const std::int32_t* rows = numbers_ + begin_;
    const std::int32_t* cols = numbers_ + col_begin;
    const auto is_out = [&](const simd::Candidate& c) { return rows[c.row] >= 0 && rows[c.row] == cols[c.col]; };
    const auto first = found_.begin();
    n_found_ = std::remove_if(first, first + n_found_, is_out) - first;
}

void Screen::run(Codes& codes, index_t most, index_t col_begin, index_t col_end, bool above_diagonal) {
    if (codes.failures_ < Codes::kPatience) {
        if (!run_stages(most, col_begin, col_end, above_diagonal)) {
            run(Precision::codes, col_begin, col_end, above_diagonal);
        }
        if (n_found_ <= most) {
            codes.failures_ = 0;
            return;
        }
        ++codes.failures_;
    }
    run(Precision::floats, col_begin, col_end, above_diagonal);
}

Screen::Bounds Screen::bounds(const simd::Candidate& candidate) const {
    const RowSide& rows = side(precision_);
    const RowFacts& a = row_facts(rows, candidate.row);
    const RowFacts& b = columns_->facts(first_column_ + candidate.col);
    const double product =
        static_cast<double>(candidate.value) * static_cast<double>(a.scale) * static_cast<double>(b.scale);
    const double bound = static_cast<double>(a.residual) * static_cast<double>(b.length) +
                         static_cast<double>(a.coded_length) * static_cast<double>(b.residual) +
                         kScoreRounding * (a.half_square + b.half_square) + kScoreUnderflow;
    const double score = product - b.half_square;
    return {score - bound, score + bound};
}

}  // namespace pyface::distance
