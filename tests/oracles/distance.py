"""Distances by definition, one pair at a time, with correctly rounded sums."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def distance(x: NDArray, y: NDArray, metric: str) -> float:
    x, y = [float(v) for v in x], [float(v) for v in y]
    if metric == "cosine":
        dot = math.fsum(a * b for a, b in zip(x, y, strict=True))
        norms = math.sqrt(math.fsum(a * a for a in x)) * math.sqrt(math.fsum(b * b for b in y))
        return min(2.0, max(0.0, 1.0 - dot / norms))
    squared = math.fsum((a - b) ** 2 for a, b in zip(x, y, strict=True))
    return squared if metric == "sqeuclidean" else math.sqrt(squared)


def matrix(x: NDArray, y: NDArray, metric: str) -> NDArray[np.float64]:
    return np.array([[distance(a, b, metric) for b in y] for a in x]).reshape(len(x), len(y))


def nearest(distances: NDArray[np.float64], k: int, *, self_first: bool) -> NDArray[np.int64]:
    """Indices of the k smallest per row, ties by lower index."""
    rows = []
    for i, row in enumerate(distances):
        order = sorted(range(len(row)), key=lambda j: (not (self_first and j == i), row[j], j))
        rows.append(order[:k])
    return np.array(rows, np.int64).reshape(len(distances), k)
