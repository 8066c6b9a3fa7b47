"""Agglomerative clustering with a threshold and constraints, from its definition: the slow twin and its certificate.

Distances are an (n, n) matrix, for "ward" of squared Euclidean ones. It may hold floats, or rational numbers (dtype
object), and then nothing is rounded until a height is taken.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from oracles import exact, neighbors

METHODS = ("single", "complete", "average", "weighted", "ward")


def distances(x: NDArray, metric: str, method: str) -> NDArray[np.float64]:
    """What :func:`greedy` and the certificate take for rows ``x``, in float64."""
    found = neighbors.distances(x, x, "sqeuclidean" if method == "ward" else metric)
    np.fill_diagonal(found, 0)
    return found


def exact_distances(x: NDArray, metric: str, method: str) -> NDArray[np.object_]:
    """The same as rational numbers."""
    metric = "sqeuclidean" if method == "ward" else metric
    pairs = [[exact.distance(a, b, metric) for b in x] for a in x]
    return np.array(pairs, dtype=object).reshape(len(x), len(x))


class Clusters:
    """The clusters at one time, and the linkage between every two of them. A cluster is called by its smallest row."""

    def __init__(
        self,
        distances: NDArray,
        method: str,
        cannot_link_groups: NDArray | None = None,
        cannot_link: NDArray | None = None,
    ) -> None:
        n = len(distances)
        self.method = method
        self.labels = np.arange(n)
        self.sizes = np.ones(n, dtype=np.int64).astype(distances.dtype)
        self.values = distances.copy()
        self.is_forbidden = np.zeros((n, n), dtype=bool)
        if cannot_link_groups is not None:
            self.is_forbidden |= (cannot_link_groups[:, None] == cannot_link_groups) & (cannot_link_groups >= 0)
        for i, j in [] if cannot_link is None else cannot_link:
            self.is_forbidden[i, j] = self.is_forbidden[j, i] = True
        # Pairs (a, b) with a < b of clusters that exist.
        self._is_pair = np.triu(np.ones((n, n), dtype=bool), 1)

    def height(self, a: int, b: int) -> float:
        value = self.values[a, b]
        return math.sqrt(value) if self.method == "ward" else float(value)

    def closest(self) -> tuple[int, int] | None:
        """The pair that may be merged and is closest, ties by the lower names; None if there is none."""
        allowed = np.where(self._is_pair & ~self.is_forbidden, self.values, np.inf)
        if not (allowed < np.inf).any():
            return None
        a, b = divmod(int(np.argmin(allowed)), len(allowed))
        return a, b

    def merge(self, a: int, b: int) -> None:
        """Makes ``min(a, b)`` of both."""
        a, b = min(a, b), max(a, b)
        values = self._linkage(a, b)
        self.values[a], self.values[:, a] = values, values
        self.is_forbidden[a] |= self.is_forbidden[b]
        self.is_forbidden[:, a] = self.is_forbidden[a]
        self._is_pair[b], self._is_pair[:, b] = False, False
        self.labels[self.labels == b] = a
        self.sizes[a] += self.sizes[b]

    def _linkage(self, a: int, b: int) -> NDArray:
        """Of the union of a and b to all others, from theirs: the formulas of Lance and Williams (1967)."""
        to_a, to_b, n_a, n_b, n_c = self.values[a], self.values[b], self.sizes[a], self.sizes[b], self.sizes
        if self.method == "single":
            return np.minimum(to_a, to_b)
        if self.method == "complete":
            return np.maximum(to_a, to_b)
        if self.method == "average":
            return (n_a * to_a + n_b * to_b) / (n_a + n_b)
        if self.method == "weighted":
            return (to_a + to_b) / 2
        # Of squares. They hold for any a and b, not only for the closest.
        squares = ((n_a + n_c) * to_a + (n_b + n_c) * to_b - n_c * self.values[a, b]) / (n_a + n_b + n_c)
        return np.maximum(squares, 0 * squares)


@dataclass(frozen=True, eq=False)
class Result:
    """``labels`` (n,) by the smallest row of the cluster; the heights of all merges made, in order, groups first."""

    labels: NDArray[np.int64]
    heights: list[float]

    @property
    def n_clusters(self) -> int:
        return len(np.unique(self.labels))


def groups_of(groups: NDArray | None) -> Iterator[NDArray[np.int64]]:
    """The rows of each group."""
    for group in () if groups is None else np.unique(groups[groups >= 0]):
        yield np.flatnonzero(groups == group)


def greedy(
    distances: NDArray,
    method: str,
    *,
    threshold: float = math.inf,
    n_clusters: int = 1,
    cannot_link: NDArray | None = None,
    cannot_link_groups: NDArray | None = None,
    must_link_groups: NDArray | None = None,
) -> Result:
    """Joins what must be linked; then always the closest pair that may be, while it is below the threshold.

    Ends at ``n_clusters``, or before it where no pair may be merged. O(n^3) time.
    """
    clusters = Clusters(distances, method, cannot_link_groups, cannot_link)
    heights = []
    for rows in groups_of(must_link_groups):
        for row in rows[1:]:
            clusters.merge(int(rows[0]), int(row))
            heights.append(0.0)
    while len(distances) - len(heights) > n_clusters:
        pair = clusters.closest()
        if pair is None or not clusters.height(*pair) < threshold:
            break
        heights.append(clusters.height(*pair))
        clusters.merge(*pair)
    return Result(clusters.labels, heights)


def assert_is_agglomerative(
    fitted: Any,
    distances: NDArray,
    method: str,
    *,
    threshold: float | None = None,
    n_clusters: int | None = None,
    whole: bool = False,
    cannot_link: NDArray | None = None,
    cannot_link_groups: NDArray | None = None,
    must_link_groups: NDArray | None = None,
) -> None:
    """Replays the merges of a fit by the rules of :func:`greedy`; any order of ties is right.

    With a threshold those are ``fitted.merges_``, all that are below it; else, and with ``whole``, ``fitted.children_``
    at ``fitted.distances_``. The labels must be those of all merges below the threshold, or of as many as lead to
    ``n_clusters``. ``whole`` says that merging must have gone on as long as it could. Heights are compared within 1e-9,
    which is also how far a merge may be from the closest one. Merges within must-link groups may lie anywhere among
    those at height 0.
    """
    if threshold is None or whole:
        children, heights = np.asarray(fitted.children_), np.asarray(fitted.distances_)
    else:
        children, heights = fitted.merges_[:, :2].astype(np.int64), fitted.merges_[:, 2]
    merges, is_within = _merges(children, len(distances), must_link_groups)
    assert heights.shape == (len(merges),) and (np.diff(heights) >= 0).all()
    clusters = Clusters(distances, method, cannot_link_groups, cannot_link)
    for a, b in merges[is_within]:
        clusters.merge(a, b)
    assert (heights[is_within] == 0).all()
    for rows in groups_of(must_link_groups):
        assert len(np.unique(clusters.labels[rows])) == 1, f"rows {rows} must be linked first"

    merges, heights = merges[~is_within], heights[~is_within]
    n_before = len(distances) - int(is_within.sum())
    n_applied = n_before - fitted.n_clusters_ if threshold is None else np.count_nonzero(heights < threshold)
    assert 0 <= n_applied <= len(merges)
    for (a, b), height in zip(merges[:n_applied], heights, strict=False):
        _replay(clusters, a, b, height)
    assert_same_partition(fitted.labels_, clusters.labels)
    assert fitted.n_clusters_ == n_before - n_applied

    closest = clusters.closest()
    if threshold is not None:
        assert whole or n_applied == len(merges)
        assert closest is None or clusters.height(*closest) >= threshold - _slack(threshold), f"{closest} are apart"
    if n_clusters is not None and fitted.n_clusters_ != n_clusters:
        assert closest is None if fitted.n_clusters_ > n_clusters else n_applied == 0
    for (a, b), height in zip(merges[n_applied:], heights[n_applied:], strict=True):
        _replay(clusters, a, b, height)
    assert not whole or clusters.closest() is None


def assert_is_tree(z: NDArray[np.float64], distances: NDArray, method: str) -> None:
    """The same for a whole tree in SciPy's format."""
    n = len(distances)
    assert z.shape == (n - 1, 4) and z.dtype == np.float64 and (z[:, 0] < z[:, 1]).all()
    children = z[:, :2].astype(np.int64)
    sizes = [1] * n
    for left, right in children:
        sizes.append(sizes[left] + sizes[right])
    assert z[:, 3].tolist() == sizes[n:]
    fitted = SimpleNamespace(children_=children, distances_=z[:, 2], labels_=np.zeros(n), n_clusters_=1)
    assert_is_agglomerative(fitted, distances, method, whole=True)


