// Part of kernels-inl.hpp: micro-tiles of panels, and what becomes of their sums.

constexpr int kTileCols = kTileVectors * kWidth;

// Unrolled, or the sums would live in memory.
#if defined(__clang__)
#define PYFACE_UNROLL _Pragma("unroll")
#elif defined(__GNUC__)
#define PYFACE_UNROLL _Pragma("GCC unroll 16")
#else
#define PYFACE_UNROLL
#endif
// Not inlined: beside such a function the sums would not keep all their registers.
#if defined(_MSC_VER)
#define PYFACE_BY_ITSELF __declspec(noinline)
#else
#define PYFACE_BY_ITSELF [[gnu::noinline]]
#endif
#define PYFACE_EACH(r, c)                          \
    PYFACE_UNROLL for (int r = 0; r < kTileRows; ++r) \
    PYFACE_UNROLL for (int c = 0; c < kTileVectors; ++c)

#if defined(PYFACE_NEON)
#include "simd/neon-tiles-inl.hpp"
#else
struct Product {
    static Floats first(Floats a, Floats b) { return mul(a, b); }
    static Floats step(Floats a, Floats b, Floats sum) { return fused(a, b, sum); }
};

struct SquareOfDifference {
    static Floats first(Floats a, Floats b) {
        const Floats difference = sub(a, b);
        return mul(difference, difference);
    }
    static Floats step(Floats a, Floats b, Floats sum) {
        const Floats difference = sub(a, b);
        return fused(difference, difference, sum);
    }
};

// next(row, col, sum) for all sums of a micro-tile (`sum` is set or added to) and word k of its rows and columns.
template <class Next>
inline void float_step(const word_t* rows, const word_t* cols, index_t k, Floats (*part)[kTileVectors], Next next) {
    Floats col[kTileVectors];
    PYFACE_UNROLL for (int c = 0; c < kTileVectors; ++c) col[c] = load_floats(cols + k * kTileCols + c * kWidth);
    PYFACE_UNROLL for (int r = 0; r < kTileRows; ++r) {
        const Floats row = spread_float(rows + k * kTileRows + r);
        PYFACE_UNROLL for (int c = 0; c < kTileVectors; ++c) next(row, col[c], part[r][c]);
    }
}

// sums[r * kTileCols + j] = the sum for row r and column j of the micro-tile. A chain starts with a product instead of
// with zeros, which GCC copies from register to register.
template <class Op>
inline void float_tile(const word_t* rows, const word_t* cols, index_t depth, float* sums) {
    if (depth == 0) {
        PYFACE_EACH(r, c) store(float_zero(), sums + r * kTileCols + c * kWidth);
        return;
    }
    index_t begin = 0;
    do {
        const index_t end = begin + kChain < depth ? begin + kChain : depth;
        Floats part[kTileRows][kTileVectors];
        float_step(rows, cols, begin, part, [](Floats a, Floats b, Floats& sum) { sum = Op::first(a, b); });
        for (index_t k = begin + 1; k < end; ++k) {
            float_step(rows, cols, k, part, [](Floats a, Floats b, Floats& sum) { sum = Op::step(a, b, sum); });
        }
        if (begin == 0) {
            PYFACE_EACH(r, c) store(part[r][c], sums + r * kTileCols + c * kWidth);
        } else {
            PYFACE_EACH(r, c) {
                float* place = sums + r * kTileCols + c * kWidth;
                store(add(load_floats(place), part[r][c]), place);
            }
        }
        begin = end;
    } while (begin < depth);
}

// Adds the products of all words to the sums of a micro-tile, which stay in registers.
template <class Codes>
inline void add_codes(const word_t* rows, const word_t* cols, index_t depth, Ints (&sum)[kTileRows][kTileVectors]) {
    constexpr int kStep = Codes::kStep;
    index_t w = 0;
    for (; w + kStep <= depth; w += kStep) {
        Ints col[kTileVectors][kStep];
        PYFACE_UNROLL for (int c = 0; c < kTileVectors; ++c) {
            PYFACE_UNROLL for (int s = 0; s < kStep; ++s) col[c][s] = load_words(cols + (w + s) * kTileCols + c * kWidth);
        }
        PYFACE_UNROLL for (int r = 0; r < kTileRows; ++r) {
            Ints row[kStep];
            PYFACE_UNROLL for (int s = 0; s < kStep; ++s) row[s] = spread_word(rows + (w + s) * kTileRows + r);
            PYFACE_UNROLL for (int c = 0; c < kTileVectors; ++c) sum[r][c] = Codes::add_products(sum[r][c], row, col[c]);
        }
    }
    if constexpr (kStep == 2) {  // a word is left
        if (w < depth) {
            PYFACE_EACH(r, c) {
                const Ints row[] = {spread_word(rows + w * kTileRows + r), spread_int(0)};
                const Ints col[] = {load_words(cols + w * kTileCols + c * kWidth), spread_int(0)};
                sum[r][c] = Codes::add_products(sum[r][c], row, col);
            }
        }
    }
}

