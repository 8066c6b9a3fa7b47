#define PYFACE_TARGET avx2
#define PYFACE_TARGET_NAME "avx2"
#include "simd/kernels-inl.hpp"
