// From a relief and poses in photos to pictures of faces from the front.
#pragma once

#include <cstdint>
#include <vector>

#include "core/parallel.hpp"
#include "core/views.hpp"
#include "frontal/relief.hpp"

namespace pyface::frontal {

// n faces, and what is wanted of them.
struct Faces {
    index_t n = 0;
    const double* landmarks = nullptr;     // (n, 68, 2)
    const double* rotations = nullptr;     // (n, 3, 3)
    const double* translations = nullptr;  // (n, 2)
    const double* scales = nullptr;        // (n), above 0
    bool outline_is_seen = false;          // placing.hpp
    bool symmetric = false;
    bool antialias = false;

    Face face(index_t i) const {
        return {landmarks + i * 2 * kLandmarks, rotations + i * 9, translations + i * 2, scales[i]};
    }
};

template <class T>
struct Fronts {
    T* pictures;          // (n, rows, cols, channels)
    std::uint8_t* masks;  // (n, rows, cols), 0 or 1
    float* visibility;    // (n, rows, cols)
    double* mirrored;     // (n), NaN of faces outside their photos
};

// Face i of image i, or of the only one. It is placed in the photo (placing.hpp), and each pixel shown by the relief takes the value at its position in the photo, as
// row_sampler.hpp samples it with the border `replicate`; other pixels are 0. antialias: the photo is first averaged over
// the squares that fit the face's size, as in warp/reduce.hpp.
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
void frontalize(const Relief& relief, const std::vector<ImageView<const T>>& images, const Faces& faces, const Fronts<T>& out, int n_threads, const PollCallback& poll);

extern template void frontalize(const Relief&, const std::vector<ImageView<const std::uint8_t>>&, const Faces&,
                                const Fronts<std::uint8_t>&, int, const PollCallback&);
extern template void frontalize(const Relief&, const std::vector<ImageView<const float>>&, const Faces&,
                                const Fronts<float>&, int, const PollCallback&);

}  // namespace pyface::frontal
