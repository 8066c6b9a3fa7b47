// A triangle mesh in the output image, compiled once for any number of faces.
#pragma once

#include <cstdint>
#include <vector>

#include "core/parallel.hpp"
#include "core/views.hpp"
#include "simd/kernels.hpp"

namespace pyface::warp {

inline constexpr index_t kLongestSide = 32767;  // of images: a pixel's number then fits 32 bits

class Mesh {
public:
    // points (n, 2) x y in an output of rows x cols pixels, triangles (t, 3). Throws std::invalid_argument that names
    // the triangle whose indices are out of range, or that is folded over a neighbour. Triangles may be of either
    // orientation; one without area covers nothing. Points must be finite and within kFarthest.
    //
    // Corners are rounded to 1/256 pixel for the question which pixel belongs to whom (raster.hpp), and only for that.
    // It takes 4 bytes per pixel while it is made.
    Mesh(MatrixView<const double> points, MatrixView<const std::int32_t> triangles, index_t rows, index_t cols,
         const PollCallback& poll = {});

    index_t rows() const { return rows_; }
    index_t cols() const { return cols_; }
    index_t n_points() const { return n_points_; }
    index_t n_triangles() const { return static_cast<index_t>(frames_.size()); }
    index_t n_spans() const { return static_cast<index_t>(spans_.size()); }

    // The spans of a row, from left to right. Every pixel of the mesh is in exactly one.
    VectorView<const simd::Span> row(index_t y) const;

    // Coefficients of all triangles, (t, 6), for the mesh's points at `source` (n, 2) in an image.
    void coefficients(const double* source, double* out) const;

    // Per triangle: does every pixel of it, with its four neighbours, lie inside an image of rows x cols? A 0 may also
    // mean that this is not known.
    void inside(const double* coefficients, index_t rows, index_t cols, std::uint8_t* out) const;

    // The area of all triangles, those turned over too, in square pixels: in the mesh, or of `source`.
    double area(const double* source = nullptr) const;

    // (rows, cols): the triangle of each pixel, -1 outside the mesh.
    void owners(std::int32_t* out) const;

    // (rows, cols): does the pixel belong to a triangle?
    void mask(bool* out) const;

    // (rows, cols, 2): the position in the source that each pixel shows, NaN outside the mesh.
    void positions(const double* source, double* out, const PollCallback& poll) const;

    // Takes count points from the mesh to the source, or with `back` from the source to the mesh. A point on several
    // triangles is the first one's. One on none is the first one's that it lies beside by no more than rounding, so that
    // the rim leads there and back; else it becomes NaN. O(count t) time.
    void map_points(const double* source, const double* points, index_t count, bool back, double* out,
                    const PollCallback& poll) const;

private:
    // The mesh's triangle: its first corner and the inverse of the matrix of its two edges from there.
    struct Frame {
        double x, y, inverse[4];
    };

    // The pixels of a triangle lie in columns [left, right] and rows [top, bottom]; it may have none.
    struct Extent {
        double left, right, top, bottom;
    };

    Frame frame(const std::int32_t* triangle) const;


    index_t rows_, cols_, n_points_;
    std::vector<double> points_;
    std::vector<std::int32_t> triangles_;
    std::vector<Frame> frames_;
    std::vector<Extent> extents_;
    std::vector<simd::Span> spans_;
    std::vector<index_t> row_begin_;
};

}  // namespace pyface::warp