template <class Codes>
inline void code_tile(const word_t* rows, const word_t* cols, index_t depth, const std::int32_t* offsets,
                      float* sums) {
    Ints sum[kTileRows][kTileVectors];
    PYFACE_EACH(r, c) sum[r][c] = spread_int(offsets[r]);
    add_codes<Codes>(rows, cols, depth, sum);
    PYFACE_EACH(r, c) store(to_floats(sum[r][c]), sums + r * kTileCols + c * kWidth);
}
#endif

inline bool below_diagonal(const Panels& p, index_t row_panel, index_t col_panel) {
    return (col_panel + 1) * kTileCols - 1 + p.shift < row_panel * kTileRows;
}

// A column panel is the larger of the two, and stays in the first cache while the row panels pass by.
template <class Body>
inline void each_micro_tile(const Panels& p, Body body) {
    for (index_t c = 0; c < p.n_col_panels; ++c) {
        for (index_t r = 0; r < p.n_row_panels; ++r) {
            if (!below_diagonal(p, r, c)) {
                body(r, c, p.rows + r * kTileRows * p.depth, p.cols + c * kTileCols * p.depth);
            }
        }
    }
}

template <class Op>
PYFACE_BY_ITSELF void lone_float_tile(const word_t* rows, const word_t* cols, index_t depth, float* sums) {
    float_tile<Op>(rows, cols, depth, sums);
}

template <class Op, Finish kFinish>
bool dense_as(const Panels& panels, float* out, index_t out_stride) {
    const Floats one = spread(1.0f);
    const Floats two = spread(2.0f);
    Floats least_seen = spread(kFinish == Finish::cosine_distance ? 2.0f : kHugeSquare);
    Floats largest_seen = float_zero();
    each_micro_tile(panels, [&](index_t r0, index_t c0, const word_t* rows, const word_t* cols) {
        alignas(64) float sums[kTileRows * kTileCols];
        if constexpr (kFinish == Finish::none) lone_float_tile<Op>(rows, cols, panels.depth, sums);
        if constexpr (kFinish != Finish::none) float_tile<Op>(rows, cols, panels.depth, sums);
        float* corner = out + r0 * kTileRows * out_stride + c0 * kTileCols;
        PYFACE_EACH(r, c) {
            Floats x = load_floats(sums + r * kTileCols + c * kWidth);
            if constexpr (kFinish == Finish::cosine_distance) x = least(largest(sub(one, x), float_zero()), two);
            if constexpr (kFinish != Finish::none) least_seen = least(least_seen, x);
            if constexpr (kFinish == Finish::square || kFinish == Finish::root) largest_seen = largest(largest_seen, x);
            if constexpr (kFinish == Finish::root) x = root(x);
            store(x, corner + r * out_stride + c * kWidth);
        }
    });
    if constexpr (kFinish == Finish::none) return false;
    float low[kWidth];
    float high[kWidth];
    store(least_seen, low);
    store(largest_seen, high);
    bool any = false;
    for (int l = 0; l < kWidth; ++l) {
        any |= kFinish == Finish::cosine_distance ? low[l] < kNearlyEqual
                                                  : !(low[l] >= kTinySquare && high[l] <= kHugeSquare);
    }
    return any;
}

bool dense(const Panels& panels, Finish finish, float* out, index_t out_stride) {
    switch (finish) {
        case Finish::cosine_distance: return dense_as<Product, Finish::cosine_distance>(panels, out, out_stride);
        case Finish::square: return dense_as<SquareOfDifference, Finish::square>(panels, out, out_stride);
        case Finish::none: return dense_as<Product, Finish::none>(panels, out, out_stride);
        default: return dense_as<SquareOfDifference, Finish::root>(panels, out, out_stride);
    }
}

inline int lowest_bit(unsigned bits) {
#if defined(_MSC_VER)
    unsigned long place;
    _BitScanForward(&place, bits);
    return static_cast<int>(place);
#else
    return __builtin_ctz(bits);
#endif
}

// Writes those of a micro-tile whose bits are set, row by row, and returns how many.
inline index_t write_candidates(const float* sums, unsigned (&bits)[kTileRows], index_t row, index_t col, Candidate* out) {
    index_t found = 0;
    for (int r = 0; r < kTileRows; ++r) {
        for (; bits[r] != 0; bits[r] &= bits[r] - 1) {
            const int j = lowest_bit(bits[r]);
            out[found++] = {static_cast<std::int32_t>(row + r), static_cast<std::int32_t>(col + j),
                            sums[r * kTileCols + j]};
        }
    }
    return found;
}

