#!/bin/sh
# Runs the tests N times while each core is kept busy by a process that does nothing else: no test may fail because it
# was held up. ONLY names a part of them.
set -eu
cd "$(dirname "$0")/.."
. tools/common.sh

busy=
trap '[ -z "$busy" ] || kill $busy' EXIT
trap 'exit 130' INT TERM
core=$(getconf _NPROCESSORS_ONLN)
while [ "$core" -gt 0 ]; do
    sh -c 'while :; do :; done' &
    busy="$busy $!"
    core=$((core - 1))
done

run=1
while [ "$run" -le "${N:-2}" ]; do
    say "Run $run of ${N:-2}, all cores kept busy"
    # The paths of ONLY and the options are words.
    # shellcheck disable=SC2086
    "$PY" -m pytest -q $PYTEST_WORKERS ${ONLY:-} || fail "run $run failed: see above"
    run=$((run + 1))
done
say "${N:-2} of ${N:-2} runs passed"
