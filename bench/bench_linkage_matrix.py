"""Linkage of condensed distances that may be overwritten, as pyface and fastcluster both offer it."""

from __future__ import annotations

from typing import Any

import numpy as np
import peers
from contest import Call, Contender, UsesUp, Work, with_vnni
from data import Data
from numpy.typing import NDArray

METHODS = ("single", "complete", "average", "weighted", "ward", "centroid", "median")
EUCLIDEAN = ("ward", "centroid", "median")


def distances(data: Data, method: str) -> NDArray[np.float64]:
    """Cosine distances, or the Euclidean ones of the same unit rows."""
    import pyface

    cosine = pyface.cosine_condensed(data.X).astype(np.float64)
    return np.sqrt(2 * cosine) if method in EUCLIDEAN else cosine


def own(method: str, dtype: type) -> Any:
    def prepare(data: Data, n_threads: int) -> Call:
        pyface = peers.module("pyface", n_threads)
        given = distances(data, method).astype(dtype)
        return UsesUp(given.copy, lambda scratch: pyface.linkage(scratch, method, overwrite=True))

    return prepare


def fastcluster(method: str) -> Any:
    def prepare(data: Data, n_threads: int) -> Call:
        module = peers.module("fastcluster", n_threads)
        given = distances(data, method)
        return UsesUp(given.copy, lambda scratch: module.linkage(scratch, method, preserve_input=False))

    return prepare


def scipy(method: str) -> Any:
    def prepare(data: Data, n_threads: int) -> Call:
        hierarchy = peers.module("scipy.cluster.hierarchy", n_threads)
        given = distances(data, method)
        return UsesUp(given.copy, lambda scratch: hierarchy.linkage(scratch, method))

    return prepare


def nothing_to_multiply(_: Data, __: Any) -> float:
    return 0.0


def verify(z: NDArray[np.float64], data: Data) -> None:
    """A tree of all rows. Its heights are held against those of the peers."""
    n = len(data.X)
    assert z.shape == (n - 1, 4) and np.isfinite(z[:, 2]).all() and z[-1, 3] == n
    assert (np.sort(z[:, :2].ravel()) == np.arange(2 * n - 2)).all()


def agree(z: Any, ours: NDArray[np.float64], _: Data) -> None:
    np.testing.assert_allclose(np.asarray(z)[:, 2], ours[:, 2], rtol=1e-5, atol=1e-6)


def work(method: str) -> Work:
    rows = ("synthetic", 10_000), ("lfw", 10_000)
    factor = with_vnni(1.3) if method in METHODS[:5] else {}
    # Where centroids come closer by merging, a rounding decides which ones: some heights then are others in float32.
    in_float32 = (Contender("pyface, float32", own(method, np.float32), peers.own_threads, rounds=5),)
    return Work(
        f"linkage-matrix-{method}",
        f'`linkage(condensed, "{method}", overwrite=True)`',
        (
            Contender("pyface", own(method, np.float64), peers.own_threads, rounds=5),
            *(in_float32 if method != "centroid" else ()),
            Contender("fastcluster", fastcluster(method), peers.one_thread, rounds=5, at_least=factor),
            Contender("SciPy", scipy(method), peers.one_thread, rounds=2),
        ),
        "float32",
        nothing_to_multiply,
        verify,
        agree,
        sizes=rows,
        quick_sizes=(("synthetic", 1_500),),
    )


WORKS = [work(method) for method in METHODS]


def test_row(case: Any, measure: Any) -> None:
    measure(case)
