#include "simd/rows.hpp"

#include <algorithm>
#include <cmath>

#include "simd/isa.hpp"

namespace pyface::simd {

void Rows::copy_row(index_t i, double* out) const {
    if (is_float32()) {
        kernels().widen(floats_ + i * d_, d_, out);
    } else if (d_ > 0) {
        std::copy_n(doubles_ + i * d_, d_, out);
    }
    std::fill(out + d_, out + padded(d_), 0.0);
}

bool scale_for_cosine(double* row, index_t stride) {
    double largest = 0.0;
    for (index_t k = 0; k < stride; ++k) largest = std::max(largest, std::fabs(row[k]));
    if (largest == 0.0 || !std::isfinite(largest)) return false;
    int exponent = 0;
    std::frexp(largest, &exponent);
    // 2^240 squared, times any dimension that fits in memory, squared again by the product of two norms, is < 2^1024.
    if (std::abs(exponent) <= 230) return false;
    for (index_t k = 0; k < stride; ++k) row[k] = std::ldexp(row[k], -exponent);
    return true;
}

double squared_norm(const double* row, index_t stride) {
    double result = 0.0;
    kernels().dots(row, 1, row, 1, stride, &result, 1);
    return result;
}

}  // namespace pyface::simd