def assert_same_partition(labels: NDArray, want: NDArray) -> None:
    assert len(labels) == len(want)
    pairs = np.unique(np.stack([labels, want]), axis=1).shape[1]
    assert pairs == len(np.unique(labels)) == len(np.unique(want))


def _merges(
    children: NDArray[np.int64], n: int, must_link_groups: NDArray | None
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """(m, 2) names of the clusters that each merge joins; which merges lie within one must-link group."""
    assert children.ndim == 2 and children.shape[1] == 2
    groups = np.full(n, -1) if must_link_groups is None else must_link_groups
    nodes = {row: (row, int(groups[row])) for row in range(n)}  # its name, and the group that all of it is in
    merges, is_within = [], []
    for step, (left, right) in enumerate(children.tolist()):
        (a, group_a), (b, group_b) = nodes.pop(left), nodes.pop(right)  # a KeyError: not there yet, or not any more
        is_within.append(group_a == group_b >= 0)
        merges.append((min(a, b), max(a, b)))
        nodes[n + step] = (min(a, b), group_a if is_within[-1] else -1)
    return np.array(merges, dtype=np.int64).reshape(-1, 2), np.array(is_within, dtype=bool)


def _replay(clusters: Clusters, a: int, b: int, height: float) -> None:
    closest = clusters.closest()
    assert closest is not None and not clusters.is_forbidden[a, b], f"{a} and {b} must not be merged"
    chosen, best = clusters.height(a, b), clusters.height(*closest)
    assert chosen <= best + _slack(best), f"merged {a} and {b} at {chosen}, but {closest} are at {best}"
    assert abs(height - chosen) <= _slack(chosen), f"{a} and {b} are at {chosen}, not at {height}"
    clusters.merge(a, b)


def _slack(height: float) -> float:
    return 1e-9 * (1 + height)
