// From a mesh and points in photos to warped images.
#pragma once

#include <cstdint>
#include <vector>

#include "core/parallel.hpp"
#include "core/views.hpp"
#include "warp/mesh.hpp"
#include "warp/row_sampler.hpp"

namespace pyface::warp {

inline constexpr double kFarthestSource = 1e9;  // pixels: beyond, a position has no fraction worth the name

struct Sampling {
    bool linear;     // else the nearest pixel, halves to the right and down
    bool antialias;  // see reduce.hpp
    Border border;
    const double* fill;  // one value per channel, also outside the mesh
};

// Warps image i, or the only one, by the mesh with its points at sources + i * 2 n_points into out + i * rows * cols *
// channels, for n images. Every pixel is written. Images have 1, 3 or 4 channels, all the same number, and sides from 1
// to kLongestSide; sources must be within kFarthestSource.
//
// Pixels are sampled as in row_sampler.hpp. The result depends on neither threads nor instruction set.
template <class T>
void warp_images(const Mesh& mesh, const std::vector<ImageView<const T>>& images, const double* sources, index_t n,
                 const Sampling& sampling, T* out, int n_threads, const PollCallback& poll);

extern template void warp_images(const Mesh&, const std::vector<ImageView<const std::uint8_t>>&, const double*, index_t,
                                 const Sampling&, std::uint8_t*, int, const PollCallback&);
extern template void warp_images(const Mesh&, const std::vector<ImageView<const float>>&, const double*, index_t,
                                 const Sampling&, float*, int, const PollCallback&);

}  // namespace pyface::warp
