// Borrowed, row-major views. They own nothing: whoever makes one keeps the memory alive.
#pragma once

#include <cstddef>
#include <type_traits>

namespace pyface {

using index_t = std::ptrdiff_t;

template <class T>
struct VectorView {
    T* data = nullptr;
    index_t size = 0;

    T& operator[](index_t i) const { return data[i]; }
    T* begin() const { return data; }
    T* end() const { return data + size; }
    operator VectorView<const T>() const
        requires(!std::is_const_v<T>)
    {
        return {data, size};
    }
};

template <class T>
struct MatrixView {
    T* data = nullptr;
    index_t rows = 0;
    index_t cols = 0;

    T* row(index_t i) const { return data + i * cols; }
    T& operator()(index_t i, index_t j) const { return data[i * cols + j]; }
    operator MatrixView<const T>() const
        requires(!std::is_const_v<T>)
    {
        return {data, rows, cols};
    }
};

// Interleaved image: rows x cols x channels, pixel centres at integers.
template <class T>
struct ImageView {
    T* data = nullptr;
    index_t rows = 0;
    index_t cols = 0;
    index_t channels = 0;

    T* row(index_t y) const { return data + y * cols * channels; }
    T& operator()(index_t y, index_t x, index_t c) const { return data[(y * cols + x) * channels + c]; }
    operator ImageView<const T>() const
        requires(!std::is_const_v<T>)
    {
        return {data, rows, cols, channels};
    }
};

}  // namespace pyface
