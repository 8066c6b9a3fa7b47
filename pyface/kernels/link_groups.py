"""What is known of rows before they are clustered: groups of which all, or no two, belong together, and pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Groups = NDArray[np.int64] | None
Pairs = NDArray[np.int64] | None
# The set of numbers of each row, as the kernels take it: starts (n + 1,) and numbers (starts[n],), increasing in a set.
NumberSets = tuple[NDArray[np.int64], NDArray[np.int64]]


@dataclass(frozen=True, slots=True, eq=False)
class CannotLinks:
    """Which of n rows may not come together: not None, as :func:`cannot_links` has it where all may.

    groups : (n,) int64, -1 = none; no two rows of one group may. None where nobody has a group.
    pairs : (m, 2) int64, the lower row first, by rows, each once; None where there are none.
    """

    n: int
    groups: Groups
    pairs: Pairs

    def of(self, rows: NDArray[np.int64]) -> CannotLinks | None:
        """What is left among some rows, in increasing order, which are numbered from 0 then."""
        pairs = self.pairs
        if pairs is not None:
            place = np.full(self.n, -1)
            place[rows] = np.arange(len(rows))
            pairs = place[pairs]
            pairs = pairs[(pairs >= 0).all(axis=1)]
        return cannot_links(len(rows), None if self.groups is None else self.groups[rows], pairs)

    def sets(self) -> NumberSets:
        """The numbers of each row: of its group, and one below 0 for each of its pairs."""
        rows, numbers = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
        if self.groups is not None:
            rows.append(np.flatnonzero(self.groups >= 0))
            numbers.append(self.groups[rows[-1]])
        if self.pairs is not None:
            rows.append(self.pairs.ravel())
            numbers.append(np.repeat(np.arange(-len(self.pairs), 0), 2))
        row, number = np.concatenate(rows), np.concatenate(numbers)
        if self.pairs is not None:
            order = np.lexsort((number, row))
            row, number = row[order], number[order]
        starts = np.zeros(self.n + 1, np.int64)
        np.cumsum(np.bincount(row, minlength=self.n), out=starts[1:])
        return starts, number


def cannot_links(n: int, groups: Groups, pairs: Pairs) -> CannotLinks | None:
    """Both kinds of cannot-links of n rows, which have been checked; None where nobody has any."""
    if groups is not None and not (groups >= 0).any():
        groups = None
    if pairs is not None and len(pairs) == 0:
        pairs = None
    return None if groups is None and pairs is None else CannotLinks(n, groups, pairs)


def sets_of(links: CannotLinks | None) -> NumberSets | None:
    """What the kernels take."""
    return None if links is None else links.sets()


def check_groups(groups: Any, name: str, n: int) -> Groups:
    """(n,) group numbers, -1 = none, as contiguous int64; None where nobody has a group."""
    if groups is None:
        return None
    _check_integers(groups, name)
    if groups.shape != (n,):
        raise ValueError(f"{name} must have shape ({n},), one group for each row, got shape {groups.shape}")
    low = np.flatnonzero(groups < -1) if groups.dtype.kind == "i" else np.empty(0, np.intp)
    if low.size:
        raise ValueError(f"{name}: row {low[0]} holds {groups[low[0]]}; groups are numbered from 0, -1 means none")
    if groups.dtype.kind == "u" and n and groups.max() > np.iinfo(np.int64).max:
        raise ValueError(f"{name}: row {groups.argmax()} holds {groups.max()}, which int64 cannot hold")
    result = np.require(np.asarray(groups), np.int64, ("C", "A"))
    return result if (result >= 0).any() else None


def check_pairs(pairs: Any, name: str, n: int) -> Pairs:
    """(m, 2) rows, in any order and any number of times, as :class:`CannotLinks` has them; None for none."""
    if pairs is None:
        return None
    _check_integers(pairs, name)
    if pairs.ndim != 2 or pairs.shape[1] != 2:
        raise ValueError(f"{name} must have shape (m, 2), two rows to a pair, got shape {pairs.shape}")
    outside = np.flatnonzero(((pairs < 0) | (pairs >= n)).any(axis=1))
    if outside.size:
        pair = tuple(pairs[outside[0]].tolist())
        raise ValueError(f"{name}: pair {outside[0]} is {pair}; rows are numbered from 0 to {n - 1}")
    alike = np.flatnonzero(pairs[:, 0] == pairs[:, 1])
    if alike.size:
        pair = tuple(pairs[alike[0]].tolist())
        raise ValueError(
            f"{name}: pair {alike[0]} is {pair}; a row cannot be kept apart from itself, leave such pairs out"
        )
    return _each_once(np.asarray(pairs).astype(np.int64)) if len(pairs) else None


def joined_pairs(some: Pairs, others: Pairs) -> Pairs:
    """All pairs of both, each once."""
    if some is None or others is None:
        return others if some is None else some
    return _each_once(np.concatenate([some, others]))


def check_agreement(cannot_link: CannotLinks | None, must_link: Groups) -> None:
    """ValueError, with two rows, if rows must and may not come together."""
    if cannot_link is None or must_link is None:
        return
    if cannot_link.pairs is not None:
        first, second = cannot_link.pairs.T
        both = np.flatnonzero((must_link[first] == must_link[second]) & (must_link[first] >= 0))
        if both.size:
            i, j = cannot_link.pairs[both[0]]
            raise ValueError(
                f"rows {i} and {j} share must_link_groups {must_link[i]} and are a pair of cannot_link: they must be "
                "linked and cannot be; take the pair out, or one of them out of its group"
            )
    groups = cannot_link.groups
    if groups is None:
        return
    rows = np.flatnonzero((must_link >= 0) & (groups >= 0))
    rows = rows[np.lexsort((rows, groups[rows], must_link[rows]))]
    first, second = rows[:-1], rows[1:]
    both = np.flatnonzero((must_link[first] == must_link[second]) & (groups[first] == groups[second]))
    if both.size:
        i, j = first[both[0]], second[both[0]]
        raise ValueError(
            f"rows {i} and {j} share must_link_groups {must_link[i]} and cannot_link_groups {groups[i]}: "
            "they must be linked and cannot be; take one of them out of one group"
        )


def n_given(must_link: Groups) -> int:
    """How many merges must-links bring about."""
    if must_link is None:
        return 0
    members = must_link[must_link >= 0]
    return len(members) - len(np.unique(members))


def _check_integers(values: Any, name: str) -> None:
    if isinstance(values, np.ma.MaskedArray) or not isinstance(values, np.ndarray) or values.dtype.kind not in "iu":
        got = f"an array of {values.dtype}" if isinstance(values, np.ndarray) else type(values).__name__
        raise TypeError(f"{name} must be a NumPy array of integers, got {got}")


def _each_once(pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    pairs = np.sort(pairs, axis=1)
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    is_new = np.ones(len(pairs), bool)
    is_new[1:] = (pairs[1:] != pairs[:-1]).any(axis=1)
    return pairs[is_new]
