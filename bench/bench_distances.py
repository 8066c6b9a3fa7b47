"""Matrices of cosine distances: X against itself, and against Y."""

from __future__ import annotations

from typing import Any

import numpy as np
import peers
from contest import Bars, Call, Contender, Work, everywhere, with_vnni
from data import Data
from numpy.typing import NDArray

ROWS_CHECKED = 50
TILE, TILE_REPEATS = (192, 256), 800  # as in the sweep


def own(data: Data, n_threads: int) -> Call:
    pyface = peers.module("pyface", n_threads)
    return lambda: pyface.cosine_distances(data.X, n_threads=n_threads)


def own_two(data: Data, n_threads: int) -> Call:
    pyface = peers.module("pyface", n_threads)
    x, y = data.halves()
    return lambda: pyface.cosine_distances(x, y, n_threads=n_threads)


def own_out(data: Data, n_threads: int) -> Call:
    """The result's memory is there, as it is for a caller who keeps it: the system's part is left out."""
    pyface = peers.module("pyface", n_threads)
    out = np.ones((len(data.X), len(data.X)), np.float32)
    return lambda: pyface.cosine_distances(data.X, out=out, n_threads=n_threads)


def own_two_out(data: Data, n_threads: int) -> Call:
    pyface = peers.module("pyface", n_threads)
    x, y = data.halves()
    out = np.ones((len(x), len(y)), np.float32)
    return lambda: pyface.cosine_distances(x, y, out=out, n_threads=n_threads)


def own_tile(data: Data, n_threads: int) -> Call:
    """The float32 micro-kernel by itself, on panels that were packed before."""
    core = peers.module("pyface._core", n_threads)
    x, y = tile(data)
    out = np.empty((len(x), len(y)), np.float32)

    def call() -> NDArray[np.float32]:
        core.repeat_tile(x, y, TILE_REPEATS, n_threads, out)
        return out

    return call


def tile(data: Data) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Rows and columns of one tile of the sweep."""
    n, m = TILE
    return data.X[:n], data.X[n : n + m]


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


def numkong(data: Data, n_threads: int) -> Call:
    module = peers.module("numkong", n_threads)
    return lambda: module.cdist(data.X, data.X, metric="angular", threads=n_threads)


def numkong_two(data: Data, n_threads: int) -> Call:
    module = peers.module("numkong", n_threads)
    x, y = data.halves()
    return lambda: module.cdist(x, y, metric="angular", threads=n_threads)


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


def verify_tile(result: NDArray[np.float32], data: Data) -> None:
    x, y = tile(data)
    assert abs(result - exact_rows(x, y, np.arange(len(x)))).max() <= 1e-6


def agree(result: Any, ours: NDArray[np.float32], _: Data) -> None:
    assert abs(np.asarray(result) - ours).max() <= 2e-5


def half_of_the_products(data: Data, _: Any) -> float:
    n, d = data.X.shape
    return float(n) * n * d


def all_products(data: Data, _: Any) -> float:
    x, y = data.halves()
    return 2.0 * len(x) * len(y) * x.shape[1]


def products_of_tiles(data: Data, _: Any) -> float:
    x, y = tile(data)
    return 2.0 * len(x) * len(y) * x.shape[1] * TILE_REPEATS


def alone(key: str, title: str, prepare: Any, operations: Any, check: Any, share: float, n: int) -> Work:
    """Nobody else is asked: what counts is the share of the ceiling."""
    return Work(
        key,
        title,
        (Contender("pyface", prepare, peers.own_threads, rounds=15),),
        "float32",
        operations,
        check,
        agree,
        sizes=(("synthetic", n),),
        quick_sizes=(("synthetic", min(n, 2_000)),),
        bars=Bars(share=everywhere(share)),
    )


WORKS = [
    alone(
        "tile",
        f"float32 micro-kernel, tiles of {TILE[0]} x {TILE[1]}",
        own_tile,
        products_of_tiles,
        verify_tile,
        0.9,
        sum(TILE),
    ),
    alone("distances-out", "`cosine_distances(X, out=)`", own_out, half_of_the_products, verify, 0.8, 5_000),
    alone(
        "distances-two-out",
        "`cosine_distances(X, Y, out=)`, half of the rows each",
        own_two_out,
        all_products,
        verify_two,
        0.82,
        10_000,
    ),
    Work(
        "distances",
        "`cosine_distances(X)`",
        (
            Contender("pyface", own, peers.own_threads, rounds=15),
            Contender("scikit-learn", sklearn, peers.sklearn_threads, rounds=7, at_least=with_vnni(4)),
            Contender("NumPy `1 - X @ X.T`", numpy, peers.numpy_threads, rounds=7, at_least=with_vnni(2.5, avx2=1.8)),
            Contender("simsimd", simsimd, peers.as_told, rounds=2),
            Contender("NumKong", numkong, peers.as_told, rounds=3),
            Contender("SciPy", scipy, peers.one_thread, rounds=1),
        ),
        "float32",
        half_of_the_products,
        verify,
        agree,
        sizes=(("synthetic", 5_000), ("lfw", 5_000)),
        quick_sizes=(("synthetic", 1_500), ("lfw", 1_500)),
        bars=Bars(share=with_vnni(0.75)),
    ),
    Work(
        "distances-two",
        "`cosine_distances(X, Y)`, half of the rows each",
        (
            Contender("pyface", own_two, peers.own_threads, rounds=15),
            Contender("scikit-learn", sklearn_two, peers.sklearn_threads, rounds=7, at_least=with_vnni(2.5)),
            Contender(
                "NumPy `1 - X @ Y.T`", numpy_two, peers.numpy_threads, rounds=7, at_least=with_vnni(1.7, avx2=1.15)
            ),
            Contender("simsimd", simsimd_two, peers.as_told, rounds=2),
            Contender("NumKong", numkong_two, peers.as_told, rounds=3),
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
