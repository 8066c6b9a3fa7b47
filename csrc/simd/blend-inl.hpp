// Part of kernels-inl.hpp: blends of four neighbours.

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
            const float left = between(upper[c], lower[c], places.down[i]);
            const float right = between(upper[c + C], lower[c + C], places.down[i]);
            out[i * C + c] = to_byte(between(left, right, places.right[i]));
        }
    }
}

template <int C>
inline void blend_pixels(const float* image, index_t cols, const Places& places, index_t begin, index_t end,
                         float* out) {
    for (index_t i = begin; i < end; ++i) {
        // A neighbour of no weight is replaced by the one that has it.
        const index_t next = places.right[i] == 0 ? 0 : C, below = places.down[i] == 0 ? 0 : cols * C;
        const float* upper = image + static_cast<index_t>(places.index[i]) * C;
        const float* lower = upper + below;
        for (int c = 0; c < C; ++c) {
            const float left = between(upper[c], lower[c], places.down[i]);
            const float right = between(upper[c + next], lower[c + next], places.down[i]);
            out[i * C + c] = between(left, right, places.right[i]);
        }
    }
}

#if defined(__AVX512F__) || defined(__AVX2__)

inline __m128 between(__m128 a, __m128 b, __m128 way) { return _mm_fmadd_ps(way, _mm_sub_ps(b, a), a); }

inline __m256i eight_bytes(const std::uint8_t* p) {
    long long bytes;
    std::memcpy(&bytes, p, 8);
    return _mm256_set1_epi64x(bytes);
}

// The shuffle that spreads eight bytes into integers: the left neighbour's channels in the lower half, the right one's
// in the upper half, where the left one begins `back` bytes into the eight. A fourth channel of three may be anything.
template <int C>
inline __m256i sides(int back) {
    const auto byte = [back](int i) {
        const int at = i + back < 8 ? i + back : 7;
        return static_cast<int>(0x80808000u) | at;
    };
    return _mm256_setr_epi32(byte(0), byte(1), byte(2), byte(3), byte(C), byte(C + 1), byte(C + 2), byte(C + 3));
}

// Pixels of three or four channels as bytes, four at a time.
template <int C>
struct BytePixels {
    static_assert(C == 3 || C == 4);
    // In the upper row the eight bytes begin with the left neighbour, in the lower one they end with the right one: so
    // nothing outside the image is read, as the other row lies there.
    static constexpr int kBack = 8 - 2 * C;
    const __m256i upper = sides<C>(0), lower = sides<C>(kBack);
    const __m128i packed = C == 4 ? _mm_setr_epi32(0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c)
                                  : _mm_setr_epi32(0x04020100, 0x09080605, 0x0e0d0c0a, -1);
    const std::uint8_t* above;
    const std::uint8_t* below;
    const std::int32_t* index;
    const float* right;
    const float* down;

    BytePixels(const std::uint8_t* image, index_t cols, const Places& places)
        : above(image), below(image + cols * C - kBack), index(places.index), right(places.right), down(places.down) {}

    // Differences are taken between integers: exact either way, and half the work.
    __m128i one(index_t i) const {
        const index_t at = static_cast<index_t>(index[i]) * C;
        const __m256i top = _mm256_shuffle_epi8(eight_bytes(above + at), upper);
        const __m256i bottom = _mm256_shuffle_epi8(eight_bytes(below + at), lower);
        const __m256 both = _mm256_fmadd_ps(_mm256_set1_ps(down[i]), _mm256_cvtepi32_ps(_mm256_sub_epi32(bottom, top)),
                                            _mm256_cvtepi32_ps(top));
        const __m128 first = _mm256_castps256_ps128(both), second = _mm256_extractf128_ps(both, 1);
        return _mm_cvtps_epi32(between(first, second, _mm_set1_ps(right[i])));
    }
    __m128i four(index_t i) const {
        const __m128i words = _mm_packus_epi32(one(i), one(i + 1)), more = _mm_packus_epi32(one(i + 2), one(i + 3));
        return _mm_shuffle_epi8(_mm_packus_epi16(words, more), packed);
    }
    void store(index_t i, std::uint8_t* out) const {
        const __m128i pixels = four(i);
        std::memcpy(out + i * C, &pixels, 4 * C);
    }
    // With bytes behind the four pixels that are written again later.
    void store_wide(index_t i, std::uint8_t* out) const {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i * C), four(i));
    }
    // All of them, or none if they are too few.
    index_t all(index_t count, std::uint8_t* out) const {
        if (count < 4) return 0;
        index_t i = 0;
        for (; i + 6 <= count; i += 4) store_wide(i, out);
        for (; i + 4 < count; i += 4) store(i, out);
        store(count - 4, out);
        return count;
    }
};

