// Part of kernels-inl.hpp: a first stage along a few axes, and the whole codes of the pairs that it leaves.

// The pairs of a micro-tile that are left, as bits of a few words: what bit `b` of word `w` says, place_of tells. The columns of
// a row come in order.
#if defined(__AVX2__)
// Four registers of sums become one of bytes, of which one instruction takes the signs.
constexpr int kSigns = 4;
constexpr int kLeftWords = kTileRows * kTileVectors / kSigns;
static_assert(kTileRows * kTileVectors % kSigns == 0);
#if defined(__AVX512F__)
using Left = std::uint64_t;
inline Left not_negative(Ints a, Ints b, Ints c, Ints d) {
    return ~_mm512_movepi8_mask(_mm512_packs_epi16(_mm512_packs_epi32(a, b), _mm512_packs_epi32(c, d)));
}
#else
using Left = std::uint32_t;
inline Left not_negative(Ints a, Ints b, Ints c, Ints d) {
    return ~static_cast<Left>(
        _mm256_movemask_epi8(_mm256_packs_epi16(_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d))));
}
#endif
// Packing goes by lanes of 128 bits: four sums of each of the four registers, then the next four.
inline void place_of(int word, int bit, int& row, int& col) {
    const int vector = word * kSigns + bit / 4 % kSigns;  // by columns, then by rows
    row = vector % kTileRows;
    col = vector / kTileRows * kWidth + bit / 16 * 4 + bit % 4;
}
inline void axes_tile(const word_t* rows, const word_t* cols, index_t depth, const std::int32_t* row_starts,
                      const std::int32_t* col_starts, Left* left) {
    Ints sum[kTileRows][kTileVectors];
    PYFACE_UNROLL for (int c = 0; c < kTileVectors; ++c) {
        const Ints start = load_ints(col_starts + c * kWidth);
        PYFACE_UNROLL for (int r = 0; r < kTileRows; ++r) sum[r][c] = plus(start, spread_int(row_starts[r]));
    }
    add_codes<ScreenCodes>(rows, cols, depth, sum);
#define PYFACE_NTH(i) sum[(w * kSigns + i) % kTileRows][(w * kSigns + i) / kTileRows]
    PYFACE_UNROLL for (int w = 0; w < kLeftWords; ++w) {
        left[w] = not_negative(PYFACE_NTH(0), PYFACE_NTH(1), PYFACE_NTH(2), PYFACE_NTH(3));
    }
#undef PYFACE_NTH
}
#else
constexpr int kLeftWords = kTileRows;
using Left = unsigned;
inline void place_of(int word, int bit, int& row, int& col) {
    row = word;
    col = bit;
}
// In float32, in which the sum of two integers has the sign that it should have, or is 0.
inline void axes_tile(const word_t* rows, const word_t* cols, index_t depth, const std::int32_t* row_starts,
                      const std::int32_t* col_starts, Left* left) {
    float sums[kTileRows * kTileCols];
    code_tile<ScreenCodes>(rows, cols, depth, row_starts, sums);
    for (int r = 0; r < kTileRows; ++r) {
        left[r] = 0;
        PYFACE_UNROLL for (int c = 0; c < kTileVectors; ++c) {
            const Floats start = to_floats(load_words(reinterpret_cast<const word_t*>(col_starts + c * kWidth)));
            left[r] |= not_negative(add(load_floats(sums + r * kTileCols + c * kWidth), start)) << (c * kWidth);
        }
    }
}
#endif

inline int lowest_bit_of(std::uint64_t bits) {
#if defined(_MSC_VER)
    unsigned long place;
    _BitScanForward64(&place, bits);
    return static_cast<int>(place);
#else
    return __builtin_ctzll(bits);
#endif
}

index_t screen_axes(const Panels& panels, const std::int32_t* row_starts, const std::int32_t* col_starts,
                    Candidate* out) {
    index_t found = 0;
    each_micro_tile(panels, [&](index_t r0, index_t c0, const word_t* rows, const word_t* cols) {
        const auto first_row = static_cast<std::int32_t>(r0 * kTileRows);
        const auto first_col = static_cast<std::int32_t>(c0 * kTileCols);
        Left left[kLeftWords];
        axes_tile(rows, cols, panels.depth, row_starts + first_row, col_starts + first_col, left);
        Left any = 0;
        PYFACE_UNROLL for (int w = 0; w < kLeftWords; ++w) any |= left[w];
        if (any == 0) return;
        for (int w = 0; w < kLeftWords; ++w) {
            for (Left bits = left[w]; bits != 0; bits &= bits - 1) {
                int row, col;
                place_of(w, lowest_bit_of(bits), row, col);
                out[found++] = {first_row + row, first_col + col, 0.0f};
            }
        }
    });
    return found;
}

