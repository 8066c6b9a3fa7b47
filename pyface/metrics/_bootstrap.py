"""How far a score would move with other people: intervals from identities drawn again and again."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check
from pyface.metrics import _information, _sets
from pyface.metrics._contingency import Contingency, grouped
from pyface.metrics._evaluate import scores_without_ami
from pyface.metrics._intervals import Interval, require_draws


def _sums_of_classes(table: Contingency) -> NDArray[np.float64]:
    """(classes, 12): for each class the sum over its rows of what a row adds to the scores, 1 last, in ``_scores``."""
    cells = table.cells.astype(np.float64)
    of_class = table.class_sizes[table.classes].astype(np.float64)
    of_cluster = table.cluster_sizes[table.clusters].astype(np.float64)
    ones = np.ones(len(cells))
    per_row = [
        _is_main(table.clusters, table.classes, table.cells),
        _is_main(table.classes, table.clusters, table.cells),
        cells / of_cluster,
        cells / of_class,
        cells - 1,
        of_cluster - 1,
        of_class - 1,
        ones * (table.n - 1),
        np.log(table.n / of_class),
        np.log(table.n / of_cluster),
        np.log(of_cluster / cells),
        ones,
    ]
    n_classes = len(table.class_sizes)
    return np.stack([np.bincount(table.classes, cells * value, n_classes) for value in per_row], axis=1)


def _is_main(groups: NDArray[np.int64], others: NDArray[np.int64], cells: NDArray[np.int64]) -> NDArray[np.float64]:
    """1 for the largest cell of each group, the first of equal ones, and 0 for the others."""
    order = np.lexsort((others, -cells, groups))
    result = np.zeros(len(cells))
    result[order[np.flatnonzero(np.diff(groups[order], prepend=-1))]] = 1
    return result


def _scores(sums: NDArray[np.float64], beta: float) -> dict[str, float]:
    *pieces, n = sums.tolist()
    purity, inverse_purity, precision, recall = (min(1.0, value / n) for value in pieces[:4])
    both, predicted, true, total = pieces[4:8]
    of_class, of_cluster, within = pieces[8:]
    pair_precision = both / predicted if predicted else 1.0
    pair_recall = both / true if true else 1.0
    information = max(0.0, of_class - within)
    mean = (of_class + of_cluster) / 2
    homogeneity = min(1.0, information / of_class) if of_class > 0 else 1.0
    completeness = min(1.0, information / of_cluster) if of_cluster > 0 else 1.0
    return {
        "purity": purity,
        "inverse_purity": inverse_purity,
        "rand": (total - predicted - true + 2 * both) / total if total else 1.0,
        "adjusted_rand": _adjusted_rand(both, predicted, true, total),
        "nmi": min(1.0, information / mean) if mean > 0 else 1.0,
        "pair_precision": pair_precision,
        "pair_recall": pair_recall,
        "pair_f": _sets.f_measure(pair_precision, pair_recall, beta),
        "bcubed_precision": precision,
        "bcubed_recall": recall,
        "bcubed_f": _sets.f_measure(precision, recall, beta),
        "homogeneity": homogeneity,
        "completeness": completeness,
        "v_measure": _information.v_measure(homogeneity, completeness, beta),
        "fowlkes_mallows": math.sqrt(pair_precision) * math.sqrt(pair_recall) if both else 0.0,
    }


def _adjusted_rand(both: float, predicted: float, true: float, total: float) -> float:
    if both == predicted == true:
        return 1.0
    expected = predicted * true / total
    return (both - expected) / ((predicted + true) / 2 - expected)


def bootstrap_intervals(
    labels_true: Any,
    labels_pred: Any,
    *,
    n_bootstrap: int = 1000,
    confidence: float = 0.95,
    noise: str = "singletons",
    beta: float = 1.0,
    random_state: int = 0,
) -> dict[str, Interval]:
    """Percentile intervals of the scores of :func:`evaluate`, from identities drawn with replacement.

    Photos of one person are alike and succeed or fail together, so rows are no independent evidence; people are. Each
    score is made of sums over rows (the row's share of right ones in its cluster, the rows it shares its cluster with,
    ...). A sample draws as many classes of ``labels_true`` as there are, adds up what their rows bring, and makes the
    scores of that. What a row brings is that of the whole result: nobody is clustered anew, and no cluster loses those
    who were not drawn (it would seem purer than it is).

    labels_true, labels_pred, noise, beta : as in :func:`evaluate`. n_bootstrap : samples, at least 2. confidence :
    share of the samples within the interval, in (0, 1). random_state : integer from 0 to 2^32 - 1; the same one gives
    the same intervals.

    Returns ``{name: Interval(value, low, high)}`` for every score of :class:`Evaluation` but "ami", whose expectation
    by chance is no sum over rows; the value is that of :func:`evaluate`. The intervals say how far the scores depend on
    which people were there. Two people in one cluster are drawn apart though they fail together: where that is the
    usual error, intervals of precision, purity and homogeneity are too narrow, by up to the root of 2; and all are
    with fewer than some thirty classes.

    ValueError for fewer than two classes; other errors as in :func:`evaluate`. Time O(n) for the sums, then
    O(classes) a sample; memory O(n + n_bootstrap).
    """
    count = _check.integer(n_bootstrap, "n_bootstrap", minimum=2)
    require_draws(count)
    share = _check.number(confidence, "confidence", above=0)
    if share >= 1:
        raise ValueError(f"confidence must be less than 1, got {confidence!r}")
    seed = _check.integer(random_state, "random_state", minimum=0, maximum=2**32 - 1)
    weight = _sets.checked_beta(beta)
    table = grouped(labels_true, labels_pred, noise).table
    n_classes = len(table.class_sizes)
    if n_classes < 2:
        raise ValueError(
            f"labels_true must hold at least two identities to draw from, got {n_classes}"
            + (" after noise was dropped" if noise == "drop" else "")
        )
    sums = _sums_of_classes(table)
    rng = np.random.RandomState(seed)  # its stream is frozen; that of a Generator may change
    times = (np.bincount(rng.randint(0, n_classes, n_classes), minlength=n_classes) for _ in range(count))
    drawn = np.array([[*_scores(m @ sums, weight).values()] for m in times])
    low, high = np.quantile(drawn, [(1 - share) / 2, (1 + share) / 2], axis=0).tolist()
    names = _scores(sums.sum(axis=0), weight)
    ends = dict(zip(names, zip(low, high, strict=True), strict=True))
    return {name: Interval(value, *ends[name]) for name, value in scores_without_ami(table, weight).items()}
