"""Rows of vectors by cluster, in float64: means, distances to them. Sums have one order, whatever the threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check, _core, _threads
from pyface._typing import FloatArray

# Threads take longer to start than so many entries.
_FEW = 1 << 20


class ClusteredRows:
    """Rows in the order of their clusters.

    x : (n, d) float32 or float64, finite, C order; not to be changed meanwhile. codes : (n,) int64, the cluster of each
    row, 0 .. n_clusters - 1, none without rows. unit : take rows at unit length; none may be all zeros.
    n_threads : None = all usable CPUs.

    order : (n,) which row of ``x`` comes where, rows of a cluster in their order. codes : (n,) cluster of each in that
    order. starts, sizes : (n_clusters,) where each cluster begins, and how many rows it has.
    """

    def __init__(
        self, x: FloatArray, codes: NDArray[np.int64], n_clusters: int, *, unit: bool, n_threads: int | None = None
    ):
        self.x, self.unit, self.n_threads = x, unit, _threads.resolve(n_threads)
        self.order = np.argsort(codes, kind="stable")
        self.codes = codes[self.order]
        self.sizes = np.bincount(codes, minlength=n_clusters)
        self.starts = np.cumsum(self.sizes) - self.sizes

    def __len__(self) -> int:
        return len(self.x)

    @property
    def n_clusters(self) -> int:
        return len(self.sizes)

    def rows(self, places: NDArray[np.int64] | slice, *, extra: int = 0) -> NDArray[np.float64]:
        """(m, d + extra) float64: the rows at these places of the order, and columns of zeros. Time O(m d)."""
        from pyface._numba import clustered as jit

        which = np.ascontiguousarray(self.order[places])
        out = _check.output(None, (len(which), self.x.shape[1] + extra), np.float64, instead="take fewer rows")
        out[:, self.x.shape[1] :] = 0
        self._share(lambda begin, end: jit.fill_rows(self.x, which, self.unit, out, begin, end), _parts(len(which)))
        return out

    def moments(self, kept: NDArray[np.float64] | None = None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Means (n_clusters, d) and (n,) the squared distance of each row, in order, to the mean of its cluster.

        The mean of equal rows is that row, to the bit. kept : (n, d) or wider, float64, to put the rows into, in order.
        Time O(n d), memory that of the result.
        """
        from pyface._numba import clustered as jit

        d = self.x.shape[1]
        means, within = np.empty((self.n_clusters, d)), np.empty(len(self))
        out = np.empty((0, d)) if kept is None else kept
        given = self.x, self.order, self.starts, self.sizes, self.unit, means, within, out
        # Parts of about equally many rows.
        cuts = np.searchsorted(self.starts, [begin for begin, _ in _parts(len(self))]).tolist()
        parts = list(zip(cuts, [*cuts[1:], self.n_clusters], strict=True))
        self._share(lambda first, last: jit.moments(*given, first, last), parts)
        return means, within

    def two_nearest(self, rows: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.int64]:
        """(m, 2) the numbers of the two nearest of ``points`` (p, e), p >= 2, to each of ``rows`` (m, e), float64.

        The nearer first, ties by lower number, by the squared distance in float64. Time O(m p e), most of it on codes.
        """
        distances, numbers = np.empty((len(rows), 2), np.float32), np.empty((len(rows), 2), np.int64)
        _core.nearest(rows, points, distances, numbers, metric="sqeuclidean", n_threads=self.n_threads)
        return numbers

    def squares_to(
        self, rows: NDArray[np.float64], points: NDArray[np.float64], which: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """(m,) squared distance of each of ``rows`` (m, d or wider) to the point (p, d) of that number. Time O(m d)."""
        from pyface._numba import clustered as jit

        out = np.empty(len(rows))
        self._share(lambda begin, end: jit.squares_to(rows, points, which, out, begin, end), _parts(len(rows)))
        return out

    def _share(self, work: Callable[[int, int], Any], parts: list[tuple[int, int]]) -> None:
        """Do all parts, on several threads where that is worth it."""
        work(0, 0)  # compiled here, where Ctrl-C is heard
        if self.n_threads == 1 or self.x.size < _FEW:
            for part in parts:
                work(*part)
            return
        with ThreadPoolExecutor(self.n_threads, thread_name_prefix="pyface") as pool:
            for _ in pool.map(work, *zip(*parts, strict=True)):
                pass


def usable_rows(X: Any, *, nonzero: bool, n_threads: int | None = None) -> FloatArray:
    """``X`` as :func:`pyface._check.embeddings` has it, looked through on several threads."""
    all_usable = partial(_core.all_usable, nonzero=nonzero, n_threads=_threads.resolve(n_threads))
    return _check.embeddings(X, "X", nonzero=nonzero, all_usable=all_usable)


def _parts(n: int) -> list[tuple[int, int]]:
    step = max(512, n // 64)
    return [(begin, min(begin + step, n)) for begin in range(0, n, step)]
