#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "bind/arrays.hpp"
#include "bind/rows.hpp"
#include "simd/isa.hpp"
#include "simd/peak.hpp"

namespace pyface::bind {
namespace {

py::dict peak_rates(double seconds, int n_threads) {
    require(seconds > 0 && seconds <= 60, "seconds must be in (0, 60]");
    require_threads(n_threads);
    simd::PeakRates rates{};
    interruptible([&](const PollCallback& poll) { rates = simd::measure_peak(seconds, n_threads, poll); });
    return py::dict("float32_gflops"_a = rates.floats / 1e9, "int8_gops"_a = rates.codes / 1e9);
}

void repeat_tile(const Array<float>& x, const Array<float>& y, index_t repeats, int n_threads, Array<float> out) {
    const auto rows = as_matrix(x, "x must have shape (n, d)");
    const auto cols = as_matrix(y, "y must have shape (m, d)");
    const auto target = as_writable_matrix(out, "out must be a writable matrix");
    require(rows.cols == cols.cols && rows.cols > 0, "x and y must have the same number of columns, at least 1");
    require(rows.rows <= 4096 && cols.rows <= 4096, "at most 4,096 rows");
    require(target.rows == rows.rows && target.cols == cols.rows, "out must have shape (len(x), len(y))");
    require(repeats >= 1, "repeats must be at least 1");
    require_threads(n_threads);
    interruptible([&](const PollCallback& poll) { simd::repeat_tile(rows, cols, repeats, n_threads, poll, target); });
}

}  // namespace

void register_runtime(py::module_& m) {
    m.attr("__version__") = PYFACE_VERSION;
    m.attr("compiler") = PYFACE_COMPILER;
    m.attr("build_type") = PYFACE_BUILD_TYPE;
    m.def("compiled_isas", &simd::compiled);
    m.def("supported_isas", &simd::supported);
    m.def("active_isa", [] { return std::string(simd::kernels().name); });
    m.def("set_isa", &simd::set_active, "name"_a);
    m.def("peak_rates", &peak_rates, "seconds"_a, "n_threads"_a);
    m.def("repeat_tile", &repeat_tile, "x"_a.noconvert(), "y"_a.noconvert(), "repeats"_a, "n_threads"_a,
          "out"_a.noconvert());
}

}  // namespace pyface::bind
