// A table of contents: one register function per concept, each in a file of its own.
#include <pybind11/pybind11.h>

namespace pyface::bind {
void register_affine(pybind11::module_& m);
void register_detect(pybind11::module_& m);
void register_runtime(pybind11::module_& m);
void register_distance(pybind11::module_& m);
void register_pair_bins(pybind11::module_& m);
void register_linkage(pybind11::module_& m);
void register_linkage_matrix(pybind11::module_& m);
void register_tree(pybind11::module_& m);
void register_kmeans(pybind11::module_& m);
void register_warp(pybind11::module_& m);
void register_piecewise(pybind11::module_& m);
void register_frontal(pybind11::module_& m);
void register_pose(pybind11::module_& m);
void register_search(pybind11::module_& m);
}  // namespace pyface::bind

PYBIND11_MODULE(_core, m, pybind11::mod_gil_not_used()) {
    m.doc() = "Compiled kernels of pyface. Private: use the functions of the pyface package.";
    pyface::bind::register_affine(m);
    pyface::bind::register_detect(m);
    pyface::bind::register_runtime(m);
    pyface::bind::register_distance(m);
    pyface::bind::register_pair_bins(m);
    pyface::bind::register_linkage(m);
    pyface::bind::register_linkage_matrix(m);
    pyface::bind::register_tree(m);
    pyface::bind::register_kmeans(m);
    pyface::bind::register_warp(m);
    pyface::bind::register_piecewise(m);
    pyface::bind::register_frontal(m);
    pyface::bind::register_pose(m);
    pyface::bind::register_search(m);
}
