// From NumPy arrays to views and back. Arrays are accepted as they are or not at all: bindings use noconvert().
#pragma once

#include <cstdint>

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include "core/parallel.hpp"
#include "core/require.hpp"
#include "core/views.hpp"

namespace pyface::bind {

namespace py = pybind11;
using namespace pybind11::literals;

// C-contiguous array of exactly T; with noconvert() nothing else gets through.
template <class T>
using Array = py::array_t<T, py::array::c_style>;

// NumPy allows arrays that do not start on a multiple of their item's size; reading those is undefined here.
template <class... T>
void require_aligned(const Array<T>&... arrays) {
    require(((reinterpret_cast<std::uintptr_t>(arrays.data()) % alignof(T) == 0) && ...),
            "arrays must be aligned in memory");
}

template <class T>
VectorView<const T> as_vector(const Array<T>& array, const char* message) {
    require(array.ndim() == 1, message);
    require_aligned(array);
    return {array.data(), array.shape(0)};
}

template <class T>
VectorView<T> as_writable_vector(Array<T>& array, const char* message) {
    require(array.ndim() == 1 && array.writeable(), message);
    require_aligned(array);
    return {array.mutable_data(), array.shape(0)};
}

template <class T>
MatrixView<const T> as_matrix(const Array<T>& array, const char* message) {
    require(array.ndim() == 2, message);
    require_aligned(array);
    return {array.data(), array.shape(0), array.shape(1)};
}

template <class T>
MatrixView<T> as_writable_matrix(Array<T>& array, const char* message) {
    require(array.ndim() == 2 && array.writeable(), message);
    require_aligned(array);
    return {array.mutable_data(), array.shape(0), array.shape(1)};
}

// (h, w) is one channel, (h, w, c) is c channels.
template <class T>
ImageView<const T> as_image(const Array<T>& array, const char* message) {
    require(array.ndim() == 2 || array.ndim() == 3, message);
    require_aligned(array);
    return {array.data(), array.shape(0), array.shape(1), array.ndim() == 3 ? array.shape(2) : 1};
}

// Runs work() without the GIL. Only views may cross this line: work touches no Python object.
template <class Work>
auto without_gil(Work&& work) {
    const py::gil_scoped_release release;
    return work();
}

// For long kernels: looks for Ctrl-C. Turn Interrupted into KeyboardInterrupt with interruptible().
inline bool ctrl_c_pressed() {
    const py::gil_scoped_acquire acquire;
    return PyErr_CheckSignals() != 0;
}

// Runs work(poll) without the GIL; a pending KeyboardInterrupt raised by a signal handler leaves as that exception.
template <class Work>
void interruptible(Work&& work) {
    try {
        const py::gil_scoped_release release;
        Poller::begin();
        work(PollCallback(ctrl_c_pressed));
    } catch (const Interrupted&) {
        throw py::error_already_set();
    }
}

}  // namespace pyface::bind
