#!/bin/sh
# Runs what is in bench/, or the parts that ONLY names. The figures of docs/benchmarks.md come from here.
#
#   ONLY    photos recall interruptions latency alignment antialias mean_shapes delaunay metrics warp (scripts), distances neighbors
#           dbscan kmeans linkage trees linkage_matrix scaling (the engine), engine (these eight)
#   QUICK   1: small sizes of the engine's parts, to see that they run
#   LARGE   sizes of DBSCAN and linkage that are run only where named: 200000 1000000
#   BENCH   further options of pytest for the engine's parts, such as --threads=1
set -eu
cd "$(dirname "$0")/.."
. tools/common.sh

SCRIPTS="photos recall interruptions latency alignment antialias mean_shapes delaunay metrics warp"
ENGINE="distances neighbors dbscan kmeans linkage trees linkage_matrix scaling"
scripts=
files=
if [ -n "${LARGE:-}" ] && [ -z "${ONLY:-}" ]; then ONLY="dbscan linkage"; fi
for part in ${ONLY:-$SCRIPTS engine}; do
    case $part in
    photos | recall | interruptions | latency | alignment | antialias | mean_shapes | delaunay | metrics | warp) scripts="$scripts $part" ;;
    engine) for name in $ENGINE; do files="$files bench/bench_$name.py"; done ;;
    distances | neighbors | dbscan | kmeans | linkage | trees | linkage_matrix | scaling) files="$files bench/bench_$part.py" ;;
    *) fail "there is no benchmark '$part': choose from $SCRIPTS engine $ENGINE" ;;
    esac
done

# Forced to AVX2 on a machine that has more, the engine stands for one that has not: so do those peers that can be told.
case ${PYFACE_ISA:-} in
avx2 | avx2vnni) export OPENBLAS_CORETYPE=Haswell FAISS_SIMD_LEVEL=AVX2 ;;
esac

# The Makefile's PYTHONSAFEPATH hides a script's own folder from it, too.
export PYTHONPATH="$PWD/bench"
"$PY" -c 'import json, pyface; print(json.dumps(pyface.build_info(), indent=1))'
for script in $scripts; do
    "$PY" "bench/$script.py"
done
[ -n "$files" ] || exit 0

results=bench/results
if [ -n "${QUICK:-}" ]; then
    results=bench/results/quick
    set -- --quick
fi
status=0
# A row that fails does not keep the others from the table.
"$PY" -m pytest $files "$@" --results="$results" ${LARGE:+"--large=$LARGE"} ${BENCH:-} \
    --benchmark-group-by=group --benchmark-sort=min --benchmark-columns=min,median,rounds || status=$?
"$PY" bench/table.py "$results"
exit "$status"
