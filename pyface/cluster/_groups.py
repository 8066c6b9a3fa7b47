"""Flat clusters of rows as means, spreads and medoids: what sums say about them, without the distances of pairs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check
from pyface._typing import FloatArray, Labels
from pyface.kernels.distance import METRICS
from pyface.kernels.origin import Origin, common_origin

# Values of float64 that are worked on at a time.
_BLOCK = 1 << 20
_EPS = float(np.finfo(np.float64).eps)


def row_labels(labels: Any, n: int, name: str = "labels") -> Labels:
    """(n,) int64 of cluster numbers, -1 = none; whole numbers in an array of integers, nothing else."""
    if not isinstance(labels, np.ndarray) or labels.dtype.kind not in "iu":
        got = f"an array of {labels.dtype}" if isinstance(labels, np.ndarray) else type(labels).__name__
        raise TypeError(
            f"{name} must be a NumPy array of integers, got {got}; "
            "np.unique(names, return_inverse=True)[1] makes numbers of names"
        )
    if labels.shape != (n,):
        raise ValueError(f"{name} must have shape ({n},), one entry per row, got shape {labels.shape}")
    numbers = np.asarray(labels, np.int64)
    # Unsigned numbers that int64 does not hold have come out negative.
    bad = np.flatnonzero(numbers < (-1 if labels.dtype.kind == "i" else 0))
    if bad.size:
        raise ValueError(
            f"{name}: entry {bad[0]} is {labels[bad[0]]}; it must be -1, for none, or a number from 0 to below 2^63"
        )
    return numbers


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """Rows in the order of their clusters 0 .. k - 1, increasing inside each.

    rows : row numbers without those of no cluster. begin : (k + 1,), cluster c is ``rows[begin[c] : begin[c + 1]]``.
    origin : what is subtracted from all rows, without rounding, if they lie far away from 0.
    """

    x: FloatArray
    rows: NDArray[np.int64]
    begin: NDArray[np.int64]
    is_unit: bool
    origin: Origin

    @property
    def sizes(self) -> NDArray[np.int64]:
        return np.diff(self.begin)

    def blocks(self) -> Iterator[Block]:
        """Some whole clusters at a time: about a million values, or one cluster of more."""
        per_block = max(1, _BLOCK // self.x.shape[1])
        first, k = 0, len(self.begin) - 1
        while first < k:
            end = int(np.searchsorted(self.begin, self.begin[first] + per_block, side="right")) - 1
            end = max(end, first + 1)
            begin = self.begin[first : end + 1] - self.begin[first]
            rows = self.rows[self.begin[first] : self.begin[end]]
            yield Block(slice(first, end), rows, begin, self.values(rows))
            first = end

    def values(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """The rows in float64, from the origin; of length 1 if the metric is cosine."""
        x: NDArray[np.float64] = self.x[rows].astype(np.float64)
        if self.origin is not None:
            x -= self.origin
        if self.is_unit:
            x /= np.abs(x).max(axis=1, keepdims=True)  # lengths whose squares float64 does not hold
            x /= np.sqrt(np.einsum("ij,ij->i", x, x))[:, None]
        return x


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Whole clusters: their row numbers, where each begins among them (one entry more at the end), their vectors."""

    clusters: slice
    rows: NDArray[np.int64]
    begin: NDArray[np.int64]
    x: NDArray[np.float64]

    @property
    def local(self) -> NDArray[np.int64]:
        """Of each row, which cluster of the block it is in."""
        return np.repeat(np.arange(len(self.begin) - 1), np.diff(self.begin))

    def means(self) -> NDArray[np.float64]:
        """From differences from the first row of each, so that the mean of equal rows is that row to the bit."""
        start, sizes = self.begin[:-1], np.diff(self.begin)
        first = self.x[start]
        sums = np.add.reduceat(self.x - first[self.local], start, axis=0)
        return first + sums / sizes[:, None]

    def squares(self, means: NDArray[np.float64]) -> NDArray[np.float64]:
        """Squared distance of each row from the mean of its cluster."""
        difference = self.x - means[self.local]
        squares: NDArray[np.float64] = np.einsum("ij,ij->i", difference, difference)
        return squares


def grouped(X: Any, labels: Any, metric: str) -> Groups:
    """The rows of ``X`` by cluster. ValueError for a number below the largest one that no row has."""
    x = _check.embeddings(X, "X", nonzero=metric == "cosine")
    numbers = row_labels(labels, len(x))
    largest = int(numbers.max(initial=-1))
    if largest >= len(x):
        # Said before an array of that length is made.
        raise ValueError(
            f"labels: {len(x)} rows cannot make {largest + 1} clusters; "
            "np.unique(labels, return_inverse=True)[1] numbers them without gaps"
        )
    sizes = np.bincount(numbers[numbers >= 0], minlength=largest + 1)
    empty = np.flatnonzero(sizes == 0)
    if empty.size:
        raise ValueError(
            f"labels: no row is in cluster {empty[0]}, but the largest number is {largest}; "
            "np.unique(labels, return_inverse=True)[1] numbers clusters without gaps"
        )
    rows = np.argsort(numbers, kind="stable")[len(numbers) - int(sizes.sum()) :]
    begin = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    origin = None if metric == "cosine" else common_origin(x)
    return Groups(x, rows.astype(np.int64, copy=False), begin, metric == "cosine", origin)


