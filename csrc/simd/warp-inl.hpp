// Part of kernels-inl.hpp: positions in a source image, and blends of four neighbours.

// One multiply-add with one rounding, whatever the compiler thinks of contraction.
#if defined(__AVX512F__) || defined(__AVX2__)
inline double fused(double a, double b, double sum) {
    return _mm_cvtsd_f64(_mm_fmadd_sd(_mm_set_sd(a), _mm_set_sd(b), _mm_set_sd(sum)));
}
inline float fused(float a, float b, float sum) {
    return _mm_cvtss_f32(_mm_fmadd_ss(_mm_set_ss(a), _mm_set_ss(b), _mm_set_ss(sum)));
}
#else
inline double fused(double a, double b, double sum) { return std::fma(a, b, sum); }
inline float fused(float a, float b, float sum) { return std::fma(a, b, sum); }
#endif

// As many float64 values as a register has, and the 32-bit integers that they become.
#if defined(__AVX512F__)
constexpr int kDoubles = 8;
using Doubles = __m512d;
using HalfInts = __m256i;
inline Doubles spread_double(double x) { return _mm512_set1_pd(x); }
inline Doubles counting(double first) {
    return _mm512_add_pd(_mm512_set1_pd(first), _mm512_set_pd(7, 6, 5, 4, 3, 2, 1, 0));
}
inline Doubles fused(Doubles a, Doubles b, Doubles sum) { return _mm512_fmadd_pd(a, b, sum); }
inline void store_doubles(Doubles a, double* p) { _mm512_storeu_pd(p, a); }
inline HalfInts whole(Doubles a) { return _mm512_cvttpd_epi32(a); }
inline void store_rest(Doubles a, HalfInts whole_part, float* p) {
    _mm256_storeu_ps(p, _mm512_cvtpd_ps(_mm512_sub_pd(a, _mm512_cvtepi32_pd(whole_part))));
}
inline HalfInts spread_half(std::int32_t x) { return _mm256_set1_epi32(x); }
inline void store_index(HalfInts row, HalfInts cols, HalfInts col, std::int32_t* p) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm256_add_epi32(_mm256_mullo_epi32(row, cols), col));
}
#elif defined(__AVX2__)
constexpr int kDoubles = 4;
using Doubles = __m256d;
using HalfInts = __m128i;
inline Doubles spread_double(double x) { return _mm256_set1_pd(x); }
inline Doubles counting(double first) { return _mm256_add_pd(_mm256_set1_pd(first), _mm256_set_pd(3, 2, 1, 0)); }
inline Doubles fused(Doubles a, Doubles b, Doubles sum) { return _mm256_fmadd_pd(a, b, sum); }
inline void store_doubles(Doubles a, double* p) { _mm256_storeu_pd(p, a); }
inline HalfInts whole(Doubles a) { return _mm256_cvttpd_epi32(a); }
inline void store_rest(Doubles a, HalfInts whole_part, float* p) {
    _mm_storeu_ps(p, _mm256_cvtpd_ps(_mm256_sub_pd(a, _mm256_cvtepi32_pd(whole_part))));
}
inline HalfInts spread_half(std::int32_t x) { return _mm_set1_epi32(x); }
inline void store_index(HalfInts row, HalfInts cols, HalfInts col, std::int32_t* p) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm_add_epi32(_mm_mullo_epi32(row, cols), col));
}
#else
constexpr int kDoubles = 1;
using Doubles = double;
using HalfInts = std::int32_t;
inline Doubles spread_double(double x) { return x; }
inline Doubles counting(double first) { return first; }
inline void store_doubles(Doubles a, double* p) { *p = a; }
inline HalfInts whole(Doubles a) { return static_cast<std::int32_t>(a); }
inline void store_rest(Doubles a, HalfInts whole_part, float* p) {
    *p = static_cast<float>(a - static_cast<double>(whole_part));
}
inline HalfInts spread_half(std::int32_t x) { return x; }
inline void store_index(HalfInts row, HalfInts cols, HalfInts col, std::int32_t* p) { *p = row * cols + col; }
#endif

// u, or v with the coefficients three further, along the row y.
struct Line {
    double slope, start;

    Line(const double* c, double y) : slope(c[1]), start(fused(c[2], y, c[0])) {}
    double at(std::int32_t x) const { return fused(slope, static_cast<double>(x), start); }
    bool stays_below(const Span& span, double limit) const {
        const double first = at(span.begin), last = at(span.end - 1);
        return first >= 0 && last >= 0 && first < limit && last < limit;
    }
};

