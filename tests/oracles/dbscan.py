"""DBSCAN from its definition on a symmetric matrix of distances."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def dbscan(
    distances: NDArray[np.float64], eps: float, min_samples: float, weights: NDArray[np.float64] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """``(labels, is_core)``: components of the core rows numbered by smallest core row; a border row takes the smallest
    label among its core neighbours."""
    n = len(distances)
    near = distances <= eps
    weights = np.ones(n) if weights is None else weights
    is_core = np.array([weights[near[i]].sum() >= min_samples for i in range(n)], dtype=bool)
    labels = np.full(n, -1, np.int64)
    next_label = 0
    for i in range(n):
        if is_core[i] and labels[i] == -1:
            component = {i}
            while True:
                grown = component | {int(k) for j in component for k in np.flatnonzero(near[j] & is_core)}
                if grown == component:
                    break
                component = grown
            labels[sorted(component)] = next_label
            next_label += 1
    for i in range(n):
        around = near[i] & is_core
        if not is_core[i] and around.any():
            labels[i] = labels[around].min()
    return labels, is_core
