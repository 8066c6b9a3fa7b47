#define PYFACE_NEON
#define PYFACE_TARGET neon
#define PYFACE_TARGET_NAME "neon"
#include "simd/kernels-inl.hpp"
