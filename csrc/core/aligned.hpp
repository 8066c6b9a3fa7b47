// Scratch memory on cache lines, uninitialised: panels are written before they are read.
#pragma once

#include <cstddef>
#include <memory>
#include <new>

#include "core/views.hpp"

namespace pyface {

template <class T>
class AlignedArray {
public:
    static constexpr std::size_t kAlignment = 64;

    AlignedArray() = default;
    explicit AlignedArray(index_t size)
        : data_(static_cast<T*>(
              ::operator new[](static_cast<std::size_t>(size) * sizeof(T), std::align_val_t{kAlignment}))) {}

    T* get() const { return data_.get(); }
    T& operator[](index_t i) const { return data_.get()[i]; }

private:
    struct Free {
        void operator()(T* p) const { ::operator delete[](p, std::align_val_t{kAlignment}); }
    };
    std::unique_ptr<T[], Free> data_;
};

using AlignedBuffer = AlignedArray<double>;

}  // namespace pyface
