#include "detect/face_chip.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/require.hpp"
#include "detect/similarity.hpp"

namespace pyface::detect {
namespace {

constexpr double kFarthest = 1e7;

// A part of an image, or an image of our own: rows are `stride` bytes apart.
struct Window {
    const std::uint8_t* data;
    index_t rows, cols, channels, stride;
};

double area(const ChipPlace& r) { return (r.right - r.left + 1) * (r.bottom - r.top + 1); }

// The same rectangle in the image halved by `halve`, whose pixel i is centred on 2 i + 2.5 of the finer one.
ChipPlace halved(const ChipPlace& r) {
    return {r.left / 2 - 1.25, r.top / 2 - 0.75, r.right / 2 - 1.25, r.bottom / 2 - 0.75, r.angle};
}

struct Turn {
    double centre_x, centre_y, cosine, sine;

    explicit Turn(const ChipPlace& r)
        : centre_x((r.left + r.right) / 2), centre_y((r.top + r.bottom) / 2), cosine(std::cos(r.angle)),
          sine(std::sin(r.angle)) {}
    double x(double px, double py) const {
        return centre_x + ((px - centre_x) * cosine - (py - centre_y) * sine);
    }
    double y(double px, double py) const {
        return centre_y + ((px - centre_x) * sine + (py - centre_y) * cosine);
    }
};

// The part of the image that the chip can touch, in whole pixels; false if none.
bool crop_for(const ChipPlace& place, const Window& image, index_t size, index_t crop[4]) {
    // Halving an infinite rectangle would go on for ever.
    if (!std::isfinite(area(place))) return false;
    const double limit = static_cast<double>(size * size);
    double margin = 2;
    for (ChipPlace r = halved(place); area(r) > limit; r = halved(r)) margin = 2 * margin + 2;

    const Turn turn(place);
    const double xs[4] = {turn.x(place.left, place.top), turn.x(place.right, place.top),
                          turn.x(place.left, place.bottom), turn.x(place.right, place.bottom)};
    const double ys[4] = {turn.y(place.left, place.top), turn.y(place.right, place.top),
                          turn.y(place.left, place.bottom), turn.y(place.right, place.bottom)};
    const auto [min_x, max_x] = std::minmax_element(xs, xs + 4);
    const auto [min_y, max_y] = std::minmax_element(ys, ys + 4);
    const double left = std::max(*min_x - margin, 0.0), top = std::max(*min_y - margin, 0.0);
    const double right = std::min(*max_x + margin, static_cast<double>(image.cols - 1));
    const double bottom = std::min(*max_y + margin, static_cast<double>(image.rows - 1));
    if (!(left <= right && top <= bottom)) return false;
    crop[0] = std::lround(left), crop[1] = std::lround(top), crop[2] = std::lround(right), crop[3] = std::lround(bottom);
    return true;
}

// 1 4 6 4 1 along both axes over 256, truncated, every second pixel. Integers, so the order of the passes is free.
std::vector<std::uint8_t> halve(const Window& in, index_t& rows, index_t& cols) {
    rows = in.rows > 8 && in.cols > 8 ? (in.rows - 3) / 2 : 0;
    cols = rows > 0 ? (in.cols - 3) / 2 : 0;
    std::vector<std::uint8_t> out(static_cast<std::size_t>(rows * cols * in.channels));
    if (rows == 0) return out;
    const index_t width = in.cols * in.channels;
    std::vector<std::uint16_t> summed(static_cast<std::size_t>(width));  // at most 16 * 255
    for (index_t y = 0; y < rows; ++y) {
        const std::uint8_t* r = in.data + 2 * y * in.stride;
        for (index_t i = 0; i < width; ++i) {
            summed[static_cast<std::size_t>(i)] = static_cast<std::uint16_t>(
                r[i] + 4 * r[i + in.stride] + 6 * r[i + 2 * in.stride] + 4 * r[i + 3 * in.stride] +
                r[i + 4 * in.stride]);
        }
        std::uint8_t* to = out.data() + y * cols * in.channels;
        for (index_t x = 0; x < cols; ++x) {
            for (index_t c = 0; c < in.channels; ++c) {
                const std::uint16_t* s = summed.data() + 2 * x * in.channels + c;
                const int total = s[0] + 4 * s[in.channels] + 6 * s[2 * in.channels] + 4 * s[3 * in.channels] +
                                  s[4 * in.channels];
                *to++ = static_cast<std::uint8_t>(total >> 8);
            }
        }
    }
    return out;
}

void sample(const Window& image, const ChipPlace& place, index_t size, std::uint8_t* out) {
    const Turn turn(place);
    const double tl_x = turn.x(place.left, place.top), tl_y = turn.y(place.left, place.top);
    const double across_x = turn.x(place.right, place.top) - tl_x, across_y = turn.y(place.right, place.top) - tl_y;
    const double down_x = turn.x(place.left, place.bottom) - tl_x, down_y = turn.y(place.left, place.bottom) - tl_y;
    const double last = static_cast<double>(size - 1);

    std::vector<double> xs(static_cast<std::size_t>(size)), ys(static_cast<std::size_t>(size));
    for (index_t u = 0; u < size; ++u) {
        xs[static_cast<std::size_t>(u)] = tl_x + across_x * static_cast<double>(u) / last;
        ys[static_cast<std::size_t>(u)] = tl_y + across_y * static_cast<double>(u) / last;
    }
    const double end_x = static_cast<double>(image.cols - 1), end_y = static_cast<double>(image.rows - 1);
    const index_t green = image.channels == 3 ? 1 : 0, blue = image.channels == 3 ? 2 : 0;
    for (index_t v = 0; v < size; ++v) {
        const double row_x = down_x * static_cast<double>(v) / last, row_y = down_y * static_cast<double>(v) / last;
        for (index_t u = 0; u < size; ++u, out += 3) {
            const double x = xs[static_cast<std::size_t>(u)] + row_x, y = ys[static_cast<std::size_t>(u)] + row_y;
            if (!(x >= 0 && y >= 0 && x < end_x && y < end_y)) {
                out[0] = out[1] = out[2] = 0;
                continue;
            }
            const auto left = static_cast<index_t>(x), upper = static_cast<index_t>(y);
            const double fx = x - static_cast<double>(left), fy = y - static_cast<double>(upper);
            const std::uint8_t* above = image.data + upper * image.stride + left * image.channels;
            const std::uint8_t* below = above + image.stride;
            const auto blend = [&](index_t c) {
                const double high = (1 - fx) * above[c] + fx * above[c + image.channels];
                const double low = (1 - fx) * below[c] + fx * below[c + image.channels];
                return static_cast<std::uint8_t>((1 - fy) * high + fy * low);
            };
            out[0] = blend(0);
            out[1] = blend(green);
            out[2] = blend(blue);
        }
    }
}

void cut_chip(const Window& image, ChipPlace place, index_t size, std::uint8_t* out) {
    index_t crop[4];
    if (!crop_for(place, image, size, crop)) {
        std::fill(out, out + size * size * 3, std::uint8_t{0});
        return;
    }
    Window window{image.data + crop[1] * image.stride + crop[0] * image.channels, crop[3] - crop[1] + 1,
                  crop[2] - crop[0] + 1, image.channels, image.stride};
    const double shift_x = static_cast<double>(crop[0]), shift_y = static_cast<double>(crop[1]);
    place = {place.left - shift_x, place.top - shift_y, place.right - shift_x, place.bottom - shift_y, place.angle};

    std::vector<std::uint8_t> held;
    const double limit = static_cast<double>(size * size);
    for (ChipPlace next = halved(place); area(next) > limit; next = halved(place)) {
        index_t rows = 0, cols = 0;
        auto smaller = halve(window, rows, cols);
        held = std::move(smaller);
        window = {held.data(), rows, cols, image.channels, cols * image.channels};
        place = next;
    }
    sample(window, place, size, out);
}

}  // namespace

ChipPlace chip_place(const double* landmarks, const double* unit_template, index_t k, index_t size, double padding) {
    std::vector<double> from(static_cast<std::size_t>(2 * k));
    for (index_t i = 0; i < 2 * k; ++i) {
        from[static_cast<std::size_t>(i)] =
            (padding + unit_template[i]) / (2 * padding + 1) * static_cast<double>(size);
    }
    const Similarity t = fit_similarity(from.data(), landmarks, k);
    const double scale = std::hypot(t.a, t.b), middle = static_cast<double>(size) / 2;
    const double x = t.a * middle - t.b * middle + t.tx, y = t.b * middle + t.a * middle + t.ty;
    const double half = (static_cast<double>(size) * scale - 1) / 2;
    return {x - half, y - half, x + half, y + half, std::atan2(t.b, t.a)};
}

void face_chips(ImageView<const std::uint8_t> image, const double* landmarks, index_t n, const double* unit_template,
                index_t k, index_t size, double padding, std::uint8_t* out, int n_threads, const PollCallback& poll) {
    require(image.channels == 1 || image.channels == 3, "image must have 1 or 3 channels");
    require(image.rows > 0 && image.cols > 0, "image is empty");
    require(k >= 2 && size >= 2 && padding >= 0, "a chip needs two landmarks, two pixels and no negative padding");
    // Beyond this a float64 no longer resolves parts of a pixel well; it also refuses NaN.
    for (index_t i = 0; i < n * 2 * k; ++i) {
        require(std::abs(landmarks[i]) <= kFarthest, "a landmark is not finite or farther than 1e7 pixels away");
    }
    const Window window{image.data, image.rows, image.cols, image.channels, image.cols * image.channels};
    const auto body = [&](index_t i) {
        const ChipPlace place = chip_place(landmarks + i * 2 * k, unit_template, k, size, padding);
        cut_chip(window, place, size, out + i * size * size * 3);
    };
    parallel_for(n, n_threads, body, poll);
}

}  // namespace pyface::detect
