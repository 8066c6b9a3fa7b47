"""Faces too poor to compare found no people and join one only when near enough; doubtful ones stay only when near."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pyface._typing import Embeddings, Labels
from pyface.album.space import Means, Rows, Space, are_of

__all__ = [
    "STAY_SHARE", "Apart", "NearPeople", "doubtful_below", "join", "join_poor", "join_share", "let_go", "near_people",
    "to_others",
]  # fmt: skip

# A poor face joins a person at a mean distance below this share of the threshold of average linkage (in squared or
# cosine distance). There for one right pair of a poor face and a good one there are no more wrong ones than of two good
# faces at the threshold: docs/how-it-works/face-quality.md. Other embedders are taken to be like SFace, as most are
# trained alike.
_SHARES = {"dlib-resnet": 0.8, "sface": 0.85}
# Qualities below which a face is doubtful, and the share of the threshold within which it has to be of the others of
# its person (same document).
_DOUBTFUL = {"dlib-resnet": 0.8, "sface": 0.9}
STAY_SHARE = 0.95


def join_share(embedder: str, metric: str) -> float:
    """The share of average linkage's threshold that is the ``limit`` of :func:`join_poor`; ``embedder`` is a name."""
    share = _SHARES.get(embedder, _SHARES["sface"])
    return share**0.5 if metric == "euclidean" else share


def doubtful_below(embedder: str) -> float:
    """The quality below which :func:`let_go` looks at a face; ``embedder`` is a name."""
    return _DOUBTFUL.get(embedder, _DOUBTFUL["sface"])


def let_go(
    embeddings: Embeddings, labels: Labels, is_doubtful: NDArray[np.bool_], *, metric: str, limit: float
) -> Labels:
    """The labels, with doubtful faces that are not near enough to the others of their person each for itself.

    embeddings, labels, metric : as :func:`join_poor` takes them; faces of label -1 are left as they are.
    is_doubtful : (n,) which faces may be let go.
    limit : a doubtful face stays if its mean distance to all others of its person is strictly below it. All are judged
        by the people as they are given, in no order. Euclidean distances are compared in squares.

    Those let go are numbered on from the largest in the order of their rows. Time and memory O(n d).
    """
    space = Space(embeddings, metric, 1)
    result: Labels = labels.astype(np.int64)
    gone = np.flatnonzero(is_doubtful & (to_others(space, labels) >= space.squared(limit)) & (labels >= 0))
    result[gone] = result.max(initial=-1) + 1 + np.arange(len(gone))
    return result


def to_others(space: Space, people: Labels, names: Labels | None = None) -> NDArray[np.float64]:
    """(n,) squared mean distance of each face to the others of its person, of all people or of these.

    0 for the faces of everybody else, and for a face that is alone.
    """
    means = space.means(people, names)
    distances = np.zeros(len(people))
    rows = np.flatnonzero(people >= 0 if names is None else are_of(people, names))
    places = np.searchsorted(means.names, people[rows])
    rows, places = rows[means.sizes[places] > 1], places[means.sizes[places] > 1]
    sizes = means.sizes[places]
    # The face itself is at no distance, and not counted.
    distances[rows] = space.to_means(rows, means, places) * sizes / (sizes - 1)
    return distances


def join_poor(
    embeddings: Embeddings,
    labels: Labels,
    *,
    metric: str,
    limit: float,
    photos: NDArray[np.int64] | None = None,
    pairs: NDArray[np.int64] | None = None,
) -> tuple[Labels, NDArray[np.bool_]]:
    """Put poor faces with the people that good faces have founded, and say which of them stand alone.

    embeddings : (n, d) float32 or float64; under cosine of any length but 0.
    labels : (n,) person of each good face, from 0 on, in which numbers may be missing; -1 for a poor one.
    metric : ``"cosine"``, ``"sqeuclidean"`` or ``"euclidean"``. Euclidean distances are compared in squares.
    limit : a poor face joins a person if its mean distance to that person's good faces, which is the criterion of
        average linkage, is strictly below it.
    photos : (n,) groups of which no two faces come together, as the number of a photo; -1 for none.
    pairs : (m, 2) rows that do not come together, either.

    Of all (poor face, person) below the limit the nearest comes first, equal ones by row, then by person; it is passed
    over if the face has its person already, or a face that it may not come together with is there. So a face goes to
    the nearest person that it may join, and of two of one photo that would join the same one the nearer does. No poor
    face counts for another's distance: two never bring each other in. The result does not depend on threads.

    Gives the labels (n,), those of good faces as they were, faces that join nobody numbered on from the largest in the
    order of their rows; and a mask (n,) of the latter. Time O(p k d) for p poor faces and k people, in float32 but for
    those near the limit; memory O((n + k) d).
    """
    poor = np.flatnonzero(labels < 0)
    space = Space(embeddings, metric, 1)
    near = near_people(space, poor, space.means(labels), limit)
    return join(labels, poor, near, Apart(len(labels), photos, pairs))


