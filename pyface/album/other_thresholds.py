"""The people of an album at other thresholds than its own: those that grouping its faces anew would make.

One linkage at the highest of them has the merges of all: those below a threshold are those that a linkage at it makes
(docs/how-it-works/live-threshold.md). What comes after the merges, doubtful faces that are let go, poor ones that join
and names, is no matter of merges alone, and is found for each threshold, of the people who are not as they were at the
one before.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from pyface._typing import Labels
from pyface.album.album import Album
from pyface.album.basis import Basis
from pyface.album.founded import joints_of, joints_up_to
from pyface.album.links import Links
from pyface.album.names import name_people
from pyface.album.near import changed_people
from pyface.album.poor_faces import NearPeople
from pyface.album.rules import Rules
from pyface.album.space import Means, Near, Space, are_of
from pyface.album.standing import Standing, joined_people, settled_people, who_goes
from pyface.kernels.components import first_connected
from pyface.kernels.linkage_below import Joints

__all__ = ["LOWEST", "MOST_FACES", "OtherThresholds", "Stop", "other_thresholds", "stops_between"]

# The range, as shares of the album's threshold. Where too many pairs are within a share, the next one is tried.
LOWEST, _HIGHEST = 0.6, (1.5, 1.3, 1.15, 1.05)
# Stops are multiples of a round number, as many as this at most, and the album's own threshold, fewer for numbers.
_MOST_STOPS, _MOST_COUNTS = 60, 15
# Beyond so many pairs of two people for each face there is nothing to see: all people flow together.
_PAIRS_PER_FACE = 50
# The look at all pairs and the merges take half a second for so many faces. By a matrix of distances, which complete
# linkage and plain Euclidean distance may need, they take 70 MB.
MOST_FACES, _MOST_BY_MATRIX = 5000, 3000
# Of more faces the record keeps the merges by average linkage and who is near to others. What each threshold changes is
# found in half a second for vectors of so many numbers together: 50,000 faces of 128, 12,500 of 512. Of more, how many
# people there are: whom the poor join, for which most distances are computed, is no matter then.
_MOST_NUMBERS = 50_000 * 128
# Why a range ends early.
_TOO_MANY = "beyond that, too many people would flow together"
_NOT_KEPT = "beyond that, nothing is kept of so many faces"
# By so much more than a limit pairs are looked for, as means are computed by another formula than they are.
_SLACK = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Stop:
    """The people at one threshold.

    first : (n,) the smallest face of each face's person.       is_aside, is_hidden : (n,) of whole people.
    named : the names of people who have one, by their smallest faces.
    """

    first: Labels
    is_aside: NDArray[np.bool_]
    is_hidden: NDArray[np.bool_]
    named: dict[int, str]

    @property
    def n_people(self) -> int:
        """People who are not hidden and not faces set aside."""
        is_person = (self.first == np.arange(len(self.first))) & ~self.is_aside & ~self.is_hidden
        return int(np.count_nonzero(is_person))


@dataclass(frozen=True, slots=True, eq=False)
class OtherThresholds:
    """What is known of an album at other thresholds.

    thresholds : in increasing order, as they are written; ``float`` of one is the threshold of its stop.
    own : the place of the album's own.
    stops : as many, in this order; the own one is the album as it is. None of an album that is too large for it.
    end : why there are none up to 1.5 times the threshold; "" if there are.
    counts : where there are no stops, the number of people at each.
    """

    thresholds: tuple[str, ...]
    own: int
    stops: Iterator[Stop]
    end: str = ""
    counts: tuple[int, ...] = ()


def other_thresholds(album: Album) -> OtherThresholds | str:
    """The people of an album at thresholds from 0.6 to 1.5 times its own, or in words why they are not known.

    They are those of ``recluster`` with the album's other settings and that threshold. The range ends where more than
    50 pairs of two people for each face are within it; and at 1.05 times the threshold for an album of more than 5,000
    faces, of which that is what the record keeps, by average linkage alone. Of an album whose vectors have more than
    6.4 million numbers together only the number of people at each threshold is found. Nothing of the album changes.

    Time: a look at all pairs and the merges at the highest threshold, or what the record keeps of them, O(d) for each
    face, and then what each next threshold changes.
    """
    basis, n = album._basis, len(album.faces)
    if basis is None or n < 2:
        return "there are no faces to put together"
    grouping, space = basis.grouping, basis.space
    if grouping.threshold is None:
        return "the number of people was given, not a threshold"
    method = "single" if grouping.algorithm == "dbscan" else grouping.algorithm  # the same people
    is_by_matrix = method == "complete" or (method == "average" and space.metric == "euclidean")
    few = _MOST_BY_MATRIX if is_by_matrix else MOST_FACES
    if n > few and (is_by_matrix or method != "average"):
        return f"there are more than {few:,} faces"
    links = basis.links()
    rules = basis.question_at(grouping.threshold).rules(links)
    if n > few:
        standing = basis.standing(links)
        if standing is None or standing.near is None:
            return "too many faces are near each other, or nothing is kept of them"
        highest, end = _HIGHEST[-1] * grouping.threshold, _NOT_KEPT
        if space.embeddings.size > _MOST_NUMBERS:
            return _only_counts(album, basis, links, rules, standing, highest)
        texts, own = stops_between(grouping.threshold, highest)
        joints = joints_up_to(space, standing.founded, standing.near, float(texts[-1]))
    else:
        found = _near_enough(basis, rules, album.labels, grouping.threshold)
        if found is None:
            return "too many faces are near each other"
        near, highest = found
        end = _TOO_MANY if highest < _HIGHEST[0] * grouping.threshold else ""
        texts, own = stops_between(grouping.threshold, highest)
        near = near.where(near.lengths <= space.within(float(texts[-1])))
        joints = joints_of(space, rules, float(texts[-1]), np.flatnonzero(rules.is_in), near, method)
    people = _People(basis, links, rules, joints, texts)
    if not people.are_known:
        return "too many faces are near each other"
    return OtherThresholds(texts, own, _stops(album, links, people, texts, own), end)


def _only_counts(
    album: Album, basis: Basis, links: Links, rules: Rules, standing: Standing, highest: float
) -> OtherThresholds | str:
    """The numbers of people alone, of which those are counted that the album does not remember."""
    assert standing.near is not None
    texts, own = stops_between(standing.threshold, highest, _MOST_COUNTS)
    known = basis.counted(links)
    known = known.with_others({float(texts[own]): album.n_people})
    missing = [text for text in texts if float(text) not in known.people]
    if missing:
        joints = joints_up_to(basis.space, standing.founded, standing.near, float(missing[-1]))
        # Who is hidden may depend on who has joined.
        people = _People(basis, links, rules, joints, missing, joins=bool(links.hidden.any()))
        if not people.are_known:
            return "too many faces are near each other"
        counts = (stop.n_people for stop in _stops(album, links, people, missing, -1))
        known = known.with_others(dict(zip(map(float, missing), counts, strict=True)))
        basis.remember(known)
    return OtherThresholds(texts, own, iter(()), _NOT_KEPT, tuple(known.people[float(text)] for text in texts))


def stops_between(threshold: float, highest: float, most: int = _MOST_STOPS) -> tuple[tuple[str, ...], int]:
    """Thresholds from 0.6 times this one to ``highest``, as text, with few digits; and the place of this one.

    most : how many there would be up to 1.5 times the threshold.
    """
    step = _round_step((_HIGHEST[0] - LOWEST) * threshold / most)
    # Products of floats that are round numbers but for the last digit count as these.
    begin, end = (Decimal(f"{value:.12g}") / step for value in (LOWEST * threshold, highest))
    steps = [k * step for k in range(math.ceil(begin), math.floor(end) + 1)]
    below = [f"{value:f}" for value in steps if float(value) < threshold]
    above = [f"{value:f}" for value in steps if float(value) > threshold]
    return (*below, repr(threshold), *above), len(below)


def _round_step(least: float) -> Decimal:
    """The smallest of 1, 2 and 5 times a power of ten that is not smaller."""
    power = Decimal(1).scaleb(math.floor(math.log10(least)))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= Decimal(least)).normalize()


def _near_enough(basis: Basis, rules: Rules, people: Labels, threshold: float) -> tuple[Near, float] | None:
    """Pairs of those who found people, all up to a distance, and up to which distance they are worth a look.

    None where there are too many even near the threshold.
    """
    rows, most = np.flatnonzero(rules.is_in), int(_PAIRS_PER_FACE * len(rules.is_in))
    for share in _HIGHEST:
        near = basis.space.among(rows, share * threshold)
        if near is None:
            continue
        one, other = people[near.pairs].T
        lengths = near.lengths[one != other]
        if len(lengths) <= most:
            return near, share * threshold
        return near, max(threshold, min(share * threshold, float(np.partition(lengths, most)[most])))
    return None


def _stops(album: Album, links: Links, people: _People, thresholds: Sequence[str], own: int) -> Iterator[Stop]:
    for place, text in enumerate(thresholds):
        if place == own:
            first = _smallest(album.labels)
            names = {i: name for i, name in enumerate(album.persons) if name}
            yield Stop(first, album.set_aside, album.hidden, _of_all(first, names))
            continue
        first, is_aside = people.at(float(text))
        named = name_people(first, links)
        names = {i: links.names[int(named.person[i])] for i in np.flatnonzero(named.person >= 0).tolist()}
        yield Stop(first, is_aside, named.hidden, _of_all(first, names))


class _People:
    """The people at one threshold after the other, from the merges below the highest. What has not changed is not
    looked at again.

    joins : whether poor faces join people; otherwise all are set aside.
    are_known : False where too many pairs are near to find whom the poor may join.
    """

    def __init__(
        self,
        basis: Basis,
        links: Links,
        rules: Rules,
        joints: Joints,
        thresholds: Sequence[str],
        *,
        joins: bool = True,
    ) -> None:
        self._basis, self._links, self._rules, self._joints = basis, links, rules, joints
        n, last = len(links.together), basis.question_at(float(thresholds[-1]))
        self._may_go = last.doubtful & (links.together < 0) & ~links.nobody
        self._stay = np.zeros(n)
        self._founded = self._settled = np.full(n, -1, np.int64)
        self._sums = _Sums(basis.space, self._founded_at(float(thresholds[0])))
        # A mean below a limit is one of distances of which one is below it; the limit grows with the threshold.
        self._limit = last.poor_limit
        poor = np.flatnonzero(~rules.is_in & ~links.nobody & joins)
        near = basis.space.between(poor, np.flatnonzero(rules.is_in), (1 + _SLACK) * self._limit)
        self.are_known = near is not None
        pairs = np.empty((0, 2), np.int64) if near is None else near.pairs.astype(np.int64)
        self._near_pairs = np.where(rules.is_in[pairs[:, :1]], pairs[:, ::-1], pairs)  # the poor first
        none = np.empty(0, np.int64)
        self._near = NearPeople(none, none, np.empty(0))

    def _founded_at(self, threshold: float) -> Labels:
        made = self._joints.pairs[self._joints.heights < threshold]
        return np.where(self._rules.is_in, first_connected(len(self._stay), made), -1)

    def at(self, threshold: float) -> tuple[Labels, NDArray[np.bool_]]:
        """Of each face the smallest one of its person, and whether it is set aside."""
        links, rules, space = self._links, self._rules, self._basis.space
        question = self._basis.question_at(threshold)
        n = len(links.together)
        founded = self._founded_at(threshold)
        self._sums.merge(founded)
        self._measure_doubtful(founded)
        settled = settled_people(question, links, founded, self._stay)
        self._measure_poor(founded, settled, who_goes(question, links, founded, self._stay))
        self._founded, self._settled = founded, settled
        near = self._near.where(self._near.distances < space.squared(question.poor_limit))
        people, is_aside = joined_people(rules, settled, links, near)
        return _smallest(np.where(people >= 0, people, n + np.arange(n))), is_aside

    def _measure_doubtful(self, founded: Labels) -> None:
        """How far from faces that may be let go the others of their people are; 0 for those who are alone."""
        names = np.intersect1d(changed_people(self._founded, founded), founded[self._may_go])
        is_several = np.bincount(founded[founded >= 0], minlength=len(founded))[names] > 1
        self._stay[names[~is_several]] = 0
        rows = np.flatnonzero(self._may_go & are_of(founded, names[is_several]))
        means = self._means(names[is_several], founded, np.zeros(len(founded), np.bool_))
        places = np.searchsorted(means.names, founded[rows])
        sizes = means.sizes[places]
        self._stay[rows] = self._basis.space.to_means(rows, means, places) * sizes / (sizes - 1)

    def _measure_poor(self, founded: Labels, settled: Labels, goes: NDArray[np.bool_]) -> None:
        """How far from poor faces those are who have changed and have a face near to them."""
        space, n = self._basis.space, len(settled)
        changed = changed_people(self._settled, settled)
        pairs = self._near_pairs[are_of(settled, changed)[self._near_pairs[:, 1]]]
        faces, people = np.divmod(np.unique(pairs[:, 0] * n + settled[pairs[:, 1]]), n)
        means = self._means(np.unique(people), founded, goes)
        distances = space.to_means(faces, means, np.searchsorted(means.names, people))
        found = NearPeople(faces, people, distances).where(distances < space.squared(self._limit))
        self._near = self._near.where(~np.isin(self._near.people, changed)).with_others(found)

    def _means(self, names: Labels, founded: Labels, goes: NDArray[np.bool_]) -> Means:
        """The means of people as they are once faces have gone, each of whom is one of his own."""
        space, is_alone = self._basis.space, goes[names]
        sizes, sums, squares = self._sums.of(founded[names])
        place = np.full(len(founded), -1, np.int64)
        place[founded[names[~is_alone]]] = np.flatnonzero(~is_alone)
        gone = space.means(np.where(goes & (place[founded] >= 0), founded, -1))
        places = place[gone.names]
        sizes[places] -= gone.sizes
        sums[places] -= gone.means * gone.sizes[:, None]
        squares[places] -= gone.squares * gone.sizes
        wide = space.wide(names[is_alone])
        sizes[is_alone], sums[is_alone], squares[is_alone] = 1, wide, np.einsum("ij,ij->i", wide, wide)
        return Means(names, sizes, sums / sizes[:, None], squares / sizes)


class _Sums:
    """Sums of the vectors of people, by their smallest faces, and of their squared lengths, as people merge.

    people : (n,) at first, -1 for none.
    """

    def __init__(self, space: Space, people: Labels) -> None:
        means = space.means(people)
        self._names, self._sizes = means.names, means.sizes
        self._sums, self._squares = means.means * means.sizes[:, None], means.squares * means.sizes
        self._place = np.full(len(people), -1, np.int64)
        self._place[self._names] = np.arange(len(self._names))

    def merge(self, people: Labels) -> None:
        """People (n,) as they are now: some of those before have come together."""
        now = people[self._names]
        is_gone = now != self._names
        if not is_gone.any():
            return
        order = np.argsort(now[is_gone], kind="stable")
        gone, into = self._place[self._names[is_gone][order]], now[is_gone][order]
        begins = np.flatnonzero(np.diff(into, prepend=-1))
        places = self._place[into[begins]]
        for numbers in (self._sizes, self._sums, self._squares):
            numbers[places] += np.add.reduceat(numbers[gone], begins, axis=0)
        self._names = self._names[~is_gone]

    def of(self, names: Labels) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """Numbers of faces, sums of vectors and of squared lengths of some people."""
        places = self._place[names]
        return self._sizes[places], self._sums[places], self._squares[places]


def _smallest(people: Labels) -> Labels:
    """Of each face the smallest one of its person."""
    _, first, inverse = np.unique(people, return_index=True, return_inverse=True)
    smallest: Labels = first[inverse].astype(np.int64)
    return smallest


def _of_all(first: Labels, names: dict[int, str]) -> dict[int, str]:
    """The names of people, by their smallest faces, all of whose faces have the same name."""
    if not names:
        return {}
    faces = np.array(sorted(names), np.int64)
    found: dict[int, set[str]] = {}
    for face, who in zip(faces.tolist(), first[faces].tolist(), strict=True):
        found.setdefault(who, set()).add(names[face])
    sizes, n_named = np.bincount(first), np.bincount(first[faces], minlength=len(first))
    return {who: some.pop() for who, some in found.items() if len(some) == 1 and n_named[who] == sizes[who]}
