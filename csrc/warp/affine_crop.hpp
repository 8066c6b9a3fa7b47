// Crops of one image through affine maps: turned, scaled, sheared.
#pragma once

#include <cstdint>

#include "core/parallel.hpp"
#include "core/views.hpp"
#include "warp/row_sampler.hpp"

namespace pyface::warp {

struct CropRule {
    Border border = Border::constant;
    const double* fill = nullptr;  // one value per channel; read for constant only
    bool antialias = false;        // for constant only
};

// Cuts n crops of rows x cols pixels into out (n, rows, cols, channels); there may be 1, 3 or 4 channels.
//
// matrices (n, 2, 3) lead from crops to the image: crop pixel (u, v) shows position (m0 u + m1 v + m2, m3 u + m4 v + m5),
// computed in float64 and sampled as in row_sampler.hpp. A pixel of weight 0 is not read, so a NaN reaches no crop pixel
// to which it does not contribute.
//
// antialias: where a crop pixel spans s = sqrt(|det|) >= 1.5 image pixels, it is the mean over its area, by g x g
// samples in the middles of as many equal parts of it. With r = floor(s + 0.5), g = min(r, 4), and the image is first
// averaged over blocks of k x k pixels that begin at multiples of k, k = max(1, (r + 1) / 4) rounded down, pixels
// beyond the image counting as the fill. The same position of the averages, whose centres lie at k i + (k - 1) / 2, is
// sampled as above, and the mean taken in float64 before a byte is rounded.
//
// Entries of the matrices and positions must be within +-1e9. Time about 0.03 ms for 112 x 112 x 3 bytes; antialias
// takes g^2 times that, and reads the covered part of the image once. Tiles of 128 x 128 crop pixels bound its memory,
// for similarities to some 20 MB a thread.
template <class T>
void affine_crops(ImageView<const T> image, const double* matrices, index_t n, index_t rows, index_t cols,
                  const CropRule& rule, T* out, int n_threads, const PollCallback& poll = {});

extern template void affine_crops(ImageView<const std::uint8_t>, const double*, index_t, index_t, index_t,
                                  const CropRule&, std::uint8_t*, int, const PollCallback&);
extern template void affine_crops(ImageView<const float>, const double*, index_t, index_t, index_t, const CropRule&,
                                  float*, int, const PollCallback&);

}  // namespace pyface::warp
