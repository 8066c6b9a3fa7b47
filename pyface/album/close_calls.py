"""Which faces were close calls."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pyface._typing import Embeddings, Labels
from pyface.album.near import changed_people
from pyface.album.poor_faces import to_others
from pyface.album.space import Near, Space, are_of

# A face is a close call if a distance that decided lies within this share of the threshold. On labelled photos this
# marks 9 % of the faces; the share of wrong ones among them is three times that among all:
# docs/how-it-works/photos-to-people.md.
_CLOSE_CALL = 0.05
_BLOCK_BYTES = 1 << 26


@dataclass(frozen=True, slots=True)
class CloseCall:
    """A face that is hard to place: ``other`` is the person it nearly joined, None if it barely belongs to its own."""

    face_id: int
    other: int | None


@dataclass(frozen=True, slots=True, eq=False)
class Distances:
    """Squared mean distances of faces to people; under cosine they are twice the mean distances.

    own : (n,) to the other faces of the face's own person; 0 for a face that stands alone.
    faces, people, others : (m,) each: faces, other people who are near to them, by name, and how near.
    """

    own: NDArray[np.float64]
    faces: NDArray[np.int64]
    people: NDArray[np.int64]
    others: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class KeptApart:
    """Whom a face is kept apart from: no such person is one that the face could be.

    photos : (n,) number of the photo of each face, not decreasing: nobody who is in the same photo; None: no matter.
    groups, pairs : (n,) group of each face, of those who are one person for certain, and (m, 2) pairs of groups: nobody
        who has a face of a group that is paired with the face's own.
    """

    photos: NDArray[np.int64] | None = None
    groups: NDArray[np.int64] | None = None
    pairs: NDArray[np.int64] | None = None

    def people(self, people: Labels, faces: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(place in ``faces``, person, by the names ``people`` (n,)) of all from whom these are kept apart; -1 is none.

        By place. Some may be there twice, and a face's own person, too.
        """
        found = [(np.empty(0, np.int64), np.empty(0, np.int64))]
        if self.photos is not None:
            begins = np.searchsorted(self.photos, self.photos[faces], "left")
            places, rows = _spans(begins, np.searchsorted(self.photos, self.photos[faces], "right"))
            found.append((places, people[rows]))
        if self.groups is not None and self.pairs is not None and len(self.pairs):
            found.append(_of_other_groups(self.groups, self.pairs, people, faces))
        places, theirs = (np.concatenate(part) for part in zip(*found, strict=True))
        order = np.argsort(places, kind="stable")
        return places[order], theirs[order]


def close_calls(
    embeddings: Embeddings,
    labels: Labels,
    *,
    metric: str,
    threshold: float | None,
    apart: KeptApart | None = None,
    n_threads: int = 1,
) -> list[CloseCall]:
    """Faces that a slightly different threshold, or a slightly different picture, would have put elsewhere.

    With a share s = 5 % of the threshold t, mean distances ``own`` to the rest of the face's person and ``other`` to
    the nearest other person: own > (1 - s) t (it barely belongs), or other < (1 + s) t and other < own + s t (the
    other one is about as near). A face that stands alone: other < (1 + s) t. Without a threshold (the number of people
    was given): other < (1 + s) own; a face that stands alone has nothing to compare with.

    apart : who does not count as the other person.

    Mean distances come from sums: for unit rows (cosine) 1 - <x, S>/|A|, for squared Euclidean distances
    |x|^2 + E|a|^2 - 2<x, m>. The face itself is left out of its own person's mean. Euclidean distances are compared
    in squares. Time O(n k d) for k people, with a threshold in float32 but for those near it; memory O(n d).
    """
    n = len(embeddings)
    if n < 2:
        return []
    space = Space(embeddings, metric, n_threads)
    _, people = np.unique(labels, return_inverse=True)  # numbers that survive have gaps
    if threshold is None:
        return judged(_to_nearest(space, people, apart), people, labels, None, None)
    return judged(distances(space, people, None, threshold), people, labels, space.squared(threshold), apart)


def reach(threshold: float, metric: str) -> float:
    """Up to which distance to another person a face may be a close call: such a face is within it of one of his."""
    return threshold * ((1 + _CLOSE_CALL) ** 0.5 if metric == "euclidean" else 1 + _CLOSE_CALL)


