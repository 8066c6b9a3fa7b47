// Every kernel of every instruction set that this processor has, against the portable one or plain arithmetic, and
// decisions that rest on them. No Python: for processors that are only emulated (make arm64). Exit status 0: all agree.
#include "kernels.hpp"

#include <algorithm>
#include <iterator>
#include <limits>

#include "simd/isa.hpp"

namespace kernel_test {
namespace {

void float64_tiles(const Kernels& k, const Kernels& p, Report& report) {
    for (const index_t stride : {8, 16, 24, 128}) {
        for (index_t n = 1; n < 6; ++n) {
            const index_t m = 7 - n;
            std::vector<double> a = numbers<double>(n * stride, 1), b = numbers<double>(m * stride, 1);
            const auto compare = [&](TileKernel ours, TileKernel theirs, const char* name) {
                std::vector<double> got(static_cast<std::size_t>(n * 9)), wanted(got.size());
                ours(a.data(), n, b.data(), m, stride, got.data(), 9);
                theirs(a.data(), n, b.data(), m, stride, wanted.data(), 9);
                report.same(got, wanted, name, stride);
            };
            compare(k.dots, p.dots, "dots");
            compare(k.squared_differences, p.squared_differences, "squared_differences");
            for (double& value : a) value = static_cast<double>(static_cast<float>(value / 3));
            for (double& value : b) value = static_cast<double>(static_cast<float>(value / 3));
            compare(k.dots_of_float32, p.dots_of_float32, "dots_of_float32");
        }
    }
}

template <class T>
void pairs(const Kernels& k, const Kernels& p, Report& report) {
    for (const index_t d : {1, 3, 7, 8, 9, 17, 31, 33, 70, 512}) {
        for (index_t n = 0; n < 11; n += 1 + (d > 60)) {
            const std::vector<T> x = numbers<T>(d, 1.0 / 3), rows = numbers<T>(n * d, 1.0 / 3);
            std::vector<const T*> ys;
            for (index_t i = 0; i < n; ++i) ys.push_back(rows.data() + i * d);
            const auto compare = [&](PairKernel<T> ours, PairKernel<T> theirs, const char* name) {
                std::vector<double> got(static_cast<std::size_t>(n)), wanted(got.size());
                ours(x.data(), ys.data(), n, d, got.data());
                theirs(x.data(), ys.data(), n, d, wanted.data());
                report.same(got, wanted, name, d);
            };
            const std::vector<double> weights = numbers<double>(n, 2);
            std::vector<double> got = numbers<double>(d, 1), wanted = got;
            if constexpr (sizeof(T) == sizeof(float)) {
                compare(k.pair_dots_of_float32, p.pair_dots_of_float32, "pair_dots_of_float32");
                compare(k.pair_squares_of_float32, p.pair_squares_of_float32, "pair_squares_of_float32");
                k.add_differences_of_float32(ys.data(), weights.data(), n, x.data(), d, got.data());
                p.add_differences_of_float32(ys.data(), weights.data(), n, x.data(), d, wanted.data());
            } else {
                compare(k.pair_dots, p.pair_dots, "pair_dots");
                compare(k.pair_squares, p.pair_squares, "pair_squares");
                k.add_differences(ys.data(), weights.data(), n, x.data(), d, got.data());
                p.add_differences(ys.data(), weights.data(), n, x.data(), d, wanted.data());
            }
            report.same(got, wanted, "add_differences", d);
        }
    }
}

// ---- Copies ----------------------------------------------------------------------------------------------------------

void row_panels(const Kernels& k, Report& report) {
    for (index_t depth = 1; depth < 12; depth += 5) {
        // Two panels behind the first: where rows are more than columns, all of them can be needed.
        std::vector<word_t> here(static_cast<std::size_t>(depth * k.tile_cols)), next(2 * here.size());
        for (word_t& word : here) word = static_cast<word_t>(g_engine());
        for (word_t& word : next) word = static_cast<word_t>(g_engine());
        for (index_t n_here = 1; n_here <= std::min(k.tile_rows, k.tile_cols); ++n_here) {
            for (index_t count = n_here; count <= k.tile_rows; ++count) {
                std::vector<word_t> got(static_cast<std::size_t>(depth * k.tile_rows), 1), wanted(got.size());
                const index_t lane = k.tile_cols - n_here;
                k.row_panel(here.data() + lane, n_here, next.data(), count, depth, k.coding.row, got.data());
                for (index_t w = 0; w < depth; ++w) {
                    for (index_t r = 0; r < count; ++r) {
                        const index_t behind = r - n_here, panel = behind / k.tile_cols;
                        const index_t at = panel * depth * k.tile_cols + w * k.tile_cols + behind % k.tile_cols;
                        const word_t word = behind < 0 ? here[static_cast<std::size_t>(w * k.tile_cols + lane + r)]
                                                       : next[static_cast<std::size_t>(at)];
                        wanted[static_cast<std::size_t>(w * k.tile_rows + r)] = row_word(word, k.coding.row);
                    }
                }
                report.same(got, wanted, "row_panel", count);
            }
        }
    }
}

void copies(const Kernels& k, const Kernels& p, Report& report) {
    for (index_t n = 1; n < 70; n += 1 + n / 9) {
        const std::vector<float> tile = numbers<float>(n * 23, 1);
        std::vector<float> got(static_cast<std::size_t>(23 * (n + 1))), wanted(got.size());
        for (index_t j = 0; j < 21; ++j) {
            for (index_t i = 0; i < n; ++i) {
                wanted[static_cast<std::size_t>(j * (n + 1) + i)] = tile[static_cast<std::size_t>(i * 23 + j)];
            }
        }
        k.transpose(tile.data(), n, 21, 23, got.data(), n + 1);
        report.same(got, wanted, "transpose", n);
        for (index_t first = 0; first < 3; ++first) {
            std::fill(got.begin(), got.end(), 0.0f);
            wanted.assign(got.size(), 0.0f);
            std::copy_n(tile.data(), 21 * n, wanted.data() + first);
            k.stream(tile.data(), 21 * n, got.data() + first);
            report.same(got, wanted, "stream", n);
        }
        std::vector<double> wide(tile.size()), wanted_wide(tile.begin(), tile.end());
        k.widen(tile.data(), static_cast<index_t>(tile.size()), wide.data());
        report.same(wide, wanted_wide, "widen", n);
        const index_t stride = padded(n);
        const std::vector<double> row = numbers<double>(stride, 3);
        for (const double scale : {3.0 / 127, 3.0 / 32767, 3.0 / 63}) {
            std::vector<std::int16_t> codes(static_cast<std::size_t>(stride)), wanted_codes(codes.size());
            const double square = k.encode(row.data(), stride, scale, codes.data());
            report.check(square == p.encode(row.data(), stride, scale, wanted_codes.data()), "encode's residual", n);
            report.same(codes, wanted_codes, "encode", n);
        }
    }
    row_panels(k, report);
}

// ---- Warping ---------------------------------------------------------------------------------------------------------

constexpr index_t kHeight = 50, kWidth = 60;  // of the source
constexpr std::int32_t kRow = 41;             // pixels of a row of the output

// Where the pixels of a row lie, by one table.
struct Placed {
    std::vector<double> columns, u, v;
    std::vector<std::int32_t> index;
    std::vector<float> right, down;
    Places places;

