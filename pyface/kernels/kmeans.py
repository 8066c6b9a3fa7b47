"""K-means on rows of vectors: where to start, Lloyd's algorithm, the nearest of given centres.

Which centre is nearest is decided in float64 on rows and centres as they are given, ties by lower number. Means are
summed up in float64, in one order, and rounded to the type of the rows. So no result depends on threads or instruction
set.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pyface import _check, _core, _threads
from pyface._typing import FloatArray

# Squares of entries of this size, and sums of them, neither overflow nor vanish in the type of the rows.
_LARGEST = {"float32": 1e15, "float64": 1e100}
_SMALLEST = {"float32": 1e-15, "float64": 1e-100}


@dataclass(frozen=True, slots=True, eq=False)
class KMeansResult:
    """labels (n,) int32; centers (k, d) of the type of the rows; inertia: sum of weight times squared distance."""

    labels: NDArray[np.int32]
    centers: FloatArray
    inertia: float
    n_iter: int


class KMeansData:
    """The rows that k-means runs on, coded once for all runs: n d bytes beside ``x``, four times that if d <= 16.

    Nothing is coded where float64 alone is as fast: few centres of few columns that are given.

    x : (n, d) float32 or float64, finite, C order, 1 <= n < 2^31; not to be changed meanwhile.
    weights : (n,) not negative, or None for ones. n_threads : None = all usable CPUs.
    """

    def __init__(self, x: FloatArray, weights: NDArray[np.floating] | None = None, *, n_threads: int | None = None):
        self._x = np.require(x, requirements=["C", "A"])  # scikit-learn's checks let views through that are not aligned
        per_row = None if weights is None else np.ascontiguousarray(weights, dtype=np.float64)
        self._data = _core.KMeansData(self._x, per_row, n_threads=_threads.resolve(n_threads))

    def mean_variance(self) -> float:
        """Mean over the columns of their variance, in float64; weights do not count. Time O(n d)."""
        return self._data.mean_variance()

    def plus_plus(self, first: int, draws: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Greedy k-means++ (Arthur and Vassilvitskii 2007, with scikit-learn's trials): ``(chosen, nearest)``.

        first : the first row chosen. draws : (k - 1, t) uniform in [0, 1); row c - 1 draws the t candidates of which
        the best becomes choice c. chosen : (k,) rows. nearest : (n,) number of the choice nearest to each row.

        A candidate is drawn with probability proportional to weight times squared distance to the nearest choice; the
        best one leaves the smallest sum of these, ties by lower t. Squared distances, and the running sum that is drawn
        from, are of the type of ``x`` as in scikit-learn. Time O(n k t d) on codes; memory O(n).
        """
        return self._data.plus_plus(first, np.ascontiguousarray(draws, dtype=np.float64))

    def lloyd(
        self,
        centers: FloatArray,
        guess: NDArray[np.int32] | None = None,
        *,
        max_iter: int,
        tolerance: float,
        spherical: bool = False,
    ) -> KMeansResult:
        """Lloyd's algorithm from ``centers`` (k, d), 1 <= k <= n, which is not changed.

        guess : (n,) number of a centre near to each row, or -1; it saves time and changes nothing.
        It ends when no label changes, after max_iter iterations, or when the squared ways of all centres sum up to at
        most ``tolerance``. In the last two cases labels are those of the returned centres, and the centres are not
        quite the means of their rows. Clusters without weight are given the rows farthest from their centres, the
        farthest to the cluster of the lowest number.
        spherical : rows must be of unit length; centres are scaled to it.

        Time per iteration O(m d) on codes, where m is the number of pairs of a row and a centre that may be nearer than
        before: all n k at first, few towards the end. Memory O(n + k d).
        """
        result = np.array(centers, dtype=self._x.dtype, order="C")
        labels = np.full(len(self._x), -1, np.int32) if guess is None else guess.astype(np.int32)
        inertia, n_iter = self._data.lloyd(result, labels, max_iter=max_iter, tolerance=tolerance, spherical=spherical)
        return KMeansResult(labels, result, inertia, n_iter)


def nearest_centers(
    x: FloatArray, centers: FloatArray, *, n_threads: int | None = None
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Number of the nearest of ``centers`` (k, d) for each row of ``x`` (n, d), and the squared distance to it.

    Both float32 or float64; if they differ, float64. Labels (n,) int32, ties by lower number; distances (n,) float64.
    Time O(n k d) on codes; memory O((n + k) d) bytes beside the input.
    """
    rows, others = _check.same_dtype(x, centers)
    labels = np.empty(len(rows), np.int32)
    distances = np.empty(len(rows), np.float64)
    data = _core.KMeansData(np.require(rows, requirements=["C", "A"]), None, n_threads=_threads.resolve(n_threads))
    data.nearest(np.require(others, requirements=["C", "A"]), labels, distances)
    return labels, distances


def distances_to_centers(x: FloatArray, centers: FloatArray, *, n_threads: int | None = None) -> FloatArray:
    """Euclidean distances (n, k), of the type of ``x``: computed in float64 for float64, error below 1e-6 of the
    distance for float32. MemoryError for a result larger than the memory that is left.
    """
    rows, others = _check.same_dtype(x, centers)
    out = _check.output(None, (len(rows), len(centers)), x.dtype.type, instead="transform some rows at a time")
    _core.distances_dense(
        np.require(rows, requirements=["C", "A"]),
        np.require(others, requirements=["C", "A"]),
        out,
        metric="euclidean",
        n_threads=_threads.resolve(n_threads),
    )
    return out


def unit_rows(x: FloatArray, name: str) -> FloatArray:
    """A copy of ``x`` with rows of unit length, computed in float64. ValueError for a row of zeros."""
    result = np.empty_like(x, order="C")
    for begin in range(0, len(x), 4096):
        part = x[begin : begin + 4096].astype(np.float64)
        largest = np.abs(part).max(axis=1, keepdims=True)
        zero = np.flatnonzero(largest == 0)
        if zero.size:
            raise ValueError(
                f"{name}: row {begin + zero[0]} is all zeros and has no direction; remove it or use spherical=False"
            )
        np.ldexp(part, -np.frexp(largest)[1], out=part)  # exact, and no square overflows or vanishes
        part /= np.sqrt(np.einsum("ij,ij->i", part, part))[:, None]
        result[begin : begin + 4096] = part
    return result


def refuse_extremes(x: FloatArray, name: str, *, small: bool = True) -> None:
    """ValueError if squared differences of the rows overflow, or (``small``) if all of them vanish."""
    largest = float(max(x.max(), -x.min()))
    most, least = _LARGEST[x.dtype.name], _SMALLEST[x.dtype.name]
    if largest > most:
        raise ValueError(f"{name} holds {largest:g}; entries of {x.dtype} must not exceed {most:g}: scale the data")
    if small and 0 < largest < least:
        raise ValueError(f"{name}: all entries of {x.dtype} are below {least:g}, their squares vanish; scale the data")
