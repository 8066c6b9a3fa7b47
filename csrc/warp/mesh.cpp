#include "warp/mesh.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/require.hpp"
#include "simd/isa.hpp"
#include "warp/raster.hpp"
#include "warp/topology.hpp"

namespace pyface::warp {
namespace {

// Pixels. The centre of a pixel may lie up to 1/362 pixel outside the triangle that owns it. Across a thinner triangle
// than this that would lead too far out of the source's triangle.
constexpr double kThin = 1.0 / 32;

// Twice what two sums of three products may be off by, over the sum of the magnitudes. Also what a point of an edge is
// off it by, over the coordinates, if it was computed from others.
constexpr double kRounding = 0x1p-49;

// In weights: so far a point may lie beyond an edge and count as on it, however large coordinates are.
constexpr double kMostBeyond = 1e-6;

double determinant(const double* p, const double* q, const double* r) {
    return (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]);
}

double longest_edge(const double* p, const double* q, const double* r) {
    return std::max({std::hypot(q[0] - p[0], q[1] - p[1]), std::hypot(r[0] - q[0], r[1] - q[1]),
                     std::hypot(p[0] - r[0], p[1] - r[1])});
}

// Twice the signed area of a, b, p, the same but for its sign from both sides of an edge.
double side(const double* points, std::int32_t a, std::int32_t b, const double* p) {
    const double *low = points + 2 * std::min(a, b), *high = points + 2 * std::max(a, b);
    const double area = determinant(low, high, p);
    return a < b ? area : -area;
}

// How far rounding may take a point of an edge beside it, as the weight of the corner that is not on the edge.
double rim(const double* points, const std::int32_t* p, const double* at) {
    const double area = std::abs(determinant(points + 2 * p[0], points + 2 * p[1], points + 2 * p[2]));
    double farthest = at == nullptr ? 0 : std::max(std::abs(at[0]), std::abs(at[1]));
    for (int k = 0; k < 3; ++k) {
        farthest = std::max({farthest, std::abs(points[2 * p[k]]), std::abs(points[2 * p[k] + 1])});
    }
    const double longest = longest_edge(points + 2 * p[0], points + 2 * p[1], points + 2 * p[2]);
    return area == 0 ? 0 : kRounding * farthest * longest / area;
}

// The weights of the corners p of a triangle that make the point `at`, if it lies in it, or beside it by not more than
// `slack`, in weights.
bool weights(const double* points, const std::int32_t* p, const double* at, double slack, double* out) {
    out[0] = side(points, p[1], p[2], at), out[1] = side(points, p[2], p[0], at), out[2] = side(points, p[0], p[1], at);
    const double sum = out[0] + out[1] + out[2];
    if (sum == 0) return false;
    const double least = -slack * std::abs(sum);
    for (int k = 0; k < 3; ++k) {
        if (!((sum > 0 ? out[k] : -out[k]) >= least)) return false;
    }
    for (int k = 0; k < 3; ++k) out[k] /= sum;  // before they multiply, so that a corner comes to its corner exactly
    return true;
}

}  // namespace

