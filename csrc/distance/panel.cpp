#include "distance/panel.hpp"

#include <algorithm>
#include <cmath>

#include "simd/isa.hpp"

namespace pyface::distance {

Panel::Panel(index_t dimension)
    : stride_(simd::padded(dimension)), data_(kBlock * stride_), squared_norms_(kBlock) {}

void Panel::load(const Rows& rows, index_t begin, index_t end, Metric metric) {
    size_ = end - begin;
    for (index_t i = 0; i < size_; ++i) {
        double* row = data_.get() + i * stride_;
        rows.copy_row(begin + i, row);
        if (metric != Metric::cosine) continue;
        if (!rows.is_float32()) simd::scale_for_cosine(row, stride_);
        squared_norms_.get()[i] = simd::squared_norm(row, stride_);
    }
}

void tile_distances(const Panel& a, const Panel& b, Metric metric, bool rows_are_float32, double* out) {
    const auto& kernels = simd::kernels();
    if (metric != Metric::cosine) {
        kernels.squared_differences(a.data(), a.size(), b.data(), b.size(), a.stride(), out, Panel::kBlock);
        if (metric == Metric::sqeuclidean) return;
        for (index_t i = 0; i < a.size(); ++i) {
            double* row = out + i * Panel::kBlock;
            for (index_t j = 0; j < b.size(); ++j) row[j] = std::sqrt(row[j]);
        }
        return;
    }
    const auto dots = rows_are_float32 ? kernels.dots_of_float32 : kernels.dots;
    dots(a.data(), a.size(), b.data(), b.size(), a.stride(), out, Panel::kBlock);
    for (index_t i = 0; i < a.size(); ++i) {
        double* row = out + i * Panel::kBlock;
        const double norm = a.squared_norms()[i];
        for (index_t j = 0; j < b.size(); ++j) row[j] = cosine_distance(row[j], norm, b.squared_norms()[j]);
    }
}

}  // namespace pyface::distance
