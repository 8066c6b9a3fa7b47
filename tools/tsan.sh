#!/bin/sh
# Builds the kernels without Python under ThreadSanitizer into build/tsan and runs tests/cpp/stress.cpp on them.
set -eu
cd "$(dirname "$0")/.."
. tools/common.sh

find_compiler
cmake=$(dirname "$PY")/cmake
"$cmake" -S . -B build/tsan -DCMAKE_CXX_COMPILER="$CXX" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DPYFACE_STRESS=ON \
    -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON -DPYFACE_SANITIZE=thread >/dev/null || fail "CMake failed: its words are above"
"$cmake" --build build/tsan --target pyface_stress --parallel 2 >/dev/null || fail "the sanitized build failed: the compiler's words are above"
TSAN_OPTIONS=halt_on_error=1 build/tsan/csrc/pyface_stress
