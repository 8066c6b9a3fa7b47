// Part of kernels-inl.hpp: tiles and pairs of rows in float64, all with the one order of addition of kernels.hpp.

// Eight float64 accumulators, however many registers they take.
#if defined(__AVX512F__)
constexpr int kTileRows64 = 4;
constexpr int kTileCols64 = 4;

struct Lanes {
    __m512d v;
};
inline Lanes zero() { return {_mm512_setzero_pd()}; }
inline Lanes load(const double* p) { return {_mm512_loadu_pd(p)}; }
inline Lanes load(const float* p) { return {_mm512_cvtps_pd(_mm256_loadu_ps(p))}; }
inline void store(Lanes a, double* p) { _mm512_storeu_pd(p, a.v); }
inline Lanes add(Lanes a, Lanes b) { return {_mm512_add_pd(a.v, b.v)}; }
inline Lanes sub(Lanes a, Lanes b) { return {_mm512_sub_pd(a.v, b.v)}; }
inline Lanes mul(Lanes a, Lanes b) { return {_mm512_mul_pd(a.v, b.v)}; }
inline Lanes fused(Lanes a, Lanes b, Lanes sum) { return {_mm512_fmadd_pd(a.v, b.v, sum.v)}; }
inline double total(Lanes a) {
    const __m256d four = _mm256_add_pd(_mm512_castpd512_pd256(a.v), _mm512_extractf64x4_pd(a.v, 1));
    const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
    return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}
#elif defined(__AVX2__)
constexpr int kTileRows64 = 2;
constexpr int kTileCols64 = 2;

struct Lanes {
    __m256d lo, hi;
};
inline Lanes zero() { return {_mm256_setzero_pd(), _mm256_setzero_pd()}; }
inline Lanes load(const double* p) { return {_mm256_loadu_pd(p), _mm256_loadu_pd(p + 4)}; }
inline Lanes load(const float* p) {
    return {_mm256_cvtps_pd(_mm_loadu_ps(p)), _mm256_cvtps_pd(_mm_loadu_ps(p + 4))};
}
inline void store(Lanes a, double* p) {
    _mm256_storeu_pd(p, a.lo);
    _mm256_storeu_pd(p + 4, a.hi);
}
inline Lanes add(Lanes a, Lanes b) { return {_mm256_add_pd(a.lo, b.lo), _mm256_add_pd(a.hi, b.hi)}; }
inline Lanes sub(Lanes a, Lanes b) { return {_mm256_sub_pd(a.lo, b.lo), _mm256_sub_pd(a.hi, b.hi)}; }
inline Lanes mul(Lanes a, Lanes b) { return {_mm256_mul_pd(a.lo, b.lo), _mm256_mul_pd(a.hi, b.hi)}; }
inline Lanes fused(Lanes a, Lanes b, Lanes sum) {
    return {_mm256_fmadd_pd(a.lo, b.lo, sum.lo), _mm256_fmadd_pd(a.hi, b.hi, sum.hi)};
}
inline double total(Lanes a) {
    const __m256d four = _mm256_add_pd(a.lo, a.hi);
    const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
    return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}
#elif defined(PYFACE_NEON)
constexpr int kTileRows64 = 2;
constexpr int kTileCols64 = 2;

struct Lanes {
    float64x2_t a, b, c, d;
};
inline Lanes zero() { return {vdupq_n_f64(0.0), vdupq_n_f64(0.0), vdupq_n_f64(0.0), vdupq_n_f64(0.0)}; }
inline Lanes load(const double* p) { return {vld1q_f64(p), vld1q_f64(p + 2), vld1q_f64(p + 4), vld1q_f64(p + 6)}; }
inline Lanes load(const float* p) {
    const float32x4_t lo = vld1q_f32(p), hi = vld1q_f32(p + 4);
    return {vcvt_f64_f32(vget_low_f32(lo)), vcvt_high_f64_f32(lo), vcvt_f64_f32(vget_low_f32(hi)), vcvt_high_f64_f32(hi)};
}
inline void store(Lanes x, double* p) {
    vst1q_f64(p, x.a);
    vst1q_f64(p + 2, x.b);
    vst1q_f64(p + 4, x.c);
    vst1q_f64(p + 6, x.d);
}
inline Lanes add(Lanes x, Lanes y) {
    return {vaddq_f64(x.a, y.a), vaddq_f64(x.b, y.b), vaddq_f64(x.c, y.c), vaddq_f64(x.d, y.d)};
}
inline Lanes sub(Lanes x, Lanes y) {
    return {vsubq_f64(x.a, y.a), vsubq_f64(x.b, y.b), vsubq_f64(x.c, y.c), vsubq_f64(x.d, y.d)};
}
inline Lanes mul(Lanes x, Lanes y) {
    return {vmulq_f64(x.a, y.a), vmulq_f64(x.b, y.b), vmulq_f64(x.c, y.c), vmulq_f64(x.d, y.d)};
}
inline Lanes fused(Lanes x, Lanes y, Lanes sum) {
    return {vfmaq_f64(sum.a, x.a, y.a), vfmaq_f64(sum.b, x.b, y.b), vfmaq_f64(sum.c, x.c, y.c), vfmaq_f64(sum.d, x.d, y.d)};
}
inline double total(Lanes x) {
    const float64x2_t two = vaddq_f64(vaddq_f64(x.a, x.c), vaddq_f64(x.b, x.d));
    return vgetq_lane_f64(two, 0) + vgetq_lane_f64(two, 1);
}
#else
constexpr int kTileRows64 = 1;
constexpr int kTileCols64 = 2;

