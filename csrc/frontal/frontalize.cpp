#include "frontal/frontalize.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <type_traits>

#include "core/require.hpp"
#include "frontal/mirror.hpp"
#include "warp/reduce.hpp"
#include "warp/row_sampler.hpp"

namespace pyface::frontal {
namespace {

using warp::Relieved;

// To the nearest, halves to even: where one unit is the last bit, adding rounds.
std::uint8_t to_byte(float value) { return static_cast<std::uint8_t>((value + 0x1.8p23f) - 0x1.8p23f); }

// Where a photo, or its smaller copy, is in its own pixels.
struct Limits {
    double left, right, top, bottom;
};

template <class T, class P>
void sample(const Relief& relief, ImageView<const P> image, const double* coefficients, const double* bend,
            const Limits& limits, T* out, std::uint8_t* covered) {
    std::vector<std::uint8_t> inside(static_cast<std::size_t>(relief.mesh().n_triangles()));
    const double right = std::min(limits.right, static_cast<double>(image.cols - 1));
    const double bottom = std::min(limits.bottom, static_cast<double>(image.rows - 1));
    for (std::size_t t = 0; t < inside.size(); ++t) {
        const auto triangle = static_cast<index_t>(t);
        if (!relief.is_shown(triangle)) continue;
        const auto u = relief.range(triangle, coefficients + 6 * triangle, bend[0]);
        const auto v = relief.range(triangle, coefficients + 6 * triangle + 3, bend[1]);
        inside[t] = u.least >= std::max(limits.left, 0.0) && u.most < right && v.least >= std::max(limits.top, 0.0) &&
                    v.most < bottom;
    }
    const double fill[4] = {0, 0, 0, 0};
    warp::RowSampler<P> sampler(image, true, warp::Border::replicate, fill, relief.cols());
    const index_t row_size = relief.cols() * image.channels;
    std::vector<P> line(std::is_same_v<T, P> ? 0 : static_cast<std::size_t>(row_size));
    for (index_t y = 0; y < relief.rows(); ++y, out += row_size, covered += relief.cols()) {
        const Relieved row{{relief.depth(y), bend[0], bend[1]}, limits.left, limits.right, limits.top, limits.bottom,
                           covered};
        if constexpr (std::is_same_v<T, P>) {
            sampler.draw(y, relief.spans(y), coefficients, inside.data(), row, out);
        } else {
            sampler.draw(y, relief.spans(y), coefficients, inside.data(), row, line.data());
            for (index_t i = 0; i < row_size; ++i) out[i] = to_byte(line[static_cast<std::size_t>(i)]);
        }
    }
}

// The least and most of a triangle's positions, over all triangles that are shown.
Relief::Range range_of_all(const Relief& relief, const double* coefficients, double bend) {
    constexpr double kNone = std::numeric_limits<double>::infinity();
    Relief::Range all{kNone, -kNone};
    for (index_t t = 0; t < relief.mesh().n_triangles(); ++t) {
        if (!relief.is_shown(t)) continue;
        const auto one = relief.range(t, coefficients + 6 * t, bend);
        all = {std::min(all.least, one.least), std::max(all.most, one.most)};
    }
    return all;
}

template <class T>
void sample_face(const Relief& relief, ImageView<const T> image, const Place& place, index_t block, T* out,
                 std::uint8_t* covered) {
    std::vector<double> table(static_cast<std::size_t>(6 * relief.mesh().n_triangles()));
    relief.mesh().coefficients(place.source.data(), table.data());
    const double last_col = static_cast<double>(image.cols - 1), last_row = static_cast<double>(image.rows - 1);
    if (block == 1) {
        sample<T, T>(relief, image, table.data(), place.bend.data(), {0, last_col, 0, last_row}, out, covered);
        return;
    }
    const double scale = 1 / static_cast<double>(block), shift = 0.5 * scale - 0.5;
    for (std::size_t i = 0; i < table.size(); ++i) table[i] *= scale;
    for (std::size_t i = 0; i < table.size(); i += 3) table[i] += shift;
    const double bend[2] = {place.bend[0] * scale, place.bend[1] * scale};
    const auto u = range_of_all(relief, table.data(), bend[0]), v = range_of_all(relief, table.data() + 3, bend[1]);
    const warp::Window window =
        warp::touched(image.rows, image.cols, block, u.least, u.most, v.least, v.most);
    const warp::Reduced copy = warp::averaged<T>(image, block, window);
    const auto left = static_cast<double>(window.left), top = static_cast<double>(window.top);
    for (std::size_t i = 0; i < table.size(); i += 6) table[i] -= left, table[i + 3] -= top;
    const Limits limits{shift - left, last_col * scale + shift - left, shift - top, last_row * scale + shift - top};
    sample<T, float>(relief, copy.view(), table.data(), bend, limits, out, covered);
}

}  // namespace

template <class T>
void frontalize(const Relief& relief, const std::vector<ImageView<const T>>& images, const Faces& faces, const Fronts<T>& out, int n_threads, const PollCallback& poll) {
    require(images.size() == 1 || static_cast<index_t>(images.size()) == faces.n, "one image, or one per face");
    for (const auto& image : images) {
        require(image.channels == images.front().channels &&
                    (image.channels == 1 || image.channels == 3 || image.channels == 4),
                "images must have 1, 3 or 4 channels, all the same");
        require(image.rows >= 1 && image.cols >= 1 && image.rows <= warp::kLongestSide &&
                    image.cols <= warp::kLongestSide,
                "images must be from 1 to 32767 pixels a side");
    }
    for (index_t i = 0; i < faces.n; ++i) require(faces.scales[i] > 0, "scales must be above 0");
    const index_t pixels = relief.rows() * relief.cols();
    const auto body = [&](index_t i) {
        const ImageView<const T>& image = images[images.size() == 1 ? 0 : static_cast<std::size_t>(i)];
        const Place place = relief.place(faces.face(i), faces.outline_is_seen);
        T* picture = out.pictures + i * pixels * image.channels;
        std::uint8_t* mask = out.masks + i * pixels;
        std::fill_n(mask, pixels, std::uint8_t{0});
        sample_face<T>(relief, image, place, faces.antialias ? place.block : 1, picture, mask);
        const auto look = std::make_unique<Look>();
        relief.nodes().look(place, *look);
        const Front<T> front{picture, mask, out.visibility + i * pixels, image.channels};
        out.mirrored[i] = finish<T>(relief, *look, faces.symmetric, front);
    };
    parallel_for(faces.n, n_threads, body, poll);
}

template void frontalize(const Relief&, const std::vector<ImageView<const std::uint8_t>>&, const Faces&,
                         const Fronts<std::uint8_t>&, int, const PollCallback&);
template void frontalize(const Relief&, const std::vector<ImageView<const float>>&, const Faces&,
                         const Fronts<float>&, int, const PollCallback&);

}  // namespace pyface::frontal
