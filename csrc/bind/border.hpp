// The word for what lies beyond an image.
#pragma once

#include <string>

#include "core/require.hpp"
#include "warp/row_sampler.hpp"

namespace pyface::bind {

inline warp::Border as_border(const std::string& border) {
    if (border == "constant") return warp::Border::constant;
    if (border == "replicate") return warp::Border::replicate;
    require(border == "reflect", "border must be 'constant', 'replicate' or 'reflect'");
    return warp::Border::reflect;
}

}  // namespace pyface::bind