Mesh::Mesh(MatrixView<const double> points, MatrixView<const std::int32_t> triangles, index_t rows, index_t cols,
           const PollCallback& poll)
    : rows_(rows), cols_(cols), n_points_(points.rows), points_(points.data, points.data + 2 * points.rows),
      triangles_(triangles.data, triangles.data + 3 * triangles.rows) {
    require(rows >= 1 && cols >= 1 && rows <= kLongestSide && cols <= kLongestSide,
            "size must be from 1 to 32767 pixels a side");
    for (const double v : points_) require(std::abs(v) <= kFarthest, "points must be finite and within 1e6 pixels");
    std::vector<Point> places(static_cast<std::size_t>(points.rows));
    for (index_t i = 0; i < points.rows; ++i) places[static_cast<std::size_t>(i)] = {points(i, 0), points(i, 1)};
    const Predicates exact(places);
    const auto on_rim = rim(exact, points.rows, triangles);
    std::vector<CornerTriangle> snapped_triangles;
    snapped_triangles.reserve(static_cast<std::size_t>(triangles.rows));
    frames_.reserve(static_cast<std::size_t>(triangles.rows));
    for (index_t t = 0; t < triangles.rows; ++t) {
        const std::int32_t* p = triangles.row(t);
        CornerTriangle s{};
        for (int k = 0; k < 3; ++k) {
            s.corners[k] = snapped(points(p[k], 0), points(p[k], 1));
            s.claims_edges |= on_rim[static_cast<std::size_t>(p[k])];
        }
        // One that rounding has turned over must not be turned back: its neighbours cover its pixels already. One that
        // has no area may get some by rounding, and takes what no other does.
        const int turn = exact.orient(p[0], p[1], p[2]);
        s.claims_edges |= turn == 0;
        if (turn < 0 || (turn == 0 && doubled_area(s.corners) < 0)) std::swap(s.corners[1], s.corners[2]);
        snapped_triangles.push_back(s);
        frames_.push_back(frame(p));
    }

    const auto owner = warp::owners(snapped_triangles, rows, cols, poll);
    const double far = static_cast<double>(std::max(rows, cols));
    extents_.assign(frames_.size(), {far, 0, far, 0});
    row_begin_.reserve(static_cast<std::size_t>(rows + 1));
    for (index_t y = 0; y < rows; ++y) {
        row_begin_.push_back(n_spans());
        const std::int32_t* of = owner.data() + y * cols;
        for (std::int32_t x = 0, end = 0; x < cols; x = end) {
            for (end = x + 1; end < cols && of[end] == of[x];) ++end;
            if (of[x] == kNobody) continue;
            spans_.push_back({x, end, of[x]});
            Extent& e = extents_[static_cast<std::size_t>(of[x])];
            e = {std::min<double>(e.left, x), std::max<double>(e.right, end - 1),
                 std::min<double>(e.top, static_cast<double>(y)), static_cast<double>(y)};
        }
    }
    row_begin_.push_back(n_spans());
}

Mesh::Frame Mesh::frame(const std::int32_t* triangle) const {
    double p[3][2];
    for (int k = 0; k < 3; ++k) {
        for (int c = 0; c < 2; ++c) p[k][c] = points_[static_cast<std::size_t>(2 * triangle[k] + c)];
    }
    if (std::abs(determinant(p[0], p[1], p[2])) < kThin * longest_edge(p[0], p[1], p[2])) {
        for (auto& corner : p) {
            const Corner s = snapped(corner[0], corner[1]);
            corner[0] = static_cast<double>(s.x) / kSubpixels;
            corner[1] = static_cast<double>(s.y) / kSubpixels;
        }
    }
    const double det = determinant(p[0], p[1], p[2]);
    if (det == 0) return {p[0][0], p[0][1], {0, 0, 0, 0}};
    return {p[0][0],
            p[0][1],
            {(p[2][1] - p[0][1]) / det, -(p[2][0] - p[0][0]) / det, -(p[1][1] - p[0][1]) / det,
             (p[1][0] - p[0][0]) / det}};
}

VectorView<const simd::Span> Mesh::row(index_t y) const {
    const index_t begin = row_begin_[static_cast<std::size_t>(y)], end = row_begin_[static_cast<std::size_t>(y + 1)];
    return {spans_.data() + begin, end - begin};
}

void Mesh::coefficients(const double* source, double* out) const {
    const std::int32_t* p = triangles_.data();
    for (const Frame& f : frames_) {
        for (int c = 0; c < 2; ++c, out += 3) {
            const double start = source[2 * p[0] + c];
            const double first = source[2 * p[1] + c] - start, second = source[2 * p[2] + c] - start;
            out[1] = first * f.inverse[0] + second * f.inverse[2];
            out[2] = first * f.inverse[1] + second * f.inverse[3];
            out[0] = start - out[1] * f.x - out[2] * f.y;
        }
        p += 3;
    }
}

