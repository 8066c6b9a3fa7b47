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
}

}  // namespace pyface::bind
