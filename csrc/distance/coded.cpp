#include "distance/coded.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace pyface::distance {
namespace {

using simd::word_t;

constexpr double kCodesLength = 46340.0;  // its square fits 31 bits
// What float32 adds when thresholds are evaluated, relative to the lengths: at most eight roundings of 2^-24 each.
constexpr double kEvaluation = 1e-6;

// Several at a time: one maximum would wait for the one before.
double largest_of(const double* row, index_t stride) {
    double lanes[simd::kLanes] = {};
    for (index_t k = 0; k < stride; k += simd::kLanes) {
        for (index_t l = 0; l < simd::kLanes; ++l) lanes[l] = std::max(lanes[l], std::fabs(row[k + l]));
    }
    return *std::max_element(lanes, lanes + simd::kLanes);
}

template <class Code>
void lay_down(const std::int16_t* codes, index_t count, index_t stride, Code* out) {
    for (index_t k = 0; k < count; ++k) out[k] = static_cast<Code>(codes[k]);
    std::fill(out + count, out + stride, Code{0});
}

}  // namespace

float rounded_up(double x) {
    const auto rounded = static_cast<float>(x);
    return static_cast<double>(rounded) >= x ? rounded : std::nextafter(rounded, std::numeric_limits<float>::infinity());
}

RowFacts code_row(const simd::Kernels& kernels, std::int32_t largest, const double* row, index_t stride, double length,
                  std::int16_t* codes) {
    RowFacts facts{};
    facts.length = rounded_up(length);
    // A little more than the quotient, so that no code is rounded beyond the largest.
    const double roundings = 0.5 * std::sqrt(static_cast<double>(stride)) + 1.0;
    const double wanted = std::max(largest_of(row, stride) / largest, length / (kCodesLength - roundings)) * 1.0001;
    double residual = length;
    if (wanted < kShortest) {  // zero, with all of itself as residual
        facts.scale = 1.0f;
        std::fill_n(codes, stride, std::int16_t{0});
    } else {
        facts.scale = static_cast<float>(wanted);
        residual = std::sqrt(kernels.encode(row, stride, static_cast<double>(facts.scale), codes)) * (1.0 + 1e-12);
    }
    facts.residual = rounded_up(residual + kEvaluation * length);
    facts.coded_length = rounded_up(length + residual);
    return facts;
}

float half_square_term(const RowFacts& facts) {
    return static_cast<float>(-facts.half_square * (1.0 - kEvaluation) * (1.0 / static_cast<double>(facts.scale)));
}

void column_terms(const RowFacts& facts, bool is_cosine, float* terms, index_t stride) {
    const double inverse = 1.0 / static_cast<double>(facts.scale);
    terms[0] = static_cast<float>(inverse);
    terms[stride] = static_cast<float>(static_cast<double>(facts.residual) * inverse);
    if (is_cosine) return;
    terms[2 * stride] = static_cast<float>(static_cast<double>(facts.length) * inverse);
    terms[3 * stride] = half_square_term(facts);
}

void CodedRows::begin(const simd::Kernels& kernels, Precision precision, const Frame& frame, index_t dimension,
                      index_t size) {
    kernels_ = &kernels;
    precision_ = precision;
    is_cosine_ = frame.is_cosine();
    n_terms_ = is_cosine_ ? 2 : frame.has_shares() ? 5 : 4;
    size_ = size;
    dimension_ = dimension;
    panels_.reset(kernels, coding(), dimension_, size_);
    const index_t capacity = panels_.capacity();
    row_stride_ = (dimension_ + simd::kCodeLanes - 1) / simd::kCodeLanes * simd::kCodeLanes;
    // Bytes, of which wide codes take two.
    const index_t row_bytes = keeps_rows_ ? capacity * row_stride_ * (has_wide_rows() ? 2 : 1) : 0;
    if (row_bytes > n_row_bytes_) {
        rows_ = AlignedArray<std::int8_t>(row_bytes);
        n_row_bytes_ = row_bytes;
    }
    if (capacity > capacity_) {
        terms_ = AlignedArray<float>(simd::kMostTerms * capacity);
        facts_.resize(static_cast<std::size_t>(capacity));
    }
    capacity_ = std::max(capacity, capacity_);
}

void CodedRows::set_nobody(index_t i) {
    panels_.clear(i);
    for (int t = 0; t < n_terms_; ++t) terms_[t * capacity_ + i] = std::numeric_limits<float>::quiet_NaN();
}

