#!/bin/sh
# Runs what is in bench/. The figures of docs/benchmarks.md come from here.
set -eu
cd "$(dirname "$0")/.."
. tools/common.sh

# The Makefile's PYTHONSAFEPATH hides a script's own folder from it, too.
export PYTHONPATH="$PWD/bench"
"$PY" -c 'import json, pyface; print(json.dumps(pyface.build_info(), indent=1))'
for script in photos recall interruptions; do
    "$PY" "bench/$script.py"
done
if ls bench/bench_*.py >/dev/null 2>&1; then
    "$PY" -m pytest bench/bench_*.py --benchmark-only --benchmark-group-by=group --benchmark-sort=min
fi
