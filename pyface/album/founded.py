"""People that faces have founded by average linkage, and how they change when more is known of some faces.

Whoever answers a question about two faces of fifty thousand does not wait for all of them to be grouped again. The
people of the faces spoken of are grouped anew, by themselves. Then it is proved that nobody else has a say: the merges
of both sides are gone through in order, and at no time were two clusters, one of each side, nearer to each other than
the two that merge next. Where somebody else has a say, or might, he is grouped with them, and so on. What comes out is
what grouping everybody gives, since average linkage is reducible: docs/how-it-works/answers.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface._typing import Labels
from pyface.album.regrowing import Regrown, regrow
from pyface.album.replay import Replay, smallest
from pyface.album.rules import Rules
from pyface.album.space import Near, Rows, Space, are_of
from pyface.kernels.components import first_connected
from pyface.kernels.linkage_below import (
    Joints,
    NearGraph,
    forest_labels,
    joints_below,
    near_graph,
    origin_for,
)

# So many faces are grouped in no time.
_FEW = 4096
# From so many on it is worth while to keep what is left of their merges.
_AT_ONCE = 100


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
        people = first_connected(len(self.people), joints.pairs)
        return Founded(height, self.rules, joints, np.where(self.rules.is_in, people, -1))


def found(space: Space, rules: Rules, height: float, near: Near | None) -> Founded:
    """Group everybody. ``near``: all pairs within ``height`` or more; None where there are too many."""
    rows = np.flatnonzero(rules.is_in)
    joints = joints_of(space, rules, height, rows, near)
    n = len(rules.must)
    labels = forest_labels(joints.tree(n), n)
    people = np.unique(labels, return_index=True)[1][labels].astype(np.int64)
    people[~rules.is_in] = -1
    return Founded(height, rules, joints, people)


def joints_up_to(space: Space, old: Founded, near: Near, height: float) -> Joints:
    """The merges below a larger height than that of ``old``, which are the first of them.

    near : all pairs within ``height`` of two people of ``old``.
    """
    people, n = old.people, len(old.people)
    pairs = near.pairs[old.rules.is_in[near.pairs].all(axis=1)]
    joints = joints_below(
        space.embeddings, NearGraph(np.arange(n, dtype=np.int32), pairs), "average", space.metric, height,
        origin=origin_for(space.embeddings, "average", space.metric), cannot_link=old.rules.cannot(np.arange(n)),
        must_link=people, n_threads=space.n_threads,
    )  # fmt: skip
    is_new = people[joints.pairs[:, 0]] != people[joints.pairs[:, 1]]
    # They come after the others, whatever the last digit of a height says.
    heights = np.maximum(joints.heights[is_new], old.height)
    return Joints(
        np.concatenate([old.joints.pairs, joints.pairs[is_new]]), np.concatenate([old.joints.heights, heights])
    )


def found_again(space: Space, old: Founded, rules: Rules, near: Near, reach: float, people: Labels) -> Founded | None:
    """What :func:`found` gives under new rules; None where so many would be grouped anew that it is as quick.

    people : (n,) of ``old``, with who has joined them since; -1 for nobody.
    near : all pairs within ``reach``, the height or more, of two who are different people there, or were nobody and are
        in now.
    """
    n = len(people)
    changed = rules.changed(old.rules, people)
    if not changed.any():
        return Founded(old.height, rules, old.joints, old.people)
    is_touched = changed & rules.is_in
    names = np.unique(people[changed])
    gone = old.people[changed & ~rules.is_in & old.rules.is_in]
    while True:
        is_touched |= are_of(people, names) & rules.is_in
        rows = np.flatnonzero(is_touched)
        if len(rows) > max(_FEW, n // 2):
            return None
        is_theirs = are_of(old.people, np.append(old.people[rows], gone))[old.joints.pairs[:, 0]]
        theirs = Joints(old.joints.pairs[is_theirs], old.joints.heights[is_theirs])
        regrown = regrow(space, rules, old.height, rows, changed, theirs) if len(rows) > _AT_ONCE else None
        if regrown is None:
            regrown = Regrown(
                Joints(theirs.pairs[:0], theirs.heights[:0]), joints_of(space, rules, old.height, rows, None)
            )
        joints = regrown.joints
        names = _who_has_a_say(space, old, rules, near, reach, is_touched, regrown)
        if len(names) == 0:
            break
    stays = ~is_touched & rules.is_in
    kept = stays[old.joints.pairs[:, 0]]
    now = np.where(stays, old.people, -1)
    now[rows] = smallest(rows, joints.pairs)
    pairs = np.concatenate([old.joints.pairs[kept], joints.pairs])
    return Founded(old.height, rules, Joints(pairs, np.concatenate([old.joints.heights[kept], joints.heights])), now)


def joints_of(
    space: Space, rules: Rules, height: float, rows: Rows, near: Near | None, method: str = "average"
) -> Joints:
    """The merges of these faces by themselves, by rows of all. ``near``: all pairs of theirs within ``height``; None
    where they are not known, for average linkage alone."""
    x = space.embeddings if len(rows) == len(space.embeddings) else space.embeddings[rows]
    if len(rows) < 2:
        return Joints(np.empty((0, 2), np.int32), np.empty(0))
    options: dict[str, Any] = {"metric": space.metric, "threshold": height, "n_threads": space.n_threads}
    if near is None:
        graph = near_graph(x, method, has_cannot_link=True, **options)
    else:
        place = np.full(len(rules.must), -1, np.int32)
        place[rows] = np.arange(len(rows), dtype=np.int32)
        pairs = place[near.pairs[near.lengths <= space.within(height)]]
        # The pairs say which components there are.
        graph = NearGraph(np.arange(len(rows), dtype=np.int32), pairs[(pairs >= 0).all(axis=1)])
    must = rules.must[rows]
    joints = joints_below(
        x, graph, method, origin=origin_for(x, method, space.metric), cannot_link=rules.cannot(rows),
        must_link=must if (must >= 0).any() else None, **options,
    )  # fmt: skip
    return Joints(rows.astype(np.int32)[joints.pairs], joints.heights)


def _who_has_a_say(
    space: Space,
    old: Founded,
    rules: Rules,
    near: Near,
    reach: float,
    is_touched: NDArray[np.bool_],
    regrown: Regrown,
) -> Labels:
    """People not among those touched who would, or might, have merged otherwise with these merges beside theirs."""
    near = near.of(is_touched)
    first, second = near.pairs.T
    is_across = (is_touched[first] != is_touched[second]) & rules.is_in[first] & rules.is_in[second]
    if not is_across.any():
        return np.empty(0, np.int64)
    links = near.where(is_across)
    first, second = links.pairs.T
    inner = np.where(is_touched[first], first, second).astype(np.int64)
    outer = np.where(is_touched[first], second, first).astype(np.int64)
    now = np.where(is_touched, -1, old.people)
    now[is_touched] = smallest(np.flatnonzero(is_touched), regrown.joints.pairs)
    theirs = are_of(now, now[outer])[old.joints.pairs[:, 0]] & ~is_touched[old.joints.pairs[:, 0]]
    # What has stayed together has nothing new to say to others: it is as if it had been so from the start.
    parts = (regrown.old.pairs, regrown.new.pairs, old.joints.pairs[theirs])
    heights = (np.full(len(parts[0]), -np.inf), regrown.new.heights, old.joints.heights[theirs])
    is_near = are_of(now, now[np.concatenate([inner, outer])])[np.concatenate(parts)[:, 0]]
    replay = Replay(space, rules, old.height, reach)
    replay.run(
        inner, outer, links.lengths, now, np.concatenate(parts)[is_near], np.concatenate(heights)[is_near]
    )  # fmt: skip
    return np.array(sorted(replay.have_a_say), np.int64)
