#include "warp/topology.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace pyface::warp {
namespace {

struct Edge {
    std::int32_t low, high, opposite, triangle;
};

[[noreturn]] void refuse(index_t triangle, const std::string& reason) {
    throw std::invalid_argument("triangles: row " + std::to_string(triangle) + " " + reason);
}

std::vector<Edge> edges_of(index_t n, MatrixView<const std::int32_t> triangles) {
    std::vector<Edge> edges;
    edges.reserve(static_cast<std::size_t>(3 * triangles.rows));
    for (index_t t = 0; t < triangles.rows; ++t) {
        const std::int32_t* p = triangles.row(t);
        for (int k = 0; k < 3; ++k) {
            if (p[k] < 0 || p[k] >= n) {
                refuse(t, "names point " + std::to_string(p[k]) + ", but there are " + std::to_string(n) + " points");
            }
            const std::int32_t a = p[k], b = p[(k + 1) % 3];
            if (a == b) refuse(t, "names point " + std::to_string(a) + " twice");
            edges.push_back({std::min(a, b), std::max(a, b), p[(k + 2) % 3], static_cast<std::int32_t>(t)});
        }
    }
    std::sort(edges.begin(), edges.end(), [](const Edge& e, const Edge& f) {
        return e.low != f.low ? e.low < f.low : e.high != f.high ? e.high < f.high : e.triangle < f.triangle;
    });
    return edges;
}

}  // namespace

std::vector<bool> rim(const Predicates& points, index_t n, MatrixView<const std::int32_t> triangles) {
    const auto edges = edges_of(n, triangles);
    std::vector<bool> on_rim(static_cast<std::size_t>(n), false);
    for (std::size_t i = 0, end = 0; i < edges.size(); i = end) {
        const Edge& e = edges[i];
        for (end = i + 1; end < edges.size() && edges[end].low == e.low && edges[end].high == e.high;) ++end;
        if (end - i > 2) {
            refuse(edges[i + 2].triangle, "is the third at the edge between points " + std::to_string(e.low) + " and " +
                                              std::to_string(e.high));
        }
        if (end - i == 1) {
            on_rim[static_cast<std::size_t>(e.low)] = on_rim[static_cast<std::size_t>(e.high)] = true;
            continue;
        }
        const int first = points.orient(e.low, e.high, e.opposite);
        if (first * points.orient(e.low, e.high, edges[i + 1].opposite) > 0) {
            refuse(edges[i + 1].triangle, "is folded over row " + std::to_string(e.triangle) +
                                              ": both lie on one side of their common edge; leave triangles out to "
                                              "have them made from the target");
        }
    }
    return on_rim;
}

}  // namespace pyface::warp
