"""Merges of some people made again where something has changed, from what is left of the old ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pyface._typing import Labels
from pyface.album.replay import EQUAL, smallest
from pyface.album.rules import Rules
from pyface.album.space import Rows, Space
from pyface.kernels.linkage_below import Joints, NearGraph, joints_below, origin_for

Floats = NDArray[np.float64]

# Beyond so many rounds, or parts, grouping all from scratch is as quick.
_ROUNDS, _PARTS = 12, 3000


@dataclass(frozen=True, slots=True, eq=False)
class Regrown:
    """Merges of some faces: those that stay as they were, in their order, and then those that are made after them."""

    old: Joints
    new: Joints

    @property
    def joints(self) -> Joints:
        """All of them."""
        return Joints(
            np.concatenate([self.old.pairs, self.new.pairs]), np.concatenate([self.old.heights, self.new.heights])
        )


def regrow(
    space: Space, rules: Rules, height: float, rows: Rows, is_changed: NDArray[np.bool_], old: Joints
) -> Regrown | None:
    """The merges below ``height`` of ``rows`` by themselves; None where it takes too long to find them in this way.

    rows : increasing, of some people as they were before; those who are not in any more are left out.
    is_changed : (n,) faces of whom something else is known.       old : the merges of these people.

    Clusters without a changed face stay what they were: all that they were merged before knew of. The others are taken
    apart, and what is left is merged again. A merge of old faces that is kept was right before; it is right now, too,
    if nobody new was nearer to one of both sides at that time. For each cluster that was not there before, or lives
    longer, that is looked up, and what is in doubt is taken apart as well.
    """
    tree = _Tree(space, rules, rows, old)
    tree.take_apart(np.flatnonzero(is_changed))
    for _ in range(_ROUNDS):
        if len(tree.parts()) > _PARTS:
            return None
        new, doubtful = tree.merged_again(height)
        if len(doubtful) == 0:
            return Regrown(tree.kept(), new)
        tree.take_apart_above(doubtful)
    return None


class _Tree:
    """Old merges as a forest. Nodes: the leaves, which are rows, then the merges in their order."""

    def __init__(self, space: Space, rules: Rules, rows: Rows, old: Joints) -> None:
        self._space, self._rules, self._rows, self._old = space, rules, rows, old
        self._leaves = np.union1d(rows, old.pairs.ravel().astype(np.int64))
        m, count = len(self._leaves), len(old.pairs)
        self._m = m
        ends = np.searchsorted(self._leaves, old.pairs)
        now = list(range(m))
        children = np.empty((count, 2), np.int64)
        parent = [-1] * (m + count)
        sizes = [1] * (m + count)
        for i, (a, b) in enumerate(ends.tolist()):
            left, right, node = now[a], now[b], m + i
            children[i] = left, right
            parent[left] = parent[right] = now[a] = node
            sizes[node] = sizes[left] + sizes[right]
        # The leaves of a node lie side by side.
        begins = [0] * (m + count)
        place = 0
        split = children.tolist()
        for node in range(m + count - 1, -1, -1):
            if parent[node] < 0:
                begins[node] = place
                place += sizes[node]
            if node >= m:
                left, right = split[node - m]
                begins[left], begins[right] = begins[node], begins[node] + sizes[left]
        self._parent, self._sizes, self._begins = np.array(parent), np.array(sizes), np.array(begins)
        self._births = np.concatenate([np.full(m, -np.inf), old.heights])
        self._deaths = np.append(old.heights, np.inf)[np.where(self._parent >= 0, self._parent - m, count)]
        self._is_apart = np.zeros(m + count, np.bool_)
        self._is_changed = np.zeros(m + count, np.bool_)
        order = np.empty(m, np.int64)
        order[self._begins[:m]] = np.arange(m)
        self._order = order
        self._cannot = rules.cannot(rows)
        self.marks = rules.marks(self._leaves)
        for left, right in split:
            self.marks.append(self.marks[left] | self.marks[right])
        self._is_left_out = ~np.isin(self._leaves, rows)
        wide = space.wide(self._leaves[order])
        self._sums = np.concatenate([np.zeros((1, wide.shape[1])), np.cumsum(wide, axis=0)])
        self._squares = np.concatenate([[0.0], np.cumsum(np.einsum("ij,ij->i", wide, wide))])

    def take_apart(self, faces: Rows) -> None:
        """All clusters that hold one of these faces."""
        leaves = np.searchsorted(self._leaves, faces)
        known = leaves[np.append(self._leaves, -1)[leaves] == faces]
        self._is_changed[known] = True
        self._is_apart[known] = True
        self.take_apart_above(known)

    def take_apart_above(self, nodes: NDArray[np.int64]) -> None:
        """All clusters that hold one of these."""
        for node in nodes.tolist():
            above = int(self._parent[node])
            while above >= 0 and not self._is_apart[above]:
                self._is_apart[above] = True
                above = int(self._parent[above])

    def parts(self) -> NDArray[np.int64]:
        """The largest clusters that are left, and the leaves that are taken apart from all others."""
        is_whole = ~self._is_apart
        is_whole[: self._m] = ~self._is_left_out
        above = self._parent
        return np.flatnonzero(is_whole & ((above < 0) | self._is_apart[above]))

    def kept(self) -> Joints:
        """The merges that are left."""
        is_kept = ~self._is_apart[self._m :]
        return Joints(self._old.pairs[is_kept], self._old.heights[is_kept])

    def merged_again(self, height: float) -> tuple[Joints, NDArray[np.int64]]:
        """The merges of the parts, and the nodes above which more has to be taken apart before they are right."""
        parts = self.parts()
        part_of_leaf = np.full(self._m, -1)
        for i, part in enumerate(parts.tolist()):
            begin = self._begins[part]
            part_of_leaf[self._order[begin : begin + self._sizes[part]]] = i
        part_of = part_of_leaf[np.searchsorted(self._leaves, self._rows)]  # of each row
        must = self._rules.must[self._rows]
        group, given = self._groups(parts, part_of, must)
        pairs, heights = self._solve(group, height)
        live = _Lives(self, parts, group[_first(part_of, len(parts))] if len(parts) else parts, pairs, heights)
        doubtful = self._nearer(live, parts, part_of_leaf, height)
        joints = Joints(
            np.concatenate([given, pairs]).astype(np.int32), np.concatenate([np.zeros(len(given)), heights])
        )
        return joints, doubtful

    def _groups(self, parts: NDArray[np.int64], part_of: Labels, must: Labels) -> tuple[Labels, NDArray[np.int64]]:
        """Of each row the smallest of those it is merged with from the start, and the pairs of these that are so by
        what was said."""
        rows = self._rows
        first = rows[_first(part_of, len(parts))] if len(parts) else rows
        known = np.flatnonzero(must >= 0)
        _, at, inverse = np.unique(must[known], return_index=True, return_inverse=True)
        said = np.column_stack([first[part_of[known[at][inverse]]], first[part_of[known]]])
        said = said[said[:, 0] != said[:, 1]].astype(np.int32)
        smallest_of = smallest(np.unique(first), np.sort(said, axis=1))
        names = dict(zip(np.unique(first).tolist(), smallest_of.tolist(), strict=True))
        of_part = np.array([names[row] for row in first.tolist()], np.int64)
        given = np.column_stack([of_part, first])[of_part != first]
        return of_part[part_of], given

    def _solve(self, group: Labels, height: float) -> tuple[NDArray[np.int64], Floats]:
        """Merges of groups (of rows, by their smallest) by these names, and their heights."""
        rows, space = self._rows, self._space
        x = space.embeddings[rows]
        graph = NearGraph(np.zeros(len(rows), np.int32), None)
        joints = joints_below(
            x, graph, "average", space.metric, height, origin=origin_for(x, "average", space.metric),
            cannot_link=self._cannot, must_link=group, n_threads=space.n_threads,
        )  # fmt: skip
        is_new = group[joints.pairs[:, 0]] != group[joints.pairs[:, 1]]
        return rows[joints.pairs[is_new]], joints.heights[is_new]

    def means(self, nodes: NDArray[np.int64]) -> tuple[Floats, Floats, NDArray[np.int64]]:
        """Sums of rows, of their squared lengths, and numbers of rows of nodes."""
        begins, ends = self._begins[nodes], self._begins[nodes] + self._sizes[nodes]
        return self._sums[ends] - self._sums[begins], self._squares[ends] - self._squares[begins], self._sizes[nodes]

    def was_whole(self, nodes: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which nodes hold no face of which something else is known."""
        return ~self._is_changed[nodes]

    def births(self, nodes: NDArray[np.int64]) -> Floats:
        """Heights of the merges that made these nodes."""
        return self._births[nodes]

    def _nearer(self, live: _Lives, parts: NDArray[np.int64], part_of_leaf: Labels, height: float) -> NDArray[np.int64]:
        """Old clusters inside parts to which a cluster that lives now is nearer than what they were merged with."""
        inside = np.zeros(len(self._parent), np.bool_)
        inside[self._m :] = ~self._is_apart[self._m :]
        inside[: self._m] = ~(self._is_left_out | self._is_apart[: self._m])
        inside[parts] = False
        nodes = np.flatnonzero(inside)
        if len(nodes) == 0:
            return nodes
        which = live.that_are_new(self._deaths[parts])
        if len(which) == 0:
            return which
        sums, squares, sizes = self.means(nodes)
        sums /= sizes[:, None]
        squares /= sizes
        own_sums, own_squares = live.means(which)
        births, deaths = live.births[which], live.deaths[which]
        # float32 says which can be near, float64 which are.
        far = np.minimum(np.minimum(deaths, height)[:, None], self._deaths[nodes][None, :]).astype(np.float32)
        far = self._space.squared_all(far + np.float32(2 * EQUAL))
        own, other = own_squares.astype(np.float32)[:, None], squares.astype(np.float32)[None, :]
        products = own_sums.astype(np.float32) @ sums.astype(np.float32).T
        is_near = (own + other) * np.float32(1 - 1e-5) - 2 * products <= far
        is_near &= births[:, None] < self._deaths[nodes][None, :]
        is_near &= self._births[nodes][None, :] < deaths[:, None]
        ours, theirs = np.nonzero(is_near)
        part_of_node = part_of_leaf[self._order[self._begins[nodes]]]
        is_other = ~live.holds(which[ours], part_of_node[theirs])
        ours, theirs = ours[is_other], theirs[is_other]
        exact = own_squares[ours] + squares[theirs] - 2 * np.einsum("ij,ij->i", own_sums[ours], sums[theirs])
        limits = np.minimum(np.minimum(deaths[ours], self._deaths[nodes[theirs]]), height)
        is_near_indeed = exact <= self._space.squared_all(limits + EQUAL)
        ours, theirs = which[ours[is_near_indeed]], nodes[theirs[is_near_indeed]]
        own_marks = live.marks()
        # Of each cluster only who is near first: what comes later is another matter once that is put right.
        when = np.maximum(exact[is_near_indeed], self._space.squared_all(np.maximum(self._births[theirs], 0)))
        first: dict[int, int] = {}
        for i in np.argsort(when, kind="stable").tolist():
            cluster, node = int(ours[i]), int(theirs[i])
            if cluster not in first and not own_marks[cluster] & self.marks[node]:
                first[cluster] = node
        return np.unique(np.array(list(first.values()), np.int64))


