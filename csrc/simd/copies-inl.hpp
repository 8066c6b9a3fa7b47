// Part of kernels-inl.hpp: from a finished tile to the matrix, and other ways to move numbers.

// Whole cache lines are written past the caches: the matrix is larger than they are, and a line that will be written in
// full need not be read first. The two ends, which share their lines with others, go the usual way.
#if defined(__AVX2__)
void stream(const float* tile, index_t count, float* out) {
    constexpr index_t kLine = 16;
    index_t i = 0;
    while (i < count && reinterpret_cast<std::uintptr_t>(out + i) % 64 != 0) {
        out[i] = tile[i];
        ++i;
    }
    for (; i + kLine <= count; i += kLine) {
#if defined(__AVX512F__)
        _mm512_stream_ps(out + i, _mm512_loadu_ps(tile + i));
#else
        _mm256_stream_ps(out + i, _mm256_loadu_ps(tile + i));
        _mm256_stream_ps(out + i + 8, _mm256_loadu_ps(tile + i + 8));
#endif
    }
    for (; i < count; ++i) out[i] = tile[i];
}

inline void transpose_8x8(const float* in, index_t stride, float* out, index_t out_stride) {
    __m256 a[8];
    __m256 b[8];
    for (int i = 0; i < 8; ++i) a[i] = _mm256_loadu_ps(in + i * stride);
    for (int i = 0; i < 8; i += 2) {
        b[i] = _mm256_unpacklo_ps(a[i], a[i + 1]);
        b[i + 1] = _mm256_unpackhi_ps(a[i], a[i + 1]);
    }
    for (int i = 0; i < 8; i += 4) {
        a[i] = _mm256_shuffle_ps(b[i], b[i + 2], 0x44);
        a[i + 1] = _mm256_shuffle_ps(b[i], b[i + 2], 0xee);
        a[i + 2] = _mm256_shuffle_ps(b[i + 1], b[i + 3], 0x44);
        a[i + 3] = _mm256_shuffle_ps(b[i + 1], b[i + 3], 0xee);
    }
    for (int i = 0; i < 4; ++i) {
        _mm256_storeu_ps(out + i * out_stride, _mm256_permute2f128_ps(a[i], a[i + 4], 0x20));
        _mm256_storeu_ps(out + (i + 4) * out_stride, _mm256_permute2f128_ps(a[i], a[i + 4], 0x31));
    }
}
#else
void stream(const float* tile, index_t count, float* out) {
    for (index_t i = 0; i < count; ++i) out[i] = tile[i];
}

#if defined(PYFACE_NEON)
inline void transpose_4x4(const float* in, index_t stride, float* out, index_t out_stride) {
    const float32x4_t a = vld1q_f32(in), b = vld1q_f32(in + stride);
    const float32x4_t c = vld1q_f32(in + 2 * stride), d = vld1q_f32(in + 3 * stride);
    const float64x2_t ab_even = vreinterpretq_f64_f32(vtrn1q_f32(a, b)), ab_odd = vreinterpretq_f64_f32(vtrn2q_f32(a, b));
    const float64x2_t cd_even = vreinterpretq_f64_f32(vtrn1q_f32(c, d)), cd_odd = vreinterpretq_f64_f32(vtrn2q_f32(c, d));
    vst1q_f32(out, vreinterpretq_f32_f64(vtrn1q_f64(ab_even, cd_even)));
    vst1q_f32(out + out_stride, vreinterpretq_f32_f64(vtrn1q_f64(ab_odd, cd_odd)));
    vst1q_f32(out + 2 * out_stride, vreinterpretq_f32_f64(vtrn2q_f64(ab_even, cd_even)));
    vst1q_f32(out + 3 * out_stride, vreinterpretq_f32_f64(vtrn2q_f64(ab_odd, cd_odd)));
}

inline void transpose_8x8(const float* in, index_t stride, float* out, index_t out_stride) {
    for (int j = 0; j < 8; j += 4) {
        for (int i = 0; i < 8; i += 4) transpose_4x4(in + i * stride + j, stride, out + j * out_stride + i, out_stride);
    }
}
#else
inline void transpose_8x8(const float* in, index_t stride, float* out, index_t out_stride) {
    for (int j = 0; j < 8; ++j) {
        for (int i = 0; i < 8; ++i) out[j * out_stride + i] = in[i * stride + j];
    }
}
#endif
#endif

