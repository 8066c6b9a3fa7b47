"""Mutual information, normalized and adjusted for chance."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check
from pyface.metrics._contingency import Contingency, contingency

AVERAGE_METHODS = ("min", "geometric", "arithmetic", "max")
_EPS = float(np.finfo(np.float64).eps)
_ROUNDING = 1e-13
# Tail probabilities below exp(-_LOG_TAIL) = 1e-24 are left out of the expectation: far below a rounding error of it.
_LOG_TAIL = 55.0
_CHUNK = 1 << 20


def entropy(sizes: NDArray[np.int64], n: int) -> float:
    """Entropy in nats of a partition of n rows into groups of these sizes."""
    if n == 0:
        return 0.0
    share = sizes[sizes > 0] / n
    return float(-(share * np.log(share)).sum())


def mutual_information(table: Contingency) -> float:
    """In nats; exactly 0 if nothing is shared beyond rounding, and an entropy if one labelling implies the other."""
    if len(table.class_sizes) <= 1 or len(table.cluster_sizes) <= 1:
        return 0.0
    if table.splits_no_cluster:
        return entropy(table.class_sizes, table.n)
    if table.splits_no_class:
        return entropy(table.cluster_sizes, table.n)
    share = table.cells / table.n
    log_ratio = (
        np.log(table.cells)
        + math.log(table.n)
        - np.log(table.class_sizes[table.classes])
        - np.log(table.cluster_sizes[table.clusters])
    )
    terms = share * log_ratio
    terms[np.abs(terms) < _EPS] = 0.0
    return max(0.0, float(terms.sum()))


def expected_mutual_information(class_sizes: NDArray[np.int64], cluster_sizes: NDArray[np.int64], n: int) -> float:
    """Mean mutual information, in nats, of random labellings with these sizes (Vinh, Epps and Bailey 2010).

    ``sum_ij sum_k k/n log(n k / (a_i b_j)) P(k)`` with P hypergeometric. It depends on the sizes alone, so equal sizes
    are computed once: a hundred thousand clusters have a few hundred different sizes.
    """
    a, a_count = np.unique(class_sizes, return_counts=True)
    b, b_count = np.unique(cluster_sizes, return_counts=True)
    total = 0.0
    rows_per_chunk = max(1, _CHUNK // (64 * len(b)))
    for first in range(0, len(a), rows_per_chunk):
        rows = slice(first, first + rows_per_chunk)
        pair_a = np.repeat(a[rows], len(b))
        pair_b = np.tile(b, len(a[rows]))
        pair_weight = np.outer(a_count[rows], b_count).ravel().astype(np.float64)
        total += _expectation(pair_a, pair_b, pair_weight, n)
    return total


def _expectation(a: NDArray[np.int64], b: NDArray[np.int64], weight: NDArray[np.float64], n: int) -> float:
    """Weighted sum of the expectations of pairs of groups of sizes a and b."""
    mean = a * (b / n)
    # Where the hypergeometric distribution lives, by Chernoff's bounds (they hold for it: Hoeffding 1963).
    low = np.floor(mean - np.sqrt(2 * _LOG_TAIL * mean)).astype(np.int64)
    high = np.ceil(mean + _LOG_TAIL / 3 + np.sqrt(_LOG_TAIL**2 / 9 + 2 * _LOG_TAIL * mean)).astype(np.int64)
    low = np.maximum(np.maximum(low, 1), a + b - n)
    high = np.minimum(high, np.minimum(a, b))
    lengths = np.maximum(high - low + 1, 0)
    ends = np.cumsum(lengths)
    total, first = 0.0, 0
    while first < len(a):
        # As many pairs as make about one chunk of terms; one pair alone may be longer.
        start = ends[first] - lengths[first]
        last = max(first + 1, int(np.searchsorted(ends, start + _CHUNK, side="right")))
        part = slice(first, last)
        total += _terms(a[part], b[part], weight[part], low=low[part], lengths=lengths[part], n=n)
        first = last
    return total


def _terms(
    a: NDArray[np.int64],
    b: NDArray[np.int64],
    weight: NDArray[np.float64],
    *,
    low: NDArray[np.int64],
    lengths: NDArray[np.int64],
    n: int,
) -> float:
    """The terms k = low, low + 1, ... (``lengths`` of them) of each pair, summed."""
    from scipy.special import gammaln

    pair = np.repeat(np.arange(len(a)), lengths)
    k = np.arange(len(pair)) - np.repeat(np.cumsum(lengths) - lengths, lengths) + low[pair]
    fixed = gammaln(a + 1) + gammaln(b + 1) + gammaln(n - a + 1) + gammaln(n - b + 1) - gammaln(n + 1)
    log_p = (
        fixed[pair]
        - gammaln(k + 1)
        - gammaln(a[pair] - k + 1)
        - gammaln(b[pair] - k + 1)
        - gammaln(n - a[pair] - b[pair] + k + 1)
    )
    log_ratio = np.log(k) + (math.log(n) - np.log(a) - np.log(b))[pair]
    return float((weight[pair] * (k / n) * log_ratio * np.exp(log_p)).sum())


def _average(x: float, y: float, method: str) -> float:
    if method == "min":
        return min(x, y)
    if method == "max":
        return max(x, y)
    return math.sqrt(x * y) if method == "geometric" else (x + y) / 2


def normalized(table: Contingency, average_method: str) -> float:
    if table.is_perfect:
        return 1.0  # the quotient below would be 1 but for rounding
    information = mutual_information(table)
    if information == 0.0:
        return 0.0
    normalizer = _average(entropy(table.class_sizes, table.n), entropy(table.cluster_sizes, table.n), average_method)
    return min(1.0, information / normalizer)


def _away_from_zero(value: float) -> float:
    # 0/0 where chance alone does as well as possible: 1 by convention, whatever sign rounding gave the zeros.
    return value if abs(value) > _ROUNDING else _EPS


def adjusted(table: Contingency, average_method: str) -> float:
    if table.is_perfect:
        return 1.0  # the quotient below would be rounding over rounding where all are singletons
    if len(table.class_sizes) <= 1 or len(table.cluster_sizes) <= 1:
        return 0.0
    information = mutual_information(table)
    normalizer = _average(entropy(table.class_sizes, table.n), entropy(table.cluster_sizes, table.n), average_method)
    if table.n in (len(table.class_sizes), len(table.cluster_sizes)):
        # Singletons tell the same whoever they are, so chance does as well: 0, and 1 where it does as well as possible.
        return float(information == normalizer)
    expected = expected_mutual_information(table.class_sizes, table.cluster_sizes, table.n)
    return min(1.0, _away_from_zero(information - expected) / _away_from_zero(normalizer - expected))


def normalized_mutual_info_score(labels_true: Any, labels_pred: Any, *, average_method: str = "arithmetic") -> float:
    """Mutual information over a mean of the two entropies, in [0, 1]; exactly 1 for equal partitions.

    average_method : "arithmetic" (scikit-learn's default since 0.22; published face results often used "geometric"),
    "geometric", "min" or "max". Equals scikit-learn's function of this name but for rounding; 1.0 for n < 2 and if
    neither labelling splits anything. Arguments as in :func:`pyface.metrics.purity_score`.
    """
    _check.choice(average_method, "average_method", AVERAGE_METHODS)
    return normalized(contingency(labels_true, labels_pred), average_method)


def adjusted_mutual_info_score(labels_true: Any, labels_pred: Any, *, average_method: str = "arithmetic") -> float:
    """Mutual information corrected for chance: exactly 1 for equal partitions, 0 on average for random ones.

    ``(MI - E[MI]) / (mean entropy - E[MI])``, never more than 1. Equals scikit-learn's function of this name but for
    rounding, in time that grows with the number of *different* group sizes instead of with classes times clusters.
    Arguments as in :func:`normalized_mutual_info_score`.
    """
    _check.choice(average_method, "average_method", AVERAGE_METHODS)
    return adjusted(contingency(labels_true, labels_pred), average_method)
