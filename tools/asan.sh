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
    -Cbuild-dir=build/asan/cmake -Ccmake.build-type=RelWithDebInfo -Ccmake.define.CMAKE_DISABLE_PRECOMPILE_HEADERS=ON \
    -Ccmake.define.PYFACE_SANITIZE=address,undefined . || fail "the sanitized build failed: the compiler's words are above"

# PYTHONPATH comes before .venv; the finder of an editable pyface would come before even that, so it is taken out.
cat >build/asan/site/sitecustomize.py <<'END'
import sys

sys.meta_path[:] = [finder for finder in sys.meta_path if "editable" not in type(finder).__module__]
END

folders=${ONLY:-"tests/kernels tests/geometry $(echo tests/cluster/test_agglomerative_*.py) tests/test_package.py"}
# Python is a C program: libstdc++ must be there when the sanitizer starts, or the first C++ exception ends it.
# Leaks are not looked for: CPython's immortal objects are leaks to it. pytest may not swallow the reports.
preload="$asan $($CXX -print-file-name=libstdc++.so)"
asan_options=detect_leaks=0:strict_init_order=1
ubsan_options=print_stacktrace=1:halt_on_error=1
sanitized() {
    LD_PRELOAD="$preload" ASAN_OPTIONS="$asan_options" UBSAN_OPTIONS="$ubsan_options" \
        PYTHONMALLOC=malloc PYTHONSAFEPATH=1 PYTHONPATH="$PWD/build/asan/site" "$PY" "$@"
}
sanitized -c 'import pyface, sys; sys.exit("build/asan/site" not in pyface.__file__)' ||
    fail "the sanitized build is not the one that is imported"
sanitized -m pytest -x --capture=no -p no:cacheprovider $folders
