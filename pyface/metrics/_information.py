"""Mutual information of two labellings: normalized, adjusted for chance, homogeneity and completeness."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check
from pyface.metrics._contingency import Contingency, contingency
from pyface.metrics._expectation import expected_mutual_information

AVERAGE_METHODS = ("min", "geometric", "arithmetic", "max")
NORMALIZERS = (*AVERAGE_METHODS, "joint")
_EPS = float(np.finfo(np.float64).eps)
_ROUNDING = 1e-13


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
        - np.log(table.class_sizes)[table.classes]
        - np.log(table.cluster_sizes)[table.clusters]
    )
    terms = share * log_ratio
    terms[np.abs(terms) < _EPS] = 0.0
    return max(0.0, float(terms.sum()))


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
    of_classes, of_clusters = entropy(table.class_sizes, table.n), entropy(table.cluster_sizes, table.n)
    if average_method == "joint":
        return min(1.0, information / (of_classes + of_clusters - information))
    return min(1.0, information / _average(of_classes, of_clusters, average_method))


def homogeneity_completeness(table: Contingency) -> tuple[float, float]:
    """Mutual information over the entropy of the classes, and over that of the clusters; 1 over nothing is 1."""
    information = mutual_information(table)
    of_classes, of_clusters = entropy(table.class_sizes, table.n), entropy(table.cluster_sizes, table.n)
    homogeneity = 1.0 if table.splits_no_cluster or not of_classes else min(1.0, information / of_classes)
    completeness = 1.0 if table.splits_no_class or not of_clusters else min(1.0, information / of_clusters)
    return homogeneity, completeness


def v_measure(homogeneity: float, completeness: float, beta: float) -> float:
    if homogeneity + completeness == 0.0:
        return 0.0
    # Divided through by the larger weight, so that no beta overflows.
    near, far = (beta, 1.0) if beta <= 1 else (1.0, 1 / beta)
    return min(1.0, (far + near) * homogeneity * completeness / (near * homogeneity + far * completeness))


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


def checked_v_beta(beta: Any) -> float:
    value = _check.number(beta, "beta", minimum=0)
    if math.isinf(value):
        raise ValueError(f"beta must be finite, got {beta!r}")
    return value


def mutual_info_score(labels_true: Any, labels_pred: Any, *, noise: str = "cluster") -> float:
    """Mutual information of the two labellings in nats, from 0 to the smaller of their entropies; 0.0 for n = 0.

    ``sum_ij n_ij/n log(n n_ij / (a_i b_j))``. Equals scikit-learn's function of this name but for rounding.
    Arguments as in :func:`pyface.metrics.purity_score`.
    """
    return mutual_information(contingency(labels_true, labels_pred, noise))


def normalized_mutual_info_score(
    labels_true: Any, labels_pred: Any, *, average_method: str = "arithmetic", noise: str = "cluster"
) -> float:
    """Mutual information over a mean of the two entropies, in [0, 1]; exactly 1 for equal partitions.

    average_method : "arithmetic" (scikit-learn's default since 0.22; published face results often used "geometric"),
    "geometric", "min" or "max"; or "joint", which divides by the entropy of both together (Vinh, Epps and Bailey 2010)
    and is one minus a distance between partitions. Values of different methods cannot be compared.

    Equals scikit-learn's function of this name but for rounding ("joint" is not in it); 1.0 for n < 2 and if
    neither labelling splits anything. Arguments as in :func:`pyface.metrics.purity_score`.
    """
    _check.choice(average_method, "average_method", NORMALIZERS)
    return normalized(contingency(labels_true, labels_pred, noise), average_method)


def adjusted_mutual_info_score(
    labels_true: Any, labels_pred: Any, *, average_method: str = "arithmetic", noise: str = "cluster"
) -> float:
    """Mutual information corrected for chance: exactly 1 for equal partitions, 0 on average for random ones.

    ``(MI - E[MI]) / (mean entropy - E[MI])``, never more than 1. average_method : "arithmetic", "geometric", "min" or
    "max". Equals scikit-learn's function of this name but for rounding, in time that grows with the number of
    *different* group sizes instead of with classes times clusters. Where singletons leave 0/0, 0, and 1 if chance does
    as well as possible. Arguments as in :func:`pyface.metrics.purity_score`.
    """
    _check.choice(average_method, "average_method", AVERAGE_METHODS)
    return adjusted(contingency(labels_true, labels_pred, noise), average_method)


def homogeneity_completeness_v_measure(
    labels_true: Any, labels_pred: Any, *, beta: float = 1.0, noise: str = "cluster"
) -> tuple[float, float, float]:
    """``(homogeneity, completeness, v)`` of Rosenberg and Hirschberg (2007), each in [0, 1].

    homogeneity : mutual information over the entropy of the classes; 1 if every cluster is of one class.
    completeness : the same over the entropy of the clusters; 1 if every class lies in one cluster.
    v : ``(1 + beta) h c / (beta h + c)``; beta >= 0, above 1 favours completeness. It is not squared, as it is in F.

    Equals scikit-learn's function of this name but for rounding; all 1.0 for n < 2. With beta = 1 v is NMI.
    Arguments as in :func:`pyface.metrics.purity_score`.
    """
    weight = checked_v_beta(beta)
    homogeneity, completeness = homogeneity_completeness(contingency(labels_true, labels_pred, noise))
    return homogeneity, completeness, v_measure(homogeneity, completeness, weight)


def homogeneity_score(labels_true: Any, labels_pred: Any, *, noise: str = "cluster") -> float:
    """The first value of :func:`homogeneity_completeness_v_measure`."""
    return homogeneity_completeness(contingency(labels_true, labels_pred, noise))[0]


def completeness_score(labels_true: Any, labels_pred: Any, *, noise: str = "cluster") -> float:
    """The second value of :func:`homogeneity_completeness_v_measure`."""
    return homogeneity_completeness(contingency(labels_true, labels_pred, noise))[1]


def v_measure_score(labels_true: Any, labels_pred: Any, *, beta: float = 1.0, noise: str = "cluster") -> float:
    """The third value of :func:`homogeneity_completeness_v_measure`."""
    return homogeneity_completeness_v_measure(labels_true, labels_pred, beta=beta, noise=noise)[2]