struct Lanes {
    double v[kLanes];
};
inline Lanes zero() { return {}; }
template <class T>
inline Lanes load(const T* p) {
    Lanes r;
    for (int l = 0; l < kLanes; ++l) r.v[l] = static_cast<double>(p[l]);
    return r;
}
inline void store(Lanes a, double* p) {
    for (int l = 0; l < kLanes; ++l) p[l] = a.v[l];
}
inline Lanes add(Lanes a, Lanes b) {
    for (int l = 0; l < kLanes; ++l) a.v[l] += b.v[l];
    return a;
}
inline Lanes sub(Lanes a, Lanes b) {
    for (int l = 0; l < kLanes; ++l) a.v[l] -= b.v[l];
    return a;
}
inline Lanes mul(Lanes a, Lanes b) {
    for (int l = 0; l < kLanes; ++l) a.v[l] *= b.v[l];
    return a;
}
inline Lanes fused(Lanes a, Lanes b, Lanes sum) { return add(sum, mul(a, b)); }
inline double total(Lanes a) {
    return ((a.v[0] + a.v[4]) + (a.v[2] + a.v[6])) + ((a.v[1] + a.v[5]) + (a.v[3] + a.v[7]));
}
#endif

// Rolled up, GCC 12 writes sums that were fused to memory in each step. Elsewhere loops stay as they were measured.
#if defined(PYFACE_NEON) && defined(__clang__)
#define PYFACE_UNROLL_SUMS _Pragma("unroll")
#elif defined(PYFACE_NEON)
#define PYFACE_UNROLL_SUMS _Pragma("GCC unroll 16")
#else
#define PYFACE_UNROLL_SUMS
#endif

struct Dot {
    static Lanes step(Lanes sum, Lanes a, Lanes b) { return add(sum, mul(a, b)); }
};

struct DotOfFloat32 {
    static Lanes step(Lanes sum, Lanes a, Lanes b) { return fused(a, b, sum); }
};

struct SquaredDifference {
    static Lanes step(Lanes sum, Lanes a, Lanes b) {
        const Lanes difference = sub(a, b);
        return add(sum, mul(difference, difference));
    }
};

template <class Op, int R, int C>
inline void micro_tile(const double* a, const double* b, index_t stride, double* out, index_t out_stride) {
    Lanes sums[R][C];
    PYFACE_UNROLL_SUMS for (int r = 0; r < R; ++r) {
        PYFACE_UNROLL_SUMS for (int c = 0; c < C; ++c) sums[r][c] = zero();
    }
    for (index_t k = 0; k < stride; k += kLanes) {
        Lanes columns[C];
        PYFACE_UNROLL_SUMS for (int c = 0; c < C; ++c) columns[c] = load(b + c * stride + k);
        PYFACE_UNROLL_SUMS for (int r = 0; r < R; ++r) {
            const Lanes row = load(a + r * stride + k);
            PYFACE_UNROLL_SUMS for (int c = 0; c < C; ++c) sums[r][c] = Op::step(sums[r][c], row, columns[c]);
        }
    }
    PYFACE_UNROLL_SUMS for (int r = 0; r < R; ++r) {
        PYFACE_UNROLL_SUMS for (int c = 0; c < C; ++c) out[r * out_stride + c] = total(sums[r][c]);
    }
}

