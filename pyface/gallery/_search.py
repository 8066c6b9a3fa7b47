"""The one place where queries meet enrolled faces."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pyface import _check
from pyface._typing import FloatArray
from pyface.kernels import pairs, search


class FaceSearch:
    """Rows that are searched again and again.

    rows : (n, d) float32 or float64, finite, no row of zeros under cosine; they are not changed while this lives.
    """

    def __init__(self, rows: FloatArray, metric: str) -> None:
        self.rows, self.metric = rows, metric
        self._index: search.RowIndex | None = None

    def nearest(self, queries: FloatArray, k: int, n_threads: int) -> NDArray[np.int64]:
        """(m, k) the rows nearest to each query in float64, the nearest first, ties by lower row."""
        if self._index is None:  # the rows are coded once, when they are first searched
            self._index = search.build(np.require(self.rows, requirements=["C", "A"]), self.metric, n_threads)
        return self._index.nearest(np.require(queries, requirements=["C", "A"]), k, n_threads)[1]

    def distances(self, queries: FloatArray, rows: NDArray[np.int64], n_threads: int) -> NDArray[np.float64]:
        """(m, k) float64 distances of each query to the rows (m, k) named for it. O(m k d)."""
        asked, place = np.unique(rows, return_inverse=True)
        ours, theirs = _check.same_dtype(self.rows[asked], queries)
        assert theirs is not None
        both = np.concatenate([theirs, ours])
        first = np.repeat(np.arange(len(queries), dtype=np.int32), rows.shape[1])
        second = (place.reshape(-1) + len(queries)).astype(np.int32)
        found = pairs.distances_of_pairs(both, first, second, metric=self.metric, n_threads=n_threads)
        return found.reshape(rows.shape)
