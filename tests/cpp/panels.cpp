// Part of the kernel test: tiles of panels, and rows of codes as they lie in memory.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "kernels.hpp"

namespace kernel_test {
namespace {

constexpr float kNobody = std::numeric_limits<float>::quiet_NaN();

// n rows of `depth` words in panels of `height` rows, the last one filled up with zeros.
std::vector<word_t> in_panels(const std::vector<word_t>& words, index_t n, index_t depth, index_t height) {
    std::vector<word_t> out(static_cast<std::size_t>((n + height - 1) / height * height * depth));
    for (index_t i = 0; i < n; ++i) {
        for (index_t w = 0; w < depth; ++w) {
            out[static_cast<std::size_t>(i / height * height * depth + w * height + i % height)] =
                words[static_cast<std::size_t>(i * depth + w)];
        }
    }
    return out;
}

// Rows and columns of a tile, and the exact sums of their pairs.
struct Sides {
    index_t n, m, depth;
    std::vector<word_t> rows, cols;  // in panels
    std::vector<std::int32_t> offsets;
    std::vector<double> sums, sizes;  // of products, and of their absolute values

    Panels panels(const Kernels& k, index_t shift = kNoDiagonal) const {
        return {rows.data(), (n + k.tile_rows - 1) / k.tile_rows, cols.data(), (m + k.tile_cols - 1) / k.tile_cols, depth,
                shift};
    }
};

Sides floats(const Kernels& k, index_t n, index_t m, index_t d, bool are_squares) {
    Sides s{n, m, d, {}, {}, {}, {}, {}};
    const double length = are_squares ? 1.0 : 1.0 / std::sqrt(static_cast<double>(d));
    const std::vector<float> x = numbers<float>(n * d, length), y = numbers<float>(m * d, length);
    for (index_t i = 0; i < n; ++i) {
        for (index_t j = 0; j < m; ++j) {
            double sum = 0, size = 0;
            for (index_t w = 0; w < d; ++w) {
                const double a = static_cast<double>(x[static_cast<std::size_t>(i * d + w)]);
                const double b = static_cast<double>(y[static_cast<std::size_t>(j * d + w)]);
                const double product = are_squares ? (a - b) * (a - b) : a * b;
                sum += product;
                size += std::fabs(product);
            }
            s.sums.push_back(sum);
            s.sizes.push_back(size);
        }
    }
    std::vector<word_t> words;
    for (const float value : x) words.push_back(std::bit_cast<word_t>(value));
    s.rows = in_panels(words, n, d, k.tile_rows);
    words.clear();
    for (const float value : y) words.push_back(std::bit_cast<word_t>(value));
    s.cols = in_panels(words, m, d, k.tile_cols);
    return s;
}

// Of a sum of d products, relative to the sum of their absolute values.
double float_error(index_t d) {
    return 0x1p-24 * (static_cast<double>(kChain + 4) + static_cast<double>(d) / static_cast<double>(kChain));
}

void dense(const Kernels& k, Report& report) {
    for (const index_t d : {1, 5, 31, 32, 33, 100, 512}) {
        const index_t n = 2 * k.tile_rows, m = 3 * k.tile_cols;
        for (const Finish finish : {Finish::cosine_distance, Finish::square, Finish::root, Finish::none}) {
            const bool is_cosine = finish == Finish::cosine_distance, are_squares = finish == Finish::square || finish == Finish::root;
            for (const bool has_equal : {false, true}) {
                Sides s = floats(k, n, m, d, are_squares);
                for (index_t w = 0; has_equal && w < d; ++w) {  // the first row and the first column
                    const auto entry = std::bit_cast<word_t>(w == 0 ? 1.0f : 0.0f);
                    s.rows[static_cast<std::size_t>(w * k.tile_rows)] = entry;
                    s.cols[static_cast<std::size_t>(w * k.tile_cols)] = entry;
                }
                std::vector<float> out(static_cast<std::size_t>(n * (m + 3)));
                const bool flag = k.dense(s.panels(k), finish, out.data(), m + 3);
                for (index_t i = has_equal ? 1 : 0; i < n; ++i) {
                    for (index_t j = has_equal ? 1 : 0; j < m; ++j) {
                        const auto at = static_cast<std::size_t>(i * m + j);
                        const double error = float_error(d) * s.sizes[at] + 0x1p-24;
                        const double value = static_cast<double>(out[static_cast<std::size_t>(i * (m + 3) + j)]);
                        const double got = finish == Finish::root ? value * value : value;
                        const double wanted = is_cosine ? std::fmin(std::fmax(1 - s.sums[at], 0.0), 2.0) : s.sums[at];
                        report.check(std::fabs(got - wanted) <= error, "dense", d);
                    }
                }
                if (has_equal && finish == Finish::none) report.check(!flag && out[0] == 1.0f, "dense's flag", d);
                if (has_equal && finish != Finish::none) report.check(flag && out[0] == 0.0f, "dense's flag", d);
                if (!has_equal && d > 30) report.check(!flag, "dense's flag", d);
            }
        }
    }
}

// Rows of codes as words of the coding.
std::vector<word_t> in_words(const std::vector<int>& values, const Coding& coding, index_t d) {
    const index_t depth = (d + coding.group - 1) / coding.group, stride = depth * coding.group;
    const index_t count = static_cast<index_t>(values.size()) / d;
    const auto bits = static_cast<int>(32 / coding.group);
    std::vector<word_t> out(static_cast<std::size_t>(count * depth));
    for (index_t i = 0; i < count * stride; ++i) {
        const index_t at = i % stride;
        const int code = at < d ? values[static_cast<std::size_t>(i / stride * d + at)] : 0;
        const word_t part = static_cast<word_t>(code + coding.bias) & ((word_t{1} << bits) - 1);
        out[static_cast<std::size_t>(i / coding.group)] |= part << (bits * static_cast<int>(at % coding.group));
    }
    return out;
}

Sides codes(const Kernels& k, const Coding& coding, index_t n, index_t m, index_t d, bool are_extreme) {
    const index_t depth = (d + coding.group - 1) / coding.group;
    Sides s{n, m, depth, {}, {}, {}, {}, {}};
    const int most = std::min(coding.largest, static_cast<std::int32_t>(46340.0 / std::sqrt(static_cast<double>(d))));
    const auto made = [&](index_t count) {
        std::vector<int> values;
        for (index_t i = 0; i < count * d; ++i) {
            values.push_back(!are_extreme ? below(2 * most + 1) - most : i < d || below(2) == 0 ? most : -most);
        }
        return values;
    };
    const std::vector<int> x = made(n), y = made(m);
    std::vector<word_t> row_words = in_words(x, coding, d);
    for (word_t& word : row_words) word = row_word(word, coding.row);
    s.rows = in_panels(row_words, n, depth, k.tile_rows);
    s.cols = in_panels(in_words(y, coding, d), m, depth, k.tile_cols);
    s.offsets.resize(static_cast<std::size_t>((n + k.tile_rows - 1) / k.tile_rows * k.tile_rows));
    for (index_t i = 0; i < n; ++i) {
        const int* a = x.data() + i * d;
        word_t offset = 0;  // may wrap: the sum of codes that follows brings it back
        for (index_t w = 0; w < d; ++w) offset -= static_cast<word_t>(coding.bias * a[w]);
        s.offsets[static_cast<std::size_t>(i)] = static_cast<std::int32_t>(offset);
        for (index_t j = 0; j < m; ++j) {
            std::int64_t sum = 0;
            for (index_t w = 0; w < d; ++w) sum += a[w] * y[static_cast<std::size_t>(j * d + w)];
            s.sums.push_back(static_cast<double>(static_cast<float>(sum)));
            s.sizes.push_back(0);
        }
    }
    return s;
}

// Terms by which all pairs are let through (count 0), or so many of any size; NaN for who fills up a panel, and one row.
// For both: columns have limits as well.
struct MadeTerms {
    std::vector<float> row, col, limits;
    index_t rows, cols;
    int count;

