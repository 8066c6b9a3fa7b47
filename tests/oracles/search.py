"""A search index by definition: all distances in float64, then sorted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from oracles import distance


def neighbors(
    x: NDArray, y: NDArray, k: int, metric: str, *, own: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The k nearest rows of y of each row of x, ties by lower index; with ``own`` x is y, and no row is its own."""
    values = all_distances(x, y, metric)
    if own:
        np.fill_diagonal(values, np.inf)
    order = np.argsort(values, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(values, order, axis=1), order


def within(x: NDArray, y: NDArray, radius: float, metric: str, *, own: bool = False) -> list[list[int]]:
    """The rows of y within the radius of each row of x, increasing."""
    values = all_distances(x, y, metric)
    if own:
        np.fill_diagonal(values, np.inf)
    return [np.flatnonzero(row <= radius).tolist() for row in values]


def all_distances(x: NDArray, y: NDArray, metric: str) -> NDArray[np.float64]:
    """By definition; a row of zeros is at a cosine distance of 1."""
    values = np.ones((len(x), len(y)))
    for i, a in enumerate(x):
        for j, b in enumerate(y):
            if metric != "cosine" or (a.any() and b.any()):
                values[i, j] = distance.distance(a, b, metric)
    return values