def distances(
    space: Space, people: Labels, near: Near | None, threshold: float, before: tuple[Distances, Labels] | None = None
) -> Distances:
    """What decides about close calls. people : (n,) names from 0 to n - 1, -1 for none.

    near : all pairs of faces of different people within :func:`reach`, and some of nobody; None: not known.
    before : what was found, with ``near``, for other ``people``; what has not changed is taken from there.
    """
    n = len(people)
    squared = (1 + _CLOSE_CALL) * space.squared(threshold)
    if near is None:
        means = space.means(people)
        rows, places, found = space.below_means(np.flatnonzero(people >= 0), means, squared)
        is_other = means.names[places] != people[rows]
        return Distances(to_others(space, people), rows[is_other], means.names[places[is_other]], found[is_other])
    is_somebody = people >= 0
    if before is None:
        first, second = near.pairs.T
        kept = Distances(np.zeros(n), np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
        names = np.unique(people[people >= 0])
    else:
        kept, were = before
        names = changed_people(were, people)
        # Other people of whom something is new, and faces that were nobody's.
        is_other = are_of(people, names)
        is_new = is_other & (were < 0)
        first, second = near.of(is_other).pairs.T
        one, other = is_other[first], is_other[second]
        ahead = (other & is_somebody[first]) | (is_new[first] & is_somebody[second])
        back = (one & is_somebody[second]) | (is_new[second] & is_somebody[first])
        first, second = (np.concatenate([first[ahead], second[back]]), np.concatenate([second[ahead], first[back]]))
        is_changed = np.zeros(n, np.bool_)
        is_changed[names] = True
        stays = ~is_changed[kept.people] & (people[kept.faces] >= 0) & (kept.others < squared)
        kept = Distances(kept.own, kept.faces[stays], kept.people[stays], kept.others[stays])
    if before is None:
        both = is_somebody[first] & is_somebody[second]
        first, second = first[both], second[both]
        first, second = np.concatenate([first, second]), np.concatenate([second, first])
    other_people = people[first] != people[second]  # pairs that came together stay among those that are near
    faces, others = np.divmod(np.unique(first[other_people].astype(np.int64) * n + people[second[other_people]]), n)
    means = space.means(people, np.union1d(names, others))
    own = to_others(space, people, names)
    stays = (people >= 0) & ~are_of(people, names)
    own[stays] = kept.own[stays]
    found = space.to_means(faces, means, np.searchsorted(means.names, others))
    is_near = found < squared
    return Distances(
        own,
        np.concatenate([kept.faces, faces[is_near]]),
        np.concatenate([kept.people, others[is_near]]),
        np.concatenate([kept.others, found[is_near]]),
    )


def judged(
    distances: Distances, people: Labels, numbers: Labels, limit: float | None, apart: KeptApart | None
) -> list[CloseCall]:
    """The close calls, by face_id.

    people, numbers : (n,) of each face's person the name, -1 for none, and the number. limit : the threshold as a
    squared distance, if there is one.
    """
    n = len(people)
    faces, names, others = distances.faces, distances.people, distances.others
    is_alone = np.bincount(people[people >= 0], minlength=n)[people] == 1
    own = distances.own
    # Which could be calls: the others need not be gone through for whom is nearest and from whom they are kept apart.
    if limit is None:
        is_barely = np.zeros(n, np.bool_)
        is_call = ~is_alone[faces] & (others < (1 + _CLOSE_CALL) * own[faces])
    else:
        is_barely = ~is_alone & (people >= 0) & (own > (1 - _CLOSE_CALL) * limit)
        is_call = others < (1 + _CLOSE_CALL) * limit
        is_call &= is_alone[faces] | (others < own[faces] + _CLOSE_CALL * limit)
    faces, names, others = faces[is_call], names[is_call], others[is_call]
    if apart is not None and len(faces):
        mates, whose = apart.people(people, faces)
        is_barred = np.isin(np.arange(len(faces)), mates[whose == names[mates]])
        faces, names, others = faces[~is_barred], names[~is_barred], others[~is_barred]
    number_of = np.zeros(n, np.int64)
    number_of[people[people >= 0]] = numbers[people >= 0]
    order = np.lexsort((number_of[names], others, faces))
    order = order[np.diff(faces[order], prepend=-1) != 0]  # the nearest of each face
    nearest: dict[int, int | None] = dict.fromkeys(np.flatnonzero(is_barely).tolist())
    nearest |= dict(zip(faces[order].tolist(), number_of[names[order]].tolist(), strict=True))
    return [CloseCall(face, nearest[face]) for face in sorted(nearest)]


def _to_nearest(space: Space, people: Labels, apart: KeptApart | None) -> Distances:
    """The distances to the nearest other person of all."""
    n = len(people)
    means = space.means(people)
    barred = None if apart is None else apart.people(people, np.arange(n))
    found: list[NDArray[np.float64]] = []
    places: list[NDArray[np.int64]] = []
    block = max(1, _BLOCK_BYTES // (8 * len(means.names)))
    for begin in range(0, n, block):
        here = slice(begin, min(n, begin + block))
        wide = space.wide(np.arange(here.start, here.stop))
        squares = np.einsum("ij,ij->i", wide, wide)
        others = squares[:, None] + means.squares[None, :] - 2 * wide @ means.means.T
        index = np.arange(len(wide))
        others[index, people[here]] = np.inf
        if barred is not None:
            part = slice(*np.searchsorted(barred[0], (here.start, here.stop)))
            others[barred[0][part] - begin, barred[1][part]] = np.inf
        nearest = np.argmin(others, axis=1)
        places.append(nearest)
        found.append(others[index, nearest])
    return Distances(
        to_others(space, people), np.arange(n), np.concatenate(places).astype(np.int64), np.concatenate(found)
    )


def _of_other_groups(
    groups: NDArray[np.int64], pairs: NDArray[np.int64], people: NDArray[np.int64], faces: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(place in ``faces``, person of a face in a group that is paired with its own), all such pairs."""
    ends = np.concatenate([pairs, pairs[:, ::-1]])
    ends = ends[np.isin(ends[:, 0], groups[faces])]
    # The people of each group: one, unless they were grouped before it was said.
    rows = np.flatnonzero(np.isin(groups, ends[:, 1]) & (people >= 0))
    n = int(people.max(initial=0)) + 1
    theirs, names = np.divmod(np.unique(groups[rows] * n + people[rows]), n)
    which, places = _spans(np.searchsorted(theirs, ends[:, 1], "left"), np.searchsorted(theirs, ends[:, 1], "right"))
    own, names = np.divmod(np.unique(ends[which, 0] * n + names[places]), n)
    where, found = _spans(*(np.searchsorted(own, groups[faces], side) for side in ("left", "right")))
    return where, names[found]


def _spans(begins: NDArray[np.intp], ends: NDArray[np.intp]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(i, j) of all i and ``begins[i] <= j < ends[i]``, by i, then j."""
    counts = ends - begins
    first = np.repeat(np.arange(len(begins)), counts)
    step = np.arange(len(first)) - np.repeat(np.cumsum(counts) - counts, counts)
    return first, begins[first] + step
