#include <pybind11/pybind11.h>

namespace pyface::bind {

namespace py = pybind11;

void register_runtime(py::module_& m) {
    m.attr("__version__") = PYFACE_VERSION;
    m.attr("compiler") = PYFACE_COMPILER;
    m.attr("build_type") = PYFACE_BUILD_TYPE;
}

}  // namespace pyface::bind
