"""Numbers of clusters that survive a clustering done anew."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface._typing import Labels

_LARGEST = np.iinfo(np.int64).max


def relabel(old: NDArray[Any], new: NDArray[Any]) -> Labels:
    """Give the clusters of ``new`` the numbers of the clusters of ``old`` that they continue.

    old : (n,) integers, the numbers that rows had; -1 = the row had none, as rows that came later.
    new : (n,) integers, the clusters of the same rows now; -1 = the row is in no cluster, and stays so.

    Returns (n,) int64: the partition of ``new`` under other numbers. Pairs of an old and a new cluster are taken by
    decreasing number of rows that they share, ties by lower old number, then by smaller new number; a new cluster that
    has no number yet takes the old one if that is still free. So of the parts of a cluster that was split the largest
    keeps its number, and clusters that were merged keep the number of the largest. All other clusters get the numbers
    from ``max(old) + 1`` on, in order of their smallest row: numbers that are given up are not used again.

    TypeError unless both are arrays of integers; ValueError for unequal lengths, numbers below -1 or too large.
    Time O(n log n), memory O(n).
    """
    old, new = cluster_numbers(old, "old"), cluster_numbers(new, "new")
    if len(old) != len(new):
        raise ValueError(f"old and new must have the same length, got {len(old)} and {len(new)}")
    clusters, first, members = np.unique(new, return_index=True, return_inverse=True)
    given_before, owners = np.unique(old, return_inverse=True)
    # One number for each pair, in the order in which equal overlaps are taken: by old number, then by new one.
    n_new = max(len(clusters), 1)
    pairs, overlaps = np.unique((owners * n_new + members)[(old >= 0) & (new >= 0)], return_counts=True)
    pairs = pairs[np.argsort(-overlaps, kind="stable")]
    numbers = np.full(len(clusters), -1, np.int64)
    taken: set[int] = set()
    for number, cluster in zip(given_before[pairs // n_new].tolist(), (pairs % n_new).tolist(), strict=True):
        if numbers[cluster] < 0 and number not in taken:
            numbers[cluster] = number
            taken.add(number)
    without = np.flatnonzero((numbers < 0) & (clusters >= 0))
    if without.size:
        begin = int(old.max()) + 1
        if begin > _LARGEST - len(without):
            raise ValueError(f"old: {begin - 1} is too large for new numbers to follow it")
        numbers[without[np.argsort(first[without])]] = np.arange(begin, begin + len(without))
    return numbers[members]


def by_first_row(labels: Labels) -> Labels:
    """The same clusters, numbered from 0 by their smallest rows."""
    return relabel(np.full(len(labels), -1), labels)


def cluster_numbers(value: Any, name: str) -> Labels:
    """(n,) int64, the numbers of clusters that ``value`` has, -1 = none. TypeError and ValueError as in `relabel`."""
    if not isinstance(value, np.ndarray) or isinstance(value, np.ma.MaskedArray) or value.dtype.kind not in "iu":
        got = f"an array of {value.dtype}" if isinstance(value, np.ndarray) else type(value).__name__
        raise TypeError(f"{name} must be a NumPy array of integers, got {got}")
    if value.ndim != 1:
        raise ValueError(f"{name} must have shape (n,), got shape {value.shape}")
    bad = np.flatnonzero((value < -1) | (value > _LARGEST))
    if bad.size:
        raise ValueError(f"{name}: row {bad[0]} is {value[bad[0]]}; numbers of clusters begin at 0, -1 stands for none")
    return value.astype(np.int64)
