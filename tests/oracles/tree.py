"""Cuts of a tree, what it merges next, medoids and average distances: from their definitions, cluster by cluster."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations

import numpy as np
from numpy.typing import NDArray


def members(z: NDArray[np.float64]) -> list[list[int]]:
    """The rows of each node: the rows themselves, then the merges."""
    nodes = [[row] for row in range(len(z) + 1)]
    for left, right in z[:, :2].astype(int):
        nodes.append(sorted(nodes[left] + nodes[right]))
    return nodes


def effective_heights(z: NDArray[np.float64]) -> list[float]:
    """Of each node the greatest height in it; 0 for rows."""
    heights = [0.0] * (len(z) + 1)
    for left, right, height, _ in z:
        heights.append(max(height, heights[int(left)], heights[int(right)]))
    return heights


def clusters(z: NDArray[np.float64], height: float) -> list[list[int]]:
    """Clusters of the cut that applies merges at <= height (SciPy's rule), by smallest row."""
    nodes, heights = members(z), effective_heights(z)
    n = len(z) + 1
    there = [nodes[i] for i in range(len(nodes)) if i < n or heights[i] <= height]
    return sorted(rows for rows in there if not any(set(rows) < set(others) for others in there))


def next_merges(
    z: NDArray[np.float64], height: float
) -> list[tuple[tuple[int, ...], tuple[int, ...], float, int, int]]:
    """Merges above a height: numbers of the clusters on both sides, the smallest number on the left."""
    nodes, heights, here = members(z), effective_heights(z), clusters(z, height)
    n = len(z) + 1

    def side(node: int) -> tuple[int, ...]:
        return tuple(number for number, cluster in enumerate(here) if set(cluster) <= set(nodes[node]))

    found = []
    for merge in sorted(range(n - 1), key=lambda i: heights[n + i]):
        if heights[n + merge] > height:
            left, right = sorted((int(node) for node in z[merge, :2]), key=side)
            found.append((side(left), side(right), heights[n + merge], len(nodes[left]), len(nodes[right])))
    return found


def bcubed(classes: Sequence[int], groups: list[list[int]], others_count: bool = False) -> tuple[Fraction, Fraction]:
    """Precision and recall of the rows whose class is not -1, exactly. others_count: in clusters, the others do."""
    known = [i for i in range(len(classes)) if classes[i] >= 0]
    precision = recall = Fraction(0)
    for i in known:
        cluster = [j for j in next(g for g in groups if i in g) if j in known or others_count]
        person = [j for j in known if classes[j] == classes[i]]
        shared = len([j for j in cluster if j in person])
        precision += Fraction(shared, len(cluster) * len(known))
        recall += Fraction(shared, len(person) * len(known))
    return precision, recall


def medoids(distances: NDArray, labels: Sequence[int]) -> list[int]:
    """Rows of the smallest sums of distances in their clusters, the first of those that are equal in ten digits."""
    found = []
    for cluster in sorted(set(labels) - {-1}):
        rows = [i for i in range(len(labels)) if labels[i] == cluster]
        found.append(min(rows, key=lambda i: (round(float(sum(distances[i][j] for j in rows)), 10), i)))
    return found


def average_distances(distances: NDArray, labels: Sequence[int]) -> list[tuple[float, int, int]]:
    """(average over all pairs of rows, a, b) for all pairs of clusters a < b."""
    numbers = np.asarray(labels)
    return [
        (float(distances[np.ix_(numbers == a, numbers == b)].mean()), a, b)
        for a, b in combinations(range(max(labels, default=-1) + 1), 2)
    ]
