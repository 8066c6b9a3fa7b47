"""Which question about an album is worth most: are these two groups of faces one person?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pyface.album.album import Album
from pyface.album.links import Links, no_links
from pyface.album.odds import REACH, average_threshold, features, learned, odds_of, with_rivals
from pyface.album.parting import Vectors, two_parts

__all__ = ["Question", "Questions", "answer", "apart"]

Kind = Literal["merge", "split"]
FaceIds = NDArray[np.int64]
Floats = NDArray[np.float64]

# Of each group so many others are looked at, the nearest; whoever is farther comes up when those are answered.
_NEAREST = 16
_BLOCK_BYTES = 1 << 26
# People that may have to be parted, the most promising ones, of whom it is looked where their parts would go.
_MOST_LOOKED_AT = 512
# How many pairs of faces an answer "different" is written down as: enough to keep both sides apart.
_MOST_PAIRS = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """Are ``first`` and ``second`` one person?

    kind : ``"merge"``, they are two people of the album; ``"split"``, they are parts of one.
    first, second : face_ids, ascending; ``first`` is the smaller group, of equal ones that with the smallest face_id.
    share : their mean distance over the threshold of average linkage, both squared under "euclidean".
    chance : the probability that they are one person.       gain : what an answer adds to BCubed F, expected.
    """

    kind: Kind
    first: FaceIds
    second: FaceIds
    share: float
    chance: float
    gain: float

    @property
    def key(self) -> tuple[bytes, bytes]:
        """The two groups, whatever else is known of them."""
        return self.first.tobytes(), self.second.tobytes()


@dataclass(slots=True, eq=False)
class _Group:
    """One person of the album: its faces, its row in the tables, and how it would part, given who is together."""

    faces: FaceIds
    place: int
    quality: float
    parts: tuple[FaceIds, FaceIds] | None = None
    parted_by: bytes | None = None


class Questions:
    """The questions about an album, kept up to date as it changes.

    The expected gain of a question is w * 2ab / (a + b) / 2n for groups of a and b of n faces, where w is the
    probability that the album has it wrong: ``chance`` of two people, 1 - ``chance`` of two parts of one. If they are
    one person and apart, recall lacks b / (a + b) for each of the a faces, and the other way round; if they are two
    and together, precision lacks the same; and F is about the mean of both. A part that is nearer than the threshold to
    somebody else joins them once it is free: what that is expected to cost is taken off.

    What was answered is not asked, nor what follows from answers; nor whether two people are one who are in one photo,
    where such are kept apart. Faces that are hidden are left out, those set aside are people of one face.

    Time of an update: for each person that changed O(m d) with m people, and :func:`two_parts`. Memory O((n + m) d).
    """

    def __init__(self, album: Album) -> None:
        settings = album.settings
        self._embedder: str = settings["embedder"]
        self._metric: str = settings["metric"]
        self._limit = average_threshold(self._embedder, self._metric, settings.get("picture_limit"))
        self._vectors = Vectors(album.embeddings, self._metric)
        self._quality: Floats = np.where(np.isnan(album.quality), 1.0, album.quality)
        threshold = settings.get("threshold")
        if threshold is not None and self._metric == "euclidean":
            threshold = threshold**2
        self._height = 1.0 if threshold is None else threshold / self._limit
        self._learned: dict[Kind, tuple[list[float], list[bool], float]] = {
            "merge": ([], [], 0.0), "split": ([], [], 0.0),
        }  # fmt: skip
        self._groups: dict[bytes, _Group] = {}
        self._free: list[int] = []
        self._means = np.zeros((0, self._vectors.rows.shape[1]))
        self._squares = np.zeros(0)
        self._pairs = np.zeros((0, 2), np.int64)
        self._distances = np.zeros(0)
        self.update(album)

    def update(self, album: Album) -> None:
        """Go on with the album as it is after an answer: the same faces, other people."""
        self._album = album
        rows = np.flatnonzero(~album.hidden)
        order = rows[np.argsort(album.labels[rows], kind="stable")]
        starts = np.flatnonzero(np.diff(album.labels[order], prepend=-1))
        now = {faces.tobytes(): faces for faces in np.split(order, starts[1:])} if len(order) else {}
        gone = [group.place for key, group in self._groups.items() if key not in now]
        self._groups = {key: group for key, group in self._groups.items() if key in now}
        is_gone = np.zeros(len(self._means), np.bool_)
        is_gone[gone] = True
        is_left = ~is_gone[self._pairs].any(axis=1)
        self._pairs, self._distances = self._pairs[is_left], self._distances[is_left]
        self._free = sorted([*self._free, *gone], reverse=True)
        new = [faces for key, faces in now.items() if key not in self._groups]
        self._make_room(len(new))
        places = np.array([self._free.pop() for _ in new], np.int64)
        for faces, place in zip(new, places.tolist(), strict=True):
            self._groups[faces.tobytes()] = _Group(faces, place, float(self._quality[faces].mean()))
        self._means[places], self._squares[places] = self._vectors.means(new)
        self._find_pairs(places)

    def best(self, n: int | None = 1) -> list[Question]:
        """The ``n`` questions that are worth most, or all, best first; ties by the smallest face_ids."""
        return sorted(self.all(), key=lambda q: (-q.gain, int(q.first[0]), int(q.second[0])))[:n]

    def learn(self, question: Question, same: bool) -> None:
        """Take an answer as a hint for questions of this kind; before :meth:`update`, and not if it was overruled."""
        chances, answers, shift = self._learned[question.kind]
        odds = question.chance / max(1 - question.chance, 1e-12) * np.exp(-shift)
        chances.append(float(odds / (1 + odds)))
        answers.append(same)
        self._learned[question.kind] = chances, answers, learned(np.array(chances), np.array(answers))

    def _shifted(self, kind: Kind, chances: Floats) -> Floats:
        odds = chances / np.maximum(1 - chances, 1e-12) * np.exp(self._learned[kind][2])
        shifted: Floats = odds / (1 + odds)
        return shifted

    def all(self) -> list[Question]:
        """Every question that is open, in no particular order."""
        rules = self._links()
        return [*self._merges(rules), *self._splits(rules)]

    def _links(self) -> Links:
        basis = self._album._basis
        return no_links(len(self._album.labels)) if basis is None else basis.links()

    def _make_room(self, n: int) -> None:
        have, more = len(self._means), n - len(self._free)
        if more > 0:
            self._means = np.concatenate([self._means, np.zeros((more, self._means.shape[1]))])
            self._squares = np.concatenate([self._squares, np.zeros(more)])
            self._free = [*range(have + more - 1, have - 1, -1), *self._free]

    def _find_pairs(self, new: NDArray[np.int64]) -> None:
        """Find whom the people at these places, all of whom are new, are near to."""
        taken = np.array(sorted(group.place for group in self._groups.values()), np.int64)
        found, between = [self._pairs], [self._distances]
        step = max(1, _BLOCK_BYTES // (8 * max(len(taken), 1)))
        for begin in range(0, len(new), step):
            here = new[begin : begin + step]
            gaps = self._vectors.distances(
                self._means[here], self._squares[here], self._means[taken], self._squares[taken]
            )
            gaps[here[:, None] == taken] = np.inf
            i, j = np.nonzero(gaps < REACH * self._limit)
            order = np.lexsort((taken[j], gaps[i, j], i))
            i, j = i[order], j[order]
            rank = np.arange(len(i)) - np.searchsorted(i, i, "left")
            i, j = i[rank < _NEAREST], j[rank < _NEAREST]
            found.append(np.sort(np.column_stack([here[i], taken[j]]), axis=1))
            between.append(gaps[i, j])
        self._pairs, first = np.unique(np.concatenate(found), axis=0, return_index=True)
        self._distances = np.concatenate(between)[first]

    def _merges(self, rules: Links) -> list[Question]:
        groups = {group.place: group for group in self._groups.values()}
        is_open = ~self._are_apart(rules)
        pairs, shares = self._pairs[is_open], self._distances[is_open] / self._limit
        sizes, quality = np.zeros(len(self._means)), np.zeros(len(self._means))
        for place, group in groups.items():
            sizes[place], quality[place] = len(group.faces), group.quality
        a, b = pairs.T
        columns = features(shares, sizes[a], sizes[b], quality[a], quality[b], self._height)
        odds = odds_of(columns, self._embedder, of_one=False)
        chances = self._shifted("merge", with_rivals(pairs, odds, len(self._means)))
        gains = self._gains(chances, sizes[a], sizes[b])
        values = zip(*pairs.T.tolist(), shares.tolist(), chances.tolist(), gains.tolist(), strict=True)
        return [
            Question("merge", *_smaller_first(groups[i].faces, groups[j].faces), share, chance, gain)
            for i, j, share, chance, gain in values
        ]

    def _splits(self, rules: Links) -> list[Question]:
        parts: list[tuple[FaceIds, FaceIds]] = []
        for group in self._groups.values():
            if len(group.faces) > 1:
                together = rules.together[group.faces]
                if group.parted_by != together.tobytes():
                    group.parts = two_parts(self._vectors, group.faces, together)
                    group.parted_by = together.tobytes()
                if group.parts is not None:
                    parts.append(group.parts)
        if not parts:
            return []
        sides = [[pair[side] for pair in parts] for side in (0, 1)]
        (means, squares), (others, their_squares) = (self._vectors.means(side) for side in sides)
        dots = np.einsum("ij,ij->i", means, others)
        shares = (squares + their_squares - 2 * dots) / (2 if self._vectors.is_cosine else 1) / self._limit
        sizes = [np.array([len(faces) for faces in side], np.float64) for side in sides]
        quality = [np.array([self._quality[faces].mean() for faces in side]) for side in sides]
        columns = features(shares, sizes[0], sizes[1], quality[0], quality[1], self._height)
        odds = odds_of(columns, self._embedder, of_one=True)
        chances = self._shifted("split", odds / (1 + odds))
        gains = self._gains(1 - chances, *sizes)
        few = np.argsort(-gains, kind="stable")[:_MOST_LOOKED_AT]
        harm = self._harm([parts[i] for i in few], means[few], squares[few], others[few], their_squares[few], rules)
        gains[few] = np.maximum(0.0, gains[few] - (1 - chances[few]) * harm)
        values = zip(parts, shares.tolist(), chances.tolist(), gains.tolist(), strict=True)
        return [Question("split", first, second, *numbers) for (first, second), *numbers in values]

    def _harm(
        self, parts: list[tuple[FaceIds, FaceIds]], means: Floats, squares: Floats, others: Floats,
        their_squares: Floats, rules: Links,
    ) -> Floats:  # fmt: skip
        """(k,) what is expected to be lost of BCubed F because one of two parts joins somebody else once it is free."""
        threshold = self._height * self._limit
        taken = np.array([group.place for group in self._groups.values()], np.int64)
        column = np.full(len(self._means), -1, np.int64)
        column[taken] = np.arange(len(taken))
        place = self._places()
        quality = np.array([group.quality for group in self._groups.values()])
        sizes = np.array([len(group.faces) for group in self._groups.values()], np.float64)
        harm = np.zeros(len(parts))
        ends = np.concatenate([rules.apart, rules.apart[:, ::-1]])
        for side, (mean, square) in enumerate(((means, squares), (others, their_squares))):
            gaps = self._vectors.distances(mean, square, self._means[taken], self._squares[taken])
            part = np.full(len(place), -1, np.int64)
            for i, pair in enumerate(parts):
                part[pair[side]] = i
                gaps[i, column[place[pair[side][0]]]] = np.inf
            known = (part[ends[:, 0]] >= 0) & (place[ends[:, 1]] >= 0)
            gaps[part[ends[known, 0]], column[place[ends[known, 1]]]] = np.inf
            if gaps.shape[1] == 0:
                continue
            nearest = gaps.argmin(axis=1)
            near = gaps[np.arange(len(parts)), nearest]
            rows = np.flatnonzero(near < threshold)
            own = np.array([len(parts[i][side]) for i in rows], np.float64)
            own_quality = np.array([self._quality[parts[i][side]].mean() for i in rows])
            whom = nearest[rows]
            columns = features(near[rows] / self._limit, own, sizes[whom], own_quality, quality[whom], self._height)
            odds = odds_of(columns, self._embedder, of_one=False)
            harm[rows] += self._gains(1 / (1 + odds), own, sizes[whom])
        return harm

    def _places(self) -> NDArray[np.int64]:
        """(n,) the place of each face's person, -1 for those that are hidden."""
        place = np.full(len(self._album.labels), -1, np.int64)
        for group in self._groups.values():
            place[group.faces] = group.place
        return place

    def _gains(self, wrong: Floats, sizes: Floats, others: Floats) -> Floats:
        n_faces = sum(len(group.faces) for group in self._groups.values())
        gains: Floats = wrong * (2 * sizes * others / (sizes + others)) / (2 * n_faces)
        return gains

    def _are_apart(self, rules: Links) -> NDArray[np.bool_]:
        """Which of the pairs are two people for certain, by answers or because one photo shows both."""
        place = self._places()
        apart = [place[rules.apart]]
        basis = self._album._basis
        if basis is not None and self._album.settings["same_photo_different_people"]:
            apart.append(place[_in_one_photo(basis.photos)])
        m = len(self._means)
        known = np.sort(np.concatenate(apart), axis=1)
        known = known[known[:, 0] >= 0]
        return np.isin(self._pairs[:, 0] * m + self._pairs[:, 1], known[:, 0] * m + known[:, 1])