@dataclass(frozen=True, slots=True, eq=False)
class NearPeople:
    """(m,) each: faces, people whom they may join, by name, and their squared mean distances to these."""

    faces: NDArray[np.int64]
    people: NDArray[np.int64]
    distances: NDArray[np.float64]

    def where(self, mask: NDArray[np.bool_]) -> NearPeople:
        """Some of them."""
        return NearPeople(self.faces[mask], self.people[mask], self.distances[mask])

    def with_others(self, others: NearPeople) -> NearPeople:
        """These and others."""
        return NearPeople(
            np.concatenate([self.faces, others.faces]),
            np.concatenate([self.people, others.people]),
            np.concatenate([self.distances, others.distances]),
        )


def near_people(space: Space, faces: Rows, people: Means, limit: float) -> NearPeople:
    """Who of these faces is at a mean distance strictly below ``limit`` to the faces of which of these people."""
    rows, places, distances = space.below_means(faces, people, space.squared(limit))
    return NearPeople(rows, people.names[places], distances)


def join(labels: Labels, poor: Rows, near: NearPeople, apart: Apart) -> tuple[Labels, NDArray[np.bool_]]:
    """What :func:`join_poor` gives, once it is known whom faces are near to; other faces than ``poor`` stay."""
    result: Labels = labels.astype(np.int64)
    is_open = np.zeros(len(labels), np.bool_)
    is_open[poor] = True
    near = near.where(is_open[near.faces])
    order = np.lexsort((near.people, near.faces, near.distances))
    for face, person in zip(near.faces[order].tolist(), near.people[order].tolist(), strict=True):
        if is_open[face] and not (apart.has_any[face] and (result[apart.of(face)] == person).any()):
            result[face] = person
            is_open[face] = False
    alone = np.flatnonzero(is_open)
    result[alone] = result.max(initial=-1) + 1 + np.arange(len(alone))
    return result, is_open


class Apart:
    """Which of n rows may not come together with a row: of its photo, (n,) with -1 for none, or of pairs (m, 2).

    asked : the rows that are asked for; None: any.
    """

    def __init__(
        self,
        n: int,
        photos: NDArray[np.int64] | None,
        pairs: NDArray[np.int64] | None,
        asked: Rows | None = None,
    ) -> None:
        is_asked = np.ones(n, np.bool_) if asked is None else np.zeros(n, np.bool_)
        is_asked[asked if asked is not None else slice(0)] = True
        ends = np.empty((0, 2), np.int64) if pairs is None else np.concatenate([pairs, pairs[:, ::-1]])
        ends = ends[is_asked[ends[:, 0]]]
        self._ends = ends[np.argsort(ends[:, 0], kind="stable")]
        self._photos = photos
        self._order = np.empty(0, np.int64)
        self.has_any = np.zeros(n, np.bool_)
        if photos is not None:
            rows = np.flatnonzero(photos >= 0)
            is_of_interest = np.zeros(int(photos.max(initial=-1)) + 1, np.bool_)
            is_of_interest[photos[rows[is_asked[rows]]]] = True
            rows = rows[is_of_interest[photos[rows]]]
            self._order = rows[np.argsort(photos[rows], kind="stable")]
            self._sorted = photos[self._order]
            self.has_any |= photos >= 0
        self.has_any[self._ends[:, 0]] = True

    def of(self, row: int) -> NDArray[np.int64]:
        """Rows, itself perhaps among them."""
        begin, end = np.searchsorted(self._ends[:, 0], (row, row + 1))
        partners: NDArray[np.int64] = self._ends[begin:end, 1]
        if self._photos is None or self._photos[row] < 0:
            return partners
        photo = self._photos[row]
        begin, end = np.searchsorted(self._sorted, (photo, photo + 1))
        return np.concatenate([partners, self._order[begin:end]])
