// Part of kernels-inl.hpp: vectors of float32 and of 32-bit integers, as wide as the instruction set has them.

// A micro-tile holds its sums in registers: kTileRows x kTileVectors of them, beside kTileVectors for the columns and
// one for the row (NEON: for four rows). AVX-512 and NEON have 32 registers, AVX2 and the baseline 16.
#if defined(__AVX512F__)
constexpr int kWidth = 16;
constexpr int kTileRows = 12;
constexpr int kTileVectors = 2;

// The types of the compiler themselves: wrapped in a struct, GCC 12 keeps two copies of each integer sum.
using Floats = __m512;
using Ints = __m512i;
inline Floats float_zero() { return _mm512_setzero_ps(); }
inline Floats spread(float x) { return _mm512_set1_ps(x); }
inline Floats load_floats(const float* p) { return _mm512_loadu_ps(p); }
inline Floats load_floats(const word_t* p) { return _mm512_loadu_ps(p); }
inline Floats spread_float(const word_t* p) { return _mm512_castsi512_ps(_mm512_set1_epi32(static_cast<int>(*p))); }
inline void store(Floats a, float* p) { _mm512_storeu_ps(p, a); }
inline Floats add(Floats a, Floats b) { return _mm512_add_ps(a, b); }
inline Floats sub(Floats a, Floats b) { return _mm512_sub_ps(a, b); }
inline Floats mul(Floats a, Floats b) { return _mm512_mul_ps(a, b); }
inline Floats fused(Floats a, Floats b, Floats sum) { return _mm512_fmadd_ps(a, b, sum); }
inline Floats least(Floats a, Floats b) { return _mm512_min_ps(a, b); }
inline Floats largest(Floats a, Floats b) { return _mm512_max_ps(a, b); }
inline Floats root(Floats a) { return _mm512_sqrt_ps(a); }
inline unsigned not_negative(Floats a) { return _mm512_cmp_ps_mask(a, _mm512_setzero_ps(), _CMP_GE_OQ); }
inline Ints spread_int(std::int32_t x) { return _mm512_set1_epi32(x); }
inline Ints load_words(const word_t* p) { return _mm512_loadu_si512(p); }
inline Ints spread_word(const word_t* p) { return _mm512_set1_epi32(static_cast<int>(*p)); }
inline Floats to_floats(Ints a) { return _mm512_cvtepi32_ps(a); }
inline Ints plus(Ints a, Ints b) { return _mm512_add_epi32(a, b); }
inline Ints load_ints(const std::int32_t* p) { return _mm512_loadu_si512(p); }
#elif defined(__AVX2__)
constexpr int kWidth = 8;
constexpr int kTileRows = 6;
constexpr int kTileVectors = 2;