// Pixels of one byte, eight at a time: each loads its left and right neighbour as one word.
struct GreyPixels {
    const std::uint8_t* above;
    const std::uint8_t* below;
    Places places;

    GreyPixels(const std::uint8_t* image, index_t cols, const Places& p)
        : above(image), below(image + cols), places(p) {}

    static __m256i words(const std::uint8_t* row, const std::int32_t* at) {
        const auto word = [&](int k) {
            std::uint16_t both;
            std::memcpy(&both, row + at[k], 2);
            return static_cast<int>(both);
        };
        __m128i all = _mm_cvtsi32_si128(word(0));
        all = _mm_insert_epi16(all, word(1), 1);
        all = _mm_insert_epi16(all, word(2), 2);
        all = _mm_insert_epi16(all, word(3), 3);
        all = _mm_insert_epi16(all, word(4), 4);
        all = _mm_insert_epi16(all, word(5), 5);
        all = _mm_insert_epi16(all, word(6), 6);
        all = _mm_insert_epi16(all, word(7), 7);
        return _mm256_cvtepu16_epi32(all);
    }
    static __m256 downwards(__m256i top, __m256i bottom, __m256 way) {
        return _mm256_fmadd_ps(way, _mm256_cvtepi32_ps(_mm256_sub_epi32(bottom, top)), _mm256_cvtepi32_ps(top));
    }
    void eight(index_t i, std::uint8_t* out) const {
        const __m256i top = words(above, places.index + i), bottom = words(below, places.index + i);
        const __m256i low = _mm256_set1_epi32(0xff);
        const __m256 down = _mm256_loadu_ps(places.down + i);
        const __m256 left = downwards(_mm256_and_si256(top, low), _mm256_and_si256(bottom, low), down);
        const __m256 right = downwards(_mm256_srli_epi32(top, 8), _mm256_srli_epi32(bottom, 8), down);
        const __m256i values = _mm256_cvtps_epi32(
            _mm256_fmadd_ps(_mm256_loadu_ps(places.right + i), _mm256_sub_ps(right, left), left));
        const __m128i halves = _mm_packus_epi32(_mm256_castsi256_si128(values), _mm256_extracti128_si256(values, 1));
        _mm_storel_epi64(reinterpret_cast<__m128i*>(out + i), _mm_packus_epi16(halves, halves));
    }
    index_t all(index_t count, std::uint8_t* out) const {
        if (count < 8) return 0;
        for (index_t i = 0; i + 8 < count; i += 8) eight(i, out);
        eight(count - 8, out);
        return count;
    }
};

using Four = __m128;
struct Sides {
    Four left, right;
};
inline Four load_four(const float* p) { return _mm_loadu_ps(p); }
inline Four load_three(const float* p) { return _mm_maskload_ps(p, _mm_setr_epi32(-1, -1, -1, 0)); }
inline void store_four(Four a, float* p) { _mm_storeu_ps(p, a); }
inline Four spread_four(float x) { return _mm_set1_ps(x); }
inline Four is_zero(Four a) { return _mm_cmpeq_ps(a, _mm_setzero_ps()); }
inline Four chosen(Four mask, Four a, Four b) { return _mm_blendv_ps(b, a, mask); }
// Left and right of four places in a row, each with its neighbour.
inline Sides sides_of_four(const float* row, const std::int32_t* at) {
    const auto pair = [&](int k) { return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(row + at[k])); };
    const auto two = [&](int k) { return _mm_castsi128_ps(_mm_unpacklo_epi64(pair(k), pair(k + 1))); };
    const Four a = two(0), b = two(2);
    return {_mm_shuffle_ps(a, b, 0x88), _mm_shuffle_ps(a, b, 0xdd)};
}

