"""Confidence intervals by identity: what would another group of people have given?

Pairs are not independent: a face takes part in many, and the faces of a person resemble each other. So people are
drawn, not pairs: k of the k identities with replacement, and a pair of two people counts as often as both of them
together, m_a m_b times; a pair of one person counts m_a times. Copies of one person are not compared with each other.
This is the vertex bootstrap (Snijders and Borgatti, Non-parametric standard errors and tests for network statistics,
1999; compared with others by Fogliato, Patil and Perona, Confidence intervals for error rates in 1:1 matching tasks,
2024). The subset bootstrap (Bolle, Ratha and Pankanti, Error analysis of pattern recognition systems: the subsets
bootstrap, 2004) lets a pair of two people follow the first of them alone: where all are compared with all, it halves
the spread of the false accept rate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pyface import _check, _memory
from pyface.metrics._steps import AllPairs, ListedPairs, Sample, Steps

_BYTES_PER_DRAW = 128  # at least: an array of the values
_BYTES_PER_PAIR = 64  # sorted pairs with both people, then sums of weights at every distance


class Interval(NamedTuple):
    """A value and its confidence interval: floats, or arrays of one shape. The value itself need not lie inside."""

    value: Any
    low: Any
    high: Any


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """How an interval is to be made; n = 0: not at all."""

    n: int
    confidence: float
    random_state: int

    @classmethod
    def checked(cls, n_bootstrap: Any, confidence: Any, random_state: Any) -> Bootstrap:
        n = _check.integer(n_bootstrap, "n_bootstrap", minimum=0)
        if n == 1:
            raise ValueError("n_bootstrap must be 0, for no interval, or at least 2, got 1; 1000 is usual")
        require_draws(n)
        level = _check.number(confidence, "confidence", above=0.0)
        if level >= 1:
            raise ValueError(f"confidence must be less than 1, got {confidence!r}")
        return cls(n, level, _check.integer(random_state, "random_state", minimum=0))


def require_draws(n: int) -> None:
    """MemoryError before the first of more draws than fit, instead of after hours."""
    _memory.require(_BYTES_PER_DRAW * n, f"n_bootstrap={n:,}: so many draws", "ask for fewer; 1000 is usual")


class _Drawn:
    """The pairs of a sample, which can be counted again with people drawn."""

    def __init__(self, sample: Sample, sizes: NDArray[np.int64] | None) -> None:
        _memory.require(
            _BYTES_PER_PAIR * len(sample.distances),
            f"a bootstrap with {len(sample.distances):,} pairs",
            "ask for a smaller false accept rate, or take some of the rows",
        )
        self.sizes = sizes
        self.distances = np.unique(sample.distances)
        present = np.unique(np.concatenate([sample.first, sample.second])) if sizes is None else np.arange(len(sizes))
        self.n_identities = len(present)
        order = np.argsort(sample.distances, kind="stable")
        first, second = (np.searchsorted(present, side)[order] for side in (sample.first, sample.second))
        is_same = first == second
        distances = sample.distances[order]
        self.first, self.second, self.owner = first[~is_same], second[~is_same], first[is_same]
        self.last_different = np.searchsorted(distances[~is_same], self.distances, side="right")
        self.last_same = np.searchsorted(distances[is_same], self.distances, side="right")

    def steps(self, times: NDArray[np.int64]) -> tuple[Steps, int, int]:
        """The steps where each identity was drawn so many times, and all pairs of two identities and of one."""
        different = np.concatenate([[0], np.cumsum(times[self.first] * times[self.second])])
        same = np.concatenate([[0], np.cumsum(times[self.owner])])
        n_different = int(different[-1])
        if self.sizes is not None:
            rows = times * self.sizes
            n_different = (int(rows.sum()) ** 2 - int((rows * rows).sum())) // 2
        counts = different[self.last_different], same[self.last_same]
        return Steps(self.distances, *counts, before=(0, 0)), n_different, int(same[-1])


# Of steps, all pairs of two identities and all pairs of one: the values, or None where the steps do not go far enough.
Statistic = Callable[[Steps, int, int], NDArray[np.float64] | None]


def limits(
    pairs: AllPairs | ListedPairs, statistic: Statistic, n_different: int, how: Bootstrap
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lower and upper ends of :func:`replicates`."""
    return ends(replicates(pairs, statistic, n_different, how), how)


def ends(values: NDArray[np.float64], how: Bootstrap) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lower and upper ends of the replicates (n, ...), by percentiles."""
    tail = (1 - how.confidence) / 2
    low, high = np.nanquantile(values, [tail, 1 - tail], axis=0)
    return low, high


def replicates(
    pairs: AllPairs | ListedPairs, statistic: Statistic, n_different: int, how: Bootstrap
) -> NDArray[np.float64]:
    """(n, values) of the statistic, a row for each draw. The same people are drawn for the same ``random_state``.

    n_different : so many of the nearest pairs of two identities are likely to be enough for the statistic.
    """
    while True:
        sample = pairs.sample(n_different)
        values = _replicates(sample, pairs.group_sizes(), statistic, how)
        if values is not None:
            return values
        n_different *= 4


def _replicates(
    sample: Sample, sizes: NDArray[np.int64] | None, statistic: Statistic, how: Bootstrap
) -> NDArray[np.float64] | None:
    """(n, values) of the statistic, or None if the sample does not go far enough for one of them."""
    drawn = _Drawn(sample, sizes)
    random = np.random.default_rng(how.random_state)
    values: list[NDArray[np.float64]] = []
    blank = 0
    while len(values) < how.n:
        times = np.bincount(random.integers(0, drawn.n_identities, drawn.n_identities), minlength=drawn.n_identities)
        steps, n_different, n_same = drawn.steps(times)
        if n_different == 0 or n_same == 0:
            # With few people a draw may have no pair of one kind, and then no rate: it is drawn again.
            blank += 1
            if blank > 100 * how.n:
                raise ValueError("labels: too few identities with several rows for an interval; use n_bootstrap=0")
            continue
        value = statistic(steps, n_different, n_same)
        if value is None and not sample.is_complete:
            return None
        assert value is not None
        values.append(value)
    return np.stack(values)
