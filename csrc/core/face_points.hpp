// Points of faces, as the fits take them.
#pragma once

#include "core/views.hpp"

namespace pyface {

// Values of faces, each of so many as the caller says, or of one face that stands for all.
struct FacePoints {
    const double* data;
    bool is_one;  // for all faces

    const double* of(index_t face, index_t values) const { return data + (is_one ? 0 : face * values); }
};

}  // namespace pyface
