#define PYFACE_TARGET portable
#define PYFACE_TARGET_NAME "portable"
#include "simd/kernels-inl.hpp"
