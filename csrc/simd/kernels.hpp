// The micro-kernels, one table of function pointers per instruction set.
#pragma once

#include <cstdint>

#include "core/views.hpp"

namespace pyface::simd {

// Rows handed to a float64 kernel are padded with zeros to a multiple of this many values.
inline constexpr index_t kLanes = 8;

inline constexpr index_t padded(index_t d) { return (d + kLanes - 1) / kLanes * kLanes; }

// out[i * out_stride + j] = f(row i of a, row j of b); rows start every `stride` values, stride a multiple of kLanes.
//
// Every table gives the same bits: value l of a row goes to accumulator l mod 8, in order, and the eight accumulators
// are added as ((0+4)+(2+6)) + ((1+5)+(3+7)). How many rows a kernel takes at a time does not enter into it.
using TileKernel = void (*)(const double* a, index_t n_a, const double* b, index_t n_b, index_t stride, double* out,
                            index_t out_stride);

// out[c] = f(x, ys[c]) for `count` rows of d values as they lie in memory: the same bits as the tiles above.
template <class T>
using PairKernel = void (*)(const T* x, const T* const* ys, index_t count, index_t d, double* out);

// sum[k] += weights[r] * (rows[r][k] - origin[k]) for `count` rows of d values, one after the other.
template <class T>
using SumKernel = void (*)(const T* const* rows, const double* weights, index_t count, const T* origin, index_t d,
                           double* sum);

// ---- Tiles of panels ------------------------------------------------------------------------------------------------
//
// A word is 32 bits: one float32, or a group of neighbouring codes of a row. A panel holds a few rows word by word:
// word w of all its rows, then word w + 1 of all of them. Row panels have `tile_rows` rows, column panels `tile_cols`.
using word_t = std::uint32_t;

// Row panels against column panels. Panels of a side follow each other in memory.
struct Panels {
    const word_t* rows;
    index_t n_row_panels;
    const word_t* cols;
    index_t n_col_panels;
    index_t depth;  // words per row
    // First column minus first row of the tile, where x is compared with itself: micro-tiles below the diagonal are
    // skipped. kNoDiagonal elsewhere.
    index_t shift;
};
inline constexpr index_t kNoDiagonal = PTRDIFF_MAX / 4;

// What is done with a float32 sum before it is written.
enum class Finish { cosine_distance, square, root, none };

// out[i * out_stride + j] = finished sum for row i and column j, in float32. The sum of the products, or of the squared
// differences for `square` and `root`; `none` writes the sum of the products as it is. Sums are chained over kChain values at most, then added to the sum so far, so that
// rounding grows with d / kChain + kChain instead of d. Returns whether a value lies where float32 is not good enough:
// cosine distances below kNearlyEqual, squares outside [kTinySquare, kHugeSquare]; false for `none`.
inline constexpr index_t kChain = 32;
using DenseKernel = bool (*)(const Panels& panels, Finish finish, float* out, index_t out_stride);
inline constexpr float kNearlyEqual = 0x1p-10f;
inline constexpr float kTinySquare = 0x1p-80f;
inline constexpr float kHugeSquare = 0x1p100f;

// A pair that a screen could not rule out: row and column within the tile, and the sum of their products.
struct Candidate {
    std::int32_t row, col;
    float value;
};

// Thresholds: pair (i, j) is ruled out if value + sum over t of row[t * row_stride + i] * col[t * col_stride + j] < 0.
// NaN rules out too, which is how the lanes that fill up a panel say that they are nobody.
struct Terms {
    const float* row;
    index_t row_stride;
    const float* col;
    index_t col_stride;
    int count;  // 2, 4 or 5
    // Pairs that matter to either side: not nullptr, with 2 or 4 terms, it holds one more number of each column. The part
    // of the sum that says how far the pair is above the row's threshold, term 0 and with four terms 3, may be that for the
    // column's instead, the larger one counts: row[3] * col_limits[j] + row[4] * col[0]. Rows have all kMostTerms then.
    const float* col_limits = nullptr;
};
inline constexpr int kMostTerms = 5;

// Writes the candidates among the pairs and returns how many; `out` has room for all pairs.
// `offsets` (per row) is where the sums of codes start; sums of float32 words start at 0 and pass nullptr.
using ScreenKernel = index_t (*)(const Panels& panels, const std::int32_t* offsets, const Terms& terms, Candidate* out);

// The same for codes that share one scale, on integers alone: pair (i, j) is ruled out if
// row_starts[i] + col_starts[j] + the sum of their products < 0. `row_starts` holds what `offsets` is for, too. The sum has
// to fit 32 bits in the end; values of candidates mean nothing.
using AxesKernel = index_t (*)(const Panels& panels, const std::int32_t* row_starts, const std::int32_t* col_starts,
                               Candidate* out);

// Pairs one by one, of rows of signed codes as they lie in memory: columns `stride` codes apart, a multiple of kCodeLanes,
// filled up with zeros. `pairs` come with row and col; those that the terms do not rule out stay, in order, with their
// values. Returns how many.
template <class Code>
using PairsKernel = index_t (*)(const Code* const* rows, const Code* cols, index_t stride, const Terms& terms,
                                Candidate* pairs, index_t count);

// From a word of a column panel to that of a row panel.
struct RowWord {
    word_t set, less, flip;
};
static inline word_t row_word(word_t word, RowWord how) { return ((word | how.set) - how.less) ^ how.flip; }

// What a word of codes is. Codes of a row are integers of at most `largest`; the square root of the sum of their squares
// is at most 46,340, so that a sum of products fits 32 bits.
struct Coding {
    index_t group;        // codes per word: 4 of 8 bits or 2 of 16 bits
    std::int32_t largest;
    std::int32_t bias;    // added to the codes of column panels (the instruction wants them unsigned)
    RowWord row;          // takes the bias away
};
inline constexpr Coding kWideCoding = {2, 32767, 0, {0, 0, 0}};

// ---- Rows of codes as they lie in memory ----------------------------------------------------------------------------
//
// One pass over many rows for the sake of a few: no panels, which would cost more to make than they save. Columns are
// rows of codes of 8 bits, each a code plus kStoredBias, `stride` bytes apart, a multiple of kCodeLanes. A row has codes
// of 16 bits, the same number, zeros where the columns are filled up. The conditions of Coding hold.
inline constexpr index_t kCodeLanes = 32;
inline constexpr std::int32_t kStoredBias = 128;
inline constexpr index_t kScanRows = 2;    // at most
inline constexpr index_t kScanCols = 256;  // at most

struct Scan {
    const std::int16_t* rows;
    index_t n_rows;
    const std::uint8_t* cols;
    index_t n_cols;
    index_t stride;
};

// As ScreenKernel, with 2 or 4 terms; columns of a row come in order. `terms.col` can be read, and is NaN, up to a
// multiple of 32 columns.
using ScanKernel = index_t (*)(const Scan& scan, const std::int32_t* offsets, const Terms& terms, Candidate* out);

// ---- Warping --------------------------------------------------------------------------------------------------------
//
// A run of pixels of one output row, x in [begin, end), that one triangle covers. A triangle has six coefficients: the
// pixel (x, y) shows the position u = c0 + c1 x + c2 y, v = c3 + c4 x + c5 y of the source.
struct Span {
    std::int32_t begin, end, triangle;
};

// u[x] and v[x] of the pixels of a span: fma(c1, x, fma(c2, y, c0)) in float64, the same bits from every table.
using PositionKernel = void (*)(const Span& span, const double* coefficients, double y, double* u, double* v);

// Where pixels lie between the four that they are blended of: number of the upper left one (row * columns + column), and
// the way to the right and to the lower ones. Arrays have room for kPlaceSlack more pixels than the row; columns are 0, 1,
// 2, ... to be read.
struct Places {
    const double* columns;
    std::int32_t* index;
    float* right;
    float* down;
};
inline constexpr index_t kPlaceSlack = 16;

// Places of the pixels of leading spans that lie next to each other and whose four neighbours are all inside a source of
// rows x cols; returns how many spans those are. rows * cols fits 32 bits. `coefficients` has six values per triangle;
// `inside` says of which triangles this is known for all their pixels. Else both ends of a span speak for all of it: as
// fma rounds in order, positions grow or fall along it.
using PlaceKernel = index_t (*)(const Span* spans, index_t count, const std::uint8_t* inside,
                                const double* coefficients, double y, index_t rows, index_t cols,
                                const Places& places);

// A relief over the output: pixel x of a row is moved in the source by depth[x] times (u, v). Depths have room for
// kPlaceSlack more pixels than the row, to be read.
struct Bend {
    const float* depth;
    double u, v;
};

// u[x] = fma(by, depth[x], u[x]) for x in [begin, end), in float64, the same bits from every table.
using BendKernel = void (*)(const float* depth, double by, std::int32_t begin, std::int32_t end, double* u);

// As PlaceKernel, of pixels moved by a relief; ends before the first span of a triangle of which nothing is known, as
// there the ends of a span do not speak for all of it.
using PlaceBentKernel = index_t (*)(const Span* spans, index_t count, const std::uint8_t* inside,
                                    const double* coefficients, double y, index_t cols, const Bend& bend,
                                    const Places& places);

// out pixel i = blend of the four neighbours at places i of an interleaved image, in float32, the same bits from every
// table: a + down (b - a) in both columns, then the same to the right, each with one fma. Bytes are rounded to the nearest,
// halves to even. Floats: a neighbour whose weight is 0 does not count, even if it is NaN.
template <class T>
using BlendKernel = void (*)(const T* image, index_t cols, const Places& places, index_t count, T* out);

struct Kernels {
    const char* name;
    TileKernel dots;
    // For rows that were float32: a product of two of them is exact in float64, so that fusing it with the addition
    // changes no bit. Must not be used for other rows.
    TileKernel dots_of_float32;
    TileKernel squared_differences;