class _Lives:
    """The clusters that there are once parts are merged again: groups of parts, then each merge of them."""

    def __init__(
        self, tree: _Tree, parts: NDArray[np.int64], group: Labels, pairs: NDArray[np.int64], heights: Floats
    ) -> None:
        self._tree, self._parts = tree, parts
        names, self._group_of = np.unique(group, return_inverse=True)
        k, count = len(names), len(pairs)
        births = np.full(k, -np.inf)
        own = tree.births(parts)
        n_parts = np.bincount(self._group_of, minlength=k)
        # Several that are one from the start hold no merge but such: what was said is merged first.
        alone = n_parts[self._group_of] == 1
        births[self._group_of[alone]] = own[alone]
        self.births = np.concatenate([births, heights])
        self.deaths = np.full(k + count, np.inf)
        self._children: list[tuple[int, int]] = []
        now = list(range(k))
        for i, (a, b) in enumerate(np.searchsorted(names, pairs).tolist()):
            self._children.append((now[a], now[b]))
            self.deaths[[now[a], now[b]]] = heights[i]
            now[a] = k + i
        self._k = k
        # Groups in an order in which those of a cluster lie side by side.
        sizes = [1] * k
        for a, b in self._children:
            sizes.append(sizes[a] + sizes[b])
        begins, place = [-1] * (k + count), 0
        for cluster in range(k + count - 1, -1, -1):
            if begins[cluster] < 0:
                begins[cluster] = place
                place += sizes[cluster]
            if cluster >= k:
                a, b = self._children[cluster - k]
                begins[a], begins[b] = begins[cluster], begins[cluster] + sizes[a]
        self._begins, self._ends = np.array(begins), np.array(begins) + np.array(sizes)

    def that_are_new(self, deaths: Floats) -> NDArray[np.int64]:
        """Those that were not there before, or merge later; ``deaths`` are those that the parts had."""
        is_new = np.ones(len(self.births), np.bool_)
        is_alone = np.bincount(self._group_of, minlength=self._k)[self._group_of] == 1
        is_as_before = is_alone & (self.deaths[self._group_of] <= deaths) & self._tree.was_whole(self._parts)
        is_new[self._group_of[is_as_before]] = False
        return np.flatnonzero(is_new)

    def means(self, which: NDArray[np.int64]) -> tuple[Floats, Floats]:
        """Mean rows, and means of squared lengths, of these clusters."""
        sums, squares, sizes = self._tree.means(self._parts)
        place = self._begins[self._group_of]
        order = np.argsort(place, kind="stable")
        ends = np.searchsorted(place[order], np.arange(self._k + 1))
        sums = np.concatenate([np.zeros((1, sums.shape[1])), np.cumsum(sums[order], axis=0)])
        squares = np.concatenate([[0.0], np.cumsum(squares[order])])
        counts = np.concatenate([[0], np.cumsum(sizes[order])])
        begin, end = ends[self._begins[which]], ends[self._ends[which]]
        n = counts[end] - counts[begin]
        return (sums[end] - sums[begin]) / n[:, None], (squares[end] - squares[begin]) / n

    def marks(self) -> list[int]:
        """Bits of each cluster, as :meth:`Rules.marks` has them."""
        marks = [0] * self._k
        for part, group in zip(self._parts.tolist(), self._group_of.tolist(), strict=True):
            marks[group] |= self._tree.marks[part]
        for a, b in self._children:
            marks.append(marks[a] | marks[b])
        return marks

    def holds(self, clusters: NDArray[np.int64], parts: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each of these clusters holds the part beside it."""
        place = self._begins[self._group_of[parts]]
        held: NDArray[np.bool_] = (self._begins[clusters] <= place) & (place < self._ends[clusters])
        return held


def _first(part_of: Labels, n_parts: int) -> NDArray[np.int64]:
    """Of each part the place of its first row; rows are in increasing order."""
    first = np.empty(n_parts, np.int64)
    first[part_of[::-1]] = np.arange(len(part_of) - 1, -1, -1)
    return first
