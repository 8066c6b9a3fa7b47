"""Average and Ward linkage from their definitions, and a certificate that accepts every correct order of ties."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray


def cluster_distance(a: list[int], b: list[int], distances: NDArray[np.float64], method: str) -> float:
    """Distance of two sets of rows. For "ward", ``distances`` are squared Euclidean."""
    between = distances[np.ix_(a, b)].mean()
    if method == "average":
        return float(between)
    # |c_a - c_b|^2 = mean between - half the mean within each; sizes as in Ward 1963 / SciPy.
    centres = between - distances[np.ix_(a, a)].mean() / 2 - distances[np.ix_(b, b)].mean() / 2
    return float(np.sqrt(max(0.0, 2 * len(a) * len(b) / (len(a) + len(b)) * centres)))


def naive(distances: NDArray[np.float64], method: str) -> list[float]:
    """Heights of greedy merging, O(n^4)."""
    clusters = [[i] for i in range(len(distances))]
    heights = []
    while len(clusters) > 1:
        a, b = min(
            combinations(range(len(clusters)), 2),
            key=lambda pair: cluster_distance(clusters[pair[0]], clusters[pair[1]], distances, method),
        )
        heights.append(cluster_distance(clusters[a], clusters[b], distances, method))
        clusters[a] += clusters.pop(b)
    return heights


def assert_is_linkage(z: NDArray[np.float64], distances: NDArray[np.float64], method: str) -> None:
    """Replay the merges; at each step the chosen pair must be a closest pair."""
    n = len(distances)
    assert z.shape == (n - 1, 4)
    assert (z[:, 0] < z[:, 1]).all()
    assert (np.diff(z[:, 2]) >= 0).all()
    clusters = {i: [i] for i in range(n)}
    for step, (left, right, height, size) in enumerate(z):
        closest = min(cluster_distance(a, b, distances, method) for a, b in combinations(clusters.values(), 2))
        members = clusters.pop(int(left)), clusters.pop(int(right))
        chosen = cluster_distance(*members, distances, method)
        assert chosen == pytest.approx(closest, rel=1e-9, abs=1e-7), f"step {step} merged {chosen}, not {closest}"
        assert height == pytest.approx(chosen, rel=1e-9, abs=1e-7)
        clusters[n + step] = members[0] + members[1]
        assert size == len(clusters[n + step])


def partition(labels: NDArray) -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(labels == label).tolist()) for label in np.unique(labels)}


def numbered_by_smallest_row(labels: NDArray) -> bool:
    first = {}
    return all(first.setdefault(int(label), len(first)) == label for label in labels)
