"""All measures of one clustering at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pyface import _check
from pyface.metrics import _information, _sets
from pyface.metrics._contingency import codes, from_codes, label_pair

NOISE_POLICIES = ("singletons", "drop", "cluster")
NOISE = -1


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


def evaluate(labels_true: Any, labels_pred: Any, *, noise: str = "singletons", beta: float = 1.0) -> Evaluation:
    """Compare predicted clusters with the truth by every measure of this module.

    labels_true, labels_pred : (n,) integers or strings. -1 in ``labels_pred`` is noise (in ``labels_true`` it is a
    class like any other).
    noise : "singletons" = each noise row is a cluster of its own; "drop" = noise rows are not scored; "cluster" = noise
    is one cluster, as scikit-learn's measures have it.
    beta : weight of recall in both F measures. NMI and AMI use the arithmetic mean of the entropies.

    ValueError if the lengths differ, TypeError for labels that cannot be compared. O(n log n) time, O(n) memory.
    """
    _check.choice(noise, "noise", NOISE_POLICIES)
    weight = _sets.checked_beta(beta)
    true, pred = label_pair(labels_true, labels_pred)
    is_noise = (pred == NOISE).astype(bool) if pred.dtype.kind in "ifO" else np.zeros(len(pred), bool)
    n_noise = int(is_noise.sum())
    if noise == "drop":
        true, pred = true[~is_noise], pred[~is_noise]
        is_noise = np.zeros(len(pred), bool)
    true_codes, n_classes = codes(true, "labels_true")
    pred_codes, n_groups = codes(pred, "labels_pred")
    n_clusters = n_groups - bool(is_noise.any())
    if noise == "singletons" and n_noise:
        # The code of -1 itself goes to the first noise row, new ones to the others: no empty group is left behind.
        pred_codes = pred_codes.copy()
        rows = np.flatnonzero(is_noise)[1:]
        pred_codes[rows] = np.arange(n_groups, n_groups + len(rows))
        n_groups += len(rows)
    table = from_codes(true_codes, n_classes, pred_codes, n_groups)
    pairs = _sets.pair_counts(table)
    pair_precision, pair_recall, pair_f = _sets.pair_scores(pairs, weight)
    bcubed_precision, bcubed_recall, bcubed_f = _sets.bcubed_scores(table, weight)
    return Evaluation(
        purity=_sets.purity(table),
        inverse_purity=_sets.inverse_purity(table),
        rand=_sets.rand(pairs),
        adjusted_rand=_sets.adjusted_rand(pairs),
        nmi=_information.normalized(table, "arithmetic"),
        ami=_information.adjusted(table, "arithmetic"),
        pair_precision=pair_precision,
        pair_recall=pair_recall,
        pair_f=pair_f,
        bcubed_precision=bcubed_precision,
        bcubed_recall=bcubed_recall,
        bcubed_f=bcubed_f,
        n_samples=table.n,
        n_classes=n_classes,
        n_clusters=n_clusters,
        n_noise=n_noise,
    )