    PairKernel<float> pair_dots_of_float32;
    PairKernel<float> pair_squares_of_float32;
    PairKernel<double> pair_dots;
    PairKernel<double> pair_squares;
    SumKernel<float> add_differences_of_float32;
    SumKernel<double> add_differences;

    index_t tile_rows, tile_cols;
    Coding coding;
    DenseKernel dense;
    ScreenKernel screen_codes;
    ScreenKernel screen_wide_codes;  // as kWideCoding has them
    ScreenKernel screen_floats;
    AxesKernel screen_axes;
    PairsKernel<std::int8_t> screen_pairs;
    PairsKernel<std::int16_t> screen_wide_pairs;
    ScanKernel scan;

    // A row panel of `count` rows from the words of column panels: the first n_here rows lie next to each other from
    // `here` on, the others from `next` on, in the column panel after it, or in those after it.
    void (*row_panel)(const word_t* here, index_t n_here, const word_t* next, index_t count, index_t depth, RowWord how,
                      word_t* out);
    void (*widen)(const float* row, index_t count, double* out);
    // codes[k] = row[k] / scale rounded, |row[k] / scale| <= 32767; returns the sum of (row[k] - scale codes[k])^2.
    // `stride` is a multiple of kLanes.
    double (*encode)(const double* row, index_t stride, double scale, std::int16_t* codes);
    // out[j] = tile[j] for `count` values, past the caches where that pays.
    void (*stream)(const float* tile, index_t count, float* out);
    // out[j * out_stride + i] = tile[i * stride + j].
    void (*transpose)(const float* tile, index_t n_rows, index_t n_cols, index_t stride, float* out,
                      index_t out_stride);

    PositionKernel positions;
    PlaceKernel place;
    BendKernel bend;
    PlaceBentKernel place_bent;
    BlendKernel<std::uint8_t> blend_bytes[3];  // 1, 3, 4 channels
    BlendKernel<float> blend_floats[3];

    // Multiply-adds of float32, and of codes as `coding` has them, on registers alone. Return the number of operations
    // done, a multiply and an add being two.
    double (*peak_floats)(index_t iterations);
    double (*peak_codes)(index_t iterations);
};

}  // namespace pyface::simd
