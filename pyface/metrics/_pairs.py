"""What verification is asked about: all pairs of rows, or pairs that are listed; checked here."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check, _threads
from pyface._typing import FloatArray
from pyface.kernels import pairs as kernel
from pyface.kernels.distance import METRICS
from pyface.metrics._contingency import coded, labels
from pyface.metrics._steps import AllPairs, ListedPairs


def identities(value: Any, name: str, n: int, of: str) -> NDArray[np.int32]:
    """(n,) labels as numbers from 0, in the order of the labels. ``of`` names the array with as many rows."""
    array = labels(value, name)
    if len(array) != n:
        raise ValueError(f"{name} must have one entry for each row of {of}, {n}, got {len(array)}")
    _, numbered = coded(array)
    return numbered.astype(np.int32)


def rows(X: Any, metric: Any, n_threads: int | None) -> tuple[FloatArray, int]:
    """``X`` checked, and the number of threads."""
    _check.choice(metric, "metric", METRICS)
    threads = _threads.resolve(n_threads)
    x = kernel.usable_rows(X, metric, threads)
    if len(x) >= 2**31 - 1:
        raise ValueError(f"X must have fewer than 2^31 - 1 rows, got {len(x)}")
    return x, threads


def asked(X: Any, labels: Any, metric: str, pairs: Any, same: Any, n_threads: int | None) -> AllPairs | ListedPairs:
    """The pairs of a call, of one identity and of two, or an error that says which argument is wrong."""
    x, threads = rows(X, metric, n_threads)
    found: AllPairs | ListedPairs
    if pairs is None:
        if same is not None:
            raise ValueError("same says which of the pairs are of one identity: give pairs as well")
        if labels is None:
            raise ValueError("labels or pairs must be given")
        found = AllPairs(x, identities(labels, "labels", len(x), "X"), metric, threads)
    else:
        ij = _listed(pairs, len(x))
        first, second = (np.ascontiguousarray(column, np.int32) for column in ij.T)
        who = None
        if (labels is None) == (same is None):
            raise ValueError("beside pairs, give either labels (of the rows of X) or same (of the pairs)")
        if labels is not None:
            numbered = identities(labels, "labels", len(x), "X")
            who = numbered[first], numbered[second]
            is_same = who[0] == who[1]
        else:
            is_same = _is_same(same, len(ij))
        distances = kernel.distances_of_pairs(x, first, second, metric=metric, n_threads=threads)
        found = ListedPairs(distances, is_same, who)
    _require_both_kinds(found, "labels" if same is None else "same")
    return found


def _require_both_kinds(found: AllPairs | ListedPairs, name: str) -> None:
    for count, kind, rate in ((found.n_same, "one identity", "true"), (found.n_different, "two identities", "false")):
        if count == 0:
            raise ValueError(f"{name}: there are no pairs of {kind}, so that there is no {rate} accept rate")


def _listed(pairs: Any, n: int) -> NDArray[np.int64]:
    array = np.asarray(pairs)
    if array.size == 0 and array.ndim <= 2:
        array = np.empty((0, 2), np.int64)
    if array.dtype.kind not in "iu":
        raise TypeError(
            f"pairs must be integers of shape (p, 2), rows of X, got {array.dtype}; "
            "names become rows by LabelledPairs.rows"
        )
    if array.ndim != 2 or array.shape[1] != 2:
        raise ValueError(f"pairs must have shape (p, 2), got {array.shape}")
    bad = np.flatnonzero(((array < 0) | (array >= n)).any(axis=1))
    if bad.size:
        raise ValueError(f"pairs: row {bad[0]} is {array[bad[0]].tolist()}, but X has the rows 0 to {n - 1}")
    bad = np.flatnonzero(array[:, 0] == array[:, 1])
    if bad.size:
        raise ValueError(f"pairs: row {bad[0]} compares row {array[bad[0], 0]} of X with itself; leave it out")
    return array.astype(np.int64, copy=False)


def _is_same(same: Any, n_pairs: int) -> NDArray[np.bool_]:
    array = np.asarray(same)
    if array.shape != (n_pairs,):
        raise ValueError(f"same must have one entry for each of the {n_pairs} pairs, got shape {array.shape}")
    if array.dtype.kind in "iu":
        bad = np.flatnonzero((array != 0) & (array != 1))
        if bad.size:
            raise ValueError(f"same: entry {bad[0]} is {array[bad[0]]}; entries must be True or False")
    elif array.dtype.kind != "b" and n_pairs:
        raise TypeError(f"same must be True or False for each pair, got an array of {array.dtype}")
    return array.astype(bool)


def thresholds_in_range(value: Any, metric: str) -> NDArray[np.float64]:
    """(t,) float64, each within the range of the metric's distances."""
    array = _check.numbers(value, "thresholds", "(t,)")
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"thresholds must have shape (t,) with t >= 1, got {array.shape}")
    largest, words = (2.0, "0 to 2") if metric == "cosine" else (np.inf, "0 upwards")
    bad = np.flatnonzero(~((array >= 0) & (array <= largest)))
    if bad.size:
        raise ValueError(
            f"thresholds: entry {bad[0]} is {array[bad[0]]:g}, but {metric} distances go from {words}; "
            "thresholds are distances, not similarities"
        )
    return array
