"""Verification: are two faces of one person? Curves and rates over all pairs of rows, or over pairs that are listed.

Every function takes ``(X, labels)`` and counts all n (n - 1) / 2 pairs of rows, or ``pairs=`` (p, 2) rows of ``X`` with
``labels`` or with ``same=`` (p,), True where the pair is of one identity. The distance of a pair is the float64 one of
:mod:`pyface.kernels.distance`; a threshold t accepts the pairs with distance <= t. Pairs at equal distances are
accepted together: a tie is one step of the curve.

FAR(t), the false accept rate, is the share of the pairs of two identities that t accepts; TAR(t), the true accept rate,
that of the pairs of one identity; FRR = 1 - TAR. ISO/IEC 19795-1 and NIST's FRVT call FAR the false match rate (FMR)
and FRR the false non-match rate (FNMR), since no failure to take a picture enters; papers on LFW and IJB say FAR and
TAR.

All pairs are counted by sweeps, O(n^2 d) time each and O(n d) memory, as docs/how-it-works/verification.md explains;
the results are those of sorting all distances. They depend neither on threads nor on the instruction set.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pyface import _check
from pyface._typing import FloatArray
from pyface.metrics._folds import KFoldAccuracy, kfold_accuracy
from pyface.metrics._intervals import Bootstrap, Interval, Statistic, limits
from pyface.metrics._pairs import asked, thresholds_in_range
from pyface.metrics._protocols import LabelledPairs, read_lfw_pairs
from pyface.metrics._rates import most_within, rates, shaped
from pyface.metrics._steps import AllPairs, Counts, ListedPairs, Reached, Steps
from pyface.metrics._templates import Templates, read_ijb_pairs, read_ijb_templates

__all__ = [
    "Det",
    "Interval",
    "KFoldAccuracy",
    "LabelledPairs",
    "Roc",
    "Templates",
    "det",
    "equal_error_rate",
    "kfold_accuracy",
    "read_ijb_pairs",
    "read_ijb_templates",
    "read_lfw_pairs",
    "roc",
    "tar_at_far",
]


class Roc(NamedTuple):
    """Points of a receiver operating characteristic, (t,) float64 each: false and true accept rate of a threshold."""

    far: NDArray[np.float64]
    tar: NDArray[np.float64]
    thresholds: NDArray[np.float64]


class Det(NamedTuple):
    """Points of a detection error tradeoff, (t,) float64 each: false accept and false reject rate of a threshold."""

    far: NDArray[np.float64]
    frr: NDArray[np.float64]
    thresholds: NDArray[np.float64]


def roc(
    X: FloatArray,
    labels: Any = None,
    *,
    metric: str = "cosine",
    pairs: Any = None,
    same: Any = None,
    thresholds: Any = None,
    n_threads: int | None = None,
) -> Roc:
    """False and true accept rates at thresholds: the ROC curve.

    X : (n, d) float32, float64 or float16. labels : (n,) integers or strings. metric : "cosine", "euclidean" or
    "sqeuclidean". pairs, same : see :mod:`pyface.metrics.verification`.
    thresholds : (t,) distances within the metric's range, in any order; the points come in that order. None: of listed
    pairs every distance that occurs, of all pairs 2,049 even steps from 0 to a distance that no pair exceeds (2 under
    cosine); before them the point (0, 0) of the threshold -inf, which accepts nothing. The last point is (1, 1).

    Returns ``Roc(far, tar, thresholds)``, the order of ``sklearn.metrics.roc_curve``, exact at each threshold.
    ValueError if all pairs are of one identity or all of two, and for what is not in order; TypeError for other dtypes.
    One sweep over all pairs; memory O(n d + t).
    """
    at = None if thresholds is None else thresholds_in_range(thresholds, _check.text(metric, "metric"))
    found = asked(X, labels, metric, pairs, same, n_threads)
    points, place = np.unique(found.default_thresholds() if at is None else at, return_inverse=True)
    different, same_within = found.within(points)
    far, tar = different / found.n_different, same_within / found.n_same
    if at is not None:
        return Roc(far[place], tar[place], at)
    return Roc(np.r_[0.0, far], np.r_[0.0, tar], np.r_[-np.inf, points])


def det(
    X: FloatArray,
    labels: Any = None,
    *,
    metric: str = "cosine",
    pairs: Any = None,
    same: Any = None,
    thresholds: Any = None,
    n_threads: int | None = None,
) -> Det:
    """False accept and false reject rates at thresholds: the points of :func:`roc` with FRR = 1 - TAR.

    Arguments, errors and costs as in :func:`roc`. On a plot both axes are logarithmic, or scaled as the quantiles of
    the normal distribution (Martin et al., The DET curve in assessment of detection task performance, 1997).
    """
    curve = roc(X, labels, metric=metric, pairs=pairs, same=same, thresholds=thresholds, n_threads=n_threads)
    return Det(curve.far, 1.0 - curve.tar, curve.thresholds)


def tar_at_far(
    X: FloatArray,
    labels: Any = None,
    far: Any = 1e-3,
    *,
    metric: str = "cosine",
    pairs: Any = None,
    same: Any = None,
    n_bootstrap: int = 0,
    confidence: float = 0.95,
    random_state: int = 0,
    n_threads: int | None = None,
) -> Any:
    """True accept rate at the largest threshold whose false accept rate is at most ``far``.

    far : one rate in [0, 1], or several. Nothing is interpolated: a rate below that of the first step accepts what is
    nearer than the nearest pair of two identities. (FRVT's FNMR at FMR is 1 minus this; scripts for IJB
    often interpolate between points of a curve, which may move the last digit.) Other arguments as in :func:`roc`.
    n_bootstrap : 0, or how many times people are drawn for an interval; 1,000 is usual. confidence : in (0, 1).

    Returns a float, for several rates an array of their shape; with ``n_bootstrap`` an :class:`Interval` of those. The
    interval is by identity (a pair of two people counts by the product of how often each was drawn), so it needs
    ``labels``; it is the same for the same ``random_state``.

    Errors as in :func:`roc`. Two sweeps over all pairs for all rates together, and memory for the pairs between two of
    2,049 thresholds; more sweeps where those are over 2 million. With intervals two more, and memory for all pairs of
    one identity and about ``2 far`` of the others.
    """
    asked_rates = rates(far, "far")
    how = Bootstrap.checked(n_bootstrap, confidence, random_state)
    found = asked(X, labels, metric, pairs, same, n_threads)
    flat = asked_rates.ravel()
    within = [most_within(rate, found.n_different) for rate in flat]
    # A rate of 1 is reached by accepting everything, and there is no step beyond.
    stepped = [place for place, most in enumerate(within) if most < found.n_different]
    values = np.ones(len(flat))
    for place, steps in zip(stepped, found.steps([_beyond(within[p]) for p in stepped]), strict=True):
        values[place] = _tar(steps, within[place], found.n_same)
    if how.n == 0:
        return shaped(values, asked_rates)
    low, high = limits(found, true_accept_rates(flat), 2 * max(within) + 1000, how)
    return Interval(shaped(values, asked_rates), shaped(low, asked_rates), shaped(high, asked_rates))


def true_accept_rates(far: NDArray[np.float64]) -> Statistic:
    """What :func:`tar_at_far` draws again: the true accept rates at rates (r,)."""

    def statistic(steps: Steps, n_different: int, n_same: int) -> NDArray[np.float64] | None:
        result = np.ones(len(far))
        for place, rate in enumerate(far):
            most = most_within(rate, n_different)
            if most >= n_different:
                continue
            if steps.different[-1] <= most:
                return None
            result[place] = _tar(steps, most, n_same)
        return result

    return statistic


def equal_error_rate(
    X: FloatArray,
    labels: Any = None,
    *,
    metric: str = "cosine",
    pairs: Any = None,
    same: Any = None,
    n_bootstrap: int = 0,
    confidence: float = 0.95,
    random_state: int = 0,
    n_threads: int | None = None,
) -> Any:
    """The rate at which the ROC curve crosses FAR = FRR.

    The curve is the line through all its points, one for each distance that occurs, so the rate is interpolated between
    the last threshold with FAR < FRR and the next one: 0 if a threshold tells all pairs apart, 0.5 where all distances
    are equal. Arguments, errors and costs as in :func:`tar_at_far`; with ``n_bootstrap`` memory for all pairs of one
    identity and about twice the rate of the others.

    Returns a float, or an :class:`Interval`.
    """
    how = Bootstrap.checked(n_bootstrap, confidence, random_state)
    found = asked(X, labels, metric, pairs, same, n_threads)
    (steps,) = found.steps([_crossed(found)])
    value = _equal_error(steps, found.n_different, found.n_same)
    if how.n == 0:
        return value

    def statistic(steps: Steps, n_different: int, n_same: int) -> NDArray[np.float64] | None:
        # Beyond the last pair of two identities of the sample, others may be missing.
        crossing = np.argmax(steps.different / n_different + steps.same / n_same >= 1)
        if crossing > np.argmax(steps.different == steps.different[-1]):
            return None
        return np.array([_equal_error(steps, n_different, n_same)])

    low, high = limits(found, statistic, int(2 * value * found.n_different) + 1000, how)
    return Interval(value, float(low[0]), float(high[0]))


def _beyond(most: int) -> Reached:
    return lambda different, same: different > most


def _tar(steps: Steps, most: int, n_same: int) -> float:
    """TAR of the step before the first that accepts more than ``most`` pairs of two identities."""
    place = int(np.searchsorted(steps.different, most, side="right"))
    return int(steps.same[place - 1] if place else steps.before[1]) / n_same


def _crossed(found: AllPairs | ListedPairs) -> Reached:
    def reached(different: Counts, same: Counts) -> NDArray[np.bool_]:
        return np.asarray(different / found.n_different + same / found.n_same >= 1)

    return reached


def _equal_error(steps: Steps, n_different: int, n_same: int) -> float:
    different = np.r_[steps.before[0], steps.different] / n_different
    same = np.r_[steps.before[1], steps.same] / n_same
    place = max(1, int(np.argmax(different + same >= 1)))
    f0, f1 = different[place - 1 : place + 1]
    t0, t1 = same[place - 1 : place + 1]
    # On the way from (f0, t0) to (f1, t1), where FAR + TAR becomes 1.
    share = (1 - f0 - t0) / (f1 + t1 - f0 - t0)
    return float(f0 + share * (f1 - f0))
