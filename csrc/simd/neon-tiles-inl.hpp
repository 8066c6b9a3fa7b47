// Part of tiles-inl.hpp: micro-tiles on arm64. A value of a row multiplies a register of columns without being spread over
// another one first, so whole micro-tiles are written out here, by rows of four that share a register.

constexpr int kQuads = kTileRows / 4;
static_assert(kTileRows % 4 == 0 && kWidth == 4 && kTileVectors == 2);

#define PYFACE_INLINE inline __attribute__((always_inline))

struct Product {
    template <int kLane>
    static PYFACE_INLINE Floats step(Floats rows, Floats col, Floats sum) {
        return vfmaq_laneq_f32(sum, col, rows, kLane);
    }
};

struct SquareOfDifference {
    template <int kLane>
    static PYFACE_INLINE Floats step(Floats rows, Floats col, Floats sum) {
        const Floats difference = vsubq_f32(vdupq_laneq_f32(rows, kLane), col);
        return vfmaq_f32(sum, difference, difference);
    }
};

template <class Op, int kLane>
PYFACE_INLINE void add_row(Floats* sum, const Floats* col, Floats rows) {
    PYFACE_UNROLL for (int c = 0; c < kTileVectors; ++c) sum[c] = Op::template step<kLane>(rows, col[c], sum[c]);
}

// sums[r * kTileCols + j] = the sum for row r and column j of the micro-tile.
template <class Op>
inline void float_tile(const word_t* rows, const word_t* cols, index_t depth, float* sums) {
    index_t begin = 0;
    do {
        const index_t end = begin + kChain < depth ? begin + kChain : depth;
        Floats part[kTileRows][kTileVectors];
        PYFACE_EACH(r, c) part[r][c] = float_zero();
        for (index_t k = begin; k < end; ++k) {
            const Floats col[] = {load_floats(cols + k * kTileCols), load_floats(cols + k * kTileCols + kWidth)};
            PYFACE_UNROLL for (int q = 0; q < kQuads; ++q) {
                const Floats four = load_floats(rows + k * kTileRows + 4 * q);
                add_row<Op, 0>(part[4 * q], col, four);
                add_row<Op, 1>(part[4 * q + 1], col, four);
                add_row<Op, 2>(part[4 * q + 2], col, four);
                add_row<Op, 3>(part[4 * q + 3], col, four);
            }
        }
        PYFACE_EACH(r, c) {
            float* place = sums + r * kTileCols + c * kWidth;
            store(begin == 0 ? part[r][c] : add(load_floats(place), part[r][c]), place);
        }
        begin = end;
    } while (begin < depth);
}

// Whether all pairs of the micro-tile are ruled out: NaN is less than any number.
template <int kTerms>
inline bool none_left(const float* sums, const Terms& terms, index_t row, const Floats (*col_terms)[kTileVectors]) {
    Floats most = spread(-1.0f);
    for (int q = 0; q < kQuads; ++q) {
        Floats x[4][kTileVectors];
        PYFACE_UNROLL for (int r = 0; r < 4; ++r) {
            PYFACE_UNROLL for (int c = 0; c < kTileVectors; ++c) {
                x[r][c] = load_floats(sums + (4 * q + r) * kTileCols + c * kWidth);
            }
        }
        PYFACE_UNROLL for (int t = 0; t < kTerms; ++t) {
            const Floats four = load_floats(terms.row + t * terms.row_stride + row + 4 * q);
            add_row<Product, 0>(x[0], col_terms[t], four);
            add_row<Product, 1>(x[1], col_terms[t], four);
            add_row<Product, 2>(x[2], col_terms[t], four);
            add_row<Product, 3>(x[3], col_terms[t], four);
        }
        PYFACE_UNROLL for (int r = 0; r < 4; ++r) {
            PYFACE_UNROLL for (int c = 0; c < kTileVectors; ++c) most = largest(most, x[r][c]);
        }
    }
    return not_negative(most) == 0;
}

inline int8x16_t load_bytes(const word_t* p) { return vreinterpretq_s8_u32(vld1q_u32(p)); }
inline void put_sums(Ints sums, std::int32_t offset, float* out) {
    vst1q_f32(out, vcvtq_f32_s32(vaddq_s32(sums, vdupq_n_s32(offset))));
}

