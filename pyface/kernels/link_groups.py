"""What is known of rows before they are clustered: groups of which all, or no two, belong together."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Groups = NDArray[np.int64] | None


def check_groups(groups: Any, name: str, n: int) -> Groups:
    """(n,) group numbers, -1 = none, as contiguous int64; None where nobody has a group."""
    if groups is None:
        return None
    if isinstance(groups, np.ma.MaskedArray) or not isinstance(groups, np.ndarray) or groups.dtype.kind not in "iu":
        got = f"an array of {groups.dtype}" if isinstance(groups, np.ndarray) else type(groups).__name__
        raise TypeError(f"{name} must be a NumPy array of integers, got {got}")
    if groups.shape != (n,):
        raise ValueError(f"{name} must have shape ({n},), one group for each row, got shape {groups.shape}")
    low = np.flatnonzero(groups < -1) if groups.dtype.kind == "i" else np.empty(0, np.intp)
    if low.size:
        raise ValueError(f"{name}: row {low[0]} holds {groups[low[0]]}; groups are numbered from 0, -1 means none")
    if groups.dtype.kind == "u" and n and groups.max() > np.iinfo(np.int64).max:
        raise ValueError(f"{name}: row {groups.argmax()} holds {groups.max()}, which int64 cannot hold")
    result = np.require(np.asarray(groups), np.int64, ("C", "A"))
    return result if (result >= 0).any() else None


def check_agreement(cannot_link: Groups, must_link: Groups) -> None:
    """ValueError, with two rows, if rows must and may not come together."""
    if cannot_link is None or must_link is None:
        return
    rows = np.flatnonzero((must_link >= 0) & (cannot_link >= 0))
    rows = rows[np.lexsort((rows, cannot_link[rows], must_link[rows]))]
    first, second = rows[:-1], rows[1:]
    both = np.flatnonzero((must_link[first] == must_link[second]) & (cannot_link[first] == cannot_link[second]))
    if both.size:
        i, j = first[both[0]], second[both[0]]
        raise ValueError(
            f"rows {i} and {j} share must_link_groups {must_link[i]} and cannot_link_groups {cannot_link[i]}: "
            "they must be linked and cannot be; take one of them out of one group"
        )


def n_given(must_link: Groups) -> int:
    """How many merges must-links bring about."""
    if must_link is None:
        return 0
    members = must_link[must_link >= 0]
    return len(members) - len(np.unique(members))
