"""Which question about an album is worth most: are these two groups of faces one person?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pyface.album.album import Album
from pyface.album.census import Census
from pyface.album.links import Links, no_links
from pyface.album.odds import REACH, average_threshold, features, learned, odds_of, with_rivals
from pyface.album.parting import Vectors, two_parts
from pyface.kernels.components import first_of_group

__all__ = ["Question", "Questions", "answer", "apart"]

Kind = Literal["merge", "split"]
FaceIds = NDArray[np.int64]
Floats = NDArray[np.float64]
Parts = tuple[FaceIds, FaceIds]

# Of each group so many others are looked at, the nearest; whoever is farther comes up when those are answered.
_NEAREST = 16
_BLOCK_BYTES = 1 << 26
# People that may have to be parted, the most promising ones, of whom it is looked where their parts would go.
_MOST_LOOKED_AT, _AT_ONCE = 512, 16
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
class _Open:
    """Questions of one kind as columns; ``groups`` tells both groups of one, ``heads`` (m, 2) their first faces."""

    kind: Kind
    groups: Callable[[int], Parts]
    heads: NDArray[np.int64]
    shares: Floats
    chances: Floats
    gains: Floats

    def best(self, n: int | None) -> list[Question]:
        """The n of the largest gain, ties by heads; None means all."""
        rows = np.arange(len(self.gains))
        if n is not None and n < len(rows):
            rows = np.flatnonzero(self.gains >= _largest(self.gains, n))
        rows = rows[np.lexsort((self.heads[rows, 1], self.heads[rows, 0], -self.gains[rows]))][:n]
        return [
            Question(self.kind, *self.groups(i), float(self.shares[i]), float(self.chances[i]), float(self.gains[i]))
            for i in rows.tolist()
        ]


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
        self._now = Census(self._vectors, self._quality)
        basis = album._basis
        has_rule = basis is not None and album.settings["same_photo_different_people"]
        self._in_one_photo = (
            _in_one_photo(basis.photos) if basis is not None and has_rule else np.zeros((0, 2), np.int64)
        )
        self._pairs = np.zeros((0, 2), np.int64)
        self._distances = np.zeros(0)
        # By place: the parts of who is there, if there are two, and their share, sizes and quality.
        self._parts: dict[int, Parts] = {}
        self._part_shares, self._part_sizes, self._part_quality = np.zeros(0), np.zeros((0, 2)), np.zeros((0, 2))
        self._open: tuple[_Open, _Open] | None = None
        self._to_look_at = np.zeros(0, np.int64)
        self._together = np.arange(len(album.labels), dtype=np.int32)
        self.update(album)

    def update(self, album: Album) -> None:
        """Go on with the album as it is after an answer: the same faces, other people."""
        self._album, self._rules, self._open = album, _links(album), None
        gone, new = self._now.update(album.labels, album.hidden)
        is_gone = np.zeros(len(self._now.taken), np.bool_)
        is_gone[gone] = True
        is_left = ~is_gone[self._pairs].any(axis=1)
        self._pairs, self._distances = self._pairs[is_left], self._distances[is_left]
        self._find_pairs(new)
        # Who is together for certain may have changed without the people.
        together = first_of_group(self._rules.together)
        others = self._now.place[together != self._together]
        self._together = together
        for at in gone.tolist():
            self._parts.pop(at, None)
        for at in np.unique(np.r_[new, others[others >= 0]]).tolist():
            self._part(at)

    def best(self, n: int | None = 1) -> list[Question]:
        """The ``n`` questions that are worth most, or all, best first; ties by the smallest face_ids."""
        merges, splits = self._columns()
        self._look_at_splits(n)
        found = [*merges.best(n), *splits.best(n)]
        return sorted(found, key=lambda q: (-q.gain, int(q.first[0]), int(q.second[0])))[:n]

    def all(self) -> list[Question]:
        """Every question that is open, best first."""
        return self.best(None)

    def left(self, least: float) -> float:
        """What all questions are worth that are worth more than ``least``; of splits that were not looked at, the most
        that they may be."""
        return sum(float(columns.gains[columns.gains > least].sum()) for columns in self._columns())

    def learn(self, question: Question, same: bool) -> None:
        """Take an answer as a hint for questions of this kind; before :meth:`update`, and not if it was overruled."""
        chances, answers, shift = self._learned[question.kind]
        odds = question.chance / max(1 - question.chance, 1e-12) * np.exp(-shift)
        chances.append(float(odds / (1 + odds)))
        answers.append(same)
        self._learned[question.kind] = chances, answers, learned(np.array(chances), np.array(answers))
        self._open = None

    def _shifted(self, kind: Kind, chances: Floats) -> Floats:
        odds = chances / np.maximum(1 - chances, 1e-12) * np.exp(self._learned[kind][2])
        shifted: Floats = odds / (1 + odds)
        return shifted

    def _columns(self) -> tuple[_Open, _Open]:
        if self._open is None:
            self._open = self._merges(), self._splits()
        return self._open

    def _find_pairs(self, new: NDArray[np.int64]) -> None:
        """Find whom the people at these places, all of whom are new, are near to."""
        now = self._now
        taken = np.flatnonzero(now.taken)
        found, between = [self._pairs], [self._distances]
        step = max(1, _BLOCK_BYTES // (8 * max(len(taken), 1)))
        means, squares = now.means[taken], now.squares[taken]
        for begin in range(0, len(new), step):
            here = new[begin : begin + step]
            gaps = self._vectors.distances(now.means[here], now.squares[here], means, squares)
            gaps[here[:, None] == taken] = np.inf
            i, j = np.nonzero(gaps < REACH * self._limit)
            order = np.lexsort((taken[j], gaps[i, j], i))
            i, j = i[order], j[order]
            rank = np.arange(len(i)) - np.searchsorted(i, i, "left")
            i, j = i[rank < _NEAREST], j[rank < _NEAREST]
            found.append(np.sort(np.column_stack([here[i], taken[j]]), axis=1))
            between.append(gaps[i, j])
        pairs = np.concatenate(found)
        _, first = np.unique(self._keys(pairs), return_index=True)
        self._pairs, self._distances = pairs[first], np.concatenate(between)[first]

    def _keys(self, pairs: NDArray[np.int64]) -> NDArray[np.int64]:
        """One number for each pair of places, in order of the pairs."""
        keys: NDArray[np.int64] = pairs[:, 0] * len(self._now.taken) + pairs[:, 1]
        return keys

    def _merges(self) -> _Open:
        now = self._now
        is_open = ~self._are_apart()
        pairs, shares = self._pairs[is_open], self._distances[is_open] / self._limit
        heads = np.array([faces[0] if len(faces) else -1 for faces in now.faces], np.int64)
        a, b = pairs.T
        odds = odds_of(self._features(shares, now.sizes[pairs], now.quality[pairs]), self._embedder, of_one=False)
        chances = self._shifted("merge", with_rivals(pairs, odds, len(heads)))
        gains = self._gains(chances, now.sizes[a], now.sizes[b])
        sizes, firsts = now.sizes[pairs], heads[pairs]
        is_later = (sizes[:, 0] > sizes[:, 1]) | ((sizes[:, 0] == sizes[:, 1]) & (firsts[:, 0] > firsts[:, 1]))
        ordered = np.where(is_later[:, None], pairs[:, ::-1], pairs)

        def groups(i: int) -> Parts:
            first, second = ordered[i].tolist()
            return now.faces[first], now.faces[second]

        return _Open("merge", groups, heads[ordered], shares, chances, gains)

    def _part(self, at: int) -> None:
        """Look how the person at this place would part."""
        faces = self._now.faces[at]
        parts = two_parts(self._vectors, faces, self._rules.together[faces]) if len(faces) > 1 else None
        if parts is None:
            self._parts.pop(at, None)
            return
        self._parts[at] = parts
        (mean, other), squares = self._vectors.means(list(parts))
        between = float(squares.sum() - 2 * mean @ other) / (2 if self._vectors.is_cosine else 1)
        if at >= len(self._part_shares):
            more = len(self._now.taken) - len(self._part_shares)
            self._part_shares = np.r_[self._part_shares, np.zeros(more)]
            self._part_sizes = np.concatenate([self._part_sizes, np.zeros((more, 2))])
            self._part_quality = np.concatenate([self._part_quality, np.zeros((more, 2))])
        self._part_shares[at] = between / self._limit
        self._part_sizes[at] = [len(part) for part in parts]
        self._part_quality[at] = [self._quality[part].mean() for part in parts]

    def _splits(self) -> _Open:
        """Splits, of which nobody has looked yet what they cost."""
        places = sorted(self._parts)
        parts = [self._parts[at] for at in places]
        sizes, quality = self._part_sizes[places], self._part_quality[places]
        shares = self._part_shares[places]
        odds = odds_of(self._features(shares, sizes, quality), self._embedder, of_one=True)
        chances = self._shifted("split", odds / (1 + odds))
        heads = np.array([[first[0], second[0]] for first, second in parts], np.int64).reshape(-1, 2)
        gains = self._gains(1 - chances, *sizes.T)
        self._to_look_at = np.argsort(-gains, kind="stable")[:_MOST_LOOKED_AT]
        return _Open("split", parts.__getitem__, heads, shares, chances, gains)

    def _look_at_splits(self, n: int | None) -> None:
        """Take off what splits cost, of as many as the n best questions depend on; None means all."""
        merges, splits = self._columns()
        step = _AT_ONCE
        while len(self._to_look_at):
            if n is not None:
                is_known = np.ones(len(splits.gains), np.bool_)
                is_known[self._to_look_at] = False
                known = np.r_[merges.gains, splits.gains[is_known]]
                if len(known) >= n and _largest(known, n) > splits.gains[self._to_look_at[0]]:
                    return
            few, self._to_look_at = self._to_look_at[:step], self._to_look_at[step:]
            cost = (1 - splits.chances[few]) * self._harm([splits.groups(i) for i in few.tolist()])
            splits.gains[few] = np.maximum(0.0, splits.gains[few] - cost)
            step *= 2

    def _harm(self, parts: list[Parts]) -> Floats:
        """(k,) what is expected to be lost of BCubed F because one of two parts joins somebody else once it is free."""
        now, threshold = self._now, self._height * self._limit
        taken = np.flatnonzero(now.taken)
        column = np.full(len(now.taken), -1, np.int64)
        column[taken] = np.arange(len(taken))
        theirs, their_squares = now.means[taken], now.squares[taken]
        harm = np.zeros(len(parts))
        ends = np.concatenate([self._rules.apart, self._rules.apart[:, ::-1]])
        for side in (0, 1):
            means, squares = self._vectors.means([pair[side] for pair in parts])
            gaps = self._vectors.distances(means, squares, theirs, their_squares)
            part = np.full(len(now.place), -1, np.int64)
            for i, pair in enumerate(parts):
                part[pair[side]] = i
                gaps[i, column[now.place[pair[side][0]]]] = np.inf
            known = (part[ends[:, 0]] >= 0) & (now.place[ends[:, 1]] >= 0)
            gaps[part[ends[known, 0]], column[now.place[ends[known, 1]]]] = np.inf
            nearest = gaps.argmin(axis=1)
            near = gaps[np.arange(len(parts)), nearest]
            rows = np.flatnonzero(near < threshold)
            own = np.array([len(parts[i][side]) for i in rows], np.float64)
            own_quality = np.array([self._quality[parts[i][side]].mean() for i in rows])
            whom = taken[nearest[rows]]
            shares = near[rows] / self._limit
            columns = features(shares, own, now.sizes[whom], own_quality, now.quality[whom], self._height)
            odds = odds_of(columns, self._embedder, of_one=False)
            harm[rows] += self._gains(1 / (1 + odds), own, now.sizes[whom])
        return harm

    def _features(self, shares: Floats, sizes: Floats, quality: Floats) -> Floats:
        return features(shares, sizes[:, 0], sizes[:, 1], quality[:, 0], quality[:, 1], self._height)

    def _gains(self, wrong: Floats, sizes: Floats, others: Floats) -> Floats:
        n_faces = np.count_nonzero(self._now.place >= 0)
        gains: Floats = wrong * (2 * sizes * others / (sizes + others)) / (2 * n_faces)
        return gains

    def _are_apart(self) -> NDArray[np.bool_]:
        """Which of the pairs are two people for certain, by answers or because one photo shows both."""
        apart = np.zeros(len(self._pairs), np.bool_)
        known = np.sort(self._now.place[np.concatenate([self._rules.apart, self._in_one_photo])], axis=1)
        keys, own = self._keys(known[known[:, 0] >= 0]), self._keys(self._pairs)
        at = np.searchsorted(own, keys)
        is_one = at < len(own)
        is_one[is_one] = own[at[is_one]] == keys[is_one]
        apart[at[is_one]] = True
        return apart


def _links(album: Album) -> Links:
    return no_links(len(album.labels)) if album._basis is None else album._basis.links()


def _largest(values: Floats, n: int) -> float:
    """The n-th largest of at least n values."""
    return float(np.partition(values, len(values) - n)[len(values) - n])


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


def _in_one_photo(photos: NDArray[np.int64]) -> NDArray[np.int64]:
    """(m, 2) all pairs of faces of one photo; ``photos`` does not decrease."""
    ends = np.searchsorted(photos, photos, "right")
    later = ends - np.arange(len(photos)) - 1
    first = np.repeat(np.arange(len(photos)), later)
    second = first + 1 + np.arange(len(first)) - np.repeat(np.cumsum(later) - later, later)
    return np.column_stack([first, second])
