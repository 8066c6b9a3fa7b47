// Rows of an output image, sampled where affine maps lead in a photo: what warps and crops have in common.
#pragma once

#include <cstdint>
#include <vector>

#include "core/views.hpp"
#include "simd/kernels.hpp"

namespace pyface::warp {

enum class Border {
    constant,   // pixels outside the image have the colour `fill`
    replicate,  // a position outside counts as the nearest inside
    reflect,    // positions are mirrored at the centres of the outermost pixels, as often as needed
};

// A relief over a row of the output, and where its pixels come to lie.
struct Relieved {
    simd::Bend bend;
    double left, right, top, bottom;  // of the part of the image that counts as covered, ends in it
    std::uint8_t* covered;            // per pixel of a span: 1 if its position is in there, else 0; others stay
};

// Linear values are blended in float32 from positions in float64 (simd/kernels.hpp); bytes are rounded to the nearest,
// halves to even. Nearest pixels: halves to the right and down. The result does not depend on the instruction set.
template <class T>
class RowSampler {
public:
    // The image has 1, 3 or 4 channels. `fill` has one value per channel, also for pixels of no span. Rows have `cols`
    // pixels.
    RowSampler(ImageView<const T> image, bool linear, Border border, const double* fill, index_t cols);

    // Row y of the output, from spans in order that do not overlap. `coefficients` and `inside` as for
    // simd::PlaceKernel. Positions must be finite.
    void draw(index_t y, VectorView<const simd::Span> spans, const double* coefficients, const std::uint8_t* inside,
              T* out);

    // The same with every position moved by a relief. Triangles that are `inside` are so with it, and covered.
    void draw(index_t y, VectorView<const simd::Span> spans, const double* coefficients, const std::uint8_t* inside,
              const Relieved& relief, T* out);

private:
    simd::Places places(index_t x = 0);
    void blank(std::int32_t begin, std::int32_t end, T* out) const;
    index_t whole_spans(double y, VectorView<const simd::Span> spans, const double* coefficients,
                        const std::uint8_t* inside, T* out);
    void any_span(double y, const simd::Span& span, const double* coefficients, T* out);
    void one_by_one(std::int32_t begin, std::int32_t end, T* out);
    bool is_far(std::int32_t x) const;
    void note_covered(const simd::Span& span) const;
    void near_border(std::int32_t begin, std::int32_t end, T* out);
    void patch(index_t i, index_t count, index_t x, index_t y, float right, float down);
    const T* pixel(index_t y, index_t x) const;

    ImageView<const T> image_;
    bool linear_, fits_places_;
    Border border_;
    index_t channels_, cols_;
    simd::BlendKernel<T> blend_;
    T fill_[4];
    bool is_one_colour_ = true;  // of the fill
    const Relieved* relief_ = nullptr;  // of the row that is being drawn
    // Memory for one row.
    std::vector<double> columns_, u_, v_;
    std::vector<std::int32_t> index_;
    std::vector<float> right_, down_;
    std::vector<T> patches_;
};

extern template class RowSampler<std::uint8_t>;
extern template class RowSampler<float>;

}  // namespace pyface::warp