// Two codes of 16 bits in a word. Four columns lie as k0 k1 k0 k1 ...; sorted by k once for all rows.
struct WideCodes {
    static constexpr int kStep = 1;

    template <int kLane>
    static PYFACE_INLINE void add_row(Ints* sum, int16x8_t first, int16x8_t second, int16x8_t rows) {
        sum[0] = vmlal_laneq_s16(sum[0], vget_low_s16(first), rows, 2 * kLane);
        sum[1] = vmlal_high_laneq_s16(sum[1], first, rows, 2 * kLane);
        sum[0] = vmlal_laneq_s16(sum[0], vget_low_s16(second), rows, 2 * kLane + 1);
        sum[1] = vmlal_high_laneq_s16(sum[1], second, rows, 2 * kLane + 1);
    }
    static PYFACE_INLINE void tile(const word_t* rows, const word_t* cols, index_t depth, const std::int32_t* offsets,
                                   float* sums) {
        Ints sum[kTileRows][kTileVectors];
        PYFACE_UNROLL for (int r = 0; r < kTileRows; ++r) sum[r][0] = sum[r][1] = vdupq_n_s32(0);
        for (index_t w = 0; w < depth; ++w, rows += kTileRows, cols += kTileCols) {
            const int16x8_t low = vreinterpretq_s16_u32(vld1q_u32(cols));
            const int16x8_t high = vreinterpretq_s16_u32(vld1q_u32(cols + kWidth));
            const int16x8_t first = vuzp1q_s16(low, high), second = vuzp2q_s16(low, high);
            PYFACE_UNROLL for (int q = 0; q < kQuads; ++q) {
                const int16x8_t four = vreinterpretq_s16_u32(vld1q_u32(rows + 4 * q));
                add_row<0>(sum[4 * q], first, second, four);
                add_row<1>(sum[4 * q + 1], first, second, four);
                add_row<2>(sum[4 * q + 2], first, second, four);
                add_row<3>(sum[4 * q + 3], first, second, four);
            }
        }
        PYFACE_UNROLL for (int r = 0; r < kTileRows; ++r) {
            put_sums(sum[r][0], offsets[r], sums + r * kTileCols);
            put_sums(sum[r][1], offsets[r], sums + r * kTileCols + kWidth);
        }
    }
};

// Codes of 8 bits, signed on both sides: nothing to be taken back.
constexpr Coding kCoding = {4, 127, 0, {0, 0, 0}};

#if defined(PYFACE_NEON_I8MM)
// Two rows of two words against two columns of two words in one instruction. What lies word by word is brought together by
// zipping one word with the next: 10 registers for 24 products.
struct ScreenCodes {
    static constexpr int kStep = 2;
    static constexpr int kRowPairs = kTileRows / 2, kColPairs = kTileCols / 2;

    static int8x16_t first_two(Ints word, Ints next) { return vreinterpretq_s8_s32(vzip1q_s32(word, next)); }
    static int8x16_t last_two(Ints word, Ints next) { return vreinterpretq_s8_s32(vzip2q_s32(word, next)); }

