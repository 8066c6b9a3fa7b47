"""`NearestNeighbors` beside faiss' flat index, usearch's exact search and scikit-learn's brute force, in one run.

    python bench/search.py [N] [--threads=T] [--without=scikit-learn] [--many]

N rows x 512 (1,000,000 takes 10 GB of memory), k = 10; 1 and 100 queries, with `--many` 10,000, ours alone. The
contenders take turns, so that what else the machine does hits all of them; the least of several rounds counts.
Neighbours are held against float64. The bandwidth is measured on the spot: threads that read all of X and
do next to nothing with it. usearch is in no extra: `pip install usearch`.
"""

from __future__ import annotations

import argparse
import gc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import data
import numpy as np
import peers
from common import least, machine
from contest import ContenderMissingError
from memory import resident
from numpy.typing import NDArray

import pyface
from pyface import _core

K, D, MANY = 10, 512, 100
ROUNDS = {1: 15, MANY: 3}
ASKED = {("faiss", 1): "3", ("faiss", MANY): "3 with VNNI, 1.5 on avx2"}
Search = Callable[[NDArray[np.float32]], tuple[NDArray[Any], NDArray[Any]]]


def bandwidth(x: NDArray[np.float32], n_threads: int) -> float:
    """Bytes a second that arrive from memory: the best of two ways to read all rows."""
    parts = np.array_split(x.view(np.uint64).reshape(-1), n_threads)

    def read() -> None:
        with ThreadPoolExecutor(n_threads) as pool:
            list(pool.map(np.bitwise_or.reduce, parts))

    fingerprint = least(lambda: _core.fingerprint(x, n_threads=n_threads), 5)[0]
    return float(x.nbytes / min(least(read, 5)[0], fingerprint))


def own(x: NDArray[np.float32], n_threads: int) -> Search:
    before = resident()
    seconds, index = least(lambda: pyface.NearestNeighbors(K, n_threads=n_threads).fit(x), 1)
    stored = sum(part.nbytes for segment in index._index.segments for part in segment.arrays()[1:])
    print(
        f"\nfit {seconds:.2f} s; index {stored / 1e9:.3f} GB beside X of {x.nbytes / 1e9:.3f} GB; "
        f"{(resident() - before) / 1e9:.3f} GB more are resident\n"
    )
    search: Search = index.kneighbors
    return search


def faiss(x: NDArray[np.float32], n_threads: int) -> Search:
    module = peers.module("faiss", n_threads)
    index = module.IndexFlatIP(D)
    index.add(x)

    def search(q: NDArray[np.float32]) -> tuple[NDArray[Any], NDArray[Any]]:
        products, rows = index.search(q, K)
        return 1 - products, rows

    return search


def usearch(x: NDArray[np.float32], n_threads: int) -> Search:
    module = peers.module("usearch.index", n_threads)

    def search(q: NDArray[np.float32]) -> tuple[NDArray[Any], NDArray[Any]]:
        found = module.search(x, q, K, module.MetricKind.Cos, exact=True, threads=n_threads)
        return found.distances.reshape(len(q), K), found.keys.reshape(len(q), K)

    return search


def sklearn(x: NDArray[np.float32], n_threads: int) -> Search:
    module = peers.module("sklearn.neighbors", n_threads)
    index = module.NearestNeighbors(n_neighbors=K, metric="cosine", algorithm="brute").fit(x)
    search: Search = index.kneighbors
    return search


CONTENDERS: dict[str, Callable[[NDArray[np.float32], int], Search]] = {
    "pyface": own,
    "faiss": faiss,
    "usearch": usearch,
    "scikit-learn": sklearn,
}


def exact(x: NDArray[np.float32], q: NDArray[np.float32]) -> NDArray[np.int64]:
    """The nearest rows by float64, some rows at a time."""
    wide = q.astype(np.float64)
    wide /= np.linalg.norm(wide, axis=1, keepdims=True)
    best, rows = np.full((len(q), K), np.inf), np.zeros((len(q), K), np.int64)
    for begin in range(0, len(x), 20_000):
        part = x[begin : begin + 20_000].astype(np.float64)
        part /= np.linalg.norm(part, axis=1, keepdims=True)
        both = np.concatenate([best, 1 - wide @ part.T], axis=1)
        numbers = np.concatenate(
            [rows, np.broadcast_to(np.arange(begin, begin + len(part)), (len(q), len(part)))], axis=1
        )
        order = np.argsort(both, axis=1, kind="stable")[:, :K]
        best, rows = np.take_along_axis(both, order, axis=1), np.take_along_axis(numbers, order, axis=1)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("n", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--threads", type=int, default=pyface.build_info()["threads"])
    parser.add_argument("--without", action="append", default=[])
    parser.add_argument("--many", action="store_true")
    options = parser.parse_args()
    x = data.synthetic(options.n, D).X
    rng = np.random.default_rng(1)
    chosen = x[rng.integers(0, len(x), 10_000)]
    q = (chosen + 0.03 * rng.standard_normal(chosen.shape, np.float32)).astype(np.float32)
    q /= np.linalg.norm(q, axis=1, keepdims=True)
    print(f"{machine()}; {options.threads} threads; {len(x):,} x {D}, k = {K}")
    searches: dict[str, Search] = {}
    for name, make in CONTENDERS.items():
        if name in options.without:
            continue
        try:
            searches[name] = make(x, options.threads)
        except ContenderMissingError as error:
            print(f"without {name}: {error}\n")
    gc.collect()
    want = exact(x, q[:MANY])
    print("| queries | who | ms | ratio | asked for | float64's neighbours | GB/s of codes, share of the bandwidth |")
    print("|---|---|---|---|---|---|---|")
    for count, rounds in ROUNDS.items():
        times = dict.fromkeys(searches, np.inf)
        found: dict[str, Any] = {}
        speed = 0.0
        for turn in range(rounds):
            if count == 1:
                speed = max(speed, bandwidth(x, options.threads) if turn % 5 == 0 else 0.0)
            for name, search in searches.items():
                if name == "scikit-learn" and turn:  # it takes tens of seconds
                    continue
                seconds, found[name] = least(lambda search=search, count=count: search(q[:count]), 1)
                times[name] = min(times[name], seconds)
        for name in searches:
            same = (found[name][1].astype(np.int64) == want[:count]).mean()
            assert name != "pyface" or same == 1
            rate = ""
            if name == "pyface" and count == 1:
                share = x.size / times[name] / speed
                rate = f"{x.size / times[name] / 1e9:.1f} of {speed / 1e9:.1f}: {share:.0%} (70 % asked for)"
            asked = ASKED.get((name, count), "")
            ratio = f"{times[name] / times['pyface']:.1f}"
            print(
                f"| {count} | {name} | {times[name] * 1e3:.1f} | {ratio} | {asked} | {same:.2%} | {rate} |", flush=True
            )
    if options.many:
        seconds, _ = least(lambda: searches["pyface"](q), 1)
        print(f"| 10,000 | pyface | {seconds * 1e3:.0f} | | | | {2 * x.size * 1e4 / seconds / 1e9:.0f} GOP/s |")


if __name__ == "__main__":
    main()
