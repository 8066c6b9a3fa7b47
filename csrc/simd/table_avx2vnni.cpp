#define PYFACE_TARGET avx2vnni
#define PYFACE_TARGET_NAME "avx2vnni"
#include "simd/kernels-inl.hpp"