    // As much as goes with kStep words, on registers alone.
    static Ints add_products(Ints sum, const Ints* rows, const Ints* cols) {
        return vmmlaq_s32(sum, vreinterpretq_s8_s32(*rows), vreinterpretq_s8_s32(*cols));
    }
    template <bool kIsWhole>
    static PYFACE_INLINE void add_words(Ints (&sum)[kRowPairs][kColPairs], const word_t* rows, const word_t* cols) {
        const auto next = [](const word_t* p, int step) { return kIsWhole ? load_words(p + step) : vdupq_n_s32(0); };
        int8x16_t col[kColPairs];
        PYFACE_UNROLL for (int c = 0; c < kTileVectors; ++c) {
            const Ints word = load_words(cols + c * kWidth), second = next(cols + c * kWidth, kTileCols);
            col[2 * c] = first_two(word, second);
            col[2 * c + 1] = last_two(word, second);
        }
        PYFACE_UNROLL for (int q = 0; q < kQuads; ++q) {
            const Ints word = load_words(rows + 4 * q), second = next(rows + 4 * q, kTileRows);
            const int8x16_t first = first_two(word, second), last = last_two(word, second);
            PYFACE_UNROLL for (int c = 0; c < kColPairs; ++c) {
                sum[2 * q][c] = vmmlaq_s32(sum[2 * q][c], first, col[c]);
                sum[2 * q + 1][c] = vmmlaq_s32(sum[2 * q + 1][c], last, col[c]);
            }
        }
    }
    static PYFACE_INLINE void tile(const word_t* rows, const word_t* cols, index_t depth, const std::int32_t* offsets,
                                   float* sums) {
        Ints sum[kRowPairs][kColPairs];  // row, row, next row, next row
        PYFACE_UNROLL for (int r = 0; r < kRowPairs; ++r) {
            PYFACE_UNROLL for (int c = 0; c < kColPairs; ++c) sum[r][c] = vdupq_n_s32(0);
        }
        index_t w = 0;
        for (; w + 2 <= depth; w += 2) add_words<true>(sum, rows + w * kTileRows, cols + w * kTileCols);
        if (w < depth) add_words<false>(sum, rows + w * kTileRows, cols + w * kTileCols);
        PYFACE_UNROLL for (int r = 0; r < kRowPairs; ++r) {
            PYFACE_UNROLL for (int c = 0; c < kTileVectors; ++c) {
                const Ints a = sum[r][2 * c], b = sum[r][2 * c + 1];
                float* out = sums + 2 * r * kTileCols + c * kWidth;
                put_sums(vcombine_s32(vget_low_s32(a), vget_low_s32(b)), offsets[2 * r], out);
                put_sums(vcombine_s32(vget_high_s32(a), vget_high_s32(b)), offsets[2 * r + 1], out + kTileCols);
            }
        }
    }
};
#elif defined(PYFACE_NEON_DOT)
struct ScreenCodes {
    static constexpr int kStep = 1;

    static Ints add_products(Ints sum, const Ints* rows, const Ints* cols) {
        return vdotq_s32(sum, vreinterpretq_s8_s32(*rows), vreinterpretq_s8_s32(*cols));
    }
    template <int kLane>
    static PYFACE_INLINE void add_row(Ints* sum, const int8x16_t* col, int8x16_t rows) {
        sum[0] = vdotq_laneq_s32(sum[0], col[0], rows, kLane);
        sum[1] = vdotq_laneq_s32(sum[1], col[1], rows, kLane);
    }
    static PYFACE_INLINE void tile(const word_t* rows, const word_t* cols, index_t depth, const std::int32_t* offsets,
                                   float* sums) {
        Ints sum[kTileRows][kTileVectors];
        PYFACE_UNROLL for (int r = 0; r < kTileRows; ++r) sum[r][0] = sum[r][1] = vdupq_n_s32(0);
        for (index_t w = 0; w < depth; ++w, rows += kTileRows, cols += kTileCols) {
            const int8x16_t col[] = {load_bytes(cols), load_bytes(cols + kWidth)};
            PYFACE_UNROLL for (int q = 0; q < kQuads; ++q) {
                const int8x16_t four = load_bytes(rows + 4 * q);
                add_row<0>(sum[4 * q], col, four);
                add_row<1>(sum[4 * q + 1], col, four);
                add_row<2>(sum[4 * q + 2], col, four);
                add_row<3>(sum[4 * q + 3], col, four);
            }
        }
        PYFACE_UNROLL for (int r = 0; r < kTileRows; ++r) {
            put_sums(sum[r][0], offsets[r], sums + r * kTileCols);
            put_sums(sum[r][1], offsets[r], sums + r * kTileCols + kWidth);
        }
    }
};
#else
// Products of two words are added in 16 bits, lane by lane, then in pairs in 32: three instructions for 16 products. A code
// of a row is at most 127, one of a column at least -128 (what fills up a panel may be anything), so two products fit.
static_assert(2 * 127 * 128 <= 32767);
struct ScreenCodes {
    static constexpr int kStep = 2;

