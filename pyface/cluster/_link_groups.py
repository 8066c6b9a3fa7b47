"""What is known of rows beforehand: groups of which all, or no two, belong together."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

NOT_INTEGERS = "must hold integers, -1 for rows without a group"
_LARGEST = np.iinfo(np.int64).max


def check_groups(value: Any, name: str, n: int) -> NDArray[np.int64] | None:
    """(n,) group numbers as int64, or None if nobody has a group."""
    if value is None:
        return None
    groups = np.asarray(value)
    if groups.dtype.kind not in "iu" and groups.size:
        raise TypeError(f"{name} {NOT_INTEGERS}; got an array of {groups.dtype}")
    if groups.shape != (n,):
        raise ValueError(f"{name} must have one entry for each of the {n} rows of X, got shape {groups.shape}")
    bad = np.flatnonzero((groups < -1) | (groups > _LARGEST))
    if bad.size:
        raise ValueError(f"{name}: row {bad[0]} is {groups[bad[0]]}; groups are numbered from 0, -1 stands for none")
    return groups.astype(np.int64) if (groups >= 0).any() else None


def check_agreement(
    cannot_link: NDArray[np.int64] | None, must_link: NDArray[np.int64] | None, first_row: int = 0
) -> None:
    """ValueError for rows that must and may not come together. Rows are named from ``first_row`` on."""
    if cannot_link is None or must_link is None:
        return
    rows = np.flatnonzero((cannot_link >= 0) & (must_link >= 0))
    order = rows[np.lexsort((rows, cannot_link[rows], must_link[rows]))]
    same = (cannot_link[order[1:]] == cannot_link[order[:-1]]) & (must_link[order[1:]] == must_link[order[:-1]])
    if same.any():
        # Of all such pairs the one whose second row comes first.
        at = np.flatnonzero(same)[np.argmin(order[1:][same])]
        a, b = order[at], order[at + 1]
        raise ValueError(
            f"rows {a + first_row} and {b + first_row} contradict themselves: must_link_groups has both in group "
            f"{must_link[a]}, cannot_link_groups both in group {cannot_link[a]}; take one of them out of one"
        )


def n_given(must_link: NDArray[np.int64] | None) -> int:
    """How many merges must-links bring about."""
    if must_link is None:
        return 0
    members = must_link[must_link >= 0]
    return len(members) - len(np.unique(members))
