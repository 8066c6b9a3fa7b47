// Values known at some places of a grid, carried on smoothly to the others.
#pragma once

#include "core/views.hpp"

namespace pyface::frontal {

// values (side, side, channels), weights (side, side) from 0, unknown, to 1; side a power of 2. A value of weight w
// becomes w value + (1 - w) of what the grid of half the side has there, between its places; that one's values are the
// weighted means of four, and its weights their sum, at most 1. Where nothing is known at all the values are 0. Weights
// are overwritten. O(side^2 channels) time.
void spread(float* values, float* weights, index_t side, index_t channels);

}  // namespace pyface::frontal
