// Part of kernels-inl.hpp: one pass over rows of codes as they lie in memory.

// Pairs of codes: those of 8 bits widened, those of 16 bits as they are; kScanStep of them.
#if defined(__AVX512F__)
constexpr int kScanStep = 32;
using Codes = __m512i;
inline Codes widen_codes(const std::uint8_t* p) {
    return _mm512_cvtepu8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
inline Codes load_codes(const std::int8_t* p) {
    return _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
inline Codes load_codes(const std::int16_t* p) { return _mm512_loadu_si512(p); }
#if defined(__AVX512VNNI__)
inline Ints add_code_products(Ints sum, Codes a, Codes b) { return _mm512_dpwssd_epi32(sum, a, b); }
#else
inline Ints add_code_products(Ints sum, Codes a, Codes b) { return _mm512_add_epi32(sum, _mm512_madd_epi16(a, b)); }
#endif
inline __m256i folded(Ints a) {
    return _mm256_add_epi32(_mm512_castsi512_si256(a), _mm512_extracti64x4_epi64(a, 1));
}
#elif defined(__AVX2__)
constexpr int kScanStep = 16;
using Codes = __m256i;
inline Codes widen_codes(const std::uint8_t* p) {
    return _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
inline Codes load_codes(const std::int8_t* p) {
    return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
inline Codes load_codes(const std::int16_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
#if defined(__AVXVNNI__)
inline Ints add_code_products(Ints sum, Codes a, Codes b) { return _mm256_dpwssd_avx_epi32(sum, a, b); }
#else
inline Ints add_code_products(Ints sum, Codes a, Codes b) { return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b)); }
#endif
inline __m256i folded(Ints a) { return a; }
#elif defined(PYFACE_NEON)
constexpr int kScanStep = 8;
using Codes = int16x8_t;
inline Codes widen_codes(const std::uint8_t* p) { return vreinterpretq_s16_u16(vmovl_u8(vld1_u8(p))); }
inline Codes load_codes(const std::int16_t* p) { return vld1q_s16(p); }
inline Codes load_codes(const std::int8_t* p) { return vmovl_s8(vld1_s8(p)); }
inline Ints add_code_products(Ints sum, Codes a, Codes b) {
    return vmlal_high_s16(vmlal_s16(sum, vget_low_s16(a), vget_low_s16(b)), a, b);
}
#else
constexpr int kScanStep = 8;
struct Codes {
    std::int16_t v[kScanStep];
};
template <class T>
inline Codes load_codes(const T* p) {
    Codes r;
    for (int l = 0; l < kScanStep; ++l) r.v[l] = static_cast<std::int16_t>(p[l]);
    return r;
}
inline Codes widen_codes(const std::uint8_t* p) { return load_codes(p); }
inline Ints add_code_products(Ints sum, Codes a, Codes b) {
    for (int l = 0; l < kWidth; ++l) {
        const std::int32_t low = a.v[l] * b.v[l];
        const std::int32_t high = a.v[l + kWidth] * b.v[l + kWidth];
        // Unsigned, because it may wrap on the way.
        sum.v[l] = static_cast<std::int32_t>(static_cast<word_t>(sum.v[l]) + static_cast<word_t>(low) +
                                             static_cast<word_t>(high));
    }
    return sum;
}
#endif

constexpr int kScanGroup = 4;  // columns at a time, so that their sums are added up together

// out[c] = offset + the sum of all lanes of sums[c].
#if defined(__AVX2__)
inline void put_totals(const Ints* sums, std::int32_t offset, float* out) {
    const __m256i pairs = _mm256_hadd_epi32(_mm256_hadd_epi32(folded(sums[0]), folded(sums[1])),
                                            _mm256_hadd_epi32(folded(sums[2]), folded(sums[3])));
    const __m128i totals = _mm_add_epi32(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256(pairs, 1));
    _mm_storeu_ps(out, _mm_cvtepi32_ps(_mm_add_epi32(totals, _mm_set1_epi32(offset))));
}
#elif defined(PYFACE_NEON)
inline void put_totals(const Ints* sums, std::int32_t offset, float* out) {
    const Ints totals = vpaddq_s32(vpaddq_s32(sums[0], sums[1]), vpaddq_s32(sums[2], sums[3]));
    vst1q_f32(out, vcvtq_f32_s32(vaddq_s32(totals, vdupq_n_s32(offset))));
}
#else
inline void put_totals(const Ints* sums, std::int32_t offset, float* out) {
    for (int c = 0; c < kScanGroup; ++c) {
        auto total = static_cast<word_t>(offset);
        for (int l = 0; l < kWidth; ++l) total += static_cast<word_t>(sums[c].v[l]);
        out[c] = static_cast<float>(static_cast<std::int32_t>(total));
    }
}
#endif

// Memory is read one column after the other and asked for some way ahead: side by side, or without asking, it comes at half
// the speed.
constexpr index_t kAhead = 4096;
inline void fetch_ahead([[maybe_unused]] const std::uint8_t* p) {
#if defined(__AVX2__)
    _mm_prefetch(reinterpret_cast<const char*>(p) + kAhead, _MM_HINT_T0);
#elif defined(PYFACE_NEON)
    __builtin_prefetch(p + kAhead);
#endif
}

constexpr int kScanChains = 4;  // since each addition waits for the one before

inline Ints scan_column(const std::int16_t* row, const std::uint8_t* col, index_t stride) {
    Ints sums[kScanChains];
    PYFACE_UNROLL for (int i = 0; i < kScanChains; ++i) sums[i] = spread_int(0);
    index_t k = 0;
    for (; k + kScanChains * kScanStep <= stride; k += kScanChains * kScanStep) {
        for (int line = 0; line < kScanChains * kScanStep; line += 64) fetch_ahead(col + k + line);
        PYFACE_UNROLL for (int i = 0; i < kScanChains; ++i) {
            const index_t at = k + i * kScanStep;
            sums[i] = add_code_products(sums[i], load_codes(row + at), widen_codes(col + at));
        }
    }
    for (; k < stride; k += kScanStep) {
        sums[0] = add_code_products(sums[0], load_codes(row + k), widen_codes(col + k));
    }
    return plus(plus(sums[0], sums[1]), plus(sums[2], sums[3]));
}

// Several rows and columns side by side, for columns that are in the first cache: fewer loads, and each is widened once.
template <int kRows>
inline void scan_columns(const Scan& s, const std::uint8_t* const* cols, Ints* out) {
    Ints sums[kRows][kScanGroup];
    PYFACE_UNROLL for (int r = 0; r < kRows; ++r) {
        PYFACE_UNROLL for (int c = 0; c < kScanGroup; ++c) sums[r][c] = spread_int(0);
    }
    for (index_t k = 0; k < s.stride; k += kScanStep) {
        Codes rows[kRows];
        PYFACE_UNROLL for (int r = 0; r < kRows; ++r) rows[r] = load_codes(s.rows + r * s.stride + k);
        PYFACE_UNROLL for (int c = 0; c < kScanGroup; ++c) {
            const Codes col = widen_codes(cols[c] + k);
            PYFACE_UNROLL for (int r = 0; r < kRows; ++r) sums[r][c] = add_code_products(sums[r][c], rows[r], col);
        }
    }
    PYFACE_UNROLL for (int r = 0; r < kRows; ++r) {
        PYFACE_UNROLL for (int c = 0; c < kScanGroup; ++c) out[r * kScanGroup + c] = sums[r][c];
    }
}

// Columns that the group lacks are its last one again: they are of no use.
template <int kRows>
inline void scan_group(const Scan& s, index_t first, index_t count, const std::int32_t* offsets, float* out,
                       index_t out_stride) {
    const std::uint8_t* cols[kScanGroup];
    for (int c = 0; c < kScanGroup; ++c) cols[c] = s.cols + (first + (c < count ? c : count - 1)) * s.stride;
    Ints sums[kRows * kScanGroup];
    if constexpr (kRows == 1) {
        for (int c = 0; c < kScanGroup; ++c) sums[c] = scan_column(s.rows, cols[c], s.stride);
    } else {
        scan_columns<kRows>(s, cols, sums);
    }
    for (int r = 0; r < kRows; ++r) put_totals(sums + r * kScanGroup, offsets[r], out + r * out_stride + first);
}

template <int kTerms>
inline index_t pick_row(const float* sums, const Terms& terms, index_t row, index_t n_cols, Candidate* out) {
    index_t found = 0;
    for (index_t j = 0; j < n_cols; j += kWidth) {
        Floats x = load_floats(sums + j);
        PYFACE_UNROLL for (int t = 0; t < kTerms; ++t) {
            x = fused(spread(terms.row[t * terms.row_stride + row]), load_floats(terms.col + t * terms.col_stride + j), x);
        }
        for (unsigned bits = not_negative(x); bits != 0; bits &= bits - 1) {
            const index_t col = j + lowest_bit(bits);
            out[found++] = {static_cast<std::int32_t>(row), static_cast<std::int32_t>(col), sums[col]};
        }
    }
    return found;
}

index_t scan(const Scan& s, const std::int32_t* offsets, const Terms& terms, Candidate* out) {
    alignas(64) float sums[kScanRows * kScanCols];
    for (index_t j = s.n_cols / kScanGroup * kScanGroup; j < (s.n_cols + 31) / 32 * 32; ++j) {
        for (index_t r = 0; r < kScanRows; ++r) sums[r * kScanCols + j] = 0.0f;
    }
    for (index_t j = 0; j < s.n_cols; j += kScanGroup) {
        const index_t count = s.n_cols - j < kScanGroup ? s.n_cols - j : kScanGroup;
        if (s.n_rows == 1) {
            scan_group<1>(s, j, count, offsets, sums, kScanCols);
        } else {
            scan_group<2>(s, j, count, offsets, sums, kScanCols);
        }
    }
    index_t found = 0;
    for (index_t r = 0; r < s.n_rows; ++r) {
        const float* of_row = sums + r * kScanCols;
        found += terms.count == 2 ? pick_row<2>(of_row, terms, r, s.n_cols, out + found)
                                  : pick_row<4>(of_row, terms, r, s.n_cols, out + found);
    }
    return found;
}