template <int kTerms>
inline index_t pick(const float* sums, const Terms& terms, index_t row, index_t col, Candidate* out) {
    unsigned bits[kTileRows];
    unsigned any = 0;
    static_assert(kTileCols <= 32);
    Floats col_terms[kTerms][kTileVectors];
    for (int t = 0; t < kTerms; ++t) {
        for (int c = 0; c < kTileVectors; ++c) {
            col_terms[t][c] = load_floats(terms.col + t * terms.col_stride + col + c * kWidth);
        }
    }
#if defined(PYFACE_NEON)
    // Bits are gathered from a register only where there are any.
    if (none_left<kTerms>(sums, terms, row, col_terms)) return 0;
#endif
    for (int r = 0; r < kTileRows; ++r) {
        bits[r] = 0;
        PYFACE_UNROLL for (int c = 0; c < kTileVectors; ++c) {
            Floats x = load_floats(sums + r * kTileCols + c * kWidth);
            PYFACE_UNROLL for (int t = 0; t < kTerms; ++t) {
                x = fused(spread(terms.row[t * terms.row_stride + row + r]), col_terms[t][c], x);
            }
            bits[r] |= not_negative(x) << (c * kWidth);
        }
        any |= bits[r];
    }
    return any == 0 ? 0 : write_candidates(sums, bits, row, col, out);
}

// With thresholds of the columns beside those of the rows.
template <int kTerms>
PYFACE_BY_ITSELF index_t pick_for_both(const float* sums, const Terms& terms, index_t row, index_t col, Candidate* out) {
    unsigned bits[kTileRows];
    unsigned any = 0;
    Floats col_terms[kTerms][kTileVectors];
    Floats limits[kTileVectors];
    for (int c = 0; c < kTileVectors; ++c) {
        for (int t = 0; t < kTerms; ++t) {
            col_terms[t][c] = load_floats(terms.col + t * terms.col_stride + col + c * kWidth);
        }
        limits[c] = load_floats(terms.col_limits + col + c * kWidth);
    }
    for (int r = 0; r < kTileRows; ++r) {
        const float* of_row = terms.row + row + r;
        const auto row_term = [&](int t) { return spread(of_row[t * terms.row_stride]); };
        bits[r] = 0;
        PYFACE_UNROLL for (int c = 0; c < kTileVectors; ++c) {
            Floats for_row = fused(row_term(0), col_terms[0][c], float_zero());
            if constexpr (kTerms == 4) for_row = fused(row_term(3), col_terms[3][c], for_row);
            const Floats for_col =
                fused(row_term(3), limits[c], fused(row_term(4), col_terms[0][c], float_zero()));
            Floats x = load_floats(sums + r * kTileCols + c * kWidth);
            x = fused(row_term(1), col_terms[1][c], x);
            if constexpr (kTerms == 4) x = fused(row_term(2), col_terms[2][c], x);
            bits[r] |= not_negative(add(x, largest(for_row, for_col))) << (c * kWidth);
        }
        any |= bits[r];
    }
    return any == 0 ? 0 : write_candidates(sums, bits, row, col, out);
}

inline index_t pick_by_terms(const float* sums, const Terms& terms, index_t row, index_t col, Candidate* out) {
    if (terms.col_limits != nullptr) {
        return terms.count == 2 ? pick_for_both<2>(sums, terms, row, col, out)
                                : pick_for_both<4>(sums, terms, row, col, out);
    }
    return terms.count == 2   ? pick<2>(sums, terms, row, col, out)
           : terms.count == 4 ? pick<4>(sums, terms, row, col, out)
                              : pick<5>(sums, terms, row, col, out);
}

struct OfFloats {
    static void tile(const word_t* rows, const word_t* cols, index_t depth, const std::int32_t*, float* sums) {
        float_tile<Product>(rows, cols, depth, sums);
    }
};

template <class Codes>
struct OfCodes {
    static void tile(const word_t* rows, const word_t* cols, index_t depth, const std::int32_t* offsets, float* sums) {
        code_tile<Codes>(rows, cols, depth, offsets, sums);
    }
};

template <class Words>
index_t screen(const Panels& panels, const std::int32_t* offsets, const Terms& terms, Candidate* out) {
    index_t found = 0;
    each_micro_tile(panels, [&](index_t r, index_t c, const word_t* rows, const word_t* cols) {
        alignas(64) float sums[kTileRows * kTileCols];
        Words::tile(rows, cols, panels.depth, offsets == nullptr ? nullptr : offsets + r * kTileRows, sums);
        found += pick_by_terms(sums, terms, r * kTileRows, c * kTileCols, out + found);
    });
    return found;
}

// Adding and taking away 1.5 * 2^52 rounds to the nearest integer.
constexpr double kRounder = 6755399441055744.0;

double encode(const double* row, index_t stride, double scale, std::int16_t* codes) {
    const double inverse = 1.0 / scale;
    double squares[kLanes] = {};
    for (index_t k = 0; k < stride; k += kLanes) {
        for (int l = 0; l < kLanes; ++l) {
            const double code = row[k + l] * inverse + kRounder - kRounder;
            const double rest = row[k + l] - code * scale;
            squares[l] += rest * rest;
            codes[k + l] = static_cast<std::int16_t>(static_cast<std::int32_t>(code));
        }
    }
    double result = 0.0;
    for (int l = 0; l < kLanes; ++l) result += squares[l];
    return result;
}
