// Some rows that stand for all, as a frame sees them.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "core/aligned.hpp"
#include "distance/frame.hpp"

namespace pyface::distance {

// `count` rows from all over, `phase` of the way from one to the next.
inline std::vector<index_t> sampled(index_t n, index_t count, double phase) {
    count = std::min(n, count);
    std::vector<index_t> out;
    for (index_t s = 0; s < count; ++s) {
        const double place = (static_cast<double>(s) + phase) * static_cast<double>(n) / static_cast<double>(count);
        out.push_back(std::min(n - 1, static_cast<index_t>(place)));
    }
    return out;
}

struct Sample {
    std::vector<index_t> numbers;
    AlignedBuffer rows;
    std::vector<double> squares;

    Sample(const Frame& frame, const Rows& from, std::vector<index_t> which)
        : numbers(std::move(which)), rows(size() * frame.stride()), squares(numbers.size()) {
        for (index_t s = 0; s < size(); ++s) {
            double* row = rows.get() + s * frame.stride();
            frame.read(from, numbers[static_cast<std::size_t>(s)], row);
            squares[static_cast<std::size_t>(s)] = simd::squared_norm(row, frame.stride());
        }
    }
    index_t size() const { return static_cast<index_t>(numbers.size()); }
};

// The largest of some sizes but for those that stand out: beyond 1.5 times what all but one in 128 are at most.
inline double usual(std::vector<double> values) {
    constexpr std::ptrdiff_t kUnusual = 128;
    const auto nth = values.end() - 1 - static_cast<std::ptrdiff_t>(values.size()) / kUnusual;
    std::nth_element(values.begin(), nth, values.end());
    double most = *nth;
    for (auto beyond = nth; beyond != values.end(); ++beyond) {
        if (*beyond <= 1.5 * *nth) most = std::max(most, *beyond);
    }
    return most;
}

}  // namespace pyface::distance
