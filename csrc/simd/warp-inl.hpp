// Part of kernels-inl.hpp: positions in a source image.

// One multiply-add with one rounding, whatever the compiler thinks of contraction.
#if defined(__AVX512F__) || defined(__AVX2__)
inline double fused(double a, double b, double sum) {
    return _mm_cvtsd_f64(_mm_fmadd_sd(_mm_set_sd(a), _mm_set_sd(b), _mm_set_sd(sum)));
}
inline float fused(float a, float b, float sum) {
    return _mm_cvtss_f32(_mm_fmadd_ss(_mm_set_ss(a), _mm_set_ss(b), _mm_set_ss(sum)));
}
#elif defined(PYFACE_NEON)
inline double fused(double a, double b, double sum) { return __builtin_fma(a, b, sum); }
inline float fused(float a, float b, float sum) { return __builtin_fmaf(a, b, sum); }
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
inline Doubles load_doubles(const double* p) { return _mm512_loadu_pd(p); }
inline Doubles load_widened(const float* p) { return _mm512_cvtps_pd(_mm256_loadu_ps(p)); }
inline Doubles fused(Doubles a, Doubles b, Doubles sum) { return _mm512_fmadd_pd(a, b, sum); }
inline void store_doubles(Doubles a, double* p) { _mm512_storeu_pd(p, a); }
inline HalfInts whole(Doubles a) { return _mm512_cvttpd_epi32(a); }
inline void store_rest(Doubles a, HalfInts, float* p) {  // a - trunc(a)
    _mm256_storeu_ps(p, _mm512_cvtpd_ps(_mm512_reduce_pd(a, _MM_FROUND_TO_ZERO)));
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
inline Doubles load_doubles(const double* p) { return _mm256_loadu_pd(p); }
inline Doubles load_widened(const float* p) { return _mm256_cvtps_pd(_mm_loadu_ps(p)); }
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
#elif defined(PYFACE_NEON)
constexpr int kDoubles = 2;
using Doubles = float64x2_t;
using HalfInts = int32x2_t;
inline Doubles spread_double(double x) { return vdupq_n_f64(x); }
inline Doubles counting(double first) {
    const float64x2_t steps = {0.0, 1.0};
    return vaddq_f64(vdupq_n_f64(first), steps);
}
inline Doubles load_doubles(const double* p) { return vld1q_f64(p); }
inline Doubles load_widened(const float* p) { return vcvt_f64_f32(vld1_f32(p)); }
inline Doubles fused(Doubles a, Doubles b, Doubles sum) { return vfmaq_f64(sum, a, b); }
inline void store_doubles(Doubles a, double* p) { vst1q_f64(p, a); }
inline HalfInts whole(Doubles a) { return vmovn_s64(vcvtq_s64_f64(a)); }
inline void store_rest(Doubles a, HalfInts, float* p) { vst1_f32(p, vcvt_f32_f64(vsubq_f64(a, vrndq_f64(a)))); }
inline HalfInts spread_half(std::int32_t x) { return vdup_n_s32(x); }
inline void store_index(HalfInts row, HalfInts cols, HalfInts col, std::int32_t* p) {
    vst1_s32(p, vmla_s32(col, row, cols));
}
#else
constexpr int kDoubles = 1;
using Doubles = double;
using HalfInts = std::int32_t;
inline Doubles spread_double(double x) { return x; }
inline Doubles counting(double first) { return first; }
inline Doubles load_doubles(const double* p) { return *p; }
inline Doubles load_widened(const float* p) { return static_cast<double>(*p); }
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

index_t place(const Span* spans, index_t count, const std::uint8_t* inside, const double* coefficients, double y,
              index_t rows, index_t cols, const Places& places) {
    const double last_row = static_cast<double>(rows - 1), last_col = static_cast<double>(cols - 1);
    const HalfInts width = spread_half(static_cast<std::int32_t>(cols));
    const Doubles ys = spread_double(y);
    for (index_t s = 0; s < count; ++s) {
        const Span span = spans[s];
        if (s > 0 && span.begin != spans[s - 1].end) return s;
        const double* c = coefficients + 6 * static_cast<index_t>(span.triangle);
        if (!inside[span.triangle] &&
            !(Line(c, y).stays_below(span, last_col) && Line(c + 3, y).stays_below(span, last_row))) {
            return s;
        }
        const Doubles u_slope = spread_double(c[1]), u_start = fused(spread_double(c[2]), ys, spread_double(c[0]));
        const Doubles v_slope = spread_double(c[4]), v_start = fused(spread_double(c[5]), ys, spread_double(c[3]));
        // What is written behind the end of the span is the next one's, or in the slack.
        for (std::int32_t x = span.begin; x < span.end; x += kDoubles) {
            const Doubles xs = load_doubles(places.columns + x);
            const Doubles u = fused(u_slope, xs, u_start), v = fused(v_slope, xs, v_start);
            const HalfInts col = whole(u), row = whole(v);
            store_rest(u, col, places.right + x);
            store_rest(v, row, places.down + x);
            store_index(row, width, col, places.index + x);
        }
    }
    return count;
}

void bend(const float* depth, double by, std::int32_t begin, std::int32_t end, double* u) {
    const Doubles factor = spread_double(by);
    std::int32_t x = begin;
    for (; x + kDoubles <= end; x += kDoubles) {
        store_doubles(fused(factor, load_widened(depth + x), load_doubles(u + x)), u + x);
    }
    for (; x < end; ++x) u[x] = fused(by, static_cast<double>(depth[x]), u[x]);
}

index_t place_bent(const Span* spans, index_t count, const std::uint8_t* inside, const double* coefficients, double y,
                   index_t cols, const Bend& by, const Places& places) {
    const HalfInts width = spread_half(static_cast<std::int32_t>(cols));
    const Doubles ys = spread_double(y), u_by = spread_double(by.u), v_by = spread_double(by.v);
    for (index_t s = 0; s < count; ++s) {
        const Span span = spans[s];
        if ((s > 0 && span.begin != spans[s - 1].end) || !inside[span.triangle]) return s;
        const double* c = coefficients + 6 * static_cast<index_t>(span.triangle);
        const Doubles u_slope = spread_double(c[1]), u_start = fused(spread_double(c[2]), ys, spread_double(c[0]));
        const Doubles v_slope = spread_double(c[4]), v_start = fused(spread_double(c[5]), ys, spread_double(c[3]));
        // What is written behind the end of the span is the next one's, or in the slack.
        for (std::int32_t x = span.begin; x < span.end; x += kDoubles) {
            const Doubles xs = load_doubles(places.columns + x), depth = load_widened(by.depth + x);
            const Doubles u = fused(u_by, depth, fused(u_slope, xs, u_start));
            const Doubles v = fused(v_by, depth, fused(v_slope, xs, v_start));
            const HalfInts col = whole(u), row = whole(v);
            store_rest(u, col, places.right + x);
            store_rest(v, row, places.down + x);
            store_index(row, width, col, places.index + x);
        }
    }
    return count;
}
