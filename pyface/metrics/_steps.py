"""The steps of the curves of verification: how many pairs of one and of two identities lie within each distance.

A threshold t accepts the pairs at a distance of at most t, so the curves are steps: one for each distance that occurs,
pairs at equal distances together. All pairs of a million rows are never listed: counts at some thresholds say between
which two of them a step lies, and only the pairs in between are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface.kernels import pairs as kernel

N_GRID = 2048  # even steps of the thresholds that counts begin with
_N_FINER = 1024  # parts that one of them is cut into where it holds too many pairs
_MOST_LISTED = 1 << 21  # pairs between two thresholds that are listed instead of counted again

Counts = NDArray[np.int64]
# Of the numbers of pairs within a distance, of two identities and of one: is the step there, or below? It never
# becomes false again where they grow.
Reached = Callable[[Counts, Counts], NDArray[np.bool_]]


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """Successive distances that occur, and the pairs up to and including each.

    distances : (s,) float64, increasing. different, same : (s,) int64.
    before : pairs of two identities and of one below the first.
    """

    distances: NDArray[np.float64]
    different: Counts
    same: Counts
    before: tuple[int, int]


def _steps(distances: NDArray[np.float64], same: NDArray[np.bool_], before: tuple[int, int] = (0, 0)) -> Steps:
    values, inverse = np.unique(distances, return_inverse=True)
    counts = [np.bincount(inverse[kind], minlength=len(values)).astype(np.int64) for kind in (~same, same)]
    return Steps(values, before[0] + np.cumsum(counts[0]), before[1] + np.cumsum(counts[1]), before)


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Pairs for the bootstrap: all of one identity, and those of two identities up to some distance.

    first, second : (p,) int32 identities, numbered. is_complete : there are no others of two identities.
    """

    distances: NDArray[np.float64]
    first: NDArray[np.int32]
    second: NDArray[np.int32]
    is_complete: bool


class ListedPairs:
    """Pairs that were given one by one."""

    def __init__(
        self,
        distances: NDArray[np.float64],
        same: NDArray[np.bool_],
        identities: tuple[NDArray[np.int32], NDArray[np.int32]] | None,
    ) -> None:
        self.distances, self.is_same, self.identities = distances, same, identities
        self.n_same = int(same.sum())
        self.n_different = len(same) - self.n_same

    def within(self, thresholds: NDArray[np.float64]) -> tuple[Counts, Counts]:
        """Pairs of two identities and of one within each of the increasing thresholds."""
        sides = [np.sort(self.distances[kind]) for kind in (~self.is_same, self.is_same)]
        different, same = (np.searchsorted(side, thresholds, side="right") for side in sides)
        return different.astype(np.int64), same.astype(np.int64)

    def default_thresholds(self) -> NDArray[np.float64]:
        """Every distance that occurs."""
        return np.unique(self.distances)

    def steps(self, reached: Sequence[Reached]) -> list[Steps]:
        """For each question the step where it is first true and the one before it, as far as there is one."""
        return [_steps(self.distances, self.is_same)] * len(reached)

    def sample(self, n_different: int) -> Sample:
        if self.identities is None:
            raise ValueError("intervals need the identity of every row: give labels instead of same, beside pairs")
        return Sample(self.distances, *self.identities, is_complete=True)

    def group_sizes(self) -> None:
        """None: pairs of two identities are those of the sample."""