void positions(const Span& span, const double* coefficients, double y, double* u, double* v) {
    const Line lines[2] = {Line(coefficients, y), Line(coefficients + 3, y)};
    for (int l = 0; l < 2; ++l) {
        double* out = l == 0 ? u : v;
        const Doubles slope = spread_double(lines[l].slope), start = spread_double(lines[l].start);
        std::int32_t x = span.begin;
        for (; x + kDoubles <= span.end; x += kDoubles) {
            store_doubles(fused(slope, counting(x), start), out + x);
        }
        for (; x < span.end; ++x) out[x] = lines[l].at(x);
    }
}

index_t place(const Span* spans, index_t count, const double* coefficients, double y, index_t rows, index_t cols,
              const Places& places) {
    const double last_row = static_cast<double>(rows - 1), last_col = static_cast<double>(cols - 1);
    const HalfInts width = spread_half(static_cast<std::int32_t>(cols));
    for (index_t s = 0; s < count; ++s) {
        const Span span = spans[s];
        if (s > 0 && span.begin != spans[s - 1].end) return s;
        const double* c = coefficients + 6 * static_cast<index_t>(span.triangle);
        const Line u_line(c, y), v_line(c + 3, y);
        if (!u_line.stays_below(span, last_col) || !v_line.stays_below(span, last_row)) return s;
        const Doubles u_slope = spread_double(u_line.slope), u_start = spread_double(u_line.start);
        const Doubles v_slope = spread_double(v_line.slope), v_start = spread_double(v_line.start);
        // What is written behind the end of the span is the next one's, or in the slack.
        for (std::int32_t x = span.begin; x < span.end; x += kDoubles) {
            const Doubles xs = counting(x);
            const Doubles u = fused(u_slope, xs, u_start), v = fused(v_slope, xs, v_start);
            const HalfInts col = whole(u), row = whole(v);
            store_rest(u, col, places.right + x);
            store_rest(v, row, places.down + x);
            store_index(row, width, col, places.index + x);
        }
    }
    return count;
}

inline float between(float a, float b, float way) { return fused(way, b - a, a); }

// To the nearest, halves to even: where one unit is the last bit, adding rounds.
inline std::uint8_t to_byte(float value) {
    constexpr float kUnitsOnly = 0x1.8p23f;
    return static_cast<std::uint8_t>(static_cast<std::int32_t>((value + kUnitsOnly) - kUnitsOnly));
}

template <int C>
inline void blend_pixels(const std::uint8_t* image, index_t cols, const Places& places, index_t begin, index_t end,
                         std::uint8_t* out) {
    for (index_t i = begin; i < end; ++i) {
        const std::uint8_t* upper = image + static_cast<index_t>(places.index[i]) * C;
        const std::uint8_t* lower = upper + cols * C;
        for (int c = 0; c < C; ++c) {
            const float top = between(upper[c], upper[c + C], places.right[i]);
            const float bottom = between(lower[c], lower[c + C], places.right[i]);
            out[i * C + c] = to_byte(between(top, bottom, places.down[i]));
        }
    }
}

#if defined(__AVX512F__) || defined(__AVX2__)
// Two pixels, eight bytes each. In the upper row they begin with the left neighbour, in the lower one they end with the
// right one: so nothing outside the image is read, as the other row lies there.
inline __m128i two_pixels(const std::uint8_t* a, const std::uint8_t* b) {
    return _mm_unpacklo_epi64(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(a)),
                              _mm_loadl_epi64(reinterpret_cast<const __m128i*>(b)));
}

// The shuffle that puts the left neighbours of both pixels in the lower half and the right ones in the upper half, four
// bytes each, where the first of them begins `back` bytes into the eight.
template <int C>
inline __m128i sides(int back) {
    const char b = static_cast<char>(back), z = -128, f = C == 4 ? static_cast<char>(3 + b) : z;
    const char g = C == 4 ? static_cast<char>(7 + b) : z, h = static_cast<char>(C + b);
    const char f2 = C == 4 ? static_cast<char>(f + 8) : z, g2 = C == 4 ? static_cast<char>(g + 8) : z;
    const auto at = [](char first, int more) { return static_cast<char>(first + more); };
    return _mm_setr_epi8(b, at(b, 1), at(b, 2), f, at(b, 8), at(b, 9), at(b, 10), f2, h, at(h, 1), at(h, 2), g,
                         at(h, 8), at(h, 9), at(h, 10), g2);
}
#endif

