"""Pairs of faces that are near each other and of different people: what decides who may join whom, and close calls."""

from __future__ import annotations

import numpy as np

from pyface._typing import Labels
from pyface.album.space import FEW_PAIRS, Near, Rows, Space

# So many pairs are kept for each face; most albums have three.
_KEPT_PER_FACE = 50


def of_different(near: Near | None, people: Labels) -> Near | None:
    """The pairs of two people; -1 is nobody, who is near to nobody. None where there are too many to keep."""
    if near is None:
        return None
    first, second = people[near.pairs[:, 0]], people[near.pairs[:, 1]]
    found = near.where((first != second) & (np.minimum(first, second) >= 0))
    return None if len(found) > max(FEW_PAIRS >> 4, _KEPT_PER_FACE * len(people)) else found


def with_more(space: Space, near: Near, rows: Rows, others: Rows, distance: float) -> Near | None:
    """``near`` and the pairs of some rows, which are in none of it, among each other and with ``others``."""
    return _all_of([near, *_more(space, rows, others, distance)])


def changed_near(space: Space, near: Near, before: Labels, people: Labels, distance: float) -> Near | None:
    """All pairs of different people once people have changed, and others, from those of before; None for too many.

    before, people : (n,) people of the faces, in any numbers, -1 for none.
    distance : the one of before.

    Faces that were nobody's are compared with all, faces of people who have parted with each other. Pairs of faces that
    have come together stay, since they may part again.
    """
    known = np.flatnonzero((before >= 0) & (people >= 0))
    found: list[Near | None] = [near]
    found += _more(space, np.flatnonzero((before < 0) & (people >= 0)), known, distance)
    for rows in _parted(before, people, known):
        parts, sizes = np.unique(people[rows], return_counts=True)
        is_rest = people[rows] == parts[np.argmax(sizes)]
        found += _more(space, rows[~is_rest], rows[is_rest], distance)
    return _all_of(found)


def changed_people(before: Labels, people: Labels) -> Labels:
    """The names of those who have other faces than before, and of those who are new or gone."""
    is_other = before != people
    names = np.unique(np.concatenate([before[is_other], people[is_other]]))
    return names[names >= 0]


def _more(space: Space, rows: Rows, others: Rows, distance: float) -> list[Near | None]:
    if len(rows) == 0:
        return []
    return [space.among(rows, distance), space.between(rows, others, distance)]


def _all_of(parts: list[Near | None]) -> Near | None:
    known = [part for part in parts if part is not None]
    return known[0].with_pairs(*known[1:]) if len(known) == len(parts) else None


def _parted(before: Labels, people: Labels, known: Rows) -> list[Rows]:
    """The faces of each one who was one person before and is several now."""
    # Whoever has lost no face has not parted.
    has_lost = np.zeros(int(before.max(initial=0)) + 1, np.bool_)
    has_lost[before[known[before[known] != people[known]]]] = True
    known = known[has_lost[before[known]]]
    order = known[np.lexsort((people[known], before[known]))]
    was, is_now = before[order], people[order]
    is_cut = np.zeros(len(order), np.bool_)
    is_cut[1:] = (was[1:] == was[:-1]) & (is_now[1:] != is_now[:-1])
    cut = np.unique(was[is_cut])
    begins, ends = np.searchsorted(was, cut, "left"), np.searchsorted(was, cut, "right")
    return [np.sort(order[begin:end]) for begin, end in zip(begins.tolist(), ends.tolist(), strict=True)]
