"""Dunn's index: the smallest gap between clusters over the largest diameter of one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface.kernels import kmeans
from pyface.kernels.clustered import ClusteredRows
from pyface.kernels.distance import nearest_neighbors
from pyface.metrics._rows import clustered_rows, squared_lengths

# Clusters of up to so many rows are searched together: among so many neighbours and one more there is a stranger.
_SMALL = 16
# Rows whose distances are taken at a time.
_ROWS = 1024
# Bounds are widened by this: far more than the rounding of a distance.
_SLACK = 1 + 1e-9
_CHUNK = 1 << 16


def dunn_score(
    X: Any, labels: Any, *, metric: str = "euclidean", noise: str = "cluster", n_threads: int | None = None
) -> float:
    """Least distance of two rows of different clusters over the largest of two rows of one (Dunn 1974); larger is
    better, above 1 every row is nearer to all of its cluster than to any stranger.

    0.0 if equal rows are in different clusters; infinite if only all clusters consist of equal rows. One wrong row
    decides: it is a question about the worst case, not about quality as a whole.

    Arguments as in :func:`pyface.metrics.silhouette_samples`. The gap is exact by the sweep: each row's nearest
    stranger, decided in float64 on the rows as given. Diameters are float64, and only of clusters, and of their outer
    rows, that may have the largest: twice the distance to the mean bounds them. Time O(n^2 d), most of it on codes;
    where one large cluster is a ball of many dimensions, the square of its size in float64. Memory O(n d).

    TypeError and ValueError as there.
    """
    rows = clustered_rows(X, labels, metric=metric, noise=noise, n_threads=n_threads)
    gap = _gap(rows, metric)
    if gap == 0.0:
        return 0.0
    diameter = _diameter(rows)
    if metric != "euclidean":  # of unit vectors too: both are twice the cosine distance
        gap, diameter = gap * gap, diameter * diameter
    return gap / diameter if diameter > 0 else math.inf


def _gap(rows: ClusteredRows, metric: str) -> float:
    """Euclidean distance of the nearest two rows of different clusters."""
    is_large = rows.sizes > _SMALL
    # Places in the order of rows: large clusters first, so that what follows a cluster is one piece.
    places = np.concatenate([np.flatnonzero(is_large[rows.codes]), np.flatnonzero(~is_large[rows.codes])])
    x, codes = rows.x[rows.order[places]], rows.codes[places]
    best = _Nearest()
    begin = 0
    for size in rows.sizes[is_large]:
        end = begin + int(size)
        if end < len(x):
            distances, others = nearest_neighbors(x[begin:end], 1, x[end:], metric=metric, n_threads=rows.n_threads)
            best.add(distances[:, 0], np.arange(begin, end), others[:, 0] + end)
        begin = end
    small = codes[begin:]
    if len(small) and small[0] != small[-1]:
        k = min(len(small), int(rows.sizes[~is_large].max()) + 1)
        distances, others = nearest_neighbors(x[begin:], k, metric=metric, n_threads=rows.n_threads)
        stranger = np.argmax(small[others] != small[:, None], axis=1)
        row = np.arange(len(small))
        best.add(distances[row, stranger], row + begin, others[row, stranger] + begin)
    return best.distance(rows, places)


class _Nearest:
    """The pairs of the least distance; it comes in float32, so that others in float64 may round to the same."""

    def __init__(self) -> None:
        self._least = np.float32(np.inf)
        self._pairs: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []

    def add(self, distances: NDArray[np.float32], i: NDArray[np.int64], j: NDArray[np.int64]) -> None:
        least = distances.min()
        if least > self._least:
            return
        if least < self._least:
            self._least, self._pairs = least, []
        found = np.flatnonzero(distances == least)
        self._pairs.append((i[found], j[found]))

    def distance(self, rows: ClusteredRows, places: NDArray[np.int64]) -> float:
        i, j = (places[np.concatenate(side)] for side in zip(*self._pairs, strict=True))
        chunks = [slice(begin, begin + _CHUNK) for begin in range(0, len(i), _CHUNK)]
        return math.sqrt(min(float(squared_lengths(rows.rows(i[c]) - rows.rows(j[c])).min()) for c in chunks))


def _diameter(rows: ClusteredRows) -> float:
    """Largest Euclidean distance of two rows of one cluster."""
    means, within = rows.moments()
    # A mean is as near to the true one as its largest entry has digits.
    error = 8 * np.finfo(np.float64).eps * float(np.abs(means).max()) * math.sqrt(means.shape[1])
    radii = np.sqrt(within) * _SLACK + error
    largest = np.maximum.reduceat(radii, rows.starts)
    diameter = 0.0
    for cluster in np.argsort(-largest, kind="stable"):
        if 2 * largest[cluster] <= diameter:
            break
        places = np.arange(rows.starts[cluster], rows.starts[cluster] + rows.sizes[cluster])
        places = places[np.argsort(-radii[places], kind="stable")]
        radius = radii[places]
        for begin in range(0, len(places), _ROWS):
            # Rows this near to the mean are within the diameter of all rows from here on.
            end = int(np.searchsorted(-radius, radius[begin] - diameter))
            if 2 * radius[begin] <= diameter or end <= begin:
                break
            block = rows.rows(places[begin : begin + _ROWS])
            for other in range(begin, end, _ROWS):
                columns = block if other == begin else rows.rows(places[other : min(other + _ROWS, end)])
                found = kmeans.distances_to_centers(block, columns, n_threads=rows.n_threads).max()
                diameter = max(diameter, float(found))
    return diameter
