#include "warp/sampler.hpp"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "core/require.hpp"
#include "simd/isa.hpp"
#include "warp/reduce.hpp"

namespace pyface::warp {
namespace {

template <class T>
simd::BlendKernel<T> blend_of(index_t channels) {
    const index_t which = channels == 1 ? 0 : channels - 2;
    if constexpr (std::is_same_v<T, float>) {
        return simd::kernels().blend_floats[which];
    } else {
        return simd::kernels().blend_bytes[which];
    }
}

// The position in [0, size - 1] that stands for one anywhere.
double folded(double u, index_t size, Border border) {
    const double last = static_cast<double>(size - 1);
    if (border == Border::replicate) return std::clamp(u, 0.0, last);
    if (u >= 0 && u <= last) return u;
    if (size == 1) return 0;
    const double rest = std::fmod(std::abs(u), 2 * last);
    return rest > last ? 2 * last - rest : rest;
}

// Memory for one row of the output.
template <class T>
struct Scratch {
    std::vector<double> u, v;
    std::vector<std::int32_t> index;
    std::vector<float> right, down;
    std::vector<T> patches;

    Scratch(index_t cols, index_t channels) {
        const auto n = static_cast<std::size_t>(cols + simd::kPlaceSlack);
        u.resize(n), v.resize(n), index.resize(n), right.resize(n), down.resize(n);
        patches.resize(4 * static_cast<std::size_t>(cols * channels));
    }
    simd::Places places(index_t x = 0) { return {index.data() + x, right.data() + x, down.data() + x}; }
};

template <class T>
class Warp {
public:
    Warp(const Mesh& mesh, ImageView<const T> image, const double* coefficients, const Sampling& sampling, T* out)
        : mesh_(mesh), image_(image), coefficients_(coefficients), sampling_(sampling), out_(out),
          channels_(image.channels), blend_(blend_of<T>(image.channels)), scratch_(mesh.cols(), image.channels) {
        for (index_t c = 0; c < channels_; ++c) fill_[c] = static_cast<T>(sampling.fill[c]);
    }

    void run() {
        for (index_t y = 0; y < mesh_.rows(); ++y) {
            const auto spans = mesh_.row(y);
            std::int32_t x = 0;
            for (index_t s = 0; s < spans.size;) {
                fill(y, x, spans[s].begin);
                const index_t done = sampling_.linear ? whole_spans(y, spans.data + s, spans.size - s) : 0;
                if (done == 0) any_span(y, spans[s]);
                s += std::max<index_t>(done, 1);
                x = spans[s - 1].end;
            }
            fill(y, x, static_cast<std::int32_t>(mesh_.cols()));
        }
    }

private:
    T* at(index_t y, index_t x) { return out_ + (y * mesh_.cols() + x) * channels_; }

    void fill(index_t y, std::int32_t begin, std::int32_t end) {
        T* to = at(y, begin);
        for (std::int32_t x = begin; x < end; ++x) to = std::copy_n(fill_, channels_, to);
    }

    // Spans whose four neighbours all lie in the image; returns how many there were.
    index_t whole_spans(index_t y, const simd::Span* spans, index_t count) {
        const index_t done = simd::kernels().place(spans, count, coefficients_, static_cast<double>(y), image_.rows,
                                                   image_.cols, scratch_.places());
        if (done > 0) {
            const std::int32_t begin = spans[0].begin, end = spans[done - 1].end;
            blend_(image_.data, image_.cols, scratch_.places(begin), end - begin, at(y, begin));
        }
        return done;
    }

    void any_span(index_t y, const simd::Span& span) {
        simd::kernels().positions(span, coefficients_ + 6 * static_cast<index_t>(span.triangle), static_cast<double>(y),
                                  scratch_.u.data(), scratch_.v.data());
        const index_t count = span.end - span.begin;
        for (index_t i = 0; i < count; ++i) {
            double u = scratch_.u[static_cast<std::size_t>(span.begin + i)];
            double v = scratch_.v[static_cast<std::size_t>(span.begin + i)];
            if (sampling_.border != Border::constant) {
                u = folded(u, image_.cols, sampling_.border);
                v = folded(v, image_.rows, sampling_.border);
            }
            // Beyond this no neighbour is in the image, and an integer may not hold the position.
            u = std::clamp(u, -2.0, static_cast<double>(image_.cols) + 1);
            v = std::clamp(v, -2.0, static_cast<double>(image_.rows) + 1);
            const double col = std::floor(u), row = std::floor(v);
            const auto x = static_cast<index_t>(col), yy = static_cast<index_t>(row);
            if (sampling_.linear) {
                patch(i, count, x, yy, static_cast<float>(u - col), static_cast<float>(v - row));
            } else {
                std::copy_n(pixel(yy + (v - row >= 0.5), x + (u - col >= 0.5)), channels_, at(y, span.begin + i));
            }
        }
        if (sampling_.linear) blend_(scratch_.patches.data(), 2 * count, scratch_.places(), count, at(y, span.begin));
    }

    // The four neighbours of pixel i side by side in an image of 2 x 2 count pixels: one kernel blends them all.
    void patch(index_t i, index_t count, index_t x, index_t y, float right, float down) {
        scratch_.index[static_cast<std::size_t>(i)] = static_cast<std::int32_t>(2 * i);
        scratch_.right[static_cast<std::size_t>(i)] = right;
        scratch_.down[static_cast<std::size_t>(i)] = down;
        for (index_t dy = 0; dy < 2; ++dy) {
            for (index_t dx = 0; dx < 2; ++dx) {
                // One that has no weight may be outside where its position is not.
                const T* from = pixel(y + (down > 0 ? dy : 0), x + (right > 0 ? dx : 0));
                std::copy_n(from, channels_, scratch_.patches.data() + ((dy * count + i) * 2 + dx) * channels_);
            }
        }
    }

    const T* pixel(index_t y, index_t x) const {
        const bool inside = y >= 0 && y < image_.rows && x >= 0 && x < image_.cols;
        return inside ? image_.row(y) + x * channels_ : fill_;
    }

    const Mesh& mesh_;
    const ImageView<const T> image_;
    const double* coefficients_;
    const Sampling& sampling_;
    T* out_;
    const index_t channels_;
    const simd::BlendKernel<T> blend_;
    Scratch<T> scratch_;
    T fill_[4];
};

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
    const auto body = [&](index_t i) {
        const double* source = sources + i * values;
        const ImageView<const T>& image = images[images.size() == 1 ? 0 : static_cast<std::size_t>(i)];
        std::vector<double> table(static_cast<std::size_t>(6 * mesh.n_triangles()));
        mesh.coefficients(source, table.data());
        T* to = out + i * mesh.rows() * mesh.cols() * channels;
        const int halvings = sampling.antialias ? halvings_for(mesh, source) : 0;
        if (halvings == 0) {
            Warp<T>(mesh, image, table.data(), sampling, to).run();
            return;
        }
        const Reduced<T> copy(mesh, image, halvings, sampling.border == Border::reflect, table);
        Warp<T>(mesh, copy.view(), table.data(), sampling, to).run();
    };
    parallel_for(n, n_threads, body, poll);
}

template void warp_images(const Mesh&, const std::vector<ImageView<const std::uint8_t>>&, const double*, index_t,
                          const Sampling&, std::uint8_t*, int, const PollCallback&);
template void warp_images(const Mesh&, const std::vector<ImageView<const float>>&, const double*, index_t,
                          const Sampling&, float*, int, const PollCallback&);

}  // namespace pyface::warp
