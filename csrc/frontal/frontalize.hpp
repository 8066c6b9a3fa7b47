// From a relief and poses in photos to pictures of faces from the front.
#pragma once

#include <cstdint>
#include <vector>

#include "core/parallel.hpp"
#include "core/views.hpp"
#include "frontal/relief.hpp"

namespace pyface::frontal {

// n faces; arrays as in Pose, one face after the other.
struct Faces {
    index_t n = 0;
    const double* sources = nullptr;
    const double* views = nullptr;
    const double* bends = nullptr;
    const double* uprights = nullptr;
    const double* contours = nullptr;
    index_t contour_size = 0;
    const double* contour_weights = nullptr;
    const std::int64_t* blocks = nullptr;  // 1, or the side of the squares of a photo that are averaged first (antialias)

    Pose pose(index_t i, index_t n_points) const {
        return {sources + i * n_points * 2, views + i * 3,   bends + i * 2, uprights + i * 6,
                contours + i * contour_size * 2, contour_weights[i]};
    }
};

template <class T>
struct Fronts {
    T* pictures;          // (n, rows, cols, channels)
    std::uint8_t* masks;  // (n, rows, cols), 0 or 1
    float* visibility;    // (n, rows, cols)
    double* mirrored;     // (n)
};

// Face i of image i, or of the only one. Each pixel shown by the relief takes the value at its position in the photo, as
// row_sampler.hpp samples it with the border `replicate`; other pixels are 0.
//
// visibility: how well the photo shows a pixel, from the places of `nodes` bilinearly; 0 where the photo has no pixel or
// the relief none. symmetric: where it is low and that of the mirrored pixel is high, the mirrored value is mixed in. It
// first gets the difference between both halves, where both can be seen, spread to there (spread.hpp), so that light from
// one side leaves no seam; bytes stay in 0..255. mirrored: the share of the mask that was taken so. masks: pixels of the
// photo, or filled by at least a half.
//
// Images have 1, 3 or 4 channels, all the same number, and from 1 to kLongestSide pixels a side. The result depends on
// neither threads nor instruction set. A face takes one thread.
template <class T>
void frontalize(const Relief& relief, const std::vector<ImageView<const T>>& images, const Faces& faces, bool symmetric,
                const Fronts<T>& out, int n_threads, const PollCallback& poll);

extern template void frontalize(const Relief&, const std::vector<ImageView<const std::uint8_t>>&, const Faces&, bool,
                                const Fronts<std::uint8_t>&, int, const PollCallback&);
extern template void frontalize(const Relief&, const std::vector<ImageView<const float>>&, const Faces&, bool,
                                const Fronts<float>&, int, const PollCallback&);

}  // namespace pyface::frontal