def answer(album: Album, question: Question, same: bool, *, overrule: bool = False) -> Album:
    """The album once this is known. ``same`` holds of all faces of both groups, shown or not; otherwise see `apart`.

    :class:`pyface.errors.ContradictionError` as :meth:`Album.same` raises it.
    """
    if same:
        return album.same([*question.first, *question.second], overrule=overrule)
    return apart(album, question.first, question.second, overrule=overrule)


def apart(album: Album, faces: FaceIds, others: FaceIds, *, overrule: bool = False) -> Album:
    """The album in which none of ``faces`` is the person of ``others``.

    It is written down of all ``faces``, and of so many of ``others`` that there are 4,096 pairs at most: of those
    nearest to them, who would else take one of them along.
    """
    vectors = Vectors(album.embeddings[np.r_[faces, others]], album.settings["metric"]).rows
    away = ((vectors[len(faces) :] - vectors[: len(faces)].mean(axis=0)) ** 2).sum(axis=1)
    most = max(1, _MOST_PAIRS // len(faces))
    return album.different(faces, others[np.argsort(away, kind="stable")[:most]], overrule=overrule)


def _smaller_first(faces: FaceIds, others: FaceIds) -> tuple[FaceIds, FaceIds]:
    first, second = sorted((faces, others), key=lambda group: (len(group), group[0]))
    return first, second


def _in_one_photo(photos: NDArray[np.int64]) -> NDArray[np.int64]:
    """(m, 2) all pairs of faces of one photo; ``photos`` does not decrease."""
    ends = np.searchsorted(photos, photos, "right")
    later = ends - np.arange(len(photos)) - 1
    first = np.repeat(np.arange(len(photos)), later)
    second = first + 1 + np.arange(len(first)) - np.repeat(np.cumsum(later) - later, later)
    return np.column_stack([first, second])
