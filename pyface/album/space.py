"""The vectors of an album's faces, as they are compared: pairs that are near each other, and means of people."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface._typing import Embeddings, Labels
from pyface.kernels.group_means import group_sums, squared_to_means
from pyface.kernels.linkage_below import near_pairs, near_pairs_between, radius_for
from pyface.kernels.pairs import distances_of_pairs

Pairs = NDArray[np.int32]
Rows = NDArray[np.int64]
Floats = NDArray[np.float64]

# Pairs are looked through up to so many for each face, and up to so many in any album; most are of one person.
_PAIRS_PER_FACE, FEW_PAIRS = 400, 1 << 22
# Rows that are worked on at a time, and bytes of a table of distances.
_BLOCK, _BLOCK_BYTES = 4096, 1 << 26
# So few rows are compared with all others by one product in less time than it takes to make codes of these.
_FEW_ROWS = 8


class Near:
    """Pairs of faces within a distance, in no particular order.

    pairs : (m, 2) int32.       lengths : (m,) float64.
    later : pairs that came later; they may be among the others, too.
    """

    def __init__(self, pairs: Pairs, lengths: Floats, later: Near | None = None, index: _Index | None = None) -> None:
        self._pairs, self._lengths, self._later, self._index = pairs, lengths, later, index

    def __len__(self) -> int:
        return len(self._pairs) + (0 if self._later is None else len(self._later))

    @property
    def pairs(self) -> Pairs:
        """All pairs."""
        return self._pairs if self._later is None else np.concatenate([self._pairs, self._later.pairs])

    @property
    def lengths(self) -> Floats:
        """Their lengths."""
        return self._lengths if self._later is None else np.concatenate([self._lengths, self._later.lengths])

    def where(self, mask: NDArray[np.bool_]) -> Near:
        """Some of the pairs, which are gone through once."""
        return Near(self.pairs[mask], self.lengths[mask])

    def with_pairs(self, *others: Near) -> Near:
        """These and others. Time: that of the others, as long as they are few."""
        some = [near for near in (self._later, *others) if near is not None and len(near)]
        if not some:
            return self
        later = Near(np.concatenate([near.pairs for near in some]), np.concatenate([near.lengths for near in some]))
        if 8 * len(later) > len(self._pairs):
            pairs = np.concatenate([self._pairs, later._pairs])
            low, high = pairs.min(axis=1).astype(np.int64), pairs.max(axis=1)
            _, first = np.unique(low << 32 | high, return_index=True)
            return Near(pairs[first], np.concatenate([self._lengths, later._lengths])[first])
        return Near(self._pairs, self._lengths, later, self._index)

    def of(self, is_asked: NDArray[np.bool_]) -> Near:
        """The pairs of which one face at least is asked for. Time: that of these pairs and those that came later."""
        if self._index is None:
            self._index = _Index(self._pairs, len(is_asked))
        which = self._index.of(np.flatnonzero(is_asked))
        found = Near(self._pairs[which], self._lengths[which])
        if self._later is None:
            return found
        pairs = self._later.pairs
        return found.with_pairs(self._later.where(is_asked[pairs[:, 0]] | is_asked[pairs[:, 1]]))


class _Index:
    """Which pairs each row is in."""

    def __init__(self, pairs: Pairs, n: int) -> None:
        ends = pairs.T.ravel()
        order = np.argsort(ends, kind="stable")
        self._places = (order % max(len(pairs), 1)).astype(np.int32)
        self._starts = np.concatenate([[0], np.cumsum(np.bincount(ends, minlength=n))])

    def of(self, rows: Rows) -> NDArray[np.int64]:
        begins, counts = self._starts[rows], self._starts[rows + 1] - self._starts[rows]
        step = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        return np.unique(self._places[np.repeat(begins, counts) + step])


@dataclass(frozen=True, slots=True, eq=False)
class Means:
    """Mean rows of people: their names (k,), increasing, and numbers of faces; means (k, d), and of squared lengths."""

    names: NDArray[np.int64]
    sizes: NDArray[np.int64]
    means: Floats
    squares: Floats


# The faces, the places in a list of people, and the squared mean distances of these to those, (m,) each.
Found = tuple[NDArray[np.int64], NDArray[np.int64], Floats]


def are_of(people: Labels, names: Labels) -> NDArray[np.bool_]:
    """(n,) whether each face is of one of these people; names and ``people`` are below n, -1 is nobody."""
    is_named = np.zeros(len(people) + 1, np.bool_)
    is_named[names[names >= 0]] = True
    return is_named[people]  # of nobody the last entry


class Space:
    """The vectors of an album's faces, (n, d) float32 or float64, under cosine of any length but 0; to be left as
    they are."""

    def __init__(self, embeddings: Embeddings, metric: str, n_threads: int) -> None:
        self.embeddings, self.metric, self.n_threads = np.ascontiguousarray(embeddings), metric, n_threads

    def __len__(self) -> int:
        return len(self.embeddings)

    def near(self, pairs: Pairs) -> Near:
        """Pairs with their lengths."""
        x, places = self.embeddings, pairs
        if 8 * len(pairs) < len(self):  # the kernel looks at all rows that it is given
            rows, inverse = np.unique(pairs, return_inverse=True)
            x, places = x[rows], inverse.reshape(-1, 2).astype(np.int32)
        first, second = np.ascontiguousarray(places.T)
        lengths = distances_of_pairs(x, first, second, metric=self.metric, n_threads=self.n_threads)
        return Near(pairs, lengths)

    def among(self, rows: Rows, distance: float) -> Near | None:
        """All pairs of these rows within a distance; None where there are too many."""
        if len(rows) <= _FEW_ROWS:
            return self._within(np.stack(np.triu_indices(len(rows), 1), axis=1), rows, rows, distance)
        x = self.embeddings if len(rows) == len(self) else self.embeddings[rows]
        pairs = near_pairs(x, self.metric, distance, max_edges=self._most, n_threads=self.n_threads)
        return None if pairs is None else self.near(rows.astype(np.int32)[pairs])

    def between(self, rows: Rows, others: Rows, distance: float) -> Near | None:
        """All pairs of one of ``rows`` and one of ``others`` within a distance; None where there are too many."""
        if len(rows) <= _FEW_ROWS or len(others) <= _FEW_ROWS:
            return self._of_few(rows, others, distance)
        x, y = self.embeddings[rows], self.embeddings[others]
        pairs = near_pairs_between(
            x, y, self.metric, distance, max_edges=self._most, n_threads=self.n_threads
        )  # fmt: skip
        if pairs is None:
            return None
        return self.near(np.column_stack([rows.astype(np.int32)[pairs[:, 0]], others.astype(np.int32)[pairs[:, 1]]]))

    def _of_few(self, rows: Rows, others: Rows, distance: float) -> Near:
        """What ``between`` gives, by one product in float32 that says who can be near."""
        if len(rows) > len(others):
            rows, others = others, rows
        few = self.embeddings[rows].astype(np.float32)
        is_most = 2 * len(others) > len(self)
        y = self.embeddings if is_most else self.embeddings[others]
        dots = (y.astype(np.float32, copy=False) @ few.T)[others if is_most else slice(None)]
        lengths, own = self._lengths[others][:, None], self._lengths[rows][None, :]
        limit = self.squared(self.within(distance))
        error = (self.embeddings.shape[1] + 16) * float(np.finfo(np.float32).eps) * lengths * own
        if self.metric == "cosine":
            can_be = dots >= (1 - limit / 2) * lengths * own - error
        else:
            can_be = lengths**2 + own**2 - 2 * dots <= limit + 4 * error
        return self._within(np.stack(np.nonzero(can_be), axis=1), others, rows, distance)

    def _within(self, places: NDArray[np.intp], rows: Rows, others: Rows, distance: float) -> Near:
        """Of pairs of a place in ``rows`` and one in ``others`` those within a distance."""
        pairs = np.column_stack([rows[places[:, 0]], others[places[:, 1]]]).astype(np.int32)
        near = self.near(pairs)
        return near.where(near.lengths <= self.within(distance))

    @cached_property
    def _lengths(self) -> Floats:
        lengths = [
            np.linalg.norm(self.embeddings[begin : begin + _BLOCK].astype(np.float64), axis=1)
            for begin in range(0, len(self), _BLOCK)
        ]
        return np.concatenate(lengths)

    @property
    def _most(self) -> int:
        return max(FEW_PAIRS, _PAIRS_PER_FACE * len(self))

    def within(self, distance: float) -> float:
        """The length up to which pairs count as within a distance: a little more."""
        return radius_for(distance, self.metric)

    def squared(self, distance: float) -> float:
        """A distance as a squared Euclidean one; for rows of length 1 that is twice the cosine distance."""
        return float(self.squared_all(np.float64(distance)))

    def squared_all(self, distances: Any) -> Any:
        """The same of an array."""
        if self.metric == "euclidean":
            return distances**2
        return 2 * distances if self.metric == "cosine" else distances

    @cached_property
    def _middle(self) -> Floats:
        """Near it squares lose fewer digits than far away from it."""
        middle: Floats = self.embeddings.sum(axis=0, dtype=np.float64) / max(len(self), 1)
        return middle

    @property
    def _origin(self) -> Floats | None:
        return None if self.metric == "cosine" else self._middle

    def wide(self, rows: Rows) -> Floats:
        """These rows in float64, of length 1 under cosine, from the middle of all under the others."""
        wide: Floats = self.embeddings[rows].astype(np.float64)
        if self.metric == "cosine":
            wide /= np.sqrt(np.einsum("ij,ij->i", wide, wide))[:, None]
        else:
            wide -= self._middle
        return wide

    def means(self, people: Labels, names: NDArray[np.int64] | None = None) -> Means:
        """Of those of ``names``, or all, who has faces in ``people`` (n,), -1 for none. Time O(d) for each face."""
        rows = np.flatnonzero(people >= 0 if names is None else are_of(people, names))
        rows = rows[np.argsort(people[rows], kind="stable")]
        found, sizes = np.unique(people[rows], return_counts=True)
        begins = np.concatenate([[0], np.cumsum(sizes)])
        sums, squares = group_sums(self.embeddings, rows, begins, origin=self._origin, n_threads=self.n_threads)
        return Means(found, sizes, sums / sizes[:, None], squares / sizes)

    def to_means(self, rows: Rows, means: Means, places: NDArray[np.int64]) -> Floats:
        """(m,) squared mean distance of each row to the faces of the person at that place of ``means``."""
        return squared_to_means(
            self.embeddings, rows, places, means.means, means.squares, origin=self._origin, n_threads=self.n_threads
        )

    def below_means(self, rows: Rows, means: Means, squared: float) -> Found:
        """Which of these rows are at a squared mean distance strictly below ``squared`` to the faces of which people.

        (m,) each: the row, the place in ``means``, the squared distance. float32 says who can be below, float64 who is.
        Time O(d) for each row and person.
        """
        none = np.empty(0, np.int64)
        found: list[Found] = [(none, none, np.empty(0))]
        k = len(means.names)
        # 2 <x, m> + squared - |x|^2 - squares as one product of float32, and what that can be wrong by on top of it.
        error = (self.embeddings.shape[1] + 16) * float(np.finfo(np.float32).eps)
        reach = 2 * error * np.linalg.norm(means.means, axis=1)
        right = np.column_stack([means.means, reach, np.ones(k), (error - 1) * means.squares]).T
        right = np.ascontiguousarray(right, np.float32)
        block = max(1, _BLOCK_BYTES // (4 * max(k, 1)))
        for begin in range(0, len(rows) if k else 0, block):
            wide = self.wide(rows[begin : begin + block])
            own = np.einsum("ij,ij->i", wide, wide)
            rest = squared - own
            left = np.column_stack([2 * wide, np.sqrt(own), rest + error * np.abs(rest), np.ones(len(wide))])
            near, place = np.nonzero(left.astype(np.float32) @ right >= 0)
            distances = self.to_means(rows[begin + near], means, place)
            is_below = distances < squared
            found.append((rows[begin + near][is_below], place[is_below], distances[is_below]))
        faces, places, squares = zip(*found, strict=True)
        return np.concatenate(faces), np.concatenate(places), np.concatenate(squares)
