#include "detect/area_crop.hpp"

#include <algorithm>
#include <vector>

#include "core/require.hpp"

namespace pyface::detect {
namespace {

constexpr std::int64_t kFarthest = 1'000'000'000, kLongestSide = std::int64_t{1} << 22;
constexpr index_t kLargestCrop = 1024;
// Added and taken away again it rounds to whole numbers, halves to even: a call of the library for each would cost more
// than the sums.
constexpr double kRounding = 0x1.8p52;

// What a crop pixel covers along one axis, in image pixels [begin, end) that lie inside the image: the first and the
// last count as often as said, those in between `whole` times. Lengths are in parts of a pixel: it has as many as the
// crop has pixels, and a crop pixel covers as many as the rectangle has pixels.
struct Span {
    index_t begin, end;
    std::uint32_t first, last;
};

std::vector<Span> spans(std::int64_t start, std::int64_t length, index_t crop, index_t image) {
    std::vector<Span> made(static_cast<std::size_t>(crop));
    for (index_t i = 0; i < crop; ++i) {
        const std::int64_t from = i * length, to = from + length;
        // Pixels of the rectangle, then of the image.
        const std::int64_t begin = std::max(start + from / crop, std::int64_t{0});
        const std::int64_t end = std::min(start + (to + crop - 1) / crop, static_cast<std::int64_t>(image));
        const auto share = [&](std::int64_t pixel) {
            const std::int64_t at = (pixel - start) * crop;
            return static_cast<std::uint32_t>(std::min(at + crop, to) - std::max(at, from));
        };
        if (begin < end) {
            made[static_cast<std::size_t>(i)] = {static_cast<index_t>(begin), static_cast<index_t>(end), share(begin),
                                                 share(end - 1)};
        } else {
            made[static_cast<std::size_t>(i)] = {0, 0, 0, 0};
        }
    }
    return made;
}

// Sums along a row of the image, one for each crop column and channel. At most 255 * 2^22, which fits.
template <index_t C>
void sum_row(const std::uint8_t* row, const std::vector<Span>& columns, std::uint32_t whole, std::uint32_t* out) {
    for (const Span& span : columns) {
        for (index_t c = 0; c < C; ++c) out[c] = 0;
        if (span.begin < span.end) {
            const std::uint8_t* pixel = row + span.begin * C;
            for (index_t c = 0; c < C; ++c) out[c] = span.first * pixel[c];
            if (span.end - span.begin > 1) {
                std::uint32_t between[C] = {};
                pixel += C;
                for (index_t x = span.begin + 1; x + 1 < span.end; ++x, pixel += C) {
                    for (index_t c = 0; c < C; ++c) between[c] += pixel[c];
                }
                for (index_t c = 0; c < C; ++c) out[c] += whole * between[c] + span.last * pixel[c];
            }
        }
        out += C;
    }
}

template <index_t C>
void cut(ImageView<const std::uint8_t> image, const std::int64_t* box, index_t rows, index_t cols, std::uint8_t* out) {
    const std::int64_t width = box[2] - box[0] + 1, height = box[3] - box[1] + 1;
    const auto columns = spans(box[0], width, cols, image.cols), lines = spans(box[1], height, rows, image.rows);
    const index_t n = cols * C;
    std::vector<std::uint32_t> row_sums(static_cast<std::size_t>(n));
    std::vector<std::uint64_t> sums(static_cast<std::size_t>(n));
    const double area = static_cast<double>(width) * static_cast<double>(height);
    index_t summed = -1;  // the image row that row_sums are of: crop rows share those that they begin and end with
    for (const Span& line : lines) {
        std::fill(sums.begin(), sums.end(), std::uint64_t{0});
        for (index_t y = line.begin; y < line.end; ++y) {
            if (y != summed) {
                sum_row<C>(image.row(y), columns, static_cast<std::uint32_t>(cols), row_sums.data());
                summed = y;
            }
            const std::uint64_t weight =
                y == line.begin ? line.first : y + 1 == line.end ? line.last : static_cast<std::uint32_t>(rows);
            for (index_t i = 0; i < n; ++i) {
                sums[static_cast<std::size_t>(i)] += weight * row_sums[static_cast<std::size_t>(i)];
            }
        }
        // Below 2^52 sums and areas are exact in float64, and no quotient of two is rounded onto a half.
        for (index_t i = 0; i < n; ++i) {
            const auto sum = static_cast<double>(static_cast<std::int64_t>(sums[static_cast<std::size_t>(i)]));
            out[i] = static_cast<std::uint8_t>(static_cast<int>((sum / area + kRounding) - kRounding));
        }
        out += n;
    }
}

}  // namespace

void area_crops(ImageView<const std::uint8_t> image, MatrixView<const std::int64_t> boxes, index_t rows, index_t cols,
                std::uint8_t* out, int n_threads, const PollCallback& poll) {
    require(image.rows > 0 && image.cols > 0, "image is empty");
    require(image.channels == 1 || image.channels == 3 || image.channels == 4, "image must have 1, 3 or 4 channels");
    require(boxes.cols == 4, "boxes must have shape (n, 4)");
    require(rows >= 1 && cols >= 1 && rows <= kLargestCrop && cols <= kLargestCrop,
            "a crop must have from 1 to 1,024 rows and columns");
    for (index_t i = 0; i < boxes.rows; ++i) {
        const std::int64_t* box = boxes.row(i);
        for (index_t k = 0; k < 4; ++k) {
            require(box[k] >= -kFarthest && box[k] <= kFarthest, "a box reaches beyond 1e9 pixels");
        }
        require(box[0] <= box[2] && box[1] <= box[3], "a box has x2 < x1 or y2 < y1");
        require(box[2] - box[0] < kLongestSide && box[3] - box[1] < kLongestSide,
                "a box is longer than 4,194,304 pixels");
    }
    const index_t bytes = rows * cols * image.channels;
    const auto body = [&](index_t i) {
        switch (image.channels) {
            case 1: return cut<1>(image, boxes.row(i), rows, cols, out + i * bytes);
            case 3: return cut<3>(image, boxes.row(i), rows, cols, out + i * bytes);
            default: return cut<4>(image, boxes.row(i), rows, cols, out + i * bytes);
        }
    };
    parallel_for(boxes.rows, n_threads, body, poll);
}

}  // namespace pyface::detect
