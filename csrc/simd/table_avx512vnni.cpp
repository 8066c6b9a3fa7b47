#define PYFACE_TARGET avx512vnni
#define PYFACE_TARGET_NAME "avx512vnni"
#include "simd/kernels-inl.hpp"
