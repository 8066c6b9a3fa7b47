// Landmarks by a cascade of regression trees: each tree compares two pixels at a time and adds a small correction.
#pragma once

#include <cstdint>
#include <vector>

#include "core/parallel.hpp"
#include "core/views.hpp"

namespace pyface::detect {

// The arrays of a trained predictor: c cascades of t trees with s splits, p feature pixels, k points.
struct TreeArrays {
    index_t n_cascades, n_trees, n_splits, n_pixels, n_points;
    const float* initial_shape;     // (2k)            in the unit square of the face box
    const std::int16_t* features;   // (c, t, s, 2)    the two pixels that a split compares
    const float* thresholds;        // (c, t, s)
    const float* leaves;            // (c, t, s+1, 2k) the corrections
    const std::int16_t* anchors;    // (c, p)          the point that a pixel is near
    const float* deltas;            // (c, p, 2)       and its offset from it
};

// Immutable once made, so that any number of threads may use one.
class RegressionTrees {
public:
    // Copies the arrays. Throws std::invalid_argument if an index points outside them.
    explicit RegressionTrees(const TreeArrays& arrays);

    index_t n_points() const { return n_points_; }

    // The points (n, k, 2), whole numbers, of the faces in boxes (n, 4), which are rounded half away from zero and may
    // reach beyond the image (pixels out there count as 0). image: 1 or 3 channels; three are averaged, rounding down.
    //
    // All arithmetic on shapes is float32 and the trees are added in order: another order moves a point across a pixel
    // border and from there on takes other branches. Time about 0.1 to 0.4 ms a face; no result depends on n_threads.
    void locate(ImageView<const std::uint8_t> image, MatrixView<const double> boxes, double* points, int n_threads,
                const PollCallback& poll = {}) const;

private:
    struct Split {
        float threshold;
        std::int16_t first, second;
    };
    struct Pixel {
        float dx, dy;
        std::int32_t anchor;
    };
    struct Face;

    void refine(ImageView<const std::uint8_t> image, index_t cascade, Face& face, std::vector<float>& values) const;

    index_t n_cascades_, n_trees_, n_splits_, n_pixels_, n_points_;
    std::vector<float> initial_shape_;
    std::vector<Split> splits_;
    std::vector<float> leaves_;
    std::vector<Pixel> pixels_;
};

}  // namespace pyface::detect
