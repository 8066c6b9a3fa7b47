"""Memory of one call, in a child process of its own: the most that is resident during the call, minus what was before.

    python bench/memory.py bench_dbscan dbscan pyface synthetic 20000 2

prints one line of JSON. The call is made once before on the first 1,000 rows, so that modules, threads and compiled
code are there already.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from contest import Case, ready
from data import Data

WARM_UP_ROWS = 1_000
MB = 1 << 20


def measure(case: Case, n_threads: int) -> dict[str, Any]:
    """Run a case in a child process: "memory" of the call and "total", both in MB, "seconds", and :func:`describe`."""
    arguments = [case.module, case.work.key, case.contender.name, case.source, str(case.n), str(n_threads)]
    done = subprocess.run(
        [sys.executable, str(Path(__file__)), *arguments],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        raise AssertionError(f"the child process for {case.contender.name} failed: {last[0]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def resident() -> int:
    """Bytes, now; the most so far where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return most_resident()


def most_resident() -> int:
    """Bytes, since :func:`forget_the_most` where that is possible."""
    try:
        line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def forget_the_most() -> None:
    """Start counting anew. Making the data needs hardly more than the data, so little is lost where this fails."""
    gc.collect()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # what was freed must not be taken for what was needed
        if trim is not None:
            trim(0)
        try:
            Path("/proc/self/clear_refs").write_text("5")
        except OSError:
            return


def run(case: Case, n_threads: int) -> dict[str, Any]:
    rows = case.load()
    case.contender.prepare(rows.head(WARM_UP_ROWS), n_threads)()
    call = ready(case.contender.prepare(rows, n_threads))
    forget_the_most()
    before = resident()
    since = time.perf_counter()
    result = call()
    seconds = time.perf_counter() - since
    most = most_resident()
    found = {"memory": (most - before) / MB, "total": most / MB, "seconds": seconds}
    converted = case.contender.convert(result, rows)
    if case.is_own:
        case.work.verify(converted, rows)
    return {**found, **describe(case, rows, converted)}


def describe(case: Case, rows: Data, result: Any) -> dict[str, Any]:
    """What a row of the table says of its data and result; "x" is the size of X in MB."""
    return {
        "title": case.work.title.format(radius=rows.radius, k=rows.n_clusters, t=rows.thresholds),
        "d": rows.X.shape[1],
        "operations": case.work.operations(rows, result),
        "x": rows.X.nbytes / MB,
        "note": case.work.note(result),
    }


def main(module: str, key: str, name: str, source: str, n: str, n_threads: str) -> None:
    work = next(work for work in importlib.import_module(module).WORKS if work.key == key)
    print(json.dumps(run(Case(module, work, work.contender(name), source, int(n)), int(n_threads))))


if __name__ == "__main__":
    main(*sys.argv[1:])
