"""What most people have: few rows; and what codes cannot tell apart: tight groups. Each call beside a peer's.

    python bench/small_and_tight.py [small] [tight] [--threads 2]

Small: made rows of 128 and 512 numbers, n of 10, 100, 1,000 and 2,500. Tight: rows of 128 numbers in three groups (each
number off by a normal error of 0.001, 0.01 or 0.03 around unit centres), in one group, and equal rows; n of 1,000,
6,000 and 20,000. Peers do the same work: scikit-learn (matrices, DBSCAN, K-means), faiss (the k nearest), and for trees
fastcluster on distances that NumPy's product gives. The least of several rounds that take turns counts; a ratio below
1 is where a peer is quicker. Peers that take gigabytes or minutes are left out.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import peers
from common import machine
from numpy.typing import NDArray

import pyface
from pyface.cluster import DBSCAN, KMeans

Rows = NDArray[np.float32]
Call = Callable[[], Any]
K, RADIUS = 5, 0.3
TURN = 0.03
MOST_FOR_TREES = 6000  # beyond, the peers' distances take gigabytes


def seconds_of(calls: list[Call], patience: float = 1.0) -> list[float]:
    """The least of each, by turns, for about so long.

    Threads of OpenMP and OpenBLAS spin for a while when their work is done, so a turn lasts some calls.
    """
    least = [np.inf] * len(calls)
    since, rounds = time.perf_counter(), 0
    while rounds < 3 or (time.perf_counter() - since < patience and rounds < 200):
        for i, call in enumerate(calls):
            turn = time.perf_counter()
            while True:
                begin = time.perf_counter()
                call()
                least[i] = min(least[i], time.perf_counter() - begin)
                if time.perf_counter() - turn > TURN:
                    break
        rounds += 1
        if rounds == 1 and time.perf_counter() - since > 5:
            break
    return least


def works(x: Rows, threads: int) -> dict[str, tuple[Call, str, Call]]:
    """By name: pyface's call, who the peer is, and its call."""
    faiss = peers.module("faiss", threads)
    fastcluster = peers.module("fastcluster", threads)
    pairwise = peers.module("sklearn.metrics.pairwise", threads)
    cluster = peers.module("sklearn.cluster", threads)
    k, n_clusters = min(K, len(x)), max(1, len(x) // 10)
    centers = x[:: max(1, len(x) // n_clusters)][:n_clusters].copy()

    def nearest_by_faiss() -> Any:
        index = faiss.IndexFlatIP(x.shape[1])
        index.add(x)
        return index.search(x, k)

    def tree_by_hand(method: str) -> Call:
        return lambda: fastcluster.linkage(peers.condensed(x, euclidean=False), method, preserve_input=False)

    found: dict[str, tuple[Call, str, Call]] = {
        "cosine_distances": (lambda: pyface.cosine_distances(x), "scikit-learn", lambda: pairwise.cosine_distances(x)),
        f"nearest_neighbors(k={K})": (lambda: pyface.nearest_neighbors(x, k), "faiss", nearest_by_faiss),
        "DBSCAN": (
            lambda: DBSCAN(RADIUS, metric="cosine").fit(x),
            "scikit-learn",
            lambda: cluster.DBSCAN(RADIUS, metric="cosine").fit(x),
        ),
        "KMeans, n / 10 given centres, 5 rounds": (
            lambda: KMeans(n_clusters, init=centers, n_init=1, max_iter=5, tol=0).fit(x),
            "scikit-learn",
            lambda: cluster.KMeans(n_clusters, init=centers, n_init=1, max_iter=5, tol=0).fit(x),
        ),
    }
    if 2 <= len(x) <= MOST_FOR_TREES:
        for method in ("average", "single"):
            found[f'linkage("{method}")'] = (
                lambda method=method: pyface.linkage(x, method, "cosine"), "fastcluster", tree_by_hand(method)
            )  # fmt: skip
    return found


def unit(x: NDArray[np.float64]) -> Rows:
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


def small(threads: int) -> None:
    print("\n| work | d | " + " | ".join(f"n = {n:,}" for n in (10, 100, 1000, 2500)) + " |\n|---|---|---|---|---|---|")
    rng = np.random.default_rng(0)
    for d in (128, 512):
        rows: dict[str, list[str]] = {}
        for n in (10, 100, 1000, 2500):
            people = unit(rng.standard_normal((max(1, n // 10), d)))
            x = unit(people[rng.integers(len(people), size=n)] + 0.9 / d**0.5 * rng.standard_normal((n, d)))
            table(rows, works(x, threads), 0.5)
        for name, cells in rows.items():
            print(f"| {name} | {d} | " + " | ".join(cells) + " |")


def tight(threads: int) -> None:
    print("\n| work | n | " + " | ".join(KINDS) + " |\n|---|---|" + "---|" * len(KINDS))
    for n in (1000, 6000, 20_000):
        rows: dict[str, list[str]] = {}
        for groups, off in KINDS.values():
            rng = np.random.default_rng(0)
            centers = unit(rng.standard_normal((groups, 128)))
            x = unit(centers[rng.integers(groups, size=n)] + off * rng.standard_normal((n, 128)))
            table(rows, works(x, threads), 1.0)
        for name, cells in rows.items():
            print(f"| {name} | {n:,} | " + " | ".join(cells) + " |", flush=True)


KINDS = {
    "3 groups, .001": (3, 0.001),
    "3 groups, .01": (3, 0.01),
    "3 groups, .03": (3, 0.03),
    "1 group, .01": (1, 0.01),
    "equal rows": (1, 0.0),
}


def table(rows: dict[str, list[str]], of: dict[str, tuple[Call, str, Call]], patience: float) -> None:
    for name, (own, peer, theirs) in of.items():
        own()  # what is compiled or loaded at the first call
        mine, other = seconds_of([own, theirs], patience)
        rows.setdefault(f"{name}, {peer}", []).append(f"{1000 * mine:.3g} ms, {other / mine:.2g}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Few rows, and rows that codes cannot tell apart.")
    parser.add_argument("parts", nargs="*", metavar="small|tight", help="both if none is named")
    parser.add_argument("--threads", type=int, default=2)
    asked = parser.parse_args()
    peers.module("numpy", asked.threads)
    print(machine())
    parts = asked.parts or ["small", "tight"]
    if unknown := set(parts) - {"small", "tight"}:
        parser.error(f"there is no part {min(unknown)!r}: choose from small and tight")
    if "small" in parts:
        small(asked.threads)
    if "tight" in parts:
        tight(asked.threads)


if __name__ == "__main__":
    main()
