"""DBSCAN from its definition on a matrix of distances, which need not be symmetric."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def dbscan(
    distances: NDArray[np.float64], eps: float, min_samples: float, weights: NDArray[np.float64] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """``(labels, is_core)``. Row i's neighbours are the columns of row i within eps.

    A core row reaches its neighbours, what those of them reach that are core, and so on. Each row belongs to the
    smallest core row that reaches it; those are numbered upwards. Without symmetry that is scikit-learn's walk as well:
    whatever a visited core row reaches has been visited with it.
    """
    n = len(distances)
    near = distances <= eps
    weights = np.ones(n) if weights is None else weights
    is_core = np.array([np.sum(weights[near[i]]) >= min_samples for i in range(n)], dtype=bool)
    reaches = (near | np.eye(n, dtype=bool)) & is_core[:, None]
    while True:
        further = reaches | (reaches.astype(int) @ reaches > 0)
        if (further == reaches).all():
            break
        reaches = further
    first = np.where(reaches.any(axis=0), reaches.argmax(axis=0), -1)
    starts = np.unique(first[first >= 0])
    return np.where(first >= 0, np.searchsorted(starts, first), -1), is_core
