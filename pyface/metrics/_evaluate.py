"""All measures of one clustering at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pyface.metrics import _information, _sets
from pyface.metrics._contingency import Contingency, grouped


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The measures of :mod:`pyface.metrics` for one clustering, and what they were computed on.

    n_samples : rows that were scored. n_classes : true classes among them. n_clusters : predicted clusters, noise not
    counted. n_noise : rows labelled -1 in the prediction, scored or not.
    """

    purity: float
    inverse_purity: float
    rand: float
    adjusted_rand: float
    nmi: float
    ami: float
    pair_precision: float
    pair_recall: float
    pair_f: float
    bcubed_precision: float
    bcubed_recall: float
    bcubed_f: float
    n_samples: int
    n_classes: int
    n_clusters: int
    n_noise: int
    homogeneity: float
    completeness: float
    v_measure: float
    fowlkes_mallows: float


def evaluate(labels_true: Any, labels_pred: Any, *, noise: str = "singletons", beta: float = 1.0) -> Evaluation:
    """Compare predicted clusters with the truth by every measure of this module.

    labels_true, labels_pred : (n,) integers or strings. -1 in ``labels_pred`` is noise (in ``labels_true`` it is a
    class like any other, and so is the string "-1" in either).
    noise : "singletons" = each noise row is a cluster of its own; "drop" = noise rows are not scored; "cluster" = noise
    is one cluster, as scikit-learn's measures have it.
    beta : > 0, weight of recall in both F measures and of completeness in V. NMI and AMI use the arithmetic mean of the
    entropies.

    ValueError if the lengths differ, TypeError for labels that cannot be compared. O(n) time and memory for integers
    that lie closely, O(n log n) time for others, and one step for each pair of different group sizes and each overlap
    that such groups may have by chance (AMI). How far to trust the scores: :func:`bootstrap_intervals`.
    """
    groups = grouped(labels_true, labels_pred, noise)
    return Evaluation(
        **scores_without_ami(groups.table, _sets.checked_beta(beta)),
        ami=_information.adjusted(groups.table, "arithmetic"),
        n_samples=groups.table.n,
        n_classes=len(groups.class_names),
        n_clusters=groups.n_clusters,
        n_noise=groups.n_noise,
    )


def scores_without_ami(table: Contingency, beta: float) -> dict[str, float]:
    """The scores of an :class:`Evaluation` by name, all but the one that takes an expectation."""
    pairs = _sets.pair_counts(table)
    pair_precision, pair_recall, pair_f = _sets.pair_scores(pairs, beta)
    bcubed_precision, bcubed_recall, bcubed_f = _sets.bcubed_scores(table, beta)
    homogeneity, completeness = _information.homogeneity_completeness(table)
    return {
        "purity": _sets.purity(table),
        "inverse_purity": _sets.inverse_purity(table),
        "rand": _sets.rand(pairs),
        "adjusted_rand": _sets.adjusted_rand(pairs),
        "nmi": _information.normalized(table, "arithmetic"),
        "pair_precision": pair_precision,
        "pair_recall": pair_recall,
        "pair_f": pair_f,
        "bcubed_precision": bcubed_precision,
        "bcubed_recall": bcubed_recall,
        "bcubed_f": bcubed_f,
        "homogeneity": homogeneity,
        "completeness": completeness,
        "v_measure": _information.v_measure(homogeneity, completeness, beta),
        "fowlkes_mallows": _sets.fowlkes_mallows(pairs),
    }
