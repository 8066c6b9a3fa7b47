"""DBSCAN of unit rows, on cosine distances or on the Euclidean ones that mean the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import peers
from bench_distances import exact_rows, half_of_the_products, some_rows
from contest import Bars, Call, Contender, Work, with_vnni
from data import Data
from numpy.typing import NDArray

MIN_SAMPLES = 2
NOISE = -1
ASKED = with_vnni(10, avx2=9)  # of scikit-learn


def dbscan(library: str, metric: str, n_jobs: bool = False) -> Any:
    """The class DBSCAN of a library, all of which take scikit-learn's parameters."""

    def prepare(data: Data, n_threads: int) -> Call:
        cluster = peers.module(f"{library}.cluster", n_threads)
        radius = data.radius if metric == "cosine" else peers.euclidean_radius(data)
        options = {"min_samples": MIN_SAMPLES, "metric": metric, "n_jobs": n_threads if n_jobs else None}
        return lambda: cluster.DBSCAN(radius, **options).fit(data.X).labels_

    return prepare


def verify(labels: NDArray[np.int64], data: Data) -> None:
    """With two samples to a core row, all rows within the radius share a cluster, and noise has none there."""
    rows = some_rows(len(data.X))
    for row, exact in zip(rows, exact_rows(data.X, data.X, rows), strict=True):
        others = np.setdiff1d(np.flatnonzero(exact <= data.radius), row)
        assert (labels[others] == labels[row]).all()
        assert (labels[row] == NOISE) == (len(others) == 0)
    clusters = labels[labels != NOISE]
    assert len(clusters) == 0 or np.unique(clusters).tolist() == list(range(clusters.max() + 1))


def verify_people(labels: NDArray[np.int64], data: Data) -> None:
    """Made people of two rows and more are one cluster each, but for one in some ten thousand."""
    verify(labels, data)
    counts = np.bincount(data.people)
    wanted = counts[data.people] >= 2
    pairs = np.unique(np.stack([data.people[wanted], labels[wanted]]), axis=1)
    assert abs(pairs.shape[1] / np.count_nonzero(counts >= 2) - 1) < 1e-3
    assert (labels[~wanted] == NOISE).all()


def agree(labels: Any, ours: NDArray[np.int64], _: Data) -> None:
    assert (np.asarray(labels) == ours).all()


DBSCAN = Work(
    "dbscan",
    f'`DBSCAN({{radius}}, min_samples={MIN_SAMPLES}, metric="cosine")`',
    (
        Contender("pyface", dbscan("pyface", "cosine"), peers.own_threads, rounds=7),
        Contender("scikit-learn, cosine", dbscan("sklearn", "cosine"), peers.sklearn_threads, rounds=2, at_least=ASKED),
        Contender(
            "scikit-learn, cosine, `n_jobs`",
            dbscan("sklearn", "cosine", n_jobs=True),
            peers.sklearn_threads,
            rounds=2,
            at_least=ASKED,
        ),
        Contender(
            "scikit-learn, euclidean", dbscan("sklearn", "euclidean"), peers.sklearn_threads, rounds=2, at_least=ASKED
        ),
        Contender(
            "scikit-learn-intelex, euclidean", dbscan("sklearnex", "euclidean"), peers.sklearnex_threads, rounds=2
        ),
    ),
    "codes",
    half_of_the_products,
    verify,
    agree,
    sizes=(("synthetic", 20_000), ("lfw", 13_233)),
    quick_sizes=(("synthetic", 2_000), ("lfw", 2_000)),
    bars=Bars(memory_of_x=2),
)


def alone(n: int, bars: Bars, rounds: int = 1, quick: int | None = None) -> Work:
    """Where nobody else ends in reasonable time. Without ``quick`` it is run only if it is asked for by its size."""
    rows = (("synthetic", n),)
    return Work(
        f"dbscan-{n}",
        DBSCAN.title,
        (Contender("pyface", dbscan("pyface", "cosine"), peers.own_threads, rounds=rounds),),
        "codes",
        half_of_the_products,
        verify_people,
        agree,
        sizes=rows if quick else (),
        quick_sizes=(("synthetic", quick),) if quick else (),
        large_sizes=() if quick else rows,
        bars=bars,
    )


WORKS = [
    DBSCAN,
    alone(100_000, Bars(seconds=12, total_mb=1_000), rounds=2, quick=10_000),
    alone(200_000, Bars()),
    alone(1_000_000, Bars(seconds=25 * 60, total_mb=6_000)),
]


def test_row(case: Any, measure: Any) -> None:
    measure(case)
