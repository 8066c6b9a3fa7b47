"""Components: things that pairs connect, directly or through others."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def connected(n: int, parts: list[NDArray[np.int32]]) -> NDArray[np.int32]:
    """Of n things the number, from 0, of the component that each is in; pairs (m, 2) in parts connect them.

    Components are numbered by their first things. Time and memory O(n + pairs).
    """
    from scipy import sparse
    from scipy.sparse.csgraph import connected_components

    pairs = np.concatenate(parts)
    graph = sparse.coo_array((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    component: NDArray[np.int32] = connected_components(graph, directed=False)[1].astype(np.int32, copy=False)
    return component


def first_connected(n: int, pairs: NDArray[Any]) -> NDArray[np.int64]:
    """Of each of n things the first one that pairs (m, 2) connect it with, itself perhaps. Without SciPy's import.

    Time O((n + m) log n) at most: names become those of the smaller neighbour, and those of that one's name.
    """
    first = np.arange(n)
    one, other = pairs.T
    while True:
        names, theirs = first[one], first[other]
        if (names == theirs).all():
            return first
        low = np.minimum(names, theirs)
        np.minimum.at(first, names, low)
        np.minimum.at(first, theirs, low)
        while True:
            shorter = first[first]
            if (shorter == first).all():
                break
            first = shorter


def to_pairs(others: NDArray[np.int32]) -> NDArray[np.int32]:
    """Pairs of each thing and another one that it belongs with."""
    return np.column_stack([np.arange(len(others), dtype=np.int32), others])


def first_of_group(groups: NDArray[Any]) -> NDArray[np.int32]:
    """Of each row the first row of its group, or itself if it has none (-1)."""
    rows = np.arange(len(groups), dtype=np.int32)
    has_group = groups >= 0
    _, first, inverse = np.unique(groups[has_group], return_index=True, return_inverse=True)
    result = rows.copy()
    result[has_group] = rows[has_group][first][inverse]
    return result