    MadeTerms(const Kernels& k, const Sides& s, int n, double scale, bool for_both)
        : rows((s.n + k.tile_rows - 1) / k.tile_rows * k.tile_rows),
          cols((s.m + k.tile_cols - 1) / k.tile_cols * k.tile_cols), count(n == 0 ? 2 : n) {
        for (index_t j = 0; for_both && j < cols; ++j) limits.push_back(static_cast<float>(number(scale / 4)));
        for (index_t i = 0; i < (for_both ? kMostTerms : count) * rows; ++i) {
            const bool is_nobody = i < 2 * rows && (i % rows >= s.n || (s.n > 3 && i % rows == 2));
            row.push_back(is_nobody ? kNobody : n == 0 ? 1.0f : static_cast<float>(number(i < rows ? scale : 1)));
        }
        for (index_t j = 0; j < count * cols; ++j) {
            const bool is_nobody = j < cols && j >= s.m;
            col.push_back(is_nobody ? kNobody : n == 0 ? 1e10f : static_cast<float>(j < cols ? 0.3 : number(scale / 4)));
        }
    }
    double product(int t, index_t i, index_t j) const {
        return static_cast<double>(row[static_cast<std::size_t>(t * rows + i)]) *
               static_cast<double>(col[static_cast<std::size_t>(t * cols + j)]);
    }
    // How far a pair is above what rules it out, beside its sum, and the sum of the sizes of all that was added.
    double above(index_t i, index_t j, double& size) const {
        double all = 0.0, of_row = 0.0;
        for (int t = 0; t < count; ++t) {
            all += product(t, i, j);
            if (t == 0 || t == 3) of_row += product(t, i, j);
            size += std::fabs(product(t, i, j));
        }
        if (limits.empty()) return all;
        const auto row_term = [&](int t) { return static_cast<double>(row[static_cast<std::size_t>(t * rows + i)]); };
        const double by_limit = row_term(3) * static_cast<double>(limits[static_cast<std::size_t>(j)]);
        const double by_row = row_term(4) * static_cast<double>(col[static_cast<std::size_t>(j)]);
        size += std::fabs(by_limit) + std::fabs(by_row);
        return all - of_row + std::fmax(of_row, by_limit + by_row);
    }
    Terms terms() const {
        return {row.data(), rows, col.data(), cols, count, limits.empty() ? nullptr : limits.data()};
    }
};

// Each pair that is let through comes once, with its sum; none is missing of which float32 can have no doubt.
void screened(const Kernels& k, ScreenKernel screen, const Sides& s, const char* name, Report& report) {
    double scale = 1e-30;
    for (const double sum : s.sums) scale = std::fmax(scale, std::fabs(sum));
    for (const int count : {0, 2, 4, 5, -2, -4}) {
        const MadeTerms made(k, s, std::abs(count), scale, count < 0);
        std::vector<Candidate> found(static_cast<std::size_t>(made.rows * made.cols));
        for (const index_t shift : {kNoDiagonal, index_t{0}, index_t{-5}}) {
            const index_t n_found = screen(s.panels(k, shift), s.offsets.empty() ? nullptr : s.offsets.data(),
                                           made.terms(), found.data());
            std::vector<int> seen(static_cast<std::size_t>(s.n * s.m));
            for (index_t c = 0; c < n_found; ++c) {
                const Candidate& pair = found[static_cast<std::size_t>(c)];
                if (pair.row < 0 || pair.row >= s.n || pair.col < 0 || pair.col >= s.m) {
                    return report.check(false, name, s.depth);
                }
                const auto at = static_cast<std::size_t>(pair.row * s.m + pair.col);
                ++seen[at];
                const double error = float_error(s.depth) * s.sizes[at];
                report.check(std::fabs(static_cast<double>(pair.value) - s.sums[at]) <= error, name, s.depth);
            }
            for (index_t i = 0; i < s.n; ++i) {
                for (index_t j = 0; j < s.m; ++j) {
                    const auto at = static_cast<std::size_t>(i * s.m + j);
                    double x = s.sums[at], doubt = std::fabs(x) + s.sizes[at];
                    x += made.above(i, j, doubt);
                    doubt *= 1e-5;
                    const bool may_be_skipped = shift != kNoDiagonal && j + shift < i;
                    report.check(seen[at] == 0 || (seen[at] == 1 && x >= -doubt), name, s.depth);
                    report.check(seen[at] == 1 || !(x > doubt) || may_be_skipped, name, s.depth);
                }
            }
        }
    }
}

void screens(const Kernels& k, Report& report) {
    for (const index_t d : {1, 2, 3, 4, 5, 8, 9, 12, 17, 31, 64, 127, 512}) {
        for (const index_t n : {index_t{1}, k.tile_rows, 2 * k.tile_rows + 1}) {
            const index_t m = n == 1 ? 2 * k.tile_cols - 1 : n == k.tile_rows ? 3 : 2 * k.tile_cols;
            for (const bool extreme : {false, true}) {
                screened(k, k.screen_codes, codes(k, k.coding, n, m, d, extreme), "screen_codes", report);
                screened(k, k.screen_wide_codes, codes(k, kWideCoding, n, m, d, extreme), "screen_wide_codes", report);
            }
            screened(k, k.screen_floats, floats(k, n, m, d, false), "screen_floats", report);
        }
    }
    // The longest rows that a sum of products of the largest codes can have.
    const auto longest = static_cast<index_t>(46340.0 / k.coding.largest * 46340.0 / k.coding.largest);
    screened(k, k.screen_codes, codes(k, k.coding, 2, 3, std::min<index_t>(longest, 130001), true), "screen_codes", report);
}

// Integers alone: exactly those pairs whose sum with both starts is not negative, the columns of a row in order.
void axes(const Kernels& k, Report& report) {
    for (const index_t d : {4, 5, 8, 12, 24, 56, 192, 1024}) {
        for (const index_t n : {index_t{1}, k.tile_rows, 2 * k.tile_rows + 1}) {
            const index_t m = n == 1 ? 2 * k.tile_cols - 1 : n == k.tile_rows ? 3 : 2 * k.tile_cols;
            Coding coding = k.coding;
            coding.largest = std::min(coding.largest, 127);
            const Sides s = codes(k, coding, n, m, d, false);
            std::vector<std::int32_t> rows(s.offsets), cols(static_cast<std::size_t>((m + k.tile_cols - 1) / k.tile_cols * k.tile_cols));
            std::vector<std::int32_t> row_starts;
            double scale = 1.0;
            for (const double sum : s.sums) scale = std::fmax(scale, std::fabs(sum));
            const auto start = [&] { return static_cast<std::int32_t>(number(scale)); };
            constexpr std::int32_t kNever = -1000000000, kAlways = 300000000;
            for (std::size_t i = 0; i < rows.size(); ++i) {
                row_starts.push_back(static_cast<index_t>(i) >= n ? kNever : i == 3 ? kAlways : start());
                rows[i] = static_cast<std::int32_t>(static_cast<word_t>(rows[i]) + static_cast<word_t>(row_starts[i]));
            }
            for (std::size_t j = 0; j < cols.size(); ++j) {
                cols[j] = static_cast<index_t>(j) >= m || j == 1 ? kNever : j == 2 ? kAlways : start();
            }
            std::vector<Candidate> found(rows.size() * cols.size());
            for (const index_t shift : {kNoDiagonal, index_t{0}, index_t{-5}}) {
                const index_t n_found = k.screen_axes(s.panels(k, shift), rows.data(), cols.data(), found.data());
                std::vector<std::int32_t> last(static_cast<std::size_t>(n), -1);
                std::vector<int> seen(static_cast<std::size_t>(n * m));
                for (index_t c = 0; c < n_found; ++c) {
                    const Candidate& pair = found[static_cast<std::size_t>(c)];
                    if (pair.row < 0 || pair.row >= n || pair.col < 0 || pair.col >= m) {
                        return report.check(false, "screen_axes", d);
                    }
                    report.check(pair.col > last[static_cast<std::size_t>(pair.row)], "screen_axes' order", d);
                    last[static_cast<std::size_t>(pair.row)] = pair.col;
                    ++seen[static_cast<std::size_t>(pair.row * m + pair.col)];
                }
                for (index_t i = 0; i < n; ++i) {
                    for (index_t j = 0; j < m; ++j) {
                        const auto at = static_cast<std::size_t>(i * m + j);
                        const double x = s.sums[at] + row_starts[static_cast<std::size_t>(i)] + cols[static_cast<std::size_t>(j)];
                        const bool may_be_skipped = shift != kNoDiagonal && j + shift < i;
                        // A table may add in float32: that is right but where the sum is all but 0.
                        const double doubt = 1e-6 * (std::fabs(s.sums[at]) + std::fabs(x) + scale);
                        report.check(seen[at] <= 1 && (seen[at] == 0 || x >= -doubt), "screen_axes", d);
                        report.check(seen[at] == 1 || x < 0 || may_be_skipped, "screen_axes", d);
                    }
                }
            }
        }
    }
}

template <class Code>
void pairs_of(PairsKernel<Code> screen, int most, Report& report) {
    for (const index_t stride : {32, 64, 96, 160, 512}) {
        constexpr index_t kRows = 7, kCols = 33;
        const int largest = std::min(most, static_cast<int>(46340.0 / std::sqrt(static_cast<double>(stride))));
        std::vector<Code> rows, cols;
        for (index_t i = 0; i < (kRows + kCols) * stride; ++i) {
            (i < kRows * stride ? rows : cols).push_back(static_cast<Code>(below(9) == 0 ? largest : below(2 * largest + 1) - largest));
        }
        const Code* starts[kRows];
        for (index_t i = 0; i < kRows; ++i) starts[i] = rows.data() + (kRows - 1 - i) * stride;  // in any order
        for (const int count : {2, 4, 5}) {
            std::vector<float> row(static_cast<std::size_t>(count * kRows), 1.0f), col(static_cast<std::size_t>(count * kCols), 0.0f);
            for (index_t j = 0; j < kCols; ++j) col[static_cast<std::size_t>(j)] = j == 4 ? kNobody : j % 2 == 0 ? 1e10f : -1e10f;
            for (index_t n_pairs : {0, 1, 3, 4, 5, 100}) {
                std::vector<Candidate> pairs;
                for (index_t p = 0; p < n_pairs; ++p) pairs.push_back({below(kRows), below(kCols), 0.0f});
                std::vector<Candidate> left = pairs;
                const index_t n_left = screen(starts, cols.data(), stride, {row.data(), kRows, col.data(), kCols, count}, left.data(), n_pairs);
                index_t next = 0;
                for (const Candidate& pair : pairs) {
                    if (pair.col == 4 || pair.col % 2 != 0) continue;
                    std::int64_t sum = 0;
                    for (index_t w = 0; w < stride; ++w) sum += starts[pair.row][w] * cols[static_cast<std::size_t>(pair.col * stride + w)];
                    if (next >= n_left) return report.check(false, "screen_pairs", stride);
                    const Candidate& got = left[static_cast<std::size_t>(next++)];
                    report.check(got.row == pair.row && got.col == pair.col && got.value == static_cast<float>(sum), "screen_pairs", stride);
                }
                report.check(next == n_left, "screen_pairs", stride);
            }
        }
    }
}

void scans(const Kernels& k, Report& report) {
    for (const index_t stride : {32, 64, 96, 160, 512}) {
        for (const index_t m : {1, 2, 3, 4, 5, 7, 31, 32, 33, 100, 256}) {
            for (index_t n = 1; n <= kScanRows; ++n) {
                const int most = std::min(32767, static_cast<int>(46340.0 / std::sqrt(static_cast<double>(stride))));
                std::vector<std::int16_t> rows;
                std::vector<std::uint8_t> cols;
                std::vector<std::int32_t> offsets(static_cast<std::size_t>(n));
                for (index_t i = 0; i < n * stride; ++i) {
                    rows.push_back(static_cast<std::int16_t>(below(9) == 0 ? most : below(2 * most + 1) - most));
                    offsets[static_cast<std::size_t>(i / stride)] -= kStoredBias * rows.back();
                }
                for (index_t i = 0; i < m * stride; ++i) {
                    cols.push_back(static_cast<std::uint8_t>(below(9) == 0 ? 255 : 1 + below(255)));
                }
                const index_t padded_m = (m + 31) / 32 * 32, nobody = m > 4 ? 3 : m;
                const std::vector<float> row(static_cast<std::size_t>(4 * n), 1.0f);
                std::vector<float> col(static_cast<std::size_t>(4 * padded_m), 1e10f);
                for (index_t j = 0; j < padded_m; ++j) {
                    if (j >= m || j == nobody) col[static_cast<std::size_t>(j)] = kNobody;
                }
                std::vector<Candidate> found(static_cast<std::size_t>(n * padded_m));
                const index_t n_found = k.scan({rows.data(), n, cols.data(), m, stride}, offsets.data(),
                                               {row.data(), n, col.data(), padded_m, m % 2 == 0 ? 2 : 4}, found.data());
                index_t next = 0;
                for (index_t i = 0; i < n; ++i) {
                    for (index_t j = 0; j < m; ++j) {
                        if (j == nobody) continue;
                        std::int64_t sum = 0;
                        for (index_t w = 0; w < stride; ++w) {
                            sum += rows[static_cast<std::size_t>(i * stride + w)] *
                                   (cols[static_cast<std::size_t>(j * stride + w)] - kStoredBias);
                        }
                        if (next >= n_found) return report.check(false, "scan", m);
                        const Candidate& pair = found[static_cast<std::size_t>(next++)];
                        report.check(pair.row == i && pair.col == j && pair.value == static_cast<float>(sum), "scan", m);
                    }
                }
                report.check(next == n_found, "scan", m);
            }
        }
    }
}

}  // namespace

void check_panels(const Kernels& k, Report& report) {
    dense(k, report);
    screens(k, report);
    axes(k, report);
    pairs_of<std::int8_t>(k.screen_pairs, 127, report);
    pairs_of<std::int16_t>(k.screen_wide_pairs, 32767, report);
    scans(k, report);
}

}  // namespace kernel_test