def means_and_spreads(groups: Groups) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of each cluster its mean (k, d), from the origin, and the mean squared distance of its rows from that, (k,)."""
    k = len(groups.begin) - 1
    means, spreads = np.empty((k, groups.x.shape[1])), np.empty(k)
    for block in groups.blocks():
        here = block.means()
        means[block.clusters] = here
        spreads[block.clusters] = np.add.reduceat(block.squares(here), block.begin[:-1]) / np.diff(block.begin)
    return means, spreads


def cluster_means(X: FloatArray, labels: Labels) -> NDArray[np.float64]:
    """The mean vector of each cluster.

    X : (n, d) float32, float64 or float16. labels : (n,) integers, 0 .. k - 1 without gaps; rows of -1 are left out.

    Returns (k, d) float64, means of the rows as given, added up in float64; k = 0 if no row is in a cluster. The mean
    of equal rows is that row to the bit. For directions (cosine) give rows of unit length: the average cosine of a
    unit vector to the rows of a cluster is then its product with the cluster's mean.

    TypeError for other types; ValueError for NaN, infinity, a wrong shape, a number that no row has.
    Time O(n d); memory O(k d) and some megabytes, or the rows of the largest cluster in float64.
    """
    groups = grouped(X, labels, "euclidean")
    means = np.empty((len(groups.begin) - 1, groups.x.shape[1]))
    for block in groups.blocks():
        means[block.clusters] = block.means()
    return means if groups.origin is None else means + groups.origin


def medoids(X: FloatArray, labels: Labels, *, metric: str = "cosine") -> NDArray[np.int64]:
    """The row of each cluster whose distances to the other rows of the cluster have the smallest sum.

    X : (n, d) float32, float64 or float16. labels : (n,) integers, 0 .. k - 1 without gaps; rows of -1 are left out.
    metric : "cosine", "sqeuclidean" or "euclidean".

    Returns (k,) int64 row numbers. Sums in float64; those that differ by no more than rounding may have changed them
    are equal, and the lowest row wins: of two rows always the first.

    "cosine" and "sqeuclidean": the row nearest to the mean (of the rows scaled to unit length, for cosine), which is
    the same row; O(n d) time, memory as for :func:`cluster_means`. "euclidean" has no such short cut: all pairs inside
    each cluster, O(|A|^2 d) time for a cluster of |A| rows, memory for its rows in float64.

    TypeError and ValueError as in :func:`cluster_means`, and for a row of zeros under cosine.
    """
    _check.choice(metric, "metric", METRICS)
    groups = grouped(X, labels, metric)
    found = np.empty(len(groups.begin) - 1, np.int64)
    for block in groups.blocks():
        sizes, start = np.diff(block.begin), block.begin[:-1]
        if metric == "euclidean":
            costs, doubt = _distance_sums(block)
        else:
            costs = block.squares(block.means())
            least = np.minimum.reduceat(costs, start)
            length = np.sqrt(np.maximum.reduceat(np.einsum("ij,ij->i", block.x, block.x), start))
            # What rounding of the mean and of the differences can make of a square, and then of their sum.
            doubt = 4 * _EPS * ((sizes + 8) * np.sqrt(least) * length + block.x.shape[1] * least)
        limits = (np.minimum.reduceat(costs, start) + doubt)[block.local]
        near = np.flatnonzero(costs <= limits)
        _, first = np.unique(block.local[near], return_index=True)
        found[block.clusters] = block.rows[near[first]]
    return found


def _distance_sums(block: Block) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of each row the sum of its Euclidean distances to the rows of its cluster, and the rounding errors to expect."""
    from scipy.spatial.distance import cdist

    costs = np.zeros(len(block.x))
    sizes = np.diff(block.begin)
    for cluster in np.flatnonzero(sizes > 2):  # of two rows both sums are the same, of one it is 0
        begin, end = block.begin[cluster], block.begin[cluster + 1]
        x = block.x[begin:end]
        step = max(1, _BLOCK // len(x))
        for first in range(0, len(x), step):
            costs[begin + first : begin + min(len(x), first + step)] = cdist(x[first : first + step], x).sum(axis=1)
    return costs, 4 * _EPS * (sizes + block.x.shape[1]) * np.minimum.reduceat(costs, block.begin[:-1])
