#include <algorithm>
#include <cmath>
#include <vector>

#include "bind/arrays.hpp"
#include "warp/delaunay.hpp"

namespace pyface::bind {
namespace {

py::tuple run_delaunay(const Array<double>& points) {
    const auto view = as_matrix(points, "points must have shape (n, 2)");
    require(view.cols == 2, "points must have shape (n, 2)");
    Array<std::int32_t> representative(view.rows);
    const VectorView<std::int32_t> to{representative.mutable_data(), view.rows};
    std::vector<warp::Triangle> found;
    interruptible([&](const PollCallback& poll) {
        // A NaN would break the order that the sort relies on.
        require(std::all_of(view.data, view.data + 2 * view.rows, [](double v) { return std::isfinite(v); }),
                "points must be finite");
        found = warp::delaunay(view, to, poll);
    });
    Array<std::int32_t> triangles({static_cast<py::ssize_t>(found.size()), py::ssize_t{3}});
    std::int32_t* corner = triangles.mutable_data();
    for (const auto& triangle : found) corner = std::copy(triangle.begin(), triangle.end(), corner);
    return py::make_tuple(triangles, representative);
}

}  // namespace

void register_warp(py::module_& m) { m.def("delaunay", &run_delaunay, "points"_a.noconvert()); }

}  // namespace pyface::bind
