"""What is known of faces before they are grouped."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pyface._typing import Labels
from pyface.album.space import Rows, are_of
from pyface.kernels.link_groups import CannotLinks, cannot_links


@dataclass(frozen=True, slots=True, eq=False)
class Rules:
    """What is known of n faces before they are grouped.

    is_in : (n,) who founds people.       must, groups : (n,), -1 = none: of one person; of different ones.
    pairs : (m, 2) int64, faces of different people, the lower row first, by rows, each once.
    """

    is_in: NDArray[np.bool_]
    must: Labels
    groups: Labels
    pairs: NDArray[np.int64]

    def cannot(self, rows: Rows) -> CannotLinks | None:
        """Who of some faces, in increasing order, may not come together."""
        links = cannot_links(len(self.must), self.groups, self.pairs)
        return None if links is None else links.of(rows)

    def are(self, others: Rules) -> bool:
        """Whether these are the same rules."""
        return all(
            np.array_equal(own, other)
            for own, other in (
                (self.is_in, others.is_in), (self.must, others.must), (self.groups, others.groups),
                (self.pairs, others.pairs),
            )
        )  # fmt: skip

    def changed(self, before: Rules, people: Labels) -> NDArray[np.bool_]:
        """(n,) whose people have to be looked at again if these are the rules, those were, and ``people`` are theirs.

        Two who are of different people may be kept apart from now on without any merge being another one.
        """
        changed: NDArray[np.bool_] = (self.is_in != before.is_in) | (self.must != before.must)
        changed |= self.groups != before.groups
        for rules in (before, self):  # a group that grows concerns those who were in it
            changed |= are_of(rules.must, rules.must[changed])
        if np.array_equal(self.pairs, before.pairs):
            return changed
        n = len(self.must)
        here, there = (pairs[:, 0] * n + pairs[:, 1] for pairs in (self.pairs, before.pairs))
        gone = before.pairs[~np.isin(there, here, assume_unique=True)]
        new = self.pairs[~np.isin(here, there, assume_unique=True)]
        first, second = people[new].T
        changed[gone.ravel()] = True
        changed[new[(first == second) | (first < 0) | (second < 0)].ravel()] = True
        return changed

    def are_apart(self, first: Rows, second: Rows) -> NDArray[np.bool_]:
        """Whether the faces of each of these pairs may not come together."""
        apart: NDArray[np.bool_] = (self.groups[first] == self.groups[second]) & (self.groups[first] >= 0)
        n = len(self.must)
        codes = np.minimum(first, second) * n + np.maximum(first, second)
        known = self.pairs[:, 0] * n + self.pairs[:, 1]  # increasing
        if len(known):
            apart |= known[np.minimum(np.searchsorted(known, codes), len(known) - 1)] == codes
        return apart

    def marks(self, rows: Rows) -> list[int]:
        """Bits of each of these rows, in increasing order: two may not come together if they share one."""
        cannot = self.cannot(rows)
        if cannot is None:
            return [0] * len(rows)
        starts, numbers = cannot.sets()
        _, places, counts = np.unique(numbers, return_inverse=True, return_counts=True)
        bit = np.where(counts > 1, np.cumsum(counts > 1) - 1, -1)[places].tolist()
        marks = []
        for begin, end in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
            mark = 0
            for i in range(begin, end):
                if bit[i] >= 0:
                    mark |= 1 << bit[i]
            marks.append(mark)
        return marks
