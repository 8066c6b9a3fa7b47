// Included before csrc/simd/table_avx2vnni.cpp by PYFACE_EMULATE_AVXVNNI: the two instructions that AVX-VNNI adds, made of
// AVX2. So everything around them can be tested on processors that lack them, as most do.
#pragma once

#include <immintrin.h>

// After the compiler's own header, which would want the flag.
#define __AVXVNNI__ 1
#define _mm256_dpbusd_avx_epi32 pyface_emulated_dpbusd
#define _mm256_dpwssd_avx_epi32 pyface_emulated_dpwssd

// sum + the four products of unsigned bytes of a and signed bytes of b in each lane. None is saturated.
static inline __m256i pyface_emulated_dpbusd(__m256i sum, __m256i a, __m256i b) {
    const __m256i low = _mm256_set1_epi16(0xff);
    const __m256i even = _mm256_madd_epi16(_mm256_and_si256(a, low), _mm256_srai_epi16(_mm256_slli_epi16(b, 8), 8));
    const __m256i odd = _mm256_madd_epi16(_mm256_srli_epi16(a, 8), _mm256_srai_epi16(b, 8));
    return _mm256_add_epi32(sum, _mm256_add_epi32(even, odd));
}

// sum + the two products of signed words in each lane.
static inline __m256i pyface_emulated_dpwssd(__m256i sum, __m256i a, __m256i b) {
    return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b));
}
