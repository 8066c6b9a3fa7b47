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

    def rows(self, places: NDArray[np.int64] | slice) -> NDArray[np.float64]:
        """(m, d) float64: the rows at these places of the order. Time O(m d)."""
        from pyface._numba import clustered as jit

        which = np.ascontiguousarray(self.order[places])
        out = _check.output(None, (len(which), self.x.shape[1]), np.float64, instead="take fewer rows")
        self._share(lambda begin, end: jit.fill_rows(self.x, which, self.unit, out, begin, end), _parts(len(which)))
        return out

    def moments(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Means (n_clusters, d) and (n,) the squared distance of each row, in order, to the mean of its cluster.

        The mean of equal rows is that row, to the bit. Time O(n d), memory that of the result.
        """
        from pyface._numba import clustered as jit

        means, within = np.empty((self.n_clusters, self.x.shape[1])), np.empty(len(self))
        given = self.x, self.order, self.starts, self.sizes, self.unit, means, within
        # Parts of about equally many rows.
        cuts = np.searchsorted(self.starts, [begin for begin, _ in _parts(len(self))]).tolist()
        parts = list(zip(cuts, [*cuts[1:], self.n_clusters], strict=True))
        self._share(lambda first, last: jit.moments(*given, first, last), parts)
        return means, within

    def to_other_clusters(self, means: NDArray[np.float64], variances: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n,) for each row, in order, the least of its mean squared distances to the rows of another cluster.

        means (n_clusters, d), variances (n_clusters,) : as of :meth:`moments`, means of ``within`` over clusters;
        the mean squared distance of x to the rows is ``|x - mean|^2 + variance``. Infinity where there is no other.
        Decided in float64. Time O(n n_clusters d), most of it on codes; memory O(n_clusters d).
        """
        own, out = np.empty_like(self.codes), np.empty(len(self))
        own[self.order] = self.codes
        _core.nearest_other_means(self.x, means, variances, own, out, unit=self.unit, n_threads=self.n_threads)
        return out[self.order]

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