@dataclass(slots=True, eq=False)
class AllPairs:
    """All pairs i < j of the rows of ``x``; ``labels`` (n,) int32 number their identities from 0."""

    x: Any
    labels: NDArray[np.int32]
    metric: str
    n_threads: int
    n_same: int = field(init=False)
    n_different: int = field(init=False)

    def __post_init__(self) -> None:
        sizes = self.group_sizes()
        n = len(self.labels)
        self.n_same = int((sizes * (sizes - 1) // 2).sum())
        self.n_different = n * (n - 1) // 2 - self.n_same

    def group_sizes(self) -> NDArray[np.int64]:
        """(k,) rows of each identity."""
        return np.bincount(self.labels).astype(np.int64)

    def _binned(
        self, thresholds: NDArray[np.float64], wanted: NDArray[np.bool_] | None = None, n_wanted: int = 0
    ) -> kernel.BinnedPairs:
        return kernel.bin_pairs(
            *(self.x, self.labels, thresholds, wanted, n_wanted), metric=self.metric, n_threads=self.n_threads
        )

    def within(self, thresholds: NDArray[np.float64]) -> tuple[Counts, Counts]:
        """Pairs of two identities and of one within each of the increasing thresholds. One sweep."""
        counts = self._binned(thresholds).counts[:, :-1].cumsum(axis=1)
        return counts[0], counts[1]

    def default_thresholds(self) -> NDArray[np.float64]:
        """Even steps from 0 to a distance that no pair exceeds."""
        return np.linspace(0.0, self._largest(), N_GRID + 1)

    def _largest(self) -> float:
        if self.metric == "cosine":
            return 2.0
        # Twice the way from the middle, which no pair exceeds; a little more for what is rounded.
        origin = self.x.mean(axis=0, dtype=np.float64)
        with np.errstate(over="ignore"):
            parts = np.array_split(self.x, len(self.x) // 256 + 1)
            squares = max(((part - origin) ** 2).sum(axis=1).max() for part in parts)
            largest = float(4.0 * squares * (1 + 1e-9))
        if not np.isfinite(largest):
            raise ValueError("X: rows lie so far apart that squares of their distances overflow; scale them down")
        return largest if self.metric == "sqeuclidean" else float(np.sqrt(largest))

    def steps(self, reached: Sequence[Reached]) -> list[Steps]:
        """For each question the step where it is first true and the one before it, as far as there is one.

        Two sweeps for all questions together where distances are spread as those of faces are; one more whenever too
        many pairs lie between two of the thresholds.
        """
        thresholds = np.unique(self.default_thresholds())
        different, same = self.within(thresholds)
        brackets = [_bracket(question, thresholds, different, same) for question in reached]
        for place, question in enumerate(reached):
            while (finer := brackets[place].finer()) is not None:
                brackets[place] = _bracket(question, finer, *self.within(finer))
        return self._listed(brackets)

    def _listed(self, brackets: list[_Bracket]) -> list[Steps]:
        listed = [bracket for bracket in brackets if not bracket.is_one_distance]
        if listed:
            edges = np.unique([edge for bracket in listed for edge in (bracket.low, bracket.high)])
            # The brackets of two questions may lie in each other, where one of them was cut finer.
            wanted = np.zeros((2, len(edges) + 1), bool)
            for bracket in listed:
                wanted[:, np.searchsorted(edges, bracket.low) + 1 : np.searchsorted(edges, bracket.high) + 1] = True
            found = self._binned(edges, wanted, sum(bracket.n_pairs for bracket in listed))
            same = self.labels[found.first] == self.labels[found.second]
        result = []
        for bracket in brackets:
            if bracket.is_one_distance:
                result.append(bracket.as_step())
            else:
                inside = (found.distances > bracket.low) & (found.distances <= bracket.high)
                result.append(_steps(found.distances[inside], same[inside], bracket.before))
        return result

    def sample(self, n_different: int) -> Sample:
        """All pairs of one identity and at least the ``n_different`` nearest of two."""
        n_different = min(n_different, self.n_different)
        (last,) = self.steps([lambda different, same: different >= n_different])
        place = int(np.argmax(last.different >= n_different))
        wanted = np.array([[True, False], [True, True]])
        found = self._binned(last.distances[place : place + 1], wanted, int(last.different[place]) + self.n_same)
        identities = self.labels[found.first], self.labels[found.second]
        return Sample(found.distances, *identities, is_complete=int(last.different[place]) == self.n_different)


@dataclass(frozen=True, slots=True, eq=False)
class _Bracket:
    """Distances in (low, high]: a question is true at high, and not at low. `before`, `after`: pairs within each."""

    low: float
    high: float
    before: tuple[int, int]
    after: tuple[int, int]

    @property
    def n_pairs(self) -> int:
        return sum(self.after) - sum(self.before)

    @property
    def is_one_distance(self) -> bool:
        """Nothing else lies in it: no distance is below 0, and none between two neighbours in float64."""
        return self.high == 0.0 or self.high <= np.nextafter(self.low, np.inf)

    def as_step(self) -> Steps:
        different, same = (np.array([count]) for count in self.after)
        return Steps(np.array([self.high]), different, same, self.before)

    def finer(self) -> NDArray[np.float64] | None:
        """Thresholds to count at, with low and high, where this holds more pairs than should be listed."""
        if self.is_one_distance or self.n_pairs <= _MOST_LISTED:
            return None
        return np.unique(np.linspace(self.low, self.high, _N_FINER + 1))


def _bracket(reached: Reached, thresholds: NDArray[np.float64], different: Counts, same: Counts) -> _Bracket:
    place = int(np.argmax(reached(different, same)))
    if place == 0:
        return _Bracket(-np.inf, float(thresholds[0]), (0, 0), (int(different[0]), int(same[0])))
    return _Bracket(
        float(thresholds[place - 1]),
        float(thresholds[place]),
        (int(different[place - 1]), int(same[place - 1])),
        (int(different[place]), int(same[place])),
    )