#elif defined(PYFACE_NEON)
#include "simd/neon-blend-inl.hpp"
#endif

#if defined(__AVX512F__) || defined(__AVX2__) || defined(PYFACE_NEON)
// Pixels of three or four floats.
template <int C>
struct FloatPixels {
    static_assert(C == 3 || C == 4);
    const float* image;
    index_t row;
    Places places;

    FloatPixels(const float* pixels, index_t cols, const Places& p) : image(pixels), row(cols * C), places(p) {}

    // Behind three channels there may be no memory.
    static Four load(const float* p) {
        if constexpr (C == 4) return load_four(p);
        return load_three(p);
    }
    Four one(index_t i) const {
        const float right = places.right[i], down = places.down[i];
        // A neighbour of no weight is replaced by the one that has it.
        const index_t next = right == 0 ? 0 : C, below = down == 0 ? 0 : row;
        const float* p = image + static_cast<index_t>(places.index[i]) * C;
        const Four way = spread_four(down);
        const Four left = between(load(p), load(p + below), way);
        return between(left, between(load(p + next), load(p + below + next), way), spread_four(right));
    }
    index_t all(index_t count, float* out) const {
        // All but the last may write a fourth value, which is written again.
        for (index_t i = 0; i < count - 1; ++i) store_four(one(i), out + i * C);
        if (count > 0) {
            const Four last = one(count - 1);
            std::memcpy(out + (count - 1) * C, &last, C * sizeof(float));
        }
        return count;
    }
};

// Pixels of one float, four at a time: each loads its left and right neighbour together.
struct GreyFloatPixels {
    const float* above;
    const float* below;
    Places places;

    GreyFloatPixels(const float* image, index_t cols, const Places& p)
        : above(image), below(image + cols), places(p) {}

    void four(index_t i, float* out) const {
        const Sides top = sides_of_four(above, places.index + i), bottom = sides_of_four(below, places.index + i);
        const Four right = load_four(places.right + i), down = load_four(places.down + i);
        const auto no_right = is_zero(right), no_down = is_zero(down);
        const auto column = [&](Four upper, Four lower) {
            return between(upper, chosen(no_down, upper, lower), down);
        };
        const Four first = column(top.left, bottom.left);
        const Four second =
            column(chosen(no_right, top.left, top.right), chosen(no_right, bottom.left, bottom.right));
        store_four(between(first, second, right), out + i);
    }
    index_t all(index_t count, float* out) const {
        if (count < 4) return 0;
        for (index_t i = 0; i + 4 < count; i += 4) four(i, out);
        four(count - 4, out);
        return count;
    }
};
#endif

template <int C>
void blend_bytes(const std::uint8_t* image, index_t cols, const Places& places, index_t count, std::uint8_t* out) {
    index_t done = 0;
#if defined(__AVX512F__) || defined(__AVX2__) || defined(PYFACE_NEON)
    if constexpr (C == 1) {
        done = GreyPixels(image, cols, places).all(count, out);
    } else {
        done = BytePixels<C>(image, cols, places).all(count, out);
    }
#endif
    blend_pixels<C>(image, cols, places, done, count, out);
}

template <int C>
void blend_floats(const float* image, index_t cols, const Places& places, index_t count, float* out) {
    index_t done = 0;
#if defined(__AVX512F__) || defined(__AVX2__) || defined(PYFACE_NEON)
    if constexpr (C == 1) {
        done = GreyFloatPixels(image, cols, places).all(count, out);
    } else {
        done = FloatPixels<C>(image, cols, places).all(count, out);
    }
#endif
    blend_pixels<C>(image, cols, places, done, count, out);
}
