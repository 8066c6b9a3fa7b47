"""What a first stage along the axes of the rows saves: the same calls with it and without, in turns, answers compared.

    python bench/stages.py [--n 100000] [--only dbscan] [--rounds 3]
    python bench/stages.py --million        # DBSCAN, once, of a million rows of "spectrum"

Run it with PYFACE_ISA=avx2 as well. "lfw-mixed" are real embeddings and mixtures of two of one person, with noise;
"spectrum" are made rows, ten to a person, whose lengths along 256 of 512 axes fall as those of LFW's along its 128;
"synthetic" rows point everywhere alike, so that no axes can help.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from common import machine
from data import CHUNK, SIMILARITY, Data, lfw, load, unit
from numpy.typing import NDArray

import pyface
from pyface import _core
from pyface.cluster import DBSCAN, AgglomerativeClustering, KMeans

NEIGHBORS = 10
USES = ("never", "where_they_pay")


def spectrum(n: int, d: int = 512, seed: int = 0) -> Data:
    """Rows as `data.synthetic` makes them, stretched along d / 2 axes as LFW's rows are along theirs, and turned."""
    real = lfw(20_000).X
    energy = np.linalg.eigvalsh(real.T @ real / len(real))[::-1]
    size = np.zeros(d, np.float32)
    places = np.arange(d // 2) / (d // 2) * (len(energy) - 1)
    size[: d // 2] = np.sqrt(np.interp(places, np.arange(len(energy)), energy))
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.standard_normal((d, d)))[0].astype(np.float32)
    n_people = max(1, n // 10)
    people = rng.integers(n_people, size=n)
    centres = unit(rng.standard_normal((n_people, d), np.float32) * size)
    x = np.empty((n, d), np.float32)
    for begin in range(0, n, CHUNK):
        own = people[begin : begin + CHUNK]
        noise = unit(rng.standard_normal((len(own), d), np.float32) * size)
        x[begin : begin + CHUNK] = unit(SIMILARITY**0.5 * centres[own] + (1 - SIMILARITY) ** 0.5 * noise) @ turn
    return Data("spectrum", unit(x), people, radius=0.6, thresholds={"average": 0.6, "single": 0.6})


def works(data: Data) -> Iterator[tuple[str, Callable[[], tuple[NDArray[Any], ...]]]]:
    """Names of calls, and calls that return what is compared."""
    X, radius = data.X, data.radius

    def within() -> tuple[NDArray[Any], ...]:
        graph = pyface.neighbors_within(X, radius)
        return graph.indptr, graph.indices, graph.data

    def average() -> tuple[NDArray[Any], ...]:
        below = AgglomerativeClustering(
            None, distance_threshold=data.thresholds["average"], linkage="average", metric="cosine"
        )
        return (below.fit_predict(X),)

    k = min(2000, data.n_clusters)
    centres = X[np.random.default_rng(0).permutation(len(X))[:k]].copy()
    yield "within", within
    yield "dbscan", lambda: (DBSCAN(radius, min_samples=2, metric="cosine").fit_predict(X),)
    yield "nearest", lambda: pyface.nearest_neighbors(X, NEIGHBORS)
    yield "average", average
    yield "single", lambda: (pyface.linkage(X, "single"),)
    yield "kmeans", lambda: (KMeans(k, init=centres, n_init=1, max_iter=10).fit_predict(X),)


def compare(data: Data, only: str, rounds: int) -> None:
    """One line a call: seconds without and with, the share of products saved."""
    for name, call in works(data):
        if only not in name:
            continue
        least = dict.fromkeys(USES, np.inf)
        answers = {}
        for _ in range(rounds):
            for use in USES:
                _core.use_axes(use)
                pyface.debug_counters(reset=True)
                since = time.perf_counter()
                answers[use] = [part.tobytes() for part in call()]
                least[use] = min(least[use], time.perf_counter() - since)
        counts = pyface.debug_counters()
        _core.use_axes("where_they_pay")
        without, with_axes = least.values()
        print(
            f"{data.name:10} {len(data.X):9,} x {data.X.shape[1]:<4} {name:8} "
            f"{without:8.3f} s without, {with_axes:8.3f} with: {without / with_axes:5.2f} times; "
            f"{counts['pairs_along_axes'] / 1e6:8,.0f} M pairs along axes, "
            f"{counts['products_saved'] / 1e9:7,.0f} G products saved; equal: {answers[USES[0]] == answers[USES[1]]}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--n", type=int, default=100_000, help="rows like real ones")
    parser.add_argument("--spectrum", type=int, default=40_000, help="rows with the spectrum of real ones")
    parser.add_argument("--million", action="store_true", help="nothing but DBSCAN of a million of those, once")
    parser.add_argument("--only", default="", help="part of the name of a call")
    parser.add_argument("--rounds", type=int, default=3)
    wanted = parser.parse_args()
    print(machine())
    if wanted.million:
        compare(spectrum(1_000_000), "dbscan", 1)
        return
    for data in (lfw(20_000), load("lfw-mixed", wanted.n), spectrum(wanted.spectrum), load("synthetic", 20_000)):
        compare(data, wanted.only, wanted.rounds)


if __name__ == "__main__":
    main()