    static PYFACE_INLINE Ints add_low(Ints sum, int8x16_t row0, int8x16_t row1, int8x16_t col0, int8x16_t col1) {
        const int16x8_t one = vmull_s8(vget_low_s8(col0), vget_low_s8(row0));
        return vpadalq_s16(sum, vmlal_s8(one, vget_low_s8(col1), vget_low_s8(row1)));
    }
    static PYFACE_INLINE Ints add_high(Ints sum, int8x16_t row0, int8x16_t row1, int8x16_t col0, int8x16_t col1) {
        return vpadalq_s16(sum, vmlal_high_s8(vmull_high_s8(col0, row0), col1, row1));
    }
    // As much as goes with kStep words, on registers alone.
    static Ints add_products(Ints sum, const Ints* rows, const Ints* cols) {
        const int8x16_t row[] = {vreinterpretq_s8_s32(rows[0]), vreinterpretq_s8_s32(rows[1])};
        const int8x16_t col[] = {vreinterpretq_s8_s32(cols[0]), vreinterpretq_s8_s32(cols[1])};
        return add_high(add_low(sum, row[0], row[1], col[0], col[1]), row[0], row[1], col[0], col[1]);
    }
    template <int kLane>
    static PYFACE_INLINE void add_row(Ints* sum, const int8x16_t (&col)[kStep][kTileVectors], const Ints* rows) {
        const int8x16_t row0 = vreinterpretq_s8_s32(vdupq_laneq_s32(rows[0], kLane));
        const int8x16_t row1 = vreinterpretq_s8_s32(vdupq_laneq_s32(rows[1], kLane));
        PYFACE_UNROLL for (int c = 0; c < kTileVectors; ++c) {
            sum[2 * c] = add_low(sum[2 * c], row0, row1, col[0][c], col[1][c]);
            sum[2 * c + 1] = add_high(sum[2 * c + 1], row0, row1, col[0][c], col[1][c]);
        }
    }
    template <bool kIsWhole>
    static PYFACE_INLINE void add_words(Ints (&sum)[4][4], const word_t* rows, const word_t* cols) {
        const auto next = [](const word_t* p, int step) { return kIsWhole ? load_words(p + step) : vdupq_n_s32(0); };
        int8x16_t col[kStep][kTileVectors];
        PYFACE_UNROLL for (int c = 0; c < kTileVectors; ++c) {
            col[0][c] = load_bytes(cols + c * kWidth);
            col[1][c] = vreinterpretq_s8_s32(next(cols + c * kWidth, kTileCols));
        }
        const Ints four[] = {load_words(rows), next(rows, kTileRows)};
        add_row<0>(sum[0], col, four);
        add_row<1>(sum[1], col, four);
        add_row<2>(sum[2], col, four);
        add_row<3>(sum[3], col, four);
    }
    static PYFACE_INLINE void tile(const word_t* rows, const word_t* cols, index_t depth, const std::int32_t* offsets,
                                   float* sums) {
        for (int q = 0; q < kQuads; ++q) {
            Ints sum[4][4];  // of a row and two columns: each has two sums
            PYFACE_UNROLL for (int r = 0; r < 4; ++r) {
                PYFACE_UNROLL for (int c = 0; c < 4; ++c) sum[r][c] = vdupq_n_s32(0);
            }
            index_t w = 0;
            for (; w + 2 <= depth; w += 2) add_words<true>(sum, rows + w * kTileRows + 4 * q, cols + w * kTileCols);
            if (w < depth) add_words<false>(sum, rows + w * kTileRows + 4 * q, cols + w * kTileCols);
            PYFACE_UNROLL for (int r = 0; r < 4; ++r) {
                float* out = sums + (4 * q + r) * kTileCols;
                put_sums(vpaddq_s32(sum[r][0], sum[r][1]), offsets[4 * q + r], out);
                put_sums(vpaddq_s32(sum[r][2], sum[r][3]), offsets[4 * q + r], out + kWidth);
            }
        }
    }
};
#endif

template <class Codes>
inline void code_tile(const word_t* rows, const word_t* cols, index_t depth, const std::int32_t* offsets,
                      float* sums) {
    Codes::tile(rows, cols, depth, offsets, sums);
}
