"""Pairs of clusters that may be one person: those whose average distance is the smallest above a threshold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pyface import _check
from pyface._typing import FloatArray, Labels
from pyface.cluster._groups import grouped, means_and_spreads

METRICS = ("cosine", "sqeuclidean")
# Distances of one block, and pairs that are computed again at a time.
_BLOCK = 1 << 22
_PAIRS_AT_ONCE = 1 << 14
_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True)
class MergeSuggestion:
    """Two sides that may be one person.

    left, right : numbers of the clusters on each side, increasing; the smallest of all is on the left.
    distance : average distance between the rows of one side and those of the other.
    n_left, n_right : rows on each side.
    """

    left: tuple[int, ...]
    right: tuple[int, ...]
    distance: float
    n_left: int
    n_right: int


def merge_suggestions(
    X: FloatArray, labels: Labels, *, threshold: float, metric: str = "cosine", limit: int = 100
) -> list[MergeSuggestion]:
    """The pairs of clusters whose average distance is the smallest that is not below ``threshold``.

    X : (n, d) float32, float64 or float16. labels : (n,) integers, 0 .. k - 1 without gaps; rows of -1 are left out.
    threshold : >= 0, in the units of ``metric``; what the clusters were made with asks for the cases that nearly were
    merged, 0 for the nearest pairs of all. limit : how many at most, >= 1.
    metric : "cosine" or "sqeuclidean". Averages of plain Euclidean distances cannot be had from means: squares can.

    Returns at most ``limit`` suggestions by increasing distance, equal ones by the numbers of their clusters, one
    cluster on each side. The distance is the average over all pairs of rows, in float64: the height at which average
    linkage would merge the two now. A tree knows what comes after that: :func:`next_merges`.

    TypeError for other types; ValueError for NaN, infinity, a row of zeros under cosine, a wrong shape, a number that
    no row has, squared distances beyond float64. Time O(n d + k^2 d) in BLAS; memory O(k d), some megabytes, and the
    rows of the largest cluster in float64.
    """
    _check.choice(metric, "metric", METRICS)
    least = _check.number(threshold, "threshold", minimum=0)
    limit = _check.integer(limit, "limit", minimum=1)
    groups = grouped(X, labels, metric)
    means, spreads = means_and_spreads(groups)
    if metric == "cosine":  # squared distances of unit rows are twice their cosine distances
        means, spreads = means / np.sqrt(2), spreads / 2
    pairs, distances = _nearest_pairs(means, spreads, least, limit)
    sizes = groups.sizes
    return [
        MergeSuggestion((int(a),), (int(b),), float(distance), int(sizes[a]), int(sizes[b]))
        for (a, b), distance in zip(pairs, distances, strict=True)
    ]


def _nearest_pairs(
    means: NDArray[np.float64], spreads: NDArray[np.float64], least: float, limit: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The ``limit`` pairs a < b of smallest |m_a - m_b|^2 + V_a + V_b >= ``least``: ``(pairs (m, 2), distances)``.

    BLAS says which pairs can be among them; those are computed again from differences, as products lose the digits of
    small distances.
    """
    best = _Best(limit)
    k, d = means.shape
    if k < 2:
        return best.pairs, best.distances
    with np.errstate(over="ignore", invalid="ignore"):
        centred = means - means.mean(axis=0)
        outer = np.einsum("ij,ij->i", centred, centred) + spreads
    if not np.isfinite(outer.sum()):
        raise ValueError("X: squared distances are not finite numbers; scale the data")
    # One product gives |c_a|^2 + V_a + |c_b|^2 + V_b - 2 <c_a, c_b>; this is what rounding may do to it and to the sum
    # of squares that decides.
    doubt = 8 * (d + 8) * _EPS * float(outer.max())
    ones = np.ones(k)
    row_side, column_side = np.column_stack([-2 * centred, outer, ones]), np.column_stack([centred, ones, outer])
    step = max(1, _BLOCK // k)
    for first in range(0, k - 1, step):
        end = min(k, first + step)
        screen = row_side[first:end] @ column_side[first:].T
        # Each pair once, and no cluster with itself.
        screen[:, : end - first][np.tril_indices(end - first)] = np.nan
        a, b = np.nonzero(screen <= best.bound + doubt)
        values = screen[a, b]
        may_be = values >= least - doubt
        a, b, values = a[may_be], b[may_be], values[may_be]
        sure = values[values >= least + doubt]
        if len(sure) > limit:
            is_near = values <= np.partition(sure, limit - 1)[limit - 1] + 2 * doubt
            a, b = a[is_near], b[is_near]
        for begin in range(0, len(a), _PAIRS_AT_ONCE):
            some = slice(begin, begin + _PAIRS_AT_ONCE)
            left, right = a[some] + first, b[some] + first
            difference = means[left] - means[right]
            distances = np.einsum("ij,ij->i", difference, difference) + spreads[left] + spreads[right]
            is_in = distances >= least
            best.take(np.column_stack([left, right])[is_in], distances[is_in])
    return best.pairs, best.distances


class _Best:
    """The ``limit`` smallest distances so far, with their pairs, in order."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.pairs = np.empty((0, 2), np.int64)
        self.distances = np.empty(0)

    @property
    def bound(self) -> float:
        """No pair at a greater distance is among them."""
        return float(self.distances[-1]) if len(self.distances) == self.limit else np.inf

    def take(self, pairs: NDArray[np.int64], distances: NDArray[np.float64]) -> None:
        pairs = np.concatenate([self.pairs, pairs])
        distances = np.concatenate([self.distances, distances])
        order = np.lexsort((pairs[:, 1], pairs[:, 0], distances))[: self.limit]
        self.pairs, self.distances = pairs[order], distances[order]
