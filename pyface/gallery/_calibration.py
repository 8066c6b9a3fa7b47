"""A threshold for a rate of false positives, from faces of people who are not enrolled."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check
from pyface.metrics._contingency import coded
from pyface.metrics._contingency import labels as checked_labels
from pyface.metrics._intervals import Bootstrap, ends
from pyface.metrics._rates import most_within


@dataclass(frozen=True, slots=True)
class Calibration:
    """A threshold, and what it was fitted to.

    threshold : faces within it, inclusive, get a name.
    asked : the false positive identification rate (FPIR) that was asked for.
    fpir : the share of the impostors that are within the threshold; low, high : the interval of the rate that other
        strangers meet, at ``confidence``.
    n_impostors : faces that it was fitted to.     n_names, n_faces : the gallery then. With more people in it, more
        strangers resemble somebody: fit it again.
    """

    threshold: float
    asked: float
    fpir: float
    low: float
    high: float
    confidence: float
    n_impostors: int
    n_names: int
    n_faces: int


def fitted(
    nearest: NDArray[np.float64],
    asked: Any,
    labels: Any,
    *,
    n_bootstrap: int,
    confidence: float,
    random_state: int,
    n_names: int,
    n_faces: int,
) -> Calibration:
    """The calibration for the distances (m,) of impostors to the name that is nearest to each.

    The threshold is an order statistic: the a-th smallest distance for the largest a with a / m <= ``asked`` and no
    further impostor at the same distance. Of m independent impostors the rate that others meet has the distribution
    Beta(a, m - a + 1), of which the interval is; its mean, a / (m + 1), is at most what was asked for. With labels
    people are drawn instead, with all of their faces, as faces of one person are not independent.
    """
    rate = _check.number(asked, "fpir", above=0.0, maximum=1.0)
    how = Bootstrap.checked(n_bootstrap, confidence, random_state)
    m = len(nearest)
    most = most_within(rate, m)
    if most == 0:
        least = _least(rate)
        raise ValueError(
            f"impostors: an FPIR of {rate:g} needs {least:,} faces of strangers at least, got {m:,}; give more, or ask "
            f"for {1 / m:.2g} or more" if m else f"impostors has no rows; an FPIR of {rate:g} needs {least:,} at least"
        )  # fmt: skip
    ordered = np.sort(nearest)
    accepted = most if most == m else int(np.searchsorted(ordered, ordered[most], side="left"))
    accepted = min(accepted, most)
    # Where more strangers than may be are at the least distance of all, it must be less than that.
    threshold = float(ordered[accepted - 1] if accepted else np.nextafter(ordered[0], -np.inf))
    if labels is None:
        low, high = _beta_interval(accepted, m, how.confidence)
    else:
        low, high = _drawn_interval(nearest <= threshold, labels, how)
    return Calibration(threshold, rate, accepted / m, low, high, how.confidence, m, n_names, n_faces)


def _least(rate: float) -> int:
    """The fewest impostors of which one may be accepted."""
    n = max(1, math.floor(1 / rate))
    while most_within(rate, n) == 0:
        n += 1
    return n


def _beta_interval(accepted: int, m: int, confidence: float) -> tuple[float, float]:
    from scipy.special import betaincinv

    tail = (1 - confidence) / 2
    low = float(betaincinv(accepted, m - accepted + 1, tail)) if accepted else 0.0
    return low, float(betaincinv(max(accepted, 1), m - max(accepted, 1) + 1, 1 - tail))


def _drawn_interval(is_accepted: NDArray[np.bool_], labels: Any, how: Bootstrap) -> tuple[float, float]:
    array = checked_labels(labels, "labels")
    if len(array) != len(is_accepted):
        raise ValueError(f"labels must have one entry for each row of impostors, {len(is_accepted)}, got {len(array)}")
    _, who = coded(array)
    sizes, hits = np.bincount(who), np.bincount(who, is_accepted)
    if len(sizes) < 2 or how.n == 0:
        raise ValueError(
            f"labels: an interval by people needs two of them at least and n_bootstrap >= 2, got {len(sizes)} and "
            f"{how.n}; leave labels out if every face is of somebody else"
        )
    random = np.random.default_rng(how.random_state)
    values = np.empty(how.n)
    for i in range(how.n):
        drawn = random.integers(0, len(sizes), len(sizes))
        values[i] = hits[drawn].sum() / sizes[drawn].sum()
    low, high = ends(values, how)
    return float(low), float(high)
