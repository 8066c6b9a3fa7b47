#define PYFACE_NEON
#define PYFACE_NEON_DOT
#define PYFACE_TARGET neondot
#define PYFACE_TARGET_NAME "neondot"
#include "simd/kernels-inl.hpp"
