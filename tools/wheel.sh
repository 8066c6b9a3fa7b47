#!/bin/sh
# Builds the sdist, from it the wheel, into dist/; then tests the wheel as a user has it: in a fresh environment, away
# from the checkout, with no compiler on PATH.
set -eu
cd "$(dirname "$0")/.."
. tools/common.sh

find_compiler
scratch=$(mktemp -d) || fail "no temporary folder can be made: set TMPDIR to a folder that can be written"
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM

# quietly WHAT COMMAND...: its output is shown only if it fails.
quietly() {
    what=$1
    shift
    if ! "$@" >"$scratch/log" 2>&1; then
        tail -n 25 "$scratch/log" >&2
        fail "$what: the lines above say why"
    fi
}

rm -rf dist
mkdir dist
quietly "no sdist could be made" "$PY" tools/sdist.py dist
say "Building the wheel from $(ls dist/*.tar.gz)"
quietly "the sdist does not build" "$PY" -m pip wheel --no-deps -w dist dist/*.tar.gz

say "Installing the wheel into a fresh environment"
fresh=$scratch/venv/bin/python
if ! "$PY" -m venv "$scratch/venv" >/dev/null 2>&1; then
    quietly "no fresh environment could be made" "$PY" -m venv --without-pip "$scratch/venv"
    quietly "no fresh environment could be made" "$PY" -m pip --python "$fresh" install pip
fi
for wheel in dist/*.whl; do
    quietly "$wheel cannot be installed" "$fresh" -m pip install "$wheel[models,dlib,review,test]"
done

cp -R tests examples pyproject.toml "$scratch"
(
    cd "$scratch"
    PATH=$scratch/venv/bin
    export PATH
    for compiler in c++ g++ clang++ cc gcc clang; do
        if command -v "$compiler" >/dev/null 2>&1; then fail "$compiler is still on PATH"; fi
    done
    python -c 'import pyface; print(pyface.__file__, pyface.__version__)'
    python -m pytest
)
say "dist/ holds the sdist and the wheel, and the wheel has passed its tests"
