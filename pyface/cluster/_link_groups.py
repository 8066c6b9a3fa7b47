"""What is known of rows beforehand: groups of which all, or no two, belong together."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface.cluster._groups import row_labels


def check_groups(value: Any, name: str, n: int) -> NDArray[np.int64] | None:
    """(n,) group numbers, -1 = none, as int64; or None if nobody has a group."""
    if value is None:
        return None
    groups = row_labels(np.asarray(value), n, name)
    return np.ascontiguousarray(groups) if (groups >= 0).any() else None


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
