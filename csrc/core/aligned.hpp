// Scratch memory on cache lines, uninitialised: panels are written before they are read.
#pragma once

#include <cstddef>
#include <memory>
#include <new>

#include "core/views.hpp"

namespace pyface {

class AlignedBuffer {
public:
    static constexpr std::size_t kAlignment = 64;

    AlignedBuffer() = default;
    explicit AlignedBuffer(index_t size)
        : data_(static_cast<double*>(
              ::operator new[](static_cast<std::size_t>(size) * sizeof(double), std::align_val_t{kAlignment}))) {}

    double* get() const { return data_.get(); }

private:
    struct Free {
        void operator()(double* p) const { ::operator delete[](p, std::align_val_t{kAlignment}); }
    };
    std::unique_ptr<double[], Free> data_;
};

}  // namespace pyface
