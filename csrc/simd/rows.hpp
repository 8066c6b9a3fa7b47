// Rows of vectors as they were given, and as the kernels want them: float64, padded.
#pragma once

#include "simd/kernels.hpp"

namespace pyface::simd {

// A borrowed float32 or float64 matrix. The only place that knows which of the two it is.
class Rows {
public:
    explicit Rows(MatrixView<const float> m) : floats_(m.data), n_(m.rows), d_(m.cols) {}
    explicit Rows(MatrixView<const double> m) : doubles_(m.data), n_(m.rows), d_(m.cols) {}

    index_t size() const { return n_; }
    index_t dimension() const { return d_; }
    bool is_float32() const { return floats_ != nullptr; }
    // Row i as it lies in memory, of the type that the matrix has.
    template <class T>
    const T* row(index_t i) const {
        if constexpr (sizeof(T) == sizeof(float)) {
            return floats_ + i * d_;
        } else {
            return doubles_ + i * d_;
        }
    }

    // Rows [begin, end).
    Rows part(index_t begin, index_t end) const {
        if (is_float32()) return Rows(MatrixView<const float>{row<float>(begin), end - begin, d_});
        return Rows(MatrixView<const double>{row<double>(begin), end - begin, d_});
    }

    // Writes row i as float64, padded with zeros to a multiple of kLanes.
    void copy_row(index_t i, double* out) const;

private:
    const float* floats_ = nullptr;
    const double* doubles_ = nullptr;
    index_t n_;
    index_t d_;
};

// Multiplies a padded row by the power of two that keeps the product of two squared norms inside float64. Rows of
// ordinary size are left alone; a cosine does not change, and neither does any bit of it. Returns whether it did.
bool scale_for_cosine(double* row, index_t stride);

// Squared norm with the summation order of the dot kernels, so that identical rows have a cosine of exactly 1.
double squared_norm(const double* row, index_t stride);

}  // namespace pyface::simd