using Floats = __m256;
using Ints = __m256i;
inline Floats float_zero() { return _mm256_setzero_ps(); }
inline Floats spread(float x) { return _mm256_set1_ps(x); }
inline Floats load_floats(const float* p) { return _mm256_loadu_ps(p); }
inline Floats load_floats(const word_t* p) {
    return _mm256_castsi256_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
inline Floats spread_float(const word_t* p) { return _mm256_castsi256_ps(_mm256_set1_epi32(static_cast<int>(*p))); }
inline void store(Floats a, float* p) { _mm256_storeu_ps(p, a); }
inline Floats add(Floats a, Floats b) { return _mm256_add_ps(a, b); }
inline Floats sub(Floats a, Floats b) { return _mm256_sub_ps(a, b); }
inline Floats mul(Floats a, Floats b) { return _mm256_mul_ps(a, b); }
inline Floats fused(Floats a, Floats b, Floats sum) { return _mm256_fmadd_ps(a, b, sum); }
inline Floats least(Floats a, Floats b) { return _mm256_min_ps(a, b); }
inline Floats largest(Floats a, Floats b) { return _mm256_max_ps(a, b); }
inline Floats root(Floats a) { return _mm256_sqrt_ps(a); }
inline unsigned not_negative(Floats a) {
    return static_cast<unsigned>(_mm256_movemask_ps(_mm256_cmp_ps(a, _mm256_setzero_ps(), _CMP_GE_OQ)));
}
inline Ints spread_int(std::int32_t x) { return _mm256_set1_epi32(x); }
inline Ints load_words(const word_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
inline Ints spread_word(const word_t* p) { return _mm256_set1_epi32(static_cast<int>(*p)); }
inline Floats to_floats(Ints a) { return _mm256_cvtepi32_ps(a); }
inline Ints plus(Ints a, Ints b) { return _mm256_add_epi32(a, b); }
inline Ints load_ints(const std::int32_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
#elif defined(PYFACE_NEON)
constexpr int kWidth = 4;
constexpr int kTileRows = 12;
constexpr int kTileVectors = 2;

using Floats = float32x4_t;
using Ints = int32x4_t;
inline Floats float_zero() { return vdupq_n_f32(0.0f); }
inline Floats spread(float x) { return vdupq_n_f32(x); }
inline Floats load_floats(const float* p) { return vld1q_f32(p); }
inline Floats load_floats(const word_t* p) { return vreinterpretq_f32_u32(vld1q_u32(p)); }
inline void store(Floats a, float* p) { vst1q_f32(p, a); }
inline Floats add(Floats a, Floats b) { return vaddq_f32(a, b); }
inline Floats sub(Floats a, Floats b) { return vsubq_f32(a, b); }
inline Floats fused(Floats a, Floats b, Floats sum) { return vfmaq_f32(sum, a, b); }
// Of a number and NaN the number.
inline Floats least(Floats a, Floats b) { return vminnmq_f32(a, b); }
inline Floats largest(Floats a, Floats b) { return vmaxnmq_f32(a, b); }
inline Floats root(Floats a) { return vsqrtq_f32(a); }
inline unsigned not_negative(Floats a) {
    const uint32x4_t bits = {1, 2, 4, 8};
    return vaddvq_u32(vandq_u32(vcgezq_f32(a), bits));
}
inline Ints spread_int(std::int32_t x) { return vdupq_n_s32(x); }
inline Ints load_words(const word_t* p) { return vreinterpretq_s32_u32(vld1q_u32(p)); }
inline Floats to_floats(Ints a) { return vcvtq_f32_s32(a); }
inline Ints plus(Ints a, Ints b) { return vaddq_s32(a, b); }
#else
constexpr int kWidth = 4;
constexpr int kTileRows = 4;
constexpr int kTileVectors = 2;

struct Floats {
    float v[kWidth];
};
struct Ints {
    std::int32_t v[kWidth];
};

#define PYFACE_LANES(type, expression)                        \
    type r;                                                   \
    for (int l = 0; l < kWidth; ++l) r.v[l] = (expression);   \
    return r;
inline float as_float(word_t word) {
    float x;
    std::memcpy(&x, &word, sizeof x);
    return x;
}
inline Floats float_zero() { return {}; }
inline Floats spread(float x) { PYFACE_LANES(Floats, x) }
inline Floats load_floats(const float* p) { PYFACE_LANES(Floats, p[l]) }
inline Floats load_floats(const word_t* p) { PYFACE_LANES(Floats, as_float(p[l])) }
inline Floats spread_float(const word_t* p) { return spread(as_float(*p)); }
inline void store(Floats a, float* p) {
    for (int l = 0; l < kWidth; ++l) p[l] = a.v[l];
}
inline Floats add(Floats a, Floats b) { PYFACE_LANES(Floats, a.v[l] + b.v[l]) }
inline Floats sub(Floats a, Floats b) { PYFACE_LANES(Floats, a.v[l] - b.v[l]) }
inline Floats mul(Floats a, Floats b) { PYFACE_LANES(Floats, a.v[l] * b.v[l]) }
inline Floats fused(Floats a, Floats b, Floats sum) { PYFACE_LANES(Floats, sum.v[l] + a.v[l] * b.v[l]) }
inline Floats least(Floats a, Floats b) { PYFACE_LANES(Floats, a.v[l] < b.v[l] ? a.v[l] : b.v[l]) }
inline Floats largest(Floats a, Floats b) { PYFACE_LANES(Floats, a.v[l] > b.v[l] ? a.v[l] : b.v[l]) }
inline Floats root(Floats a) { PYFACE_LANES(Floats, std::sqrt(a.v[l])) }
inline unsigned not_negative(Floats a) {
    unsigned bits = 0;
    for (int l = 0; l < kWidth; ++l) bits |= static_cast<unsigned>(a.v[l] >= 0.0f) << l;
    return bits;
}
inline Ints spread_int(std::int32_t x) { PYFACE_LANES(Ints, x) }
inline Ints load_words(const word_t* p) { PYFACE_LANES(Ints, static_cast<std::int32_t>(p[l])) }
inline Ints spread_word(const word_t* p) { return spread_int(static_cast<std::int32_t>(*p)); }
inline Floats to_floats(Ints a) { PYFACE_LANES(Floats, static_cast<float>(a.v[l])) }
inline Ints plus(Ints a, Ints b) {  // unsigned, because it may wrap on the way
    PYFACE_LANES(Ints, static_cast<std::int32_t>(static_cast<word_t>(a.v[l]) + static_cast<word_t>(b.v[l])))
}
#endif

#if !defined(PYFACE_NEON)  // which has them in neon-tiles-inl.hpp
// Products of the codes in kStep words of a row and of a column are added lane by lane. Sums wrap, so only their end has to
// fit 32 bits.
struct WideCodes {
    static constexpr int kStep = 1;
    static Ints add_products(Ints sum, const Ints* row, const Ints* col) {
#if defined(__AVX512F__)
        return _mm512_add_epi32(sum, _mm512_madd_epi16(*row, *col));
#elif defined(__AVX2__)
        return _mm256_add_epi32(sum, _mm256_madd_epi16(*row, *col));
#else
        for (int l = 0; l < kWidth; ++l) {
            const auto a = static_cast<word_t>(row->v[l]);
            const auto b = static_cast<word_t>(col->v[l]);
            const std::int32_t low = static_cast<std::int16_t>(a) * static_cast<std::int16_t>(b);
            const std::int32_t high = static_cast<std::int16_t>(a >> 16) * static_cast<std::int16_t>(b >> 16);
            // Unsigned, because it may wrap on the way.
            sum.v[l] = static_cast<std::int32_t>(static_cast<word_t>(sum.v[l]) + static_cast<word_t>(low) +
                                                 static_cast<word_t>(high));
        }
        return sum;
#endif
    }
};

#if defined(__AVX512VNNI__) || defined(__AVXVNNI__)
constexpr Coding kCoding = {4, 127, 128, {0, 0, 0x80808080u}};
struct ScreenCodes {
    static constexpr int kStep = 1;
    static Ints add_products(Ints sum, const Ints* row, const Ints* col) {
#if defined(__AVX512VNNI__)
        return _mm512_dpbusd_epi32(sum, *col, *row);
#else
        return _mm256_dpbusd_avx_epi32(sum, *col, *row);
#endif
    }
};
#elif defined(__AVX2__)
// Four products at once that are added in pairs in 16 bits, with saturation. With codes of at most 63, columns from 0 to 127,
// a pair is at most 2 x 127 x 64 (of rows that fill up a panel; else x 63), and two pairs fit: five instructions for two
// words, where codes of 16 bits take eight for as many values.
constexpr Coding kCoding = {4, 63, 64, {0x80808080u, 0x40404040u, 0x80808080u}};
static_assert(2 * 2 * 127 * 64 <= 32767);
struct ScreenCodes {
    static constexpr int kStep = 2;
    static Ints add_products(Ints sum, const Ints* row, const Ints* col) {
#if defined(__AVX512F__)
        const Ints pairs = _mm512_add_epi16(_mm512_maddubs_epi16(col[0], row[0]), _mm512_maddubs_epi16(col[1], row[1]));
        return _mm512_add_epi32(sum, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)));
#else
        const Ints pairs = _mm256_add_epi16(_mm256_maddubs_epi16(col[0], row[0]), _mm256_maddubs_epi16(col[1], row[1]));
        return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
#endif
    }
};
#else
constexpr Coding kCoding = kWideCoding;
using ScreenCodes = WideCodes;
#endif
#endif
