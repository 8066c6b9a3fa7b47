"""Matrices of cosine distances: X against itself, and against Y."""

from __future__ import annotations

from typing import Any

import numpy as np
import peers
from contest import Bars, Call, Contender, Work
from data import Data
from numpy.typing import NDArray

ROWS_CHECKED = 50


def own(data: Data, n_threads: int) -> Call:
    pyface = peers.module("pyface", n_threads)
    return lambda: pyface.cosine_distances(data.X, n_threads=n_threads)


def own_two(data: Data, n_threads: int) -> Call:
    pyface = peers.module("pyface", n_threads)
    x, y = data.halves()
    return lambda: pyface.cosine_distances(x, y, n_threads=n_threads)


def sklearn(data: Data, n_threads: int) -> Call:
    pairwise = peers.module("sklearn.metrics.pairwise", n_threads)
    return lambda: pairwise.cosine_distances(data.X)


def sklearn_two(data: Data, n_threads: int) -> Call:
    pairwise = peers.module("sklearn.metrics.pairwise", n_threads)
    x, y = data.halves()
    return lambda: pairwise.cosine_distances(x, y)


def numpy(data: Data, n_threads: int) -> Call:
    peers.module("numpy", n_threads)
    return lambda: 1 - data.X @ data.X.T


def numpy_two(data: Data, n_threads: int) -> Call:
    peers.module("numpy", n_threads)
    x, y = data.halves()
    return lambda: 1 - x @ y.T


def scipy(data: Data, n_threads: int) -> Call:
    distance = peers.module("scipy.spatial.distance", n_threads)
    return lambda: distance.cdist(data.X, data.X, "cosine")


def simsimd(data: Data, n_threads: int) -> Call:
    module = peers.module("simsimd", n_threads)
    return lambda: module.cdist(data.X, data.X, metric="cosine", threads=n_threads, out_dtype="float32")


def simsimd_two(data: Data, n_threads: int) -> Call:
    module = peers.module("simsimd", n_threads)
    x, y = data.halves()
    return lambda: module.cdist(x, y, metric="cosine", threads=n_threads, out_dtype="float32")


def exact_rows(x: NDArray[np.float32], y: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Cosine distances of some rows of x to all of y, in float64."""
    a, b = x[rows].astype(float), y.astype(float)
    return 1 - a @ b.T / np.linalg.norm(a, axis=1)[:, None] / np.linalg.norm(b, axis=1)


def some_rows(n: int, count: int = ROWS_CHECKED) -> NDArray[np.int64]:
    return np.sort(np.random.default_rng(1).choice(n, min(n, count), replace=False))


def verify(result: NDArray[np.float32], data: Data) -> None:
    rows = some_rows(len(data.X))
    assert abs(result[rows] - exact_rows(data.X, data.X, rows)).max() <= 1e-6
    assert (result[rows] == result[:, rows].T).all() and (result.diagonal() == 0).all()


def verify_two(result: NDArray[np.float32], data: Data) -> None:
    x, y = data.halves()
    rows = some_rows(len(x))
    assert abs(result[rows] - exact_rows(x, y, rows)).max() <= 1e-6


def agree(result: Any, ours: NDArray[np.float32], _: Data) -> None:
    assert abs(np.asarray(result) - ours).max() <= 2e-5


def half_of_the_products(data: Data, _: Any) -> float:
    n, d = data.X.shape
    return float(n) * n * d


def all_products(data: Data, _: Any) -> float:
    x, y = data.halves()
    return 2.0 * len(x) * len(y) * x.shape[1]


WORKS = [
    Work(
        "distances",
        "`cosine_distances(X)`",
        (
            Contender("pyface", own, peers.own_threads, rounds=15),
            Contender("scikit-learn", sklearn, peers.sklearn_threads, rounds=7, at_least=4),
            Contender("NumPy `1 - X @ X.T`", numpy, peers.numpy_threads, rounds=7, at_least=2.5),
            Contender("simsimd", simsimd, peers.as_told, rounds=2),
            Contender("SciPy", scipy, peers.one_thread, rounds=1),
        ),
        "float32",
        half_of_the_products,
        verify,
        agree,
        sizes=(("synthetic", 5_000), ("lfw", 5_000)),
        quick_sizes=(("synthetic", 1_500), ("lfw", 1_500)),
        bars=Bars(share=0.75),
    ),
    Work(
        "distances-two",
        "`cosine_distances(X, Y)`, half of the rows each",
        (
            Contender("pyface", own_two, peers.own_threads, rounds=15),
            Contender("scikit-learn", sklearn_two, peers.sklearn_threads, rounds=7, at_least=2.5),
            Contender("NumPy `1 - X @ Y.T`", numpy_two, peers.numpy_threads, rounds=7, at_least=1.7),
            Contender("simsimd", simsimd_two, peers.as_told, rounds=2),
        ),
        "float32",
        all_products,
        verify_two,
        agree,
        sizes=(("synthetic", 10_000), ("lfw", 10_000)),
        quick_sizes=(("synthetic", 2_000), ("lfw", 2_000)),
    ),
]


def test_row(case: Any, measure: Any) -> None:
    measure(case)
