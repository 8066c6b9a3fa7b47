// A surface of a face over an output picture, compiled once for any number of faces.
#pragma once

#include <cstdint>
#include <vector>

#include "core/views.hpp"
#include "frontal/nodes.hpp"
#include "warp/mesh.hpp"

namespace pyface::frontal {

// Where a pixel lies among the places of a grid: between `low` and `low` + 1.
struct Between {
    std::int32_t low;
    float way;
};

// The grid of `places` a side that pixels 0, 1, ... of a row or column lie in at first + step * pixel; ends are kept to.
std::vector<Between> between(index_t pixels, index_t places, double first, double step);

class Relief {
public:
    // points (n, 2) x y and triangles (t, 3) as for warp::Mesh, in a picture of rows x cols pixels; `shown` (rows, cols),
    // which pixels belong to the face; depth (rows, cols) of them, or nullptr for a flat one. Pixel x lies at the place
    // first_x + step x of `nodes`, y at first_y + step y. solid (n, 3): the mesh's points on the face, the 68 landmarks first.
    Relief(MatrixView<const double> points, MatrixView<const std::int32_t> triangles, index_t rows, index_t cols,
           const std::uint8_t* shown, const float* depth, MatrixView<const double> solid, Nodes nodes, double first_x,
           double first_y, double step);

    index_t rows() const { return mesh_.rows(); }
    index_t cols() const { return mesh_.cols(); }
    index_t n_points() const { return mesh_.n_points(); }
    const warp::Mesh& mesh() const { return mesh_; }
    const Nodes& nodes() const { return nodes_; }
    Place place(const Face& face, bool outline_is_seen) const;

    // Spans of the pixels that are shown, and what joins them: runs [begin, end) of a row; `triangle` says nothing.
    VectorView<const simd::Span> spans(index_t y) const { return part(spans_, span_begin_, y); }
    VectorView<const simd::Span> runs(index_t y) const { return part(runs_, run_begin_, y); }
    // Columns of which some pixel is shown; [0, 0) if there are none.
    index_t first_column() const { return first_column_; }
    index_t end_column() const { return end_column_; }
    const float* depth(index_t y) const { return depth_.data() + (is_flat_ ? 0 : y * cols()); }

    // Columns and rows of the picture in the grid of `nodes`, and in one of half as many places.
    const std::vector<Between>& columns() const { return columns_; }
    const std::vector<Between>& lines() const { return lines_; }
    const std::vector<Between>& half_columns() const { return half_columns_; }
    const std::vector<Between>& half_lines() const { return half_lines_; }
    // The pixel nearest to each place, by column or row.
    const std::vector<index_t>& nearest_column() const { return nearest_column_; }
    const std::vector<index_t>& nearest_row() const { return nearest_row_; }

    // Least and most position of a triangle's pixels along one axis of the source: coefficients of that axis and the
    // bend along it. A bit wider than they are.
    struct Range {
        double least, most;
    };
    bool is_shown(index_t triangle) const { return extents_[static_cast<std::size_t>(triangle)].right >= 0; }
    Range range(index_t triangle, const double* coefficients, double bend) const;

private:
    struct Extent {
        double left, right, top, bottom, near, far;
    };

    static VectorView<const simd::Span> part(const std::vector<simd::Span>& all, const std::vector<index_t>& begin,
                                             index_t y);

    warp::Mesh mesh_;
    Nodes nodes_;
    std::vector<double> solid_;
    bool is_flat_;
    double pixels_per_unit_;
    index_t first_column_ = 0, end_column_ = 0;
    std::vector<float> depth_;
    std::vector<simd::Span> spans_, runs_;
    std::vector<index_t> span_begin_, run_begin_;
    std::vector<Extent> extents_;
    std::vector<Between> columns_, lines_, half_columns_, half_lines_;
    std::vector<index_t> nearest_column_, nearest_row_;
};

}  // namespace pyface::frontal