// Columns of a tile are far apart, and few of them are asked for: they are fetched while others are multiplied.
constexpr index_t kPairsAhead = 12;
template <class Code>
inline void fetch_row([[maybe_unused]] const Code* row, [[maybe_unused]] index_t stride) {
#if defined(__AVX2__) || defined(PYFACE_NEON)
    const auto* bytes = reinterpret_cast<const char*>(row);
    for (index_t line = 0; line < stride * static_cast<index_t>(sizeof(Code)); line += 64) {
#if defined(__AVX2__)
        _mm_prefetch(bytes + line, _MM_HINT_T0);
#else
        __builtin_prefetch(bytes + line);
#endif
    }
#endif
}

template <class Code>
inline Ints pair_products(const Code* row, const Code* col, index_t stride) {
    Ints sums[] = {spread_int(0), spread_int(0)};  // since each addition waits for the one before
    index_t k = 0;
    for (; k + 2 * kScanStep <= stride; k += 2 * kScanStep) {
        sums[0] = add_code_products(sums[0], load_codes(row + k), load_codes(col + k));
        sums[1] = add_code_products(sums[1], load_codes(row + k + kScanStep), load_codes(col + k + kScanStep));
    }
    for (; k < stride; k += kScanStep) sums[0] = add_code_products(sums[0], load_codes(row + k), load_codes(col + k));
    return plus(sums[0], sums[1]);
}

template <int kTerms>
inline float above_thresholds(const Terms& terms, const Candidate& pair) {
    const auto row = [&](int t) { return terms.row[t * terms.row_stride + pair.row]; };
    const auto col = [&](int t) { return terms.col[t * terms.col_stride + pair.col]; };
    float x = pair.value;
    if (terms.col_limits == nullptr) {
        PYFACE_UNROLL for (int t = 0; t < kTerms; ++t) x += row(t) * col(t);
        return x;
    }
    x += row(1) * col(1);
    float of_row = row(0) * col(0);
    if constexpr (kTerms == 4) {
        x += row(2) * col(2);
        of_row += row(3) * col(3);
    }
    const float of_col = row(3) * terms.col_limits[pair.col] + row(4) * col(0);
    return x + (of_row > of_col ? of_row : of_col);
}

template <int kTerms, class Code>
inline index_t screen_pairs_by(const Code* const* rows, const Code* cols, index_t stride, const Terms& terms,
                               Candidate* pairs, index_t count) {
    index_t found = 0;
    for (index_t first = 0; first < count; first += kScanGroup) {
        Ints sums[kScanGroup];
        float values[kScanGroup];
        for (index_t p = 0; p < kScanGroup; ++p) {  // those that the group lacks are its last one again
            const Candidate& pair = pairs[first + p < count ? first + p : count - 1];
            const Candidate& ahead = pairs[first + p + kPairsAhead < count ? first + p + kPairsAhead : count - 1];
            fetch_row(cols + ahead.col * stride, stride);
            sums[p] = pair_products(rows[pair.row], cols + pair.col * stride, stride);
        }
        put_totals(sums, 0, values);
        for (index_t p = first; p < count && p < first + kScanGroup; ++p) {
            const Candidate pair = {pairs[p].row, pairs[p].col, values[p - first]};
            pairs[found] = pair;  // written in any case: a branch would be guessed wrong too often
            found += above_thresholds<kTerms>(terms, pair) >= 0.0f ? 1 : 0;
        }
    }
    return found;
}

template <class Code>
index_t screen_pairs(const Code* const* rows, const Code* cols, index_t stride, const Terms& terms, Candidate* pairs,
                     index_t count) {
    return terms.count == 2   ? screen_pairs_by<2>(rows, cols, stride, terms, pairs, count)
           : terms.count == 4 ? screen_pairs_by<4>(rows, cols, stride, terms, pairs, count)
                              : screen_pairs_by<5>(rows, cols, stride, terms, pairs, count);
}
