"""Rows and calls for the tests of agglomerative clustering."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from oracles import agglomerative as oracle

from pyface.cluster import AgglomerativeClustering

KINDS = ("normal", "clustered", "again", "lattice", "line")
METRICS = ("cosine", "euclidean", "sqeuclidean")
PAIRWISE = ("single", "complete", "average", "weighted")  # the linkages that take every metric
CASES = [*[(method, metric) for method in PAIRWISE for metric in METRICS], ("ward", "euclidean")]


def rows(kind: str, n: int, d: int, rng: np.random.Generator, dtype: type = np.float64) -> NDArray:
    """(n, d), none of them zeros. All ties and duplicates there can be in "again" and "lattice"; few in the others."""
    if kind == "normal":
        x = rng.normal(size=(n, d)) + 0.3
    elif kind == "clustered":
        x = faces(n, d, rng)[0]
    elif kind == "again":
        x = rng.normal(size=(max(1, n // 4), d))[rng.integers(0, max(1, n // 4), n)]
    elif kind == "lattice":
        x = rng.integers(-2, 3, (n, d)).astype(float)
    else:  # all on one line, at whole places: chains of equal steps
        x = rng.integers(1, 2 * n + 1, n)[:, None] * np.ones(d)
        x[:, -1] = 1
    x[~x.any(axis=1), 0] = 1
    return x.astype(dtype)


def faces(n: int, d: int, rng: np.random.Generator, spread: float = 0.6) -> tuple[NDArray, NDArray[np.int64]]:
    """Rows (n, d) of about n / 6 people, and whose they are."""
    people = rng.integers(0, max(1, n // 6), n)
    centres = rng.normal(size=(max(1, n // 6), d))
    return centres[people] + spread * rng.normal(size=(n, d)), people


def some_threshold(distances: NDArray, method: str, rng: np.random.Generator) -> float:
    """Of a tree's heights one, or between two; or 0, or above all of them."""
    heights = oracle.greedy(distances, method).heights
    k = int(rng.integers(0, len(heights)))
    lowest, highest = heights[k], heights[min(k + 1, len(heights) - 1)]
    return float(rng.choice([lowest, (lowest + highest) / 2, (lowest + highest) / 2, 0.0, 2 * heights[-1] + 1]))


def clear_threshold(heights: NDArray, quantile: float) -> float:
    """Near this quantile of the heights, and in the widest gap around there."""
    heights = np.sort(heights)
    around = np.arange(max(1, int(quantile * len(heights)) - 3), min(len(heights), int(quantile * len(heights)) + 4))
    best = around[np.argmax(heights[around] - heights[around - 1])]
    assert heights[best] - heights[best - 1] > 1e-8
    return float(heights[best] / 2 + heights[best - 1] / 2)


def attributes(fitted: Any) -> list[Any]:
    """What must be equal, to the bit, where two fits do the same."""
    return [fitted.labels_, fitted.merges_, fitted.n_clusters_, fitted.n_leaves_]


def assert_same_fit(ours: Any, other: Any) -> None:
    for got, want in zip(attributes(ours), attributes(other), strict=True):
        np.testing.assert_array_equal(got, want)


def clusterer(method: str, metric: str, threshold: float | None = None, **options: Any) -> AgglomerativeClustering:
    options = {"n_clusters": None, "distance_threshold": threshold, "compute_distances": True, **options}
    return AgglomerativeClustering(linkage=method, metric=metric, **options)


def n_violations(labels: NDArray, cannot_link_groups: NDArray) -> int:
    """Rows too many: of each group beyond the first one in a cluster."""
    grouped = cannot_link_groups >= 0
    pairs = np.stack([labels[grouped], cannot_link_groups[grouped]])
    return int(np.count_nonzero(grouped)) - np.unique(pairs, axis=1).shape[1]


def draw_groups(rng: np.random.Generator, n: int, which: str) -> dict[str, NDArray[np.int64]]:
    """Both kinds never contradict each other: rows of a must-link group are in different photos, or in none."""
    groups = {}
    if which in ("cannot", "both"):
        groups["cannot_link_groups"] = rng.integers(-1, max(1, int(rng.choice([2, n // 4, n // 2]))), n)
    if which in ("must", "both"):
        groups["must_link_groups"] = rng.integers(-1, max(1, int(rng.choice([1, n // 6, n // 3]))), n)
        groups["must_link_groups"][rng.random(n) < rng.choice([0, 0.5, 0.9])] = -1
    if which == "both":
        seen = set()
        for row, pair in enumerate(zip(*groups.values(), strict=True)):
            if min(pair) >= 0 and pair in seen:
                groups["must_link_groups"][row] = -1
            seen.add(pair)
    return groups


def draw_pairs(rng: np.random.Generator, n: int, known: dict[str, NDArray[np.int64]]) -> NDArray[np.int64]:
    """(m, 2), some of them given twice, in either order, many of one row; none of a must-link group."""
    pairs = rng.integers(0, n, (int(rng.choice([1, max(1, n // 4), n, 3 * n])), 2))
    if rng.random() < 0.3:
        pairs[: n // 2, 0] = rng.integers(0, n)
    pairs = np.concatenate([pairs, pairs[: len(pairs) // 5, ::-1], pairs[:2]])
    must = known.get("must_link_groups", np.full(n, -1))[pairs]
    return pairs[(pairs[:, 0] != pairs[:, 1]) & ((must[:, 0] != must[:, 1]) | (must[:, 0] < 0))]
