#!/bin/sh
# Builds the kernels without Python for arm64 into build/arm64 and runs tests/cpp on them: in an emulator of three
# processors, whose best instruction sets differ, or as they are on an arm64 machine.
#
#   sh tools/arm64.sh check|run
set -eu
cd "$(dirname "$0")/.."
. tools/common.sh

CROSS=${CROSS:-aarch64-linux-gnu-g++}
QEMU=${QEMU:-qemu-aarch64}
build=build/arm64

case $(uname -m) in
aarch64 | arm64) native=yes ;;
*) native= ;;
esac
if [ -z "$native" ]; then
    command -v "$CROSS" >/dev/null 2>&1 ||
        fail "$CROSS was not found: install a compiler for arm64 (Debian, Ubuntu: sudo apt install" \
            "g++-aarch64-linux-gnu), or name one: CROSS=/path/to/c++ make arm64"
    command -v "$QEMU" >/dev/null 2>&1 ||
        fail "$QEMU was not found: install an emulator (Debian, Ubuntu: sudo apt install qemu-user)," \
            "or name one: QEMU=/path/to/qemu-aarch64 make arm64"
fi
[ "$1" = run ] || exit 0

if [ -n "$native" ]; then
    find_compiler
    set -- -DCMAKE_CXX_COMPILER="$CXX"
else
    # Static, so that the emulator need not find the libraries of the other machine.
    set -- -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 -DCMAKE_CXX_COMPILER="$CROSS" \
        -DCMAKE_EXE_LINKER_FLAGS=-static
fi
cmake=$(dirname "$PY")/cmake
mkdir -p "$build"
log=$build/build.log
say "Building the kernels for arm64 into $build; the first time takes some minutes"
"$cmake" -S . -B "$build" "$@" -DCMAKE_BUILD_TYPE=Release -DPYFACE_STRESS=ON -DPYFACE_WARNINGS=ON >"$log" 2>&1 ||
    { cat "$log" >&2 && fail "CMake failed: its words are above"; }
"$cmake" --build "$build" --parallel 2 >"$log" 2>&1 ||
    { tail -n 40 "$log" >&2 && fail "the build failed: the compiler's words are above, all of them in $log"; }

if [ -n "$native" ]; then
    "$build/csrc/pyface_kernel_test"
    "$build/csrc/pyface_stress"
    exit
fi
# Results for the stress test take a minute and more each, so it runs on the best instruction set; FULL=1: on all of them.
for pair in cortex-a72:neon neoverse-n1:neondot max:neoni8mm; do
    say "As ${pair%:*}:"
    "$QEMU" -cpu "${pair%:*}" "$build/csrc/pyface_kernel_test" "${pair#*:}"
done
"$QEMU" -cpu max "$build/csrc/pyface_stress" ${FULL:+portable neon neondot} neoni8mm
