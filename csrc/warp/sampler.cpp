#include "warp/sampler.hpp"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "core/require.hpp"
#include "warp/reduce.hpp"

namespace pyface::warp {
namespace {

constexpr index_t kPixelsPerTask = index_t{1} << 18;  // less than a millisecond

// To the nearest, halves to even: where one unit is the last bit, adding rounds.
std::uint8_t to_byte(float value) { return static_cast<std::uint8_t>((value + 0x1.8p23f) - 0x1.8p23f); }

// Rows [begin, end) of the output, of an image or of its reduced copy.
template <class T, class P>
void draw(const Mesh& mesh, ImageView<const P> image, const double* coefficients, const Sampling& sampling,
          index_t begin, index_t end, T* out) {
    std::vector<std::uint8_t> inside(static_cast<std::size_t>(mesh.n_triangles()));
    mesh.inside(coefficients, image.rows, image.cols, inside.data());
    RowSampler<P> sampler(image, sampling.linear, sampling.border, sampling.fill, mesh.cols());
    const index_t row_size = mesh.cols() * image.channels;
    std::vector<P> line(std::is_same_v<T, P> ? 0 : static_cast<std::size_t>(row_size));
    for (index_t y = begin; y < end; ++y) {
        T* to = out + y * row_size;
        if constexpr (std::is_same_v<T, P>) {
            sampler.draw(y, mesh.row(y), coefficients, inside.data(), to);
        } else {
            sampler.draw(y, mesh.row(y), coefficients, inside.data(), line.data());
            for (index_t i = 0; i < row_size; ++i) to[i] = to_byte(line[static_cast<std::size_t>(i)]);
        }
    }
}

}  // namespace

template <class T>
void warp_images(const Mesh& mesh, const std::vector<ImageView<const T>>& images, const double* sources, index_t n,
                 const Sampling& sampling, T* out, int n_threads, const PollCallback& poll) {
    require(images.size() == 1 || static_cast<index_t>(images.size()) == n, "one image, or one per face");
    const index_t channels = images.front().channels;
    for (const auto& image : images) {
        require(image.channels == channels && (channels == 1 || channels == 3 || channels == 4),
                "images must have 1, 3 or 4 channels, all the same");
        require(image.rows >= 1 && image.cols >= 1 && image.rows <= kLongestSide && image.cols <= kLongestSide,
                "images must be from 1 to 32767 pixels a side");
    }
    const index_t values = 2 * mesh.n_points();
    for (index_t i = 0; i < n * values; ++i) {
        require(std::abs(sources[i]) <= kFarthestSource, "sources must be finite and within 1e9 pixels");
    }
    // Faces side by side, large ones in bands of rows; a reduced copy serves all rows.
    const index_t band =
        sampling.antialias ? mesh.rows() : std::clamp<index_t>(kPixelsPerTask / mesh.cols(), 1, mesh.rows());
    const index_t n_bands = (mesh.rows() + band - 1) / band;
    const auto body = [&](index_t task) {
        const index_t i = task / n_bands, begin = task % n_bands * band, end = std::min(begin + band, mesh.rows());
        const double* source = sources + i * values;
        const ImageView<const T>& image = images[images.size() == 1 ? 0 : static_cast<std::size_t>(i)];
        std::vector<double> table(static_cast<std::size_t>(6 * mesh.n_triangles()));
        mesh.coefficients(source, table.data());
        T* to = out + i * mesh.rows() * mesh.cols() * channels;
        const index_t block = sampling.antialias ? block_for(mesh, source) : 1;
        if (block == 1) {
            draw<T>(mesh, image, table.data(), sampling, begin, end, to);
            return;
        }
        const Reduced copy = reduced<T>(mesh, image, block, sampling.border == Border::reflect, table);
        draw<T>(mesh, copy.view(), table.data(), sampling, begin, end, to);
    };
    parallel_for(n * n_bands, n_threads, body, poll);
}

template void warp_images(const Mesh&, const std::vector<ImageView<const std::uint8_t>>&, const double*, index_t,
                          const Sampling&, std::uint8_t*, int, const PollCallback&);
template void warp_images(const Mesh&, const std::vector<ImageView<const float>>&, const double*, index_t,
                          const Sampling&, float*, int, const PollCallback&);

}  // namespace pyface::warp
