"""What a person waits for when nothing is computed yet, or no longer: imports, and Ctrl-C in a long kernel.

    python bench/latency.py [--rounds 9]

Each line gives the least and the median of fresh processes. A kernel is interrupted a second after it began; the time
counts from the signal to the KeyboardInterrupt.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys

from common import machine

IMPORT_BAR, INTERRUPT_BAR = 0.15, 0.2

IMPORTS = {
    "import pyface": "import pyface",
    "import pyface.cluster": "import pyface.cluster",
    "import sklearn.cluster": "import sklearn.cluster",
}
KERNELS = {
    "cosine_distances": "pyface.cosine_distances(x, out=np.empty((len(x), len(x)), np.float32), n_threads={t})",
    "neighbors_within": "pyface.neighbors_within(x, 1e-9, n_threads={t})",
    "nearest_neighbors": "pyface.nearest_neighbors(x, 5, n_threads={t})",
    "linkage, average": "pyface.linkage(x, n_threads={t})",
    "DBSCAN": "density.dbscan(x, 1e-9, 2, metric='cosine', weights=None, n_threads={t})",
    "k-means++": "KMeansData(x, n_threads={t}).plus_plus(0, np.random.rand(19999, 11))",
    "Lloyd": "KMeansData(x, n_threads={t}).lloyd(x[::2], max_iter=99, tolerance=0)",
}
IMPORT_CODE = "import time; start = time.perf_counter(); {}; print(time.perf_counter() - start)"
KERNEL_CODE = """
import os, signal, threading, time
import numpy as np, pyface
from pyface.kernels import density
from pyface.kernels.kmeans import KMeansData
signal.signal(signal.SIGINT, signal.default_int_handler)
shape = (12_000, 4096) if {is_dense} else (80_000, 512)
x = np.random.default_rng(0).random(shape, dtype=np.float32)
density.dbscan(x[:9], 1e-9, 2, metric="cosine", weights=None, n_threads=1)  # loads what is compiled
def interrupt():
    global start
    start = time.perf_counter()
    os.kill(os.getpid(), signal.SIGINT)
threading.Timer(1.0, interrupt).start()
try:
    {call}
except KeyboardInterrupt:
    print(time.perf_counter() - start)
"""


def seconds(code: str, rounds: int) -> tuple[float, float]:
    """The least and the median of what fresh processes print."""
    found = []
    for _ in range(rounds):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        if not done.stdout:
            raise SystemExit(f"the kernel ended before the signal came: {code}")
        found.append(float(done.stdout))
    return min(found), statistics.median(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    print(machine())
    print(f"\n| import | least, ms | median, ms | asked |\n|{'---|' * 4}")
    for name, code in IMPORTS.items():
        least, median = seconds(IMPORT_CODE.format(code), rounds)
        asked = f"{1e3 * IMPORT_BAR:.0f}" if name == "import pyface" else ""
        print(f"| {name} | {1e3 * least:.0f} | {1e3 * median:.0f} | {asked} |")
    print(f"\n| Ctrl-C in | threads | least, ms | median, ms | asked |\n|{'---|' * 5}")
    for name, call in KERNELS.items():
        for n_threads in (1, 2):
            code = KERNEL_CODE.format(call=call.format(t=n_threads), is_dense="out=" in call)
            least, median = seconds(code, max(3, rounds // 3))
            print(f"| {name} | {n_threads} | {1e3 * least:.0f} | {1e3 * median:.0f} | {1e3 * INTERRUPT_BAR:.0f} |")


if __name__ == "__main__":
    main()
