"""Whether two sides of faces that are grouped each by itself would have been grouped together otherwise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pyface._typing import Labels
from pyface.album.rules import Rules
from pyface.album.space import Pairs, Rows, Space
from pyface.kernels.components import first_connected

# Distances this near to each other count as equal, which costs time and changes nothing.
EQUAL = 1e-7


def smallest(rows: Rows, pairs: Pairs) -> Labels:
    """Of each of these rows, in increasing order, the smallest that pairs of them connect it with."""
    return rows[first_connected(len(rows), np.searchsorted(rows, pairs))]


class Replay:
    """The merges of two sides that are thought to have nothing to do with each other, in order of their heights.

    Clusters are called by their smallest rows. A link is a pair of clusters, one of each side, of which faces are
    within ``reach``; it has the sum of what their distances lack of it. All other faces are at least so far from each
    other, so that the mean distance of clusters of a and b faces is at least ``reach`` less that sum over a b. Sums of
    merged clusters add up, and mean distances have to be computed only where this bound does not do.
    """

    def __init__(self, space: Space, rules: Rules, height: float, reach: float) -> None:
        self.have_a_say: set[int] = set()
        self._space, self._rules, self._height, self._reach = space, rules, height, reach
        self._links: dict[int, dict[int, float]] = {}
        self._outer: dict[int, int] = {}  # cluster of the other side -> person
        self._parts: dict[int, list[Rows]] = {}
        self._sizes: dict[int, int] = {}
        self._merged: dict[int, int] = {}
        self._marks: dict[int, int] = {}

    def run(
        self,
        inner: Rows,
        outer: Rows,
        lengths: NDArray[np.float64],
        people: Labels,
        pairs: Pairs,
        heights: NDArray[np.float64],
    ) -> None:
        """Go through the merges ``pairs`` at ``heights``, of both sides, and find who of the other side has a say.

        inner, outer, lengths : all pairs of faces, one of each side, that are within reach.
        people : (n,) whom all faces are in the end, by their smallest rows.
        """
        is_free = ~self._rules.are_apart(inner, outer)
        inner, outer, lengths = inner[is_free], outer[is_free], lengths[is_free]
        if len(inner) == 0 or lengths.min() > self._height + EQUAL:
            return
        # Nothing is to be proved of a person's merges below the shortest of his pairs.
        shortest = np.full(len(people), np.inf)
        np.minimum.at(shortest, people[inner], lengths)
        np.minimum.at(shortest, people[outer], lengths)
        is_late = heights >= shortest[people[pairs[:, 0]]] - EQUAL
        rows = np.unique(np.concatenate([inner, outer, pairs.ravel().astype(np.int64)]))
        cluster = smallest(rows, pairs[~is_late])
        order = np.argsort(cluster, kind="stable")
        starts = np.flatnonzero(np.diff(cluster[order], prepend=-1))
        names = cluster[order][starts].tolist()
        for name, members in zip(names, np.split(rows[order], starts[1:]), strict=True):
            self._parts[name], self._sizes[name] = [members], len(members)
        for name, mark in zip(cluster.tolist(), self._rules.marks(rows), strict=True):
            self._marks[name] = self._marks.get(name, 0) | mark
        self._outer = dict(zip(cluster[np.searchsorted(rows, outer)].tolist(), people[outer].tolist(), strict=True))
        self._link(cluster[np.searchsorted(rows, inner)], cluster[np.searchsorted(rows, outer)], lengths)
        late, when = pairs[is_late], heights[is_late]
        # Rounded, since a height may be below that of a merge before it by what float64 rounds.
        order = np.argsort(np.round(when, 12), kind="stable")
        for (a, b), height in zip(late[order].tolist(), when[order].tolist(), strict=True):
            self._merge(self._now(a), self._now(b), height)
        for a in [name for name in self._links if name not in self._outer]:
            self._check(a, self._height)

    def _link(self, inner: Labels, outer: Labels, lengths: NDArray[np.float64]) -> None:
        n = int(max(inner.max(), outer.max())) + 1
        codes, places = np.unique(inner * n + outer, return_inverse=True)
        lacking = np.bincount(places, weights=np.maximum(self._reach - lengths, 0))
        for a, b, lack in zip((codes // n).tolist(), (codes % n).tolist(), lacking.tolist(), strict=True):
            self._links.setdefault(a, {})[b] = lack
            self._links.setdefault(b, {})[a] = lack

    def _now(self, name: int) -> int:
        while name in self._merged:
            name = self._merged[name]
        return name

    def _merge(self, a: int, b: int, height: float) -> None:
        a, b = min(a, b), max(a, b)
        if a in self._links:
            self._check(a, height)
        if b in self._links:
            self._check(b, height)
        self._merged[b] = a
        self._parts[a] += self._parts.pop(b)
        self._sizes[a] += self._sizes.pop(b)
        self._marks[a] |= self._marks.pop(b)
        if b in self._outer:
            self._outer[a] = self._outer.pop(b)
        gone = self._links.pop(b, None)
        if gone:
            kept = self._links.setdefault(a, {})
            for other, lack in gone.items():
                theirs = self._links[other]
                del theirs[b]
                theirs[a] = kept[other] = kept.get(other, 0.0) + lack

    def _check(self, name: int, height: float) -> None:
        """All links of a cluster that will be another one at this height: those that are not longer have a say."""
        links = self._links[name]
        size, slack = self._sizes[name], self._reach - height - EQUAL
        short = [other for other, lack in links.items() if lack >= slack * size * self._sizes[other]]
        for other in short:
            if not self._marks[name] & self._marks[other]:
                if self._is_far(name, other, height):
                    continue
                self.have_a_say.add(self._outer[other] if other in self._outer else self._outer[name])
            del links[other]
            del self._links[other][name]

    def _is_far(self, a: int, b: int, height: float) -> bool:
        (mean_a, square_a), (mean_b, square_b) = self._mean(a), self._mean(b)
        squared = square_a + square_b - 2 * float(mean_a @ mean_b)
        return (squared / 2 if self._space.metric == "cosine" else squared) > height + EQUAL

    def _members(self, name: int) -> Rows:
        parts = self._parts[name]
        if len(parts) > 1:
            self._parts[name] = parts = [np.concatenate(parts)]
        return parts[0]

    def _mean(self, name: int) -> tuple[NDArray[np.float64], float]:
        """Of a cluster the mean row, and the mean of the rows' squared lengths."""
        wide = self._space.wide(self._members(name))
        return wide.mean(axis=0), float(np.einsum("ij,ij->", wide, wide)) / len(wide)
