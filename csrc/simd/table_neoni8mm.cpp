#define PYFACE_NEON
#define PYFACE_NEON_DOT
#define PYFACE_NEON_I8MM
#define PYFACE_TARGET neoni8mm
#define PYFACE_TARGET_NAME "neoni8mm"
#include "simd/kernels-inl.hpp"