    Placed()
        : columns(kRow + kPlaceSlack), u(columns.size()), v(columns.size()), index(columns.size()), right(columns.size()),
          down(columns.size()), places{columns.data(), index.data(), right.data(), down.data()} {
        for (std::size_t x = 0; x < columns.size(); ++x) columns[x] = static_cast<double>(x);
    }
    Placed(const Placed&) = delete;
    // The slack behind the pixels that were placed may hold anything.
    void forget_behind(std::int32_t end) {
        std::fill(index.begin() + end, index.end(), 0);
        std::fill(right.begin() + end, right.end(), 0.0f);
        std::fill(down.begin() + end, down.end(), 0.0f);
    }
};

void compare(const Placed& a, const Placed& b, const char* kernel, Report& report) {
    report.same(a.u, b.u, kernel, 0);
    report.same(a.v, b.v, kernel, 1);
    report.same(a.index, b.index, kernel, 2);
    report.same(a.right, b.right, kernel, 3);
    report.same(a.down, b.down, kernel, 4);
}

void places(const Kernels& k, const Kernels& p, Report& report) {
    for (int trial = 0; trial < 60; ++trial) {
        std::vector<double> c;
        for (int t = 0; t < 3; ++t) {
            const auto positive = [](double to) { return (number(to) + to) / 2; };
            const double of[] = {2 + positive(3), 0.2 + positive(0.9), positive(0.3), 2 + positive(8), positive(0.8), 0.1};
            c.insert(c.end(), std::begin(of), std::end(of));
        }
        const bool leaves = trial % 3 == 0;
        if (leaves) c[12] = -60.0;
        const std::int32_t first = below(4), second = first + 1 + below(9), third = second + 1 + below(9);
        const Span spans[] = {{first, second, 0}, {second, third, 1}, {third, kRow, 2}};
        const std::uint8_t inside[] = {static_cast<std::uint8_t>(trial % 2), 1, static_cast<std::uint8_t>(!leaves)};
        const std::vector<float> depth = numbers<float>(kRow + kPlaceSlack, 1);
        Placed ours, theirs;
        for (const Span& span : spans) {
            const double* of = c.data() + 6 * span.triangle;
            k.positions(span, of, 7.0, ours.u.data(), ours.v.data());
            p.positions(span, of, 7.0, theirs.u.data(), theirs.v.data());
        }
        compare(ours, theirs, "positions", report);
        k.bend(depth.data(), 0.37, first, kRow, ours.u.data());
        p.bend(depth.data(), 0.37, first, kRow, theirs.u.data());
        compare(ours, theirs, "bend", report);
        const Bend bend{depth.data(), 0.9, -0.8};
        for (const bool is_bent : {false, true}) {
            const auto place = [&](const Kernels& with, Placed& to) {
                const index_t n = is_bent ? with.place_bent(spans, 3, inside, c.data(), 7.0, kWidth, bend, to.places)
                                          : with.place(spans, 3, inside, c.data(), 7.0, kHeight, kWidth, to.places);
                to.forget_behind(n == 0 ? 0 : spans[n - 1].end);
                return n;
            };
            report.check(place(k, ours) == place(p, theirs), is_bent ? "place_bent's spans" : "place's spans", trial);
            compare(ours, theirs, is_bent ? "place_bent" : "place", report);
        }
    }
}

template <class T>
void blends(const BlendKernel<T>* ours, const BlendKernel<T>* theirs, const char* name, Report& report) {
    for (int which = 0; which < 3; ++which) {
        const int channels = which == 0 ? 1 : which + 2;
        std::vector<T> image;
        for (index_t i = 0; i < kHeight * kWidth * channels; ++i) image.push_back(static_cast<T>(below(256)));
        for (index_t count = 0; count <= kRow; ++count) {
            Placed at;
            for (std::size_t x = 0; x < static_cast<std::size_t>(count); ++x) {
                const bool is_last = below(8) == 0;
                const index_t row = is_last ? kHeight - 2 : below(kHeight - 1);
                const index_t col = is_last ? kWidth - 2 : below(kWidth - 1);
                at.index[x] = static_cast<std::int32_t>(row * kWidth + col);
                at.right[x] = static_cast<float>(below(5)) * 0.25f * static_cast<float>(0.5 + number(0.5));
                at.down[x] = below(3) == 0 ? 0.5f : below(3) == 0 ? 0.0f : static_cast<float>(0.5 + number(0.4999));
            }
            std::vector<T> source = image;
            if constexpr (sizeof(T) == sizeof(float)) {
                // Neighbours of no weight do not count, and nothing else meets them.
                if (count > 3) {
                    at.index[1] = 5 * kWidth + 7;
                    at.right[1] = at.down[1] = 0.0f;
                    const auto neighbor = static_cast<std::ptrdiff_t>((6 * kWidth + 8) * channels);
                    std::fill_n(source.begin() + neighbor, channels, std::numeric_limits<float>::quiet_NaN());
                }
            }
            std::vector<T> got(static_cast<std::size_t>(count * channels), T{7}), wanted(got.size());
            ours[which](source.data(), kWidth, at.places, count, got.data());
            theirs[which](source.data(), kWidth, at.places, count, wanted.data());
            for (std::size_t i = 0; i < got.size(); ++i) {
                report.check(got[i] == wanted[i] || (got[i] != got[i] && wanted[i] != wanted[i]), name, count);
            }
        }
    }
}

bool agrees(const std::string& isa, const Kernels& portable) {
    set_active(isa);
    const Kernels& k = kernels();
    Report report(isa);
    float64_tiles(k, portable, report);
    pairs<float>(k, portable, report);
    pairs<double>(k, portable, report);
    check_panels(k, report);
    copies(k, portable, report);
    places(k, portable, report);
    blends(k.blend_bytes, portable.blend_bytes, "blend_bytes", report);
    blends(k.blend_floats, portable.blend_floats, "blend_floats", report);
    report.check(k.peak_floats(3) > 0 && k.peak_codes(3) > 0, "peak", 3);
    std::printf("%-12s kernels: %s\n", isa.c_str(), report.ok() ? "agree" : "DIFFER");
    return report.ok();
}

}  // namespace
}  // namespace kernel_test

// With an argument: the instruction set that this processor should choose.
int main(int argc, char** argv) {
    namespace simd = pyface::simd;
    if (argc > 1 && argv[1] != std::string(simd::kernels().name)) {
        std::printf("%s was chosen, not %s\n", simd::kernels().name, argv[1]);
        return 1;
    }
    simd::set_active("portable");
    const simd::Kernels& portable = simd::kernels();
    bool all_agree = true;
    for (const std::string& isa : simd::supported()) all_agree &= kernel_test::agrees(isa, portable);
    all_agree &= kernel_test::decisions_agree();
    return all_agree ? 0 : 1;
}