void transpose(const float* tile, index_t n_rows, index_t n_cols, index_t stride, float* out, index_t out_stride) {
    const index_t whole_rows = n_rows / 8 * 8;
    const index_t whole_cols = n_cols / 8 * 8;
    for (index_t j = 0; j < whole_cols; j += 8) {
        for (index_t i = 0; i < whole_rows; i += 8) {
            transpose_8x8(tile + i * stride + j, stride, out + j * out_stride + i, out_stride);
        }
    }
    for (index_t i = 0; i < n_rows; ++i) {
        const index_t first = i < whole_rows ? whole_cols : 0;
        for (index_t j = first; j < n_cols; ++j) out[j * out_stride + i] = tile[i * stride + j];
    }
}

void widen(const float* row, index_t count, double* out) {
    for (index_t k = 0; k < count; ++k) out[k] = static_cast<double>(row[k]);
}

#if defined(PYFACE_NEON)
// The 12 rows of a panel lie in two column panels of 8 or in three.
void row_panel(const word_t* here, index_t n_here, const word_t* next, index_t count, index_t depth, RowWord how,
               word_t* out) {
    const auto start_of = [&](index_t r) {
        const index_t behind = r - n_here;
        return behind < 0 ? here + r : next + behind / kTileCols * kTileCols * depth + behind % kTileCols;
    };
    const uint32x4_t set = vdupq_n_u32(how.set), less = vdupq_n_u32(how.less), flip = vdupq_n_u32(how.flip);
    for (index_t r = 0; r < kTileRows; r += kWidth, out += kWidth) {
        if (n_here % kWidth == 0 && r + kWidth <= count) {  // side by side, as most are
            const word_t* from = start_of(r);
            for (index_t w = 0; w < depth; ++w) {
                const uint32x4_t words = vld1q_u32(from + w * kTileCols);
                vst1q_u32(out + w * kTileRows, veorq_u32(vsubq_u32(vorrq_u32(words, set), less), flip));
            }
            continue;
        }
        for (index_t i = r; i < r + kWidth; ++i) {
            const word_t* from = i < count ? start_of(i) : nullptr;
            for (index_t w = 0; w < depth; ++w) {
                out[w * kTileRows + i - r] = from == nullptr ? 0 : row_word(from[w * kTileCols], how);
            }
        }
    }
}
#else
static_assert(kTileRows <= kTileCols);  // so that a panel's rows lie in one column panel or in two
void row_panel(const word_t* here, index_t n_here, const word_t* next, index_t count, index_t depth, RowWord how,
               word_t* out) {
#if defined(__AVX2__)
    // Some rows at a time, as they lie side by side even where a panel goes on in the next one.
    constexpr int kSome = kTileRows % 4 == 0 ? 4 : 2;
    if (count == kTileRows && n_here % kSome == 0) {
        const auto load = [](const word_t* p) {
            const auto* place = reinterpret_cast<const __m128i*>(p);
            return kSome == 4 ? _mm_loadu_si128(place) : _mm_loadl_epi64(place);
        };
        const auto all = [](word_t word) { return _mm_set1_epi32(static_cast<int>(word)); };
        const __m128i set = all(how.set), less = all(how.less), flip = all(how.flip);
        for (int r = 0; r < kTileRows; r += kSome) {
            const word_t* from = r < n_here ? here + r : next + (r - n_here);
            for (index_t w = 0; w < depth; ++w) {
                const __m128i words = load(from + w * kTileCols);
                const __m128i turned = _mm_xor_si128(_mm_sub_epi32(_mm_or_si128(words, set), less), flip);
                auto* to = reinterpret_cast<__m128i*>(out + w * kTileRows + r);
                kSome == 4 ? _mm_storeu_si128(to, turned) : _mm_storel_epi64(to, turned);
            }
        }
        return;
    }
#endif
    for (index_t w = 0; w < depth; ++w, here += kTileCols, next += kTileCols, out += kTileRows) {
        for (index_t r = 0; r < n_here; ++r) out[r] = row_word(here[r], how);
        for (index_t r = n_here; r < count; ++r) out[r] = row_word(next[r - n_here], how);
        for (index_t r = count; r < kTileRows; ++r) out[r] = 0;
    }
}
#endif