void Mesh::inside(const double* coefficients, index_t rows, index_t cols, std::uint8_t* out) const {
    const double limits[2] = {static_cast<double>(cols - 1), static_cast<double>(rows - 1)};
    for (const Extent& e : extents_) {
        bool all = true;
        for (int k = 0; k < 2; ++k, coefficients += 3) {
            const double start = coefficients[0], across = coefficients[1], down = coefficients[2];
            const double least = start + std::min(across * e.left, across * e.right) +
                                 std::min(down * e.top, down * e.bottom);
            const double most = start + std::max(across * e.left, across * e.right) +
                                std::max(down * e.top, down * e.bottom);
            // More than what rounding may take from one or the other, here or where the pixels are placed.
            const double slack = kRounding * (std::abs(start) + std::abs(across) * e.right + std::abs(down) * e.bottom);
            all &= least >= slack && most + slack < limits[k];
        }
        *out++ = static_cast<std::uint8_t>(all);
    }
}

double Mesh::area(const double* source) const {
    const double* points = source == nullptr ? points_.data() : source;
    double sum = 0;
    for (std::size_t t = 0; t < triangles_.size(); t += 3) {
        sum += std::abs(determinant(points + 2 * triangles_[t], points + 2 * triangles_[t + 1],
                                    points + 2 * triangles_[t + 2])) / 2;
    }
    return sum;
}

void Mesh::owners(std::int32_t* out) const {
    std::fill(out, out + rows_ * cols_, kNobody);
    for (index_t y = 0; y < rows_; ++y) {
        std::int32_t* to = out + y * cols_;
        for (const simd::Span& span : row(y)) std::fill(to + span.begin, to + span.end, span.triangle);
    }
}

void Mesh::mask(bool* out) const {
    std::fill(out, out + rows_ * cols_, false);
    for (index_t y = 0; y < rows_; ++y) {
        for (const simd::Span& span : row(y)) std::fill(out + y * cols_ + span.begin, out + y * cols_ + span.end, true);
    }
}

void Mesh::positions(const double* source, double* out, const PollCallback& poll) const {
    std::vector<double> table(static_cast<std::size_t>(6 * n_triangles()));
    coefficients(source, table.data());
    std::vector<double> u(static_cast<std::size_t>(cols_)), v(static_cast<std::size_t>(cols_));
    std::fill(out, out + 2 * rows_ * cols_, std::numeric_limits<double>::quiet_NaN());
    Poller look(poll);
    for (index_t y = 0; y < rows_; ++y, look()) {
        for (const simd::Span& span : row(y)) {
            const double* c = table.data() + 6 * static_cast<index_t>(span.triangle);
            simd::kernels().positions(span, c, static_cast<double>(y), u.data(), v.data());
            for (index_t x = span.begin; x < span.end; ++x) {
                out[2 * (y * cols_ + x)] = u[static_cast<std::size_t>(x)];
                out[2 * (y * cols_ + x) + 1] = v[static_cast<std::size_t>(x)];
            }
        }
    }
}

void Mesh::map_points(const double* source, const double* points, index_t count, bool back, double* out,
                      const PollCallback& poll) const {
    const double* from = back ? source : points_.data();
    const double* to = back ? points_.data() : source;
    const auto find = [&](const double* point, bool on_rim, double* w) {
        const std::int32_t* p = triangles_.data();
        for (index_t t = 0; t < n_triangles(); ++t, p += 3) {
            const double slack = on_rim ? std::min(kMostBeyond, rim(from, p, point) + rim(to, p, nullptr)) : 0;
            if (weights(from, p, point, slack, w)) return p;
        }
        return static_cast<const std::int32_t*>(nullptr);
    };
    Poller look(poll);
    for (index_t i = 0; i < count; ++i, look()) {
        const double* point = points + 2 * i;
        double w[3];
        const std::int32_t* p = find(point, false, w);
        if (p == nullptr) p = find(point, true, w);
        for (int c = 0; c < 2; ++c) {
            out[2 * i + c] = p == nullptr ? std::numeric_limits<double>::quiet_NaN()
                                          : w[0] * to[2 * p[0] + c] + w[1] * to[2 * p[1] + c] + w[2] * to[2 * p[2] + c];
        }
    }
}

}  // namespace pyface::warp
