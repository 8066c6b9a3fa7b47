"""The hierarchy of mutual reachabilities, which HDBSCAN's clusters are cut from. Numba is loaded at the first call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _core
from pyface._typing import FloatArray, Labels

# Some milliseconds of work, as Ctrl-C is not seen before it is done.
ENTRIES_AT_ONCE = 1 << 22


@dataclass(frozen=True, eq=False)
class Hierarchy:
    """Merge i makes node n + i of the two nodes ``children[i]``; nodes 0 .. n - 1 are rows.

    ``children`` (n - 1, 2) int64, ``sizes`` (n - 1,) int64 rows of each merge, ``heights`` (n - 1,) float64, which do
    not decrease. The left child is the one that Prim's algorithm reaches first from row 0 on, as in scikit-learn.
    """

    children: NDArray[np.int64]
    sizes: NDArray[np.int64]
    heights: NDArray[np.float64]


def of_rows(
    x: FloatArray, min_samples: int, *, metric: str, alpha: float = 1.0, scale_cores: bool = True, n_threads: int
) -> Hierarchy:
    """The hierarchy of the rows of ``x``, (n, d) float32 or float64, finite, n >= 2.

    The mutual reachability of two rows is the largest of their distance / ``alpha`` and the core distances of both; a
    core distance is that to the ``min_samples``-th nearest row, the row itself being the first, divided by ``alpha`` if
    ``scale_cores``. metric : "cosine", "euclidean" or "sqeuclidean"; under cosine a row of zeros is at distance 1 from
    every other row. Distances are those of float64 on the rows as given.

    Edges of one reachability, which are common as one core distance makes many, are taken by increasing distance
    (identical rows first), then by lower row, then by higher row: there is one tree only, and it depends on the order
    of rows only where distances are equal.

    ValueError for distances that are not finite. Time: half a sweep over all pairs where that finds enough neighbours,
    and searches for rows that it leaves open, two sweeps at most as a rule. Memory O(n d): about 1,500 bytes per row
    beside the codes of ``x``.
    """
    rows = np.require(x, requirements=["C", "A"])
    factor = 1.0 if scale_cores else alpha
    pairs, distances, cores = _core.reachability_tree(
        rows, metric=metric, n_neighbors=min_samples, core_factor=factor, n_threads=n_threads
    )
    heights = np.maximum(distances / alpha, cores[pairs].max(axis=1) / (alpha if scale_cores else 1.0))
    return _hierarchy(pairs, np.maximum.accumulate(heights))


def of_matrix(distances: NDArray[Any], min_samples: int, *, alpha: float = 1.0) -> Hierarchy:
    """The same from ``distances``, (n, n) float32 or float64 without NaN, symmetric; infinite ones are allowed.

    The ``min_samples``-th smallest entry of its row is a row's core distance, the diagonal taken as it is. The matrix
    is read in place, never written to. Time O(n^2), memory O(n) and some MB.
    """
    from pyface._numba import hdbscan as jit

    n = len(distances)
    cores = np.empty(n, distances.dtype)
    step = max(1, ENTRIES_AT_ONCE // n)
    for begin in range(0, n, step):
        some = distances[begin : begin + step]
        cores[begin : begin + step] = np.partition(some, min_samples - 1, axis=1)[:, min_samples - 1]
    weights, lengths = np.empty((2, n), distances.dtype)
    sources, order = np.full(n, -1, np.int64), np.empty(n - 1, np.int64)
    pairs, state = np.empty((n - 1, 2), np.int32), np.zeros(2, np.int64)
    while state[0] < n - 1:
        jit.grow(distances, cores, step, state, weights, lengths, sources, pairs, order)
    by_weight = np.lexsort((pairs[:, 1], pairs[:, 0], lengths[order], weights[order]))
    return _hierarchy(pairs[by_weight], weights[order][by_weight].astype(np.float64) / alpha)


def _hierarchy(pairs: NDArray[np.int32], heights: NDArray[np.float64]) -> Hierarchy:
    from pyface._numba import hdbscan as jit

    children, sizes = np.empty((len(pairs), 2), np.int64), np.empty(len(pairs), np.int64)
    jit.link(pairs, children, sizes)
    return Hierarchy(children, sizes, heights)


def clusters(
    tree: Hierarchy,
    min_cluster_size: int,
    *,
    method: str = "eom",
    allow_single_cluster: bool = False,
    epsilon: float = 0.0,
    max_cluster_size: int | None = None,
) -> tuple[Labels, NDArray[np.float64]]:
    """HDBSCAN's clusters of a hierarchy: labels (n,) int64, -1 = noise, and probabilities (n,) float64.

    method : "eom", the most stable clusters of the condensed tree, or "leaf", those without parts. epsilon : clusters
    that are born below this height give way to the first above them that is not. Rules, order of additions and numbers
    of clusters (level by level in the condensed tree, left before right) are scikit-learn's. O(n) time and memory.
    """
    from pyface._numba import hdbscan as jit

    n = len(tree.heights) + 1
    row_clusters, row_lambdas = np.empty(n, np.int64), np.empty(n)
    parents, sizes = np.empty((2, n), np.int64)
    births, stabilities, deaths = np.empty((3, n))
    count = jit.condense(
        tree.children, tree.sizes, tree.heights, min_cluster_size,
        row_clusters, row_lambdas, parents, births, sizes, stabilities, deaths,
    )  # fmt: skip
    parents, sizes = parents[:count], sizes[:count]
    births, stabilities, deaths = births[:count], stabilities[:count], deaths[:count]
    selected = np.zeros(count, np.bool_)
    if method == "leaf":
        jit.leaves(parents, selected)
    else:
        most = n + 1 if max_cluster_size is None else max_cluster_size
        jit.excess_of_mass(parents, sizes, stabilities, allow_single_cluster, most, selected)
    if epsilon > 0 and count > 1 and not selected[0]:
        jit.widen(parents, births, epsilon, allow_single_cluster, selected)
    least = 1 / epsilon if epsilon > 0 else deaths[0]
    labels, probabilities = np.empty(n, np.int64), np.empty(n)
    jit.label(row_clusters, row_lambdas, parents, deaths, selected, least, labels, probabilities)
    return labels, probabilities


def cut(tree: Hierarchy, height: float, min_cluster_size: int) -> Labels:
    """Labels (n,) int64 after all merges below ``height``; clusters of less than ``min_cluster_size`` rows are -1."""
    from pyface._numba import hdbscan as jit

    labels = np.empty(len(tree.heights) + 1, np.int64)
    jit.cut(tree.children, tree.heights, float(height), min_cluster_size, labels)
    return labels