template <class Op, int R>
inline void row_strip(const double* a, const double* b, index_t n_b, index_t stride, double* out, index_t out_stride) {
    index_t j = 0;
    for (; j + kTileCols64 <= n_b; j += kTileCols64) {
        micro_tile<Op, R, kTileCols64>(a, b + j * stride, stride, out + j, out_stride);
    }
    for (; j < n_b; ++j) micro_tile<Op, R, 1>(a, b + j * stride, stride, out + j, out_stride);
}

template <class Op>
void tile(const double* a, index_t n_a, const double* b, index_t n_b, index_t stride, double* out, index_t out_stride) {
    index_t i = 0;
    for (; i + kTileRows64 <= n_a; i += kTileRows64) {
        row_strip<Op, kTileRows64>(a + i * stride, b, n_b, stride, out + i * out_stride, out_stride);
    }
    for (; i < n_a; ++i) row_strip<Op, 1>(a + i * stride, b, n_b, stride, out + i * out_stride, out_stride);
}

// The last values of a row, filled up with zeros.
template <class T>
inline Lanes load_tail(const T* p, index_t count) {
    T padded_tail[kLanes] = {};
    for (index_t l = 0; l < count; ++l) padded_tail[l] = p[l];
    return load(padded_tail);
}

template <class Op, class T, int C>
inline void few_pairs(const T* x, const T* const* ys, index_t d, double* out) {
    Lanes sums[C];
    PYFACE_UNROLL_SUMS for (int c = 0; c < C; ++c) sums[c] = zero();
    index_t k = 0;
    for (; k + kLanes <= d; k += kLanes) {
        const Lanes row = load(x + k);
        PYFACE_UNROLL_SUMS for (int c = 0; c < C; ++c) sums[c] = Op::step(sums[c], row, load(ys[c] + k));
    }
    if (k < d) {
        const Lanes row = load_tail(x + k, d - k);
        PYFACE_UNROLL_SUMS for (int c = 0; c < C; ++c) sums[c] = Op::step(sums[c], row, load_tail(ys[c] + k, d - k));
    }
    PYFACE_UNROLL_SUMS for (int c = 0; c < C; ++c) out[c] = total(sums[c]);
}

// Several pairs at a time: the sum of one pair is a chain of additions that each wait for the one before.
template <class Op, class T>
void pairs(const T* x, const T* const* ys, index_t count, index_t d, double* out) {
    constexpr int kAtOnce = 4;
    index_t c = 0;
    for (; c + kAtOnce <= count; c += kAtOnce) few_pairs<Op, T, kAtOnce>(x, ys + c, d, out + c);
    for (; c < count; ++c) few_pairs<Op, T, 1>(x, ys + c, d, out + c);
}

// Some rows at a time, so that the sum need not be fetched and put back for each; some lanes side by side, since each
// addition waits for the one before.
template <class T>
void add_differences(const T* const* rows, const double* weights, index_t count, const T* origin, index_t d,
                     double* sum) {
    constexpr index_t kRows = 8;
#if defined(PYFACE_NEON)
    constexpr int kSideBySide = 2;  // of four registers each
#else
    constexpr int kSideBySide = 4;
#endif
    double spread_weights[kRows * kLanes];
    for (index_t first = 0; first < count; first += kRows) {
        const index_t n = first + kRows < count ? kRows : count - first;
        for (index_t r = 0; r < n; ++r) {
            for (index_t l = 0; l < kLanes; ++l) spread_weights[r * kLanes + l] = weights[first + r];
        }
        index_t k = 0;
        for (; k + kSideBySide * kLanes <= d; k += kSideBySide * kLanes) {
            Lanes part[kSideBySide];
            Lanes start[kSideBySide];
            for (int s = 0; s < kSideBySide; ++s) part[s] = load(sum + k + s * kLanes);
            for (int s = 0; s < kSideBySide; ++s) start[s] = load(origin + k + s * kLanes);
            for (index_t r = 0; r < n; ++r) {
                const Lanes weight = load(spread_weights + r * kLanes);
                const T* row = rows[first + r] + k;
                for (int s = 0; s < kSideBySide; ++s) {
                    part[s] = add(part[s], mul(weight, sub(load(row + s * kLanes), start[s])));
                }
            }
            for (int s = 0; s < kSideBySide; ++s) store(part[s], sum + k + s * kLanes);
        }
        for (; k < d; ++k) {
            for (index_t r = 0; r < n; ++r) {
                sum[k] += weights[first + r] * (static_cast<double>(rows[first + r][k]) - static_cast<double>(origin[k]));
            }
        }
    }
}
