"""How the faces of an album stand, by average linkage: people, who joined them, who is near to them; and what changes.

One answer changes a few people of thousands. What is known of all others stays: their merges
(:mod:`pyface.album.founded`), the pairs of faces near each other, and mean distances.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pyface._typing import Labels
from pyface.album.close_calls import CloseCall, Distances, distances, judged, reach
from pyface.album.founded import Founded, found, found_again
from pyface.album.links import Links
from pyface.album.near import changed_near, changed_people, of_different, with_more
from pyface.album.poor_faces import Apart, NearPeople, join, near_people, to_others
from pyface.album.rules import Rules
from pyface.album.same_photo import SamePhoto
from pyface.album.space import Near, Space, are_of


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """How faces are to become people.

    threshold : of average linkage.       low : (n,) faces too poor to found people, who join them below ``poor_limit``.
    doubtful : (n,) faces that stay with others only below ``stay_limit``.
    same_photo : what keeps faces of one photo apart, if they are different people; photos : (n,), not decreasing.
    """

    space: Space
    threshold: float
    low: NDArray[np.bool_]
    poor_limit: float
    doubtful: NDArray[np.bool_]
    stay_limit: float
    photos: Labels
    same_photo: SamePhoto | None

    @property
    def reach(self) -> float:
        """Up to which distance pairs have to be known."""
        return reach(self.threshold, self.space.metric)

    def rules(self, links: Links) -> Rules:
        """What is known of the faces before they are grouped, if this was said of them."""
        n = len(self.space)
        groups, pairs = np.full(n, -1, np.int64), links.apart
        if self.same_photo is not None:
            groups, own = self.same_photo.links(links.together)
            codes = np.union1d(own[:, 0] * n + own[:, 1], pairs[:, 0] * n + pairs[:, 1])
            pairs = np.column_stack(np.divmod(codes, max(n, 1)))
        return Rules(~links.nobody & ~(self.low & (links.together < 0)), links.together, groups, pairs)


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """What :func:`stand` has found.

    threshold, poor_limit, low : of the question.
    stay : (n,) squared mean distances to the others with whom a face was founded; 0 alone, and where it founded none.
    settled : (n,) people once the doubtful have gone, by their smallest face. near_poor : whom the poor may join.
    people : the same with those who have joined; -1 for nobody and for those set aside.
    spots : the same, for nobody a name of his own if it is known who is near to him.
    set_aside : (n,).
    near : all pairs of faces within reach whose spots are different, and others; None where they are too many to keep.
    distances : what decides about close calls.
    """

    threshold: float
    poor_limit: float
    low: NDArray[np.bool_]
    founded: Founded
    stay: NDArray[np.float64]
    settled: Labels
    near_poor: NearPeople
    people: Labels
    spots: Labels
    set_aside: NDArray[np.bool_]
    near: Near | None
    distances: Distances

    def close_calls(self, question: Question, links: Links, numbers: Labels) -> list[CloseCall]:
        """The close calls, if people have these numbers (n,)."""
        limit = question.space.squared(self.threshold)
        apart = links.kept_apart(None if question.same_photo is None else question.photos)
        return judged(self.distances, self.people, numbers, limit, apart)

    @property
    def labels(self) -> Labels:
        """(n,) numbers of people, in no order; whoever is nobody's has one of his own."""
        n = len(self.people)
        return np.where(self.people >= 0, self.people, n + np.arange(n))


def stand(question: Question, links: Links) -> Standing:
    """Group all faces. Time: a look at all pairs, the merges, and O(d) for each face and each pair near each other."""
    rules = question.rules(links)
    near = question.space.among(np.flatnonzero(~links.nobody), question.reach)
    founded = found(question.space, rules, question.threshold, near)
    stay = to_others(question.space, founded.people)
    settled = settled_people(question, links, founded.people, stay)
    near_poor = _near_poor(question, settled, None)
    people, set_aside = joined_people(founded.rules, settled, links, near_poor)
    near = of_different(near, people)
    return _standing(
        question, founded, stay, settled, near_poor, people, people, set_aside, near, None
    )  # fmt: skip


def _standing(
    question: Question,
    founded: Founded,
    stay: NDArray[np.float64],
    settled: Labels,
    near_poor: NearPeople,
    people: Labels,
    spots: Labels,
    set_aside: NDArray[np.bool_],
    near: Near | None,
    before: tuple[Distances, Labels] | None,
) -> Standing:
    found_distances = distances(question.space, people, near, question.threshold, before)
    return Standing(
        question.threshold, question.poor_limit, question.low, founded, stay, settled, near_poor, people, spots,
        set_aside, near, found_distances,
    )  # fmt: skip


