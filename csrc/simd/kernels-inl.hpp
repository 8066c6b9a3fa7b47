// Compiled once per instruction set, in the namespace PYFACE_TARGET, with the flags of csrc/CMakeLists.txt. On x86 the
// compiler's macros say which it is; every arm64 compiler knows NEON, so there the table itself says it (PYFACE_NEON).
//
// No std:: templates here: an inline function compiled with AVX may be the copy that the linker keeps for everybody.
// Everything but the table has internal linkage for the same reason.

#if defined(_MSC_VER)
#include <intrin.h>
#endif
#include <cstring>
#if defined(__AVX512F__) || defined(__AVX2__)
#include <immintrin.h>
#elif defined(PYFACE_NEON)
#include <arm_neon.h>
#else
#include <cmath>
#endif

#include "simd/kernels.hpp"

namespace pyface::simd::PYFACE_TARGET {
extern const Kernels kTable;

namespace {

#include "simd/float64-inl.hpp"
#include "simd/vectors-inl.hpp"
#include "simd/tiles-inl.hpp"
#include "simd/scan-inl.hpp"
#include "simd/stages-inl.hpp"
#include "simd/copies-inl.hpp"
#include "simd/warp-inl.hpp"
#include "simd/blend-inl.hpp"
#include "simd/peak-inl.hpp"

}  // namespace

const Kernels kTable = {
    PYFACE_TARGET_NAME,
    tile<Dot>,
    tile<DotOfFloat32>,
    tile<SquaredDifference>,
    pairs<DotOfFloat32, float>,
    pairs<SquaredDifference, float>,
    pairs<Dot, double>,
    pairs<SquaredDifference, double>,
    add_differences<float>,
    add_differences<double>,
    kTileRows,
    kTileCols,
    kCoding,
    dense,
    screen<OfCodes<ScreenCodes>>,
    screen<OfCodes<WideCodes>>,
    screen<OfFloats>,
    screen_axes,
    screen_pairs<std::int8_t>,
    screen_pairs<std::int16_t>,
    scan,
    row_panel,
    widen,
    encode,
    stream,
    transpose,
    positions,
    place,
    bend,
    place_bent,
    {blend_bytes<1>, blend_bytes<3>, blend_bytes<4>},
    {blend_floats<1>, blend_floats<3>, blend_floats<4>},
    peak_floats,
    peak_codes,
};

}  // namespace pyface::simd::PYFACE_TARGET