void CodedRows::load(const simd::Kernels& kernels, Precision precision, const Frame& frame, const Rows& rows,
                     index_t begin, index_t end, int n_threads, const PollCallback& poll,
                     const std::int32_t* listed, CodedRows* few_bits) {
    this->begin(kernels, precision, frame, rows.dimension(), end - begin);
    if (few_bits != nullptr) few_bits->begin(kernels, Precision::codes, frame, rows.dimension(), end - begin);
    const index_t panel = kernels.tile_cols;
    const index_t depth = panels_.depth();
    const index_t capacity = panels_.capacity();

    constexpr index_t kRowsPerTask = 256;  // a multiple of every tile_cols, so that no panel is shared
    parallel_for(
        (capacity + kRowsPerTask - 1) / kRowsPerTask, n_threads,
        [&](index_t task) {
            const AlignedBuffer row(frame.stride());
            const AlignedArray<std::int16_t> codes(frame.stride());
            // Float32 rows of a panel, to be turned as a whole.
            std::vector<float> floats(static_cast<std::size_t>(precision == Precision::floats ? panel * depth : 0));
            const index_t last = std::min((task + 1) * kRowsPerTask, capacity);
            for (index_t i = task * kRowsPerTask; i < last; ++i) {
                if (i < size_) {
                    const index_t source = listed == nullptr ? begin + i : listed[begin + i];
                    const double half_square = frame.read(rows, source, row.get());
                    load_row(i, row.get(), half_square, codes.get(), floats.data() + i % panel * depth);
                    set_terms(i, frame, source);
                    if (few_bits != nullptr) {
                        few_bits->load_row(i, row.get(), half_square, codes.get(), nullptr);
                        few_bits->set_terms(i, frame, source);
                    }
                } else {
                    set_nobody(i);
                    if (few_bits != nullptr) few_bits->set_nobody(i);
                    if (!floats.empty()) std::fill_n(floats.data() + i % panel * depth, depth, 0.0f);
                }
                if (!floats.empty() && (i + 1) % panel == 0) {
                    kernels.transpose(floats.data(), panel, depth, depth, panels_.float_panel(i + 1 - panel), panel);
                }
            }
        },
        poll);
    longest_ = 0.0f;
    for (index_t i = 0; precision == Precision::floats && i < size_; ++i) longest_ = std::max(longest_, facts(i).length);
}

void CodedRows::renew(const Frame& frame, const Rows& rows, const std::int32_t* changed, index_t count, int n_threads,
                      const PollCallback& poll) {
    constexpr index_t kRowsPerTask = 64;
    parallel_for(
        (count + kRowsPerTask - 1) / kRowsPerTask, n_threads,
        [&](index_t task) {
            const AlignedBuffer row(frame.stride());
            const AlignedArray<std::int16_t> codes(frame.stride());
            for (index_t c = task * kRowsPerTask; c < std::min((task + 1) * kRowsPerTask, count); ++c) {
                load_row(changed[c], row.get(), frame.read(rows, changed[c], row.get()), codes.get(), nullptr);
                set_terms(changed[c], frame, changed[c]);
            }
        },
        poll);
}

void CodedRows::load_row(index_t i, const double* row, double half_square, std::int16_t* codes,
                         float* floats) {
    const index_t stride = simd::padded(dimension_);
    double square = 2.0 * half_square;
    if (is_cosine_) square = std::all_of(row, row + stride, [](double v) { return v == 0.0; }) ? 0.0 : 1.0;
    const double length = std::sqrt(square) * (1.0 + 1e-12);
    RowFacts& facts = facts_[static_cast<std::size_t>(i)];
    facts.half_square = half_square;
    facts.length = rounded_up(length);
    if (precision_ == Precision::floats) {
        for (index_t k = 0; k < dimension_; ++k) floats[k] = static_cast<float>(row[k]);
        facts.scale = 1.0f;
        const double coded_length = length * (1.0 + 0x1p-23);
        facts.residual = rounded_up(length * (0x1p-24 * sum_roundings(dimension_) * 1.01 + kEvaluation));
        facts.coded_length = rounded_up(coded_length);
        return;
    }
    facts = code_row(*kernels_, coding()->largest, row, stride, length, codes);
    facts.half_square = half_square;
    panels_.set(i, codes);
    if (!keeps_rows_) return;
    if (has_wide_rows()) {
        lay_down(codes, dimension_, row_stride_, reinterpret_cast<std::int16_t*>(rows_.get()) + i * row_stride_);
    } else {
        lay_down(codes, dimension_, row_stride_, rows_.get() + i * row_stride_);
    }
}

void CodedRows::set_terms(index_t i, const Frame& frame, index_t source) {
    RowFacts& f = facts_[static_cast<std::size_t>(i)];
    f.half_square += frame.added(source) / 2.0;
    column_terms(f, n_terms_ == 2, terms_.get() + i, capacity_);
    if (std::isnan(frame.added(source))) terms_[i] = std::numeric_limits<float>::quiet_NaN();
    if (n_terms_ == 5) {
        terms_[4 * capacity_ + i] = static_cast<float>(frame.share(source) * (1.0 / static_cast<double>(f.scale)));
    }
}

void CodedRows::copy_row_panels(index_t begin, index_t end, word_t* words, std::int32_t* offsets) const {
    panels_.copy_row_panels(begin, end, words);
    for (index_t i = begin; i < end; ++i) offsets[i - begin] = panels_.offset(i);
    const index_t height = kernels_->tile_rows;
    std::fill(offsets + (end - begin), offsets + (end - begin + height - 1) / height * height, 0);
}

void CodedRows::gather_row_panels(const std::int32_t* rows, index_t count, word_t* words,
                                  std::int32_t* offsets) const {
    panels_.gather_row_panels(rows, count, words);
    for (index_t p = 0; p < count; ++p) offsets[p] = panels_.offset(rows[p]);
    const index_t height = kernels_->tile_rows;
    std::fill(offsets + count, offsets + (count + height - 1) / height * height, 0);
}

}  // namespace pyface::distance
