#define PYFACE_TARGET avx512
#define PYFACE_TARGET_NAME "avx512"
#include "simd/kernels-inl.hpp"
