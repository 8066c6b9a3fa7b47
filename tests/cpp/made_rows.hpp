// Rows of the stress test, and what its results are written to.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "core/views.hpp"

namespace pyface::stress {

constexpr index_t kRows = 700;
constexpr index_t kColumns = 70;
constexpr index_t kNeighbors = 7;
constexpr index_t kCenters = 40;

inline std::vector<float> people(std::uint32_t seed, index_t count = kRows) {
    std::mt19937 engine(seed);
    const auto number = [&] { return static_cast<float>(static_cast<int>(engine() % 2001u) - 1000) / 1024.0f; };
    std::vector<float> x(static_cast<std::size_t>(count * kColumns));
    for (index_t i = 0; i < count; ++i) {
        for (index_t k = 0; k < kColumns; ++k) {
            const auto place = static_cast<std::size_t>(i * kColumns + k);
            // Every tenth row begins a person; the others are near it.
            x[place] = i % 10 == 0 ? number() : x[static_cast<std::size_t>(i / 10 * 10 * kColumns + k)] + 0.4f * number();
        }
    }
    return x;
}

template <class T>
VectorView<T> view(std::vector<T>& values) {
    return {values.data(), static_cast<index_t>(values.size())};
}

template <class T>
MatrixView<T> matrix(std::vector<T>& values, index_t cols) {
    return {values.data(), static_cast<index_t>(values.size()) / cols, cols};
}

}  // namespace pyface::stress
