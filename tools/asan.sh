#!/bin/sh
# Builds the compiled module with AddressSanitizer and UBSan into build/asan and runs the tests that reach it.
# It lies beside .venv, not in it: the other commands keep their build.
set -eu
cd "$(dirname "$0")/.."
. tools/common.sh

[ "$(uname -s)" = Linux ] || fail "make asan needs Linux: elsewhere the sanitizers cannot be preloaded into Python"
find_compiler
asan=$($CXX -print-file-name=libasan.so)
[ -e "$asan" ] || fail "$CXX has no libasan.so: install g++ and run CXX=g++ make asan"

"$PY" -m pip install -q --no-build-isolation --no-deps --upgrade --target build/asan/site \
    -Cbuild-dir=build/asan/cmake -Ccmake.build-type=RelWithDebInfo \
    -Ccmake.define.PYFACE_SANITIZE=address,undefined . || fail "the sanitized build failed: the compiler's words are above"

# Paths in PYTHONPATH are searched before .venv and their .pth files are not read: an editable pyface stays out.
folders=
for folder in tests/kernels tests/boundary tests/agnosticism tests/test_package.py; do
    if [ -e "$folder" ]; then folders="$folders $folder"; fi
done
site=$("$PY" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
python=$("$PY" -c 'import sys; print(sys._base_executable)')

# Python is a C program: libstdc++ must be there when the sanitizer starts, or the first C++ exception ends it.
# Leaks are not looked for: CPython's immortal objects are leaks to it. pytest may not swallow the reports.
LD_PRELOAD="$asan $($CXX -print-file-name=libstdc++.so)" \
    ASAN_OPTIONS=detect_leaks=0:strict_init_order=1 \
    UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 \
    PYTHONMALLOC=malloc PYTHONPATH="$PWD/build/asan/site:$site" PYTHONNOUSERSITE=1 \
    "$python" -m pytest -x --capture=no -p no:cacheprovider $folders
