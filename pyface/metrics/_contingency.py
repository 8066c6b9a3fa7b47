"""The sparse contingency table that every measure is computed from, and what is done with rows in no cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check

NOISE_POLICIES = ("singletons", "drop", "cluster")
NOISE = -1

# Whole numbers within a range of so many times the number of rows are counted instead of sorted.
_DENSE = 4


@dataclass(frozen=True, slots=True, eq=False)
class Contingency:
    """Non-empty cells of the table of true classes against predicted clusters; all counts are int64.

    cells : (c,) rows that share a class and a cluster, by class, then by cluster. classes, clusters : (c,) which class
    and cluster that is. class_sizes, cluster_sizes : rows per class and per cluster. n : rows.
    """

    cells: NDArray[np.int64]
    classes: NDArray[np.int64]
    clusters: NDArray[np.int64]
    class_sizes: NDArray[np.int64]
    cluster_sizes: NDArray[np.int64]
    n: int

    @property
    def splits_no_class(self) -> bool:
        """Every class lies in one cluster."""
        return len(self.cells) == len(self.class_sizes)

    @property
    def splits_no_cluster(self) -> bool:
        """Every cluster lies in one class."""
        return len(self.cells) == len(self.cluster_sizes)

    @property
    def is_perfect(self) -> bool:
        """Both labellings are the same partition, whatever they call its groups. That of no rows counts too."""
        return self.splits_no_class and self.splits_no_cluster


@dataclass(frozen=True, slots=True, eq=False)
class Grouped:
    """A table under a noise policy, and what its classes and clusters are called.

    class_names : (classes,) labels. cluster_names : (g,) labels of the first g clusters, noise among them if it is a
    cluster or singletons; the clusters beyond are noise rows, one each. noise_code : the cluster called -1, or None.
    n_noise : rows labelled -1 in the prediction, scored or not.
    """

    table: Contingency
    class_names: NDArray[Any]
    cluster_names: NDArray[Any]
    noise_code: int | None
    n_noise: int

    @property
    def n_clusters(self) -> int:
        """Clusters without noise."""
        return len(self.cluster_names) - (self.noise_code is not None)

    def is_noise_cluster(self) -> NDArray[np.bool_]:
        """(clusters,) True for the cluster of noise, or for each noise row as a cluster of its own."""
        result = np.zeros(len(self.table.cluster_sizes), bool)
        result[len(self.cluster_names) :] = True
        if self.noise_code is not None:
            result[self.noise_code] = True
        return result


def labels(value: Any, name: str) -> NDArray[Any]:
    """A 1-D array of labels that can be sorted: all whole numbers (or floats), or all strings."""
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{name} must not be masked: fill or drop the masked entries first")
    try:
        array = np.asarray(value)
    except ValueError:  # lists of unequal lengths
        raise ValueError(f"{name} must be one-dimensional, got lists within a {type(value).__name__}") from None
    if array.ndim != 1:
        raise ValueError(f"{name} must be one-dimensional, got shape {array.shape}")
    if array.size == 0:
        return array.astype(np.int64)
    if array.dtype.kind == "O":
        return _of_objects(array, name)
    if array.dtype.kind in "US" and isinstance(value, list | tuple):
        # NumPy has made strings of what was beside them: 1 and "1" would be one label.
        _refuse_mixture(value, name)
    if array.dtype.kind == "f":
        nan = np.flatnonzero(np.isnan(array))
        if nan.size:
            raise ValueError(f"{name}: entry {nan[0]} is nan; labels must be integers or strings")
    if array.dtype.kind not in "biufUS":
        raise TypeError(f"{name} must be integers or strings, got an array of {array.dtype}")
    return array


def _of_objects(array: NDArray[Any], name: str) -> NDArray[Any]:
    _refuse_mixture(array.tolist(), name)
    if isinstance(array[0], str | bytes):
        return array
    is_whole = all(isinstance(x, int | np.integer | np.bool_) for x in array)
    try:
        return array.astype(np.int64 if is_whole else np.float64)
    except OverflowError:  # beyond 64 bits: compared as they are
        return array


def _refuse_mixture(values: Any, name: str) -> None:
    """TypeError or ValueError, with the entry, unless all are strings or all are numbers and none is missing."""
    kinds = dict.fromkeys(map(type, values))
    number = (bool, int, float, np.integer, np.floating, np.bool_)
    if all(issubclass(kind, number) for kind in kinds):
        if any(issubclass(kind, float | np.floating) for kind in kinds):
            # NaN alone differs from itself; sorting would not even notice it.
            nan = next((i for i, x in enumerate(values) if x != x), None)  # noqa: PLR0124
            if nan is not None:
                raise ValueError(f"{name}: entry {nan} is nan; labels must be integers or strings")
        return
    if all(issubclass(kind, str) for kind in kinds) or all(issubclass(kind, bytes) for kind in kinds):
        return
    known = (*number, str, bytes)
    strange = next((i for i, x in enumerate(values) if not isinstance(x, known)), None)
    if strange is not None:
        raise TypeError(
            f"{name}: entry {strange} is {values[strange]!r}; labels must be integers or strings: leave such rows out, "
            "or give each a label of its own"
        )
    first = values[0]
    same = number if isinstance(first, number) else type(first)
    other = next(i for i, x in enumerate(values) if not isinstance(x, same))
    raise TypeError(
        f"{name} must be all integers or all strings, not a mixture: entry 0 is {first!r} and entry {other} is "
        f"{values[other]!r}"
    )


def label_pair(labels_true: Any, labels_pred: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    true, pred = labels(labels_true, "labels_true"), labels(labels_pred, "labels_pred")
    if len(true) != len(pred):
        raise ValueError(f"labels_true and labels_pred must have the same length, got {len(true)} and {len(pred)}")
    return true, pred


def coded(array: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """The different labels in increasing order, and for each entry the number 0 .. k-1 of its label.

    O(n) for whole numbers that lie closely, O(n log n) for others.
    """
    if len(array) and array.dtype.kind in "biu":
        low, high = int(array.min()), int(array.max())
        if high - low < _DENSE * len(array) + 1024:
            # A uint64 is taken down before it is cast, other types are cast first: neither overflows.
            shifted = array - np.uint64(low) if array.dtype == np.uint64 else array.astype(np.int64) - low
            shifted = shifted.astype(np.int64, copy=False)
            is_there = np.zeros(high - low + 1, bool)
            is_there[shifted] = True
            found = np.flatnonzero(is_there)
            values = found + low if high < 2**63 else found.astype(np.uint64) + np.uint64(low)
            return values, shifted if len(found) == len(is_there) else (np.cumsum(is_there) - 1)[shifted]
    values, inverse = np.unique(array, return_inverse=True)
    return values, inverse.astype(np.int64, copy=False)


def noise_rows(array: NDArray[Any]) -> NDArray[np.bool_]:
    """(n,) which labels are -1; strings never are."""
    if array.dtype.kind not in "ifO":
        return np.zeros(len(array), bool)
    return np.asarray(array == NOISE, bool)


def from_codes(true: NDArray[np.int64], n_classes: int, pred: NDArray[np.int64], n_clusters: int) -> Contingency:
    # Both numbers are at most n, so the product fits an int64 for any n below 3e9.
    keys = np.sort(true * max(1, n_clusters) + pred)
    starts = np.flatnonzero(np.concatenate([np.ones(min(1, len(keys)), bool), keys[1:] != keys[:-1]]))
    classes, clusters = np.divmod(keys[starts], max(1, n_clusters))
    return Contingency(
        np.diff(starts, append=len(keys)).astype(np.int64),
        classes,
        clusters,
        np.bincount(true, minlength=n_classes).astype(np.int64),
        np.bincount(pred, minlength=n_clusters).astype(np.int64),
        len(true),
    )


def grouped(labels_true: Any, labels_pred: Any, noise: str) -> Grouped:
    """The table of two labellings, where -1 in ``labels_pred`` is treated as the policy says."""
    _check.choice(noise, "noise", NOISE_POLICIES)
    true, pred = label_pair(labels_true, labels_pred)
    is_noise = noise_rows(pred)
    n_noise = int(np.count_nonzero(is_noise))
    if noise == "drop" and n_noise:
        true, pred = true[~is_noise], pred[~is_noise]
    class_names, true_codes = coded(true)
    cluster_names, pred_codes = coded(pred)
    n_groups = len(cluster_names)
    noise_code = None
    if noise != "drop" and n_noise:
        rows = np.flatnonzero(is_noise)
        noise_code = int(pred_codes[rows[0]])
        if noise == "singletons":
            # The code of -1 itself stays with the first noise row: no empty group is left behind.
            pred_codes = pred_codes.copy()
            pred_codes[rows[1:]] = np.arange(n_groups, n_groups + n_noise - 1)
            n_groups += n_noise - 1
    table = from_codes(true_codes, len(class_names), pred_codes, n_groups)
    return Grouped(table, class_names, cluster_names, noise_code, n_noise)


def contingency(labels_true: Any, labels_pred: Any, noise: str = "cluster") -> Contingency:
    return grouped(labels_true, labels_pred, noise).table
