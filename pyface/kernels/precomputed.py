"""DBSCAN on a matrix of distances, which need not be symmetric: row i's neighbours are those of row i of the matrix."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface._typing import Labels

# Some milliseconds of work, as Ctrl-C is not seen before it is done.
ENTRIES_AT_ONCE = 1 << 20


def dbscan_dense(
    distances: NDArray[Any], radius: float, min_samples: int, weights: NDArray[np.float64] | None
) -> tuple[Labels, NDArray[np.bool_]]:
    """DBSCAN on ``distances``, (n, n) floats: ``(labels, is_core)`` as :func:`pyface.kernels.density.dbscan` gives.

    Entries are compared with the radius in their own precision, as NumPy does. ValueError for a negative one. Time
    O(n^2): one look at each row, and a second one at those of core rows. Memory O(n).
    """
    n = len(distances)
    is_core = np.empty(n, np.bool_)
    for row in range(n):
        if distances[row].min() < 0:
            raise _negative(row, distances[row].min())
        is_near = distances[row] <= radius
        is_core[row] = (np.count_nonzero(is_near) if weights is None else np.sum(weights[is_near])) >= min_samples
    labels = np.full(n, -1, np.int64)
    is_free = np.ones(n, np.bool_)
    n_clusters = 0
    for start in range(n):
        if not is_core[start] or not is_free[start]:
            continue
        is_free[start], labels[start] = False, n_clusters
        stack = [start]
        while stack:
            found = np.flatnonzero((distances[stack.pop()] <= radius) & is_free)
            is_free[found], labels[found] = False, n_clusters
            stack += found[is_core[found]].tolist()
        n_clusters += 1
    return labels, is_core


def dbscan_sparse(
    indptr: NDArray[Any],
    indices: NDArray[Any],
    distances: NDArray[Any],
    diagonal: NDArray[Any],
    radius: float,
    min_samples: int,
    weights: NDArray[np.float64] | None,
) -> tuple[Labels, NDArray[np.bool_]]:
    """DBSCAN on a sparse matrix in CSR form: ``(labels, is_core)`` as :func:`pyface.kernels.density.dbscan` gives.

    Entries that are not stored are out of reach, except on the ``diagonal``, which is given apart. Entries are compared
    with the radius in their own precision, as NumPy does; ValueError for a negative one. Weights are added by
    increasing distance, then column, as scikit-learn does. Time O(n + entries); memory O(n) and a byte per entry.
    """
    from pyface._numba import dbscan as jit

    n = len(diagonal)
    starts = indptr.astype(np.int64, copy=False)
    is_near = np.empty(len(distances), np.bool_)
    is_own = diagonal <= radius
    is_core = np.empty(n, np.bool_)
    for begin, end in _blocks(starts):
        here = slice(starts[begin], starts[end])
        rows = np.repeat(np.arange(begin, end), np.diff(starts[begin : end + 1]))
        is_negative = distances[here] < 0
        if is_negative.any():
            raise _negative(rows[is_negative][0], distances[here][is_negative][0])
        is_near[here] = (distances[here] <= radius) & (indices[here] != rows)
        if weights is None:
            counts = np.bincount(rows[is_near[here]] - begin, minlength=end - begin) + is_own[begin:end]
            is_core[begin:end] = counts >= min_samples
            continue
        for row in range(begin, end):
            entries = slice(starts[row], starts[row + 1])
            columns = np.append(indices[entries], row)
            values = np.append(distances[entries], diagonal[row])
            order = np.lexsort((columns, values))
            is_around = np.append(is_near[entries], is_own[row])
            is_core[row] = np.sum(weights[columns[order][is_around[order]]]) >= min_samples
    labels = np.full(n, -1, np.int64)
    state, stack = np.zeros(3, np.int64), np.empty(n, np.int32)
    while jit.walk(starts, indices, is_near, is_core, ENTRIES_AT_ONCE, state, stack, labels):
        pass
    return labels, is_core


def _negative(row: int, value: float) -> ValueError:
    return ValueError(f"Negative values in data passed to precomputed distance matrix: row {row} holds {value:g}")


def _blocks(starts: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Ranges of rows with about ``ENTRIES_AT_ONCE`` entries, one row at least."""
    begin, n = 0, len(starts) - 1
    while begin < n:
        end = int(np.searchsorted(starts, starts[begin] + ENTRIES_AT_ONCE, side="right")) - 1
        end = min(n, max(begin + 1, end))
        yield begin, end
        begin = end
