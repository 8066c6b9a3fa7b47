"""Measures that count rows or pairs of rows: purity, Rand, Fowlkes-Mallows, pairwise and BCubed precision and recall.

Pairs are counted in Python's integers: at millions of rows the products of pair counts leave 64 bits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check
from pyface.metrics._contingency import Contingency, contingency

# Of recall in F: with this one precision has no effect any more, and none that is larger than it may overflow.
_LARGEST_WEIGHT = 1e30


def _mean_of_largest(table: Contingency, groups: NDArray[np.int64], n_groups: int) -> float:
    if table.n == 0:
        return 1.0
    largest = np.zeros(n_groups, np.int64)
    np.maximum.at(largest, groups, table.cells)
    return int(largest.sum()) / table.n


def purity(table: Contingency) -> float:
    return _mean_of_largest(table, table.clusters, len(table.cluster_sizes))


def inverse_purity(table: Contingency) -> float:
    return _mean_of_largest(table, table.classes, len(table.class_sizes))


@dataclass(frozen=True, slots=True)
class PairCounts:
    """Unordered pairs of rows: together in both labellings, in the prediction, in the truth, and all."""

    both: int
    predicted: int
    true: int
    all: int


def _pairs(sizes: NDArray[np.int64]) -> int:
    # Sums of squares stay below n^2, which fits an int64 for n below 3e9.
    return int((sizes * (sizes - 1) // 2).sum())


def pair_counts(table: Contingency) -> PairCounts:
    return PairCounts(
        both=_pairs(table.cells),
        predicted=_pairs(table.cluster_sizes),
        true=_pairs(table.class_sizes),
        all=table.n * (table.n - 1) // 2,
    )


def rand(pairs: PairCounts) -> float:
    agreeing = pairs.all - pairs.predicted - pairs.true + 2 * pairs.both
    return agreeing / pairs.all if pairs.all else 1.0


def adjusted_rand(pairs: PairCounts) -> float:
    if pairs.both == pairs.predicted == pairs.true:
        return 1.0
    # (both - E) / ((predicted + true) / 2 - E) with E = predicted * true / all, in whole numbers.
    return (
        2
        * (pairs.both * pairs.all - pairs.predicted * pairs.true)
        / ((pairs.predicted + pairs.true) * pairs.all - 2 * pairs.predicted * pairs.true)
    )


def fowlkes_mallows(pairs: PairCounts) -> float:
    # Two roots, as the product of two quotients may be smaller than a float can be.
    return math.sqrt(pairs.both / pairs.predicted) * math.sqrt(pairs.both / pairs.true) if pairs.both else 0.0


def f_measure(precision: float, recall: float, beta: float) -> float:
    weight = min(beta * beta, _LARGEST_WEIGHT)
    if precision == 0.0 and recall == 0.0:
        return 0.0
    return min(1.0, (1 + weight) * precision * recall / (weight * precision + recall))


def pair_scores(pairs: PairCounts, beta: float) -> tuple[float, float, float]:
    precision = pairs.both / pairs.predicted if pairs.predicted else 1.0
    recall = pairs.both / pairs.true if pairs.true else 1.0
    return precision, recall, f_measure(precision, recall, beta)


def bcubed_scores(table: Contingency, beta: float) -> tuple[float, float, float]:
    if table.n == 0:
        return 1.0, 1.0, 1.0
    squares = table.cells.astype(np.float64) ** 2
    precision = float((squares / table.cluster_sizes[table.clusters]).sum()) / table.n
    recall = float((squares / table.class_sizes[table.classes]).sum()) / table.n
    # Rounding of the sum of many quotients must not show as a score above 1.
    precision, recall = min(precision, 1.0), min(recall, 1.0)
    return precision, recall, f_measure(precision, recall, beta)


def checked_beta(beta: Any) -> float:
    value = _check.number(beta, "beta")
    if not (value > 0 and np.isfinite(value)):
        raise ValueError(f"beta must be positive and finite, got {beta!r}")
    return value


def purity_score(labels_true: Any, labels_pred: Any, *, noise: str = "cluster") -> float:
    """Share of rows that belong to the largest class of their cluster: ``sum_j max_i n_ij / n``, in (0, 1].

    High for many small clusters; see :func:`inverse_purity_score` for the other side. 1.0 for n = 0.

    labels_true, labels_pred : (n,) all integers or all strings, in any 1-D array-like.
    noise : what -1 in ``labels_pred`` means. "cluster" = a cluster like any other, as scikit-learn has it;
    "singletons" = each such row is a cluster of its own; "drop" = such rows are not scored.

    ValueError if the lengths differ, for NaN and for other shapes; TypeError for None and for integers among strings.
    The message names the entry. O(n) time and memory for integers that lie closely, O(n log n) time for others.
    """
    return purity(contingency(labels_true, labels_pred, noise))


def inverse_purity_score(labels_true: Any, labels_pred: Any, *, noise: str = "cluster") -> float:
    """Share of rows that belong to the largest cluster of their class: ``sum_i max_j n_ij / n``, in (0, 1].

    Low when people are split over clusters. 1.0 for n = 0. Arguments as in :func:`purity_score`.
    """
    return inverse_purity(contingency(labels_true, labels_pred, noise))


def pair_confusion_matrix(labels_true: Any, labels_pred: Any, *, noise: str = "cluster") -> NDArray[np.int64]:
    """Ordered pairs of rows, (2, 2) int64: row 1 = together in the truth, column 1 = together in the prediction.

    ``[[TN, FP], [FN, TP]]``, each twice the number of unordered pairs, as scikit-learn's function of this name has it.
    Exact for n below 3e9. Arguments as in :func:`purity_score`.
    """
    pairs = pair_counts(contingency(labels_true, labels_pred, noise))
    only_pred, only_true = pairs.predicted - pairs.both, pairs.true - pairs.both
    apart = pairs.all - pairs.both - only_pred - only_true
    return np.array([[2 * apart, 2 * only_pred], [2 * only_true, 2 * pairs.both]], np.int64)


def rand_score(labels_true: Any, labels_pred: Any, *, noise: str = "cluster") -> float:
    """Share of pairs of rows on which both labellings agree, in [0, 1]; 1.0 for n < 2.

    Equals scikit-learn's function of this name. With many people nearly all pairs are apart in both, and the score is
    near 1 whatever was predicted: prefer :func:`adjusted_rand_score`. Arguments as in :func:`purity_score`.
    """
    return rand(pair_counts(contingency(labels_true, labels_pred, noise)))


def adjusted_rand_score(labels_true: Any, labels_pred: Any, *, noise: str = "cluster") -> float:
    """Rand index corrected for chance (Hubert and Arabie 1985), in [-0.5, 1]; 0 on average for random labels.

    Equals scikit-learn's function of this name; computed in whole numbers, so it cannot overflow.
    Arguments as in :func:`purity_score`.
    """
    return adjusted_rand(pair_counts(contingency(labels_true, labels_pred, noise)))


def fowlkes_mallows_score(labels_true: Any, labels_pred: Any, *, noise: str = "cluster") -> float:
    """Geometric mean of precision and recall over pairs of rows (Fowlkes and Mallows 1983), in [0, 1].

    0.0 if no pair is together in both, even where none could be, as in scikit-learn's function of this name, which it
    equals but for rounding. Arguments as in :func:`purity_score`.
    """
    return fowlkes_mallows(pair_counts(contingency(labels_true, labels_pred, noise)))


def pair_precision_recall_f(
    labels_true: Any, labels_pred: Any, *, beta: float = 1.0, noise: str = "cluster"
) -> tuple[float, float, float]:
    """Precision, recall and F over pairs of rows: ``(precision, recall, f)``, each in [0, 1].

    precision : of the pairs that share a cluster, the share that also share a class; 1.0 if there is none.
    recall : of the pairs that share a class, the share that also share a cluster; 1.0 if there is none.
    f : ``(1 + beta^2) P R / (beta^2 P + R)``; beta > 0, above 1 favours recall.

    People with many rows dominate (a pair count grows with the square of a size); report BCubed beside it.
    Arguments as in :func:`purity_score`.
    """
    weight = checked_beta(beta)
    return pair_scores(pair_counts(contingency(labels_true, labels_pred, noise)), weight)


def bcubed_precision_recall_f(
    labels_true: Any, labels_pred: Any, *, beta: float = 1.0, noise: str = "cluster"
) -> tuple[float, float, float]:
    """BCubed precision, recall and F (Amigó et al. 2009): ``(precision, recall, f)``, each in [0, 1].

    precision : mean over rows of the share of the row's cluster that is of the row's class, ``sum n_ij^2 / b_j / n``.
    recall : mean over rows of the share of the row's class that is in the row's cluster, ``sum n_ij^2 / a_i / n``.
    f : from these two means, as in :func:`pair_precision_recall_f`. A row counts itself. All 1.0 for n = 0.
    Arguments as in :func:`purity_score`.
    """
    weight = checked_beta(beta)
    return bcubed_scores(contingency(labels_true, labels_pred, noise), weight)
