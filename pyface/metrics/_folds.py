"""Accuracy at the threshold that was best on other pairs: the protocol of Labeled Faces in the Wild."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check, _memory
from pyface._typing import FloatArray
from pyface.kernels.distance import condensed_float64
from pyface.metrics._pairs import asked
from pyface.metrics._steps import AllPairs

_BYTES_PER_PAIR = 48  # its distance, and what sorting it takes


@dataclass(frozen=True, slots=True, eq=False)
class KFoldAccuracy:
    """What :func:`kfold_accuracy` has found.

    accuracy : mean over the folds. standard_error : of that mean, the folds' deviation over the root of their number.
    accuracies, thresholds : (k,) float64, of each fold and what was best on the others.
    """

    accuracy: float
    standard_error: float
    accuracies: NDArray[np.float64]
    thresholds: NDArray[np.float64]


def kfold_accuracy(
    X: FloatArray,
    labels: Any = None,
    *,
    metric: str = "cosine",
    pairs: Any = None,
    same: Any = None,
    folds: Any = 10,
    n_threads: int | None = None,
) -> KFoldAccuracy:
    """Share of pairs that are told right, each fold at the threshold that is best on all the others.

    Huang et al., Labeled Faces in the Wild (2007): ten folds of 300 pairs of one identity and 300 of two, no person in
    two folds; the mean, and the standard error of the mean with the deviation of k - 1 degrees of freedom.

    pairs, with ``labels`` or ``same`` : (p, 2), see :mod:`pyface.metrics.verification`. folds : how many, of pairs that
    follow each other and as equal in number as can be, so that a list sorted by ``same`` must be shuffled first; or
    (p,) which fold each pair is in, in whatever numbers or names. Without ``pairs``: identity i of the sorted labels is
    in fold i modulo ``folds``; or (n,) which fold each row is in. All pairs of rows within one fold count, those of two
    folds do not. Mind that nearly all of these are of two identities, so that refusing every pair does well.

    The threshold lies halfway between two distances of the other folds; -inf accepts nothing, inf everything. Of
    equally good ones the lowest is taken.

    Returns a :class:`KFoldAccuracy`. ValueError for fewer than two folds, for a fold without pairs, if all pairs within
    folds are of one identity or all of two, and as in :func:`roc`. O(p log p) time beside the distances; memory O(p),
    for all pairs of rows those within folds, 48 bytes each.
    """
    found = asked(X, labels, metric, pairs, same, n_threads)
    if isinstance(found, AllPairs):
        parts = _within_folds(found, folds)
    else:
        of_pair, n_folds = _fold_of_each(folds, len(found.distances), "pair")
        chosen = [of_pair == f for f in range(n_folds)]
        parts = [(found.distances[mask], found.is_same[mask]) for mask in chosen]
    if len(parts) < 2:
        raise ValueError(f"folds: at least two are needed, got {len(parts)}")
    for f, (distances, _) in enumerate(parts):
        if len(distances) == 0:
            raise ValueError(f"folds: fold {f} has no pairs; ask for fewer folds")
    _require_both_kinds(parts, "labels" if same is None else "same")
    thresholds, accuracies = np.empty(len(parts)), np.empty(len(parts))
    for f, (distances, is_same) in enumerate(parts):
        others = [part for other, part in enumerate(parts) if other != f]
        thresholds[f] = best_threshold(*(np.concatenate(column) for column in zip(*others, strict=True)))
        accuracies[f] = np.mean((distances <= thresholds[f]) == is_same)
    error = float(accuracies.std(ddof=1)) / math.sqrt(len(parts))
    return KFoldAccuracy(float(accuracies.mean()), error, accuracies, thresholds)


def _require_both_kinds(parts: list[tuple[NDArray[np.float64], NDArray[np.bool_]]], name: str) -> None:
    for kind, words in ((True, "one identity"), (False, "two identities")):
        if not any(np.any(is_same == kind) for _, is_same in parts):
            raise ValueError(f"{name}: no fold has pairs of {words}, so that every threshold would do")


def best_threshold(distances: NDArray[np.float64], is_same: NDArray[np.bool_]) -> float:
    """The lowest of the thresholds that tell most pairs right, halfway between two distances."""
    values, inverse = np.unique(distances, return_inverse=True)
    gain = np.bincount(inverse[is_same], minlength=len(values)) - np.bincount(inverse[~is_same], minlength=len(values))
    # Pairs told right with the first k of the distances accepted, but for a constant.
    k = int(np.argmax(np.r_[0, np.cumsum(gain)]))
    if k == 0:
        return -math.inf
    if k == len(values):
        return math.inf
    return float(values[k - 1] + (values[k] - values[k - 1]) / 2)


def _within_folds(found: AllPairs, folds: Any) -> list[tuple[NDArray[np.float64], NDArray[np.bool_]]]:
    if isinstance(folds, int | np.integer):
        n_folds = _check.integer(folds, "folds", minimum=2)
        of_row = found.labels.astype(np.int64) % n_folds
    else:
        of_row, n_folds = _fold_of_each(folds, len(found.labels), "row")
    sizes = np.bincount(of_row, minlength=n_folds)
    n_pairs = int((sizes * (sizes - 1) // 2).sum())
    _memory.require(_BYTES_PER_PAIR * n_pairs, f"{n_pairs:,} pairs within folds", "ask for more folds, or list pairs")
    parts = []
    for f in range(n_folds):
        rows = np.flatnonzero(of_row == f)
        distances = condensed_float64(np.ascontiguousarray(found.x[rows]), found.metric, found.n_threads)
        first, second = np.triu_indices(len(rows), 1)
        parts.append((distances, found.labels[rows[first]] == found.labels[rows[second]]))
    return parts


def _fold_of_each(folds: Any, n: int, what: str) -> tuple[NDArray[np.int64], int]:
    """(n,) folds numbered from 0, and how many there are."""
    if isinstance(folds, int | np.integer):
        n_folds = _check.integer(folds, "folds", minimum=2)
        # As equal as can be, the larger ones first.
        sizes = [len(part) for part in np.array_split(np.empty(n), n_folds)]
        return np.repeat(np.arange(n_folds), sizes), n_folds
    array = np.asarray(folds)
    if array.shape != (n,):
        got = f"shape {array.shape}" if array.ndim else repr(folds)
        raise ValueError(f"folds must be a whole number or have one entry for each {what}, {n}, got {got}")
    if array.dtype.kind not in "iubUS":
        raise TypeError(f"folds must be integers or names, got an array of {array.dtype}")
    values, numbered = np.unique(array, return_inverse=True)
    return numbered.astype(np.int64), len(values)