def stand_again(question: Question, links: Links, old: Standing) -> Standing:
    """What :func:`stand` gives, from what is known of the same faces with other links or a larger threshold.

    Time: that of the people who change; where these are most of all, that of :func:`stand`.
    """
    if old.near is None:
        return stand(question, links)
    space, rules = question.space, question.rules(links)
    if _is_as_before(question, links, rules, old):
        return old
    old_reach = reach(old.threshold, space.metric)
    new = np.flatnonzero(rules.is_in & (old.spots < 0))
    near = with_more(space, old.near, new, np.flatnonzero(old.spots >= 0), old_reach)
    # Who was founded with whom, and for those who have joined, whom they have joined.
    home = np.where(old.people >= 0, old.founded.people[old.people], -1)
    founded = None if near is None else found_again(space, old.founded, rules, near, old_reach, home)
    if founded is None or near is None:
        return stand(question, links)
    founded = founded.below(question.threshold)
    changed = changed_people(old.founded.people, founded.people)
    stay = to_others(space, founded.people, changed)
    stays = (founded.people >= 0) & ~are_of(founded.people, changed)
    stay[stays] = old.stay[stays]
    settled = settled_people(question, links, founded.people, stay)
    near_poor = _near_poor_again(question, settled, old)
    people, set_aside = joined_people(founded.rules, settled, links, near_poor)
    alone = len(people) + np.arange(len(people))
    were = old.spots.copy()
    were[new] = alone[new]  # they are in ``near``
    spots = np.where(links.nobody & (old.spots >= 0), alone, people)
    if question.threshold < old.threshold:
        near = near.where(near.lengths <= space.within(question.reach))
    near = changed_near(space, near, were, spots, question.reach)
    before = None if near is None else (old.distances, old.people)
    return _standing(question, founded, stay, settled, near_poor, people, spots, set_aside, near, before)


def _is_as_before(question: Question, links: Links, rules: Rules, old: Standing) -> bool:
    return (
        (question.threshold, question.poor_limit) == (old.threshold, old.poor_limit)
        and np.array_equal(question.low, old.low)
        and rules.are(old.founded.rules)
        and np.array_equal(links.nobody, (old.people < 0) & ~old.set_aside)
        and np.array_equal(settled_people(question, links, old.founded.people, old.stay), old.settled)
    )


def who_goes(question: Question, links: Links, people: Labels, stay: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(n,) the doubtful faces that are not near enough to the others of their people."""
    is_known = (links.together >= 0) | links.nobody
    far = stay >= question.space.squared(question.stay_limit)
    goes: NDArray[np.bool_] = question.doubtful & ~is_known & far & (people >= 0)
    return goes


def settled_people(question: Question, links: Links, people: Labels, stay: NDArray[np.float64]) -> Labels:
    """People (n,) once doubtful faces that are not near enough to the others have gone, by their smallest face."""
    goes = who_goes(question, links, people, stay)
    if not goes.any():
        return people
    settled = people.copy()
    rows = np.flatnonzero((people >= 0) & ~goes)
    _, first, inverse = np.unique(people[rows], return_index=True, return_inverse=True)
    settled[rows] = rows[first][inverse]
    gone = np.flatnonzero(goes)
    settled[gone] = gone
    return settled


def _near_poor(question: Question, people: Labels, names: Labels | None) -> NearPeople:
    """Of all low faces, since whoever was named may be poor again one day, and of these people, or all."""
    faces = np.flatnonzero(question.low)
    if names is not None:
        names = names if len(faces) else np.empty(0, np.int64)
    return near_people(question.space, faces, question.space.means(people, names), question.poor_limit)


def _near_poor_again(question: Question, people: Labels, old: Standing) -> NearPeople:
    if question.poor_limit > old.poor_limit or not np.array_equal(question.low, old.low):
        return _near_poor(question, people, None)
    changed = changed_people(old.settled, people)
    is_known = old.near_poor.distances < question.space.squared(question.poor_limit)
    near_poor = old.near_poor.where(is_known & ~np.isin(old.near_poor.people, changed))
    return near_poor.with_others(_near_poor(question, people, changed))


def joined_people(
    rules: Rules, settled: Labels, links: Links, near_poor: NearPeople
) -> tuple[Labels, NDArray[np.bool_]]:
    """People (n,) with the poor faces that have joined, and which stand alone."""
    poor = np.flatnonzero(~rules.is_in & ~links.nobody)
    if len(poor) == 0:
        return settled, np.zeros(len(settled), np.bool_)
    people, set_aside = join(settled, poor, near_poor, Apart(len(settled), rules.groups, rules.pairs, poor))
    return np.where(set_aside, -1, people), set_aside
