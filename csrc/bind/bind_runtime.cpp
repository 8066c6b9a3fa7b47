#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "simd/isa.hpp"

namespace pyface::bind {

namespace py = pybind11;

void register_runtime(py::module_& m) {
    m.attr("__version__") = PYFACE_VERSION;
    m.attr("compiler") = PYFACE_COMPILER;
    m.attr("build_type") = PYFACE_BUILD_TYPE;
    m.def("compiled_isas", &simd::compiled);
    m.def("supported_isas", &simd::supported);
    m.def("active_isa", [] { return std::string(simd::kernels().name); });
    m.def("set_isa", &simd::set_active, py::arg("name"));
}

}  // namespace pyface::bind