#if defined(__AVX512F__)
constexpr int kPixels = 4;
struct Neighbours {
    __m512 left, right;
};
inline Neighbours neighbours(const std::uint8_t* const* p, index_t shift, __m256i shuffle) {
    const __m256i bytes = _mm256_inserti128_si256(
        _mm256_castsi128_si256(two_pixels(p[0] + shift, p[1] + shift)), two_pixels(p[2] + shift, p[3] + shift), 1);
    const __m256i sorted = _mm256_permute4x64_epi64(_mm256_shuffle_epi8(bytes, shuffle), 0xd8);
    return {_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm256_castsi256_si128(sorted))),
            _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm256_extracti128_si256(sorted, 1)))};
}
inline __m256i both_halves(__m128i a) { return _mm256_broadcastsi128_si256(a); }
inline __m512 four_times(const float* p) {
    return _mm512_permutexvar_ps(_mm512_set_epi32(3, 3, 3, 3, 2, 2, 2, 2, 1, 1, 1, 1, 0, 0, 0, 0),
                                 _mm512_castps128_ps512(_mm_loadu_ps(p)));
}
inline __m512 between(__m512 a, __m512 b, __m512 way) { return _mm512_fmadd_ps(way, _mm512_sub_ps(b, a), a); }
inline __m128i to_bytes(__m512 a) { return _mm512_cvtusepi32_epi8(_mm512_cvtps_epi32(a)); }
template <int C>
inline void store_pixels(__m128i a, std::uint8_t* out) {
    if constexpr (C == 4) {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(out), a);
    } else {
        const __m128i packed = _mm_shuffle_epi8(a, _mm_setr_epi32(0x04020100, 0x09080605, 0x0e0d0c0a, -1));
        const long long low = _mm_cvtsi128_si64(packed);
        const int high = _mm_extract_epi32(packed, 2);
        std::memcpy(out, &low, 8);
        std::memcpy(out + 8, &high, 4);
    }
}
#elif defined(__AVX2__)
constexpr int kPixels = 2;
struct Neighbours {
    __m256 left, right;
};
inline Neighbours neighbours(const std::uint8_t* const* p, index_t shift, __m128i shuffle) {
    const __m128i sorted = _mm_shuffle_epi8(two_pixels(p[0] + shift, p[1] + shift), shuffle);
    return {_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(sorted)),
            _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_srli_si128(sorted, 8)))};
}
inline __m128i both_halves(__m128i a) { return a; }
inline __m256 four_times(const float* p) {
    return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_set1_ps(p[0])), _mm_set1_ps(p[1]), 1);
}
inline __m256 between(__m256 a, __m256 b, __m256 way) { return _mm256_fmadd_ps(way, _mm256_sub_ps(b, a), a); }
inline __m128i to_bytes(__m256 a) {
    const __m256i whole_values = _mm256_cvtps_epi32(a);
    const __m128i words =
        _mm_packus_epi32(_mm256_castsi256_si128(whole_values), _mm256_extracti128_si256(whole_values, 1));
    return _mm_packus_epi16(words, words);
}
template <int C>
inline void store_pixels(__m128i a, std::uint8_t* out) {
    if constexpr (C == 4) {
        _mm_storel_epi64(reinterpret_cast<__m128i*>(out), a);
    } else {
        const __m128i packed = _mm_shuffle_epi8(a, _mm_setr_epi32(0x04020100, 0x0605, -1, -1));
        const long long low = _mm_cvtsi128_si64(packed);
        std::memcpy(out, &low, 6);
    }
}
#endif

template <int C>
void blend_bytes(const std::uint8_t* image, index_t cols, const Places& places, index_t count, std::uint8_t* out) {
    index_t i = 0;
#if defined(__AVX512F__) || defined(__AVX2__)
    if constexpr (C != 1) {
        constexpr index_t kBack = 8 - 2 * C;
        const auto upper = both_halves(sides<C>(0)), lower = both_halves(sides<C>(static_cast<int>(kBack)));
        for (; i + kPixels <= count; i += kPixels) {
            const std::uint8_t* p[kPixels];
            for (int k = 0; k < kPixels; ++k) p[k] = image + static_cast<index_t>(places.index[i + k]) * C;
            const auto right = four_times(places.right + i), down = four_times(places.down + i);
            const Neighbours above = neighbours(p, 0, upper), below = neighbours(p, cols * C - kBack, lower);
            const auto top = between(above.left, above.right, right), bottom = between(below.left, below.right, right);
            store_pixels<C>(to_bytes(between(top, bottom, down)), out + i * C);
        }
    }
#endif
    blend_pixels<C>(image, cols, places, i, count, out);
}

template <int C>
void blend_floats(const float* image, index_t cols, const Places& places, index_t count, float* out) {
    for (index_t i = 0; i < count; ++i) {
        const float right = places.right[i], down = places.down[i];
        // A neighbour of no weight is replaced by the one that has it.
        const index_t next = right == 0 ? 0 : C, below = down == 0 ? 0 : cols * C;
        const float* upper = image + static_cast<index_t>(places.index[i]) * C;
        const float* lower = upper + below;
        for (int c = 0; c < C; ++c) {
            const float top = between(upper[c], upper[c + next], right);
            const float bottom = between(lower[c], lower[c + next], right);
            out[i * C + c] = between(top, bottom, down);
        }
    }
}
