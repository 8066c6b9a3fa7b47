"""People that faces have founded by average linkage, and how they change when more is known of some faces.

Whoever answers a question about two faces of fifty thousand does not wait for all of them to be grouped again. The
people of the faces spoken of are grouped anew, by themselves. Then it is proved that nobody else has a say: the merges
of both sides are gone through in order, and at no time were two clusters, one of each side, nearer to each other than
the two that merge next. Where somebody else has a say, or might, he is grouped with them, and so on. What comes out is
what grouping everybody gives, since average linkage is reducible: docs/how-it-works/answers.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface._typing import Labels
from pyface.album.space import Near, Pairs, Rows, Space
from pyface.kernels.link_groups import CannotLinks, cannot_links
from pyface.kernels.linkage_below import (
    Joints,
    NearGraph,
    first_connected,
    forest_labels,
    joints_below,
    near_graph,
    origin_for,
)

# Distances this near to each other count as equal, which costs time and changes nothing.
_EQUAL = 1e-7
# So many faces are grouped in no time.
_FEW = 4096


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

    def changed(self, before: Rules, people: Labels) -> NDArray[np.bool_]:
        """(n,) whose people have to be looked at again if these are the rules, those were, and ``people`` are theirs.

        Two who are of different people may be kept apart from now on without any merge being another one.
        """
        changed: NDArray[np.bool_] = (self.is_in != before.is_in) | (self.must != before.must)
        changed |= self.groups != before.groups
        for rules in (before, self):  # a group that grows concerns those who were in it
            changed |= np.isin(rules.must, rules.must[changed & (rules.must >= 0)])
        n = len(self.must)
        here, there = (pairs[:, 0] * n + pairs[:, 1] for pairs in (self.pairs, before.pairs))
        gone = before.pairs[~np.isin(there, here, assume_unique=True)]
        new = self.pairs[~np.isin(here, there, assume_unique=True)]
        first, second = people[new].T
        changed[gone.ravel()] = True
        changed[new[(first == second) | (first < 0) | (second < 0)].ravel()] = True
        return changed


@dataclass(frozen=True, slots=True, eq=False)
class Founded:
    """Merges at heights below ``height``, and the people that they make: (n,) smallest row of each, -1 for nobody."""

    height: float
    rules: Rules
    joints: Joints
    people: Labels

    def below(self, height: float) -> Founded:
        """The same for a threshold that is not larger."""
        if height == self.height:
            return self
        is_made = self.joints.heights < height
        joints = Joints(self.joints.pairs[is_made], self.joints.heights[is_made])
        people = first_connected(len(self.people), joints.pairs).astype(np.int64)
        return Founded(height, self.rules, joints, np.where(self.rules.is_in, people, -1))


def found(space: Space, rules: Rules, height: float, near: Near | None) -> Founded:
    """Group everybody. ``near``: all pairs within ``height`` or more; None where there are too many."""
    rows = np.flatnonzero(rules.is_in)
    joints = _joints(space, rules, height, rows, near)
    n = len(rules.must)
    labels = forest_labels(joints.tree(n), n)
    people = np.unique(labels, return_index=True)[1][labels].astype(np.int64)
    people[~rules.is_in] = -1
    return Founded(height, rules, joints, people)


def found_again(space: Space, old: Founded, rules: Rules, near: Near, people: Labels) -> Founded | None:
    """What :func:`found` gives under new rules; None where so many would be grouped anew that it is as quick.

    people : (n,) of ``old``, with who has joined them since; -1 for nobody.
    near : all pairs within the height of two who are different people there, or were nobody and are in now, at least.
    """
    n = len(people)
    changed = rules.changed(old.rules, people)
    if not changed.any():
        return Founded(old.height, rules, old.joints, old.people)
    is_touched = changed & rules.is_in
    names = np.unique(people[changed])
    while True:
        is_touched |= np.isin(people, names[names >= 0]) & rules.is_in
        rows = np.flatnonzero(is_touched)
        if len(rows) > max(_FEW, n // 2):
            return None
        joints = _joints(space, rules, old.height, rows, None)
        names = _who_has_a_say(space, old, rules, near, is_touched, joints)
        if len(names) == 0:
            break
    stays = ~is_touched & rules.is_in
    kept = stays[old.joints.pairs[:, 0]]
    now = np.where(stays, old.people, -1)
    now[rows] = _smallest(rows, joints.pairs)
    pairs = np.concatenate([old.joints.pairs[kept], joints.pairs])
    return Founded(old.height, rules, Joints(pairs, np.concatenate([old.joints.heights[kept], joints.heights])), now)


def _joints(space: Space, rules: Rules, height: float, rows: Rows, near: Near | None) -> Joints:
    """The merges of these faces by themselves, by rows of all."""
    x = space.embeddings if len(rows) == len(space.embeddings) else space.embeddings[rows]
    if len(rows) < 2:
        return Joints(np.empty((0, 2), np.int32), np.empty(0))
    options: dict[str, Any] = {"metric": space.metric, "threshold": height, "n_threads": space.n_threads}
    if near is None:
        graph = near_graph(x, "average", has_cannot_link=True, **options)
    else:
        place = np.full(len(rules.must), -1, np.int32)
        place[rows] = np.arange(len(rows), dtype=np.int32)
        pairs = place[near.pairs[near.lengths <= space.within(height)]]
        # The pairs say which components there are.
        graph = NearGraph(np.arange(len(rows), dtype=np.int32), pairs[(pairs >= 0).all(axis=1)])
    must = rules.must[rows]
    joints = joints_below(
        x, graph, "average", origin=origin_for(x, "average", space.metric), cannot_link=rules.cannot(rows),
        must_link=must if (must >= 0).any() else None, **options,
    )  # fmt: skip
    return Joints(rows.astype(np.int32)[joints.pairs], joints.heights)


def _smallest(rows: Rows, pairs: Pairs) -> Labels:
    """Of each of these rows, in increasing order, the smallest that pairs of them connect it with."""
    return rows[first_connected(len(rows), np.searchsorted(rows, pairs).astype(np.int32))]


def _who_has_a_say(
    space: Space, old: Founded, rules: Rules, near: Near, is_touched: NDArray[np.bool_], joints: Joints
) -> Labels:
    """People not among those touched who would, or might, have merged otherwise with these merges beside theirs."""
    first, second = near.pairs.T
    is_across = (is_touched[first] != is_touched[second]) & rules.is_in[first] & rules.is_in[second]
    is_across &= near.lengths < old.height + _EQUAL
    if not is_across.any():
        return np.empty(0, np.int64)
    links = near.where(is_across)
    first, second = links.pairs.T
    inner = np.where(is_touched[first], first, second).astype(np.int64)
    outer = np.where(is_touched[first], second, first).astype(np.int64)
    replay = _Replay(space, rules, old.height)
    # Of both sides only those who are near somebody of the other one.
    now = np.full(len(old.people), -1, np.int64)
    now[is_touched] = _smallest(np.flatnonzero(is_touched), joints.pairs)
    ours = np.isin(now, now[inner])[joints.pairs[:, 0]]
    theirs = np.isin(old.people, old.people[outer])[old.joints.pairs[:, 0]]
    theirs &= ~is_touched[old.joints.pairs[:, 0]]
    replay.run(
        inner, outer, links.lengths, (now[inner], old.people[outer]),
        np.concatenate([joints.pairs[ours], old.joints.pairs[theirs]]),
        np.concatenate([joints.heights[ours], old.joints.heights[theirs]]),
    )  # fmt: skip
    return np.array(sorted(replay.have_a_say), np.int64)


class _Replay:
    """The merges of two sides that are thought to have nothing to do with each other, in order of their heights.

    Clusters are called by their smallest rows. A link is a pair of clusters, one of each side, of which two faces are
    near; its length is the least one, below which no mean of distances is.
    """

    def __init__(self, space: Space, rules: Rules, height: float) -> None:
        self.have_a_say: set[int] = set()
        self._space, self._rules, self._height = space, rules, height
        self._links: dict[int, dict[int, float]] = {}
        self._outer: dict[int, int] = {}  # cluster of the other side -> person
        self._members: dict[int, Rows] = {}
        self._means: dict[tuple[int, int], tuple[NDArray[np.float64], float]] = {}
        self._merged: dict[int, int] = {}

    def run(
        self,
        inner: Rows,
        outer: Rows,
        lengths: NDArray[np.float64],
        people: tuple[Labels, Labels],
        pairs: Pairs,
        heights: NDArray[np.float64],
    ) -> None:
        """Go through the merges ``pairs`` at ``heights``, of both sides.

        inner, outer, lengths : pairs of faces, one of each side, that are near.
        people : whom the faces of these pairs are in the end.
        """
        is_free = ~self._are_apart(inner, outer)
        if not is_free.any():
            return
        inner, outer, lengths = inner[is_free], outer[is_free], lengths[is_free]
        # Nothing is to be proved of a person's merges below the shortest of his links.
        n = len(self._rules.must)
        shortest = np.full(n, np.inf)
        person = np.full(n, -1, np.int64)
        for rows, whose in ((inner, people[0][is_free]), (outer, people[1][is_free])):
            np.minimum.at(shortest, whose, lengths)
            person[rows] = whose
        rows = np.unique(np.concatenate([inner, outer, pairs.ravel().astype(np.int64)]))
        whole = _smallest(rows, pairs)
        ends = whole[np.searchsorted(rows, pairs[:, 0])]
        is_late = heights >= shortest[ends] - _EQUAL
        cluster = _smallest(rows, pairs[~is_late])
        order = np.argsort(cluster, kind="stable")
        starts = np.flatnonzero(np.diff(cluster[order], prepend=-1))
        names = cluster[order][starts].tolist()
        self._members = dict(zip(names, np.split(rows[order], starts[1:]), strict=True))
        at = cluster[np.searchsorted(rows, np.concatenate([inner, outer]))].tolist()
        m = len(inner)
        for a, b, whose, length in zip(at[:m], at[m:], person[outer].tolist(), lengths.tolist(), strict=True):
            self._outer[b] = whose
            self._put(a, b, length)
        late, when = pairs[is_late], heights[is_late]
        # Rounded, since a height may be below that of a merge before it by what float64 rounds.
        order = np.argsort(np.round(when, 12), kind="stable")
        for (a, b), height in zip(late[order].tolist(), when[order].tolist(), strict=True):
            self._merge(self._now(a), self._now(b), height)
        for a in [name for name in self._links if name not in self._outer]:
            self._check(a, self._height)

    def _now(self, name: int) -> int:
        while name in self._merged:
            name = self._merged[name]
        return name

    def _put(self, a: int, b: int, length: float) -> None:
        for one, other in ((a, b), (b, a)):
            known = self._links.setdefault(one, {})
            known[other] = min(length, known.get(other, np.inf))

    def _merge(self, a: int, b: int, height: float) -> None:
        self._check(a, height)
        self._check(b, height)
        a, b = min(a, b), max(a, b)
        self._merged[b] = a
        self._members[a] = np.concatenate([self._members[a], self._members.pop(b)])
        if b in self._outer:
            self._outer[a] = self._outer.pop(b)
        for other, length in self._links.pop(b, {}).items():
            del self._links[other][b]
            self._put(a, other, length)

    def _check(self, name: int, height: float) -> None:
        """All links of a cluster that will be another one at this height: those that are not longer have a say."""
        for other, length in list(self._links.get(name, {}).items()):
            if length > height + _EQUAL:
                continue
            a, b = self._members[name], self._members[other]
            if self._apart_as_groups(a, b):
                self._drop(name, other)
            elif not self._distance(name, other) > height + _EQUAL:
                self.have_a_say.add(self._outer[other] if other in self._outer else self._outer[name])
                self._drop(name, other)

    def _drop(self, a: int, b: int) -> None:
        del self._links[a][b]
        del self._links[b][a]

    def _distance(self, a: int, b: int) -> float:
        (mean_a, square_a), (mean_b, square_b) = self._mean(a), self._mean(b)
        squared = square_a + square_b - 2 * float(mean_a @ mean_b)
        return squared / 2 if self._space.metric == "cosine" else squared

    def _mean(self, name: int) -> tuple[NDArray[np.float64], float]:
        """Of a cluster the mean row, of unit length each under cosine, and the mean of their squared lengths."""
        members = self._members[name]
        key = (name, len(members))
        if key not in self._means:
            rows = self._space.embeddings[members].astype(np.float64)
            squares = np.einsum("ij,ij->i", rows, rows)
            if self._space.metric == "cosine":
                rows /= np.sqrt(squares)[:, None]
                squares = np.ones(len(rows))
            self._means[key] = (rows.mean(axis=0), float(squares.mean()))
        return self._means[key]

    def _are_apart(self, first: Rows, second: Rows) -> NDArray[np.bool_]:
        """Whether the faces of each of these pairs may not come together."""
        groups, pairs, n = self._rules.groups, self._rules.pairs, len(self._rules.must)
        apart: NDArray[np.bool_] = (groups[first] == groups[second]) & (groups[first] >= 0)
        codes = np.minimum(first, second) * n + np.maximum(first, second)
        known = pairs[:, 0] * n + pairs[:, 1]  # increasing
        if len(known):
            apart |= known[np.minimum(np.searchsorted(known, codes), len(known) - 1)] == codes
        return apart

    def _apart_as_groups(self, a: Rows, b: Rows) -> bool:
        """Whether two clusters have faces that may not come together."""
        if len(a) * len(b) > 1 << 16:
            return self._has_common(a, b)
        return bool(self._are_apart(np.repeat(a, len(b)), np.tile(b, len(a))).any())

    def _has_common(self, a: Rows, b: Rows) -> bool:
        groups = self._rules.groups
        if np.isin(groups[a][groups[a] >= 0], groups[b]).any():
            return True
        ends: Iterable[NDArray[np.int64]] = self._rules.pairs.T
        first, second = ends
        return bool(
            (np.isin(first, a) & np.isin(second, b)).any() or (np.isin(first, b) & np.isin(second, a)).any()
        )  # fmt: skip
