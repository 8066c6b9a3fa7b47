"""The sparse contingency table that every measure is computed from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Contingency:
    """Non-empty cells of the table of true classes against predicted clusters; all counts are int64.

    cells : (c,) rows that share a class and a cluster. classes, clusters : (c,) which class and cluster that is.
    class_sizes, cluster_sizes : rows per class and per cluster. n : rows.
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


def labels(value: Any, name: str) -> NDArray[Any]:
    """A 1-D array of labels that can be sorted."""
    array = np.asarray(value)
    if array.ndim != 1:
        raise ValueError(f"{name} must be one-dimensional, got shape {array.shape}")
    if array.size == 0:
        return array.astype(np.int64)
    # NaN alone differs from itself; in an array of objects too, where sorting would not even notice it.
    nan = np.flatnonzero(np.not_equal(array, array)) if array.dtype.kind in "fO" else np.empty(0)
    if nan.size:
        raise ValueError(f"{name}: entry {nan[0]} is nan; labels must be integers or strings")
    if array.dtype.kind not in "biufUSO":
        raise TypeError(f"{name} must be integers or strings, got an array of {array.dtype}")
    return array


def label_pair(labels_true: Any, labels_pred: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    true, pred = labels(labels_true, "labels_true"), labels(labels_pred, "labels_pred")
    if len(true) != len(pred):
        raise ValueError(f"labels_true and labels_pred must have the same length, got {len(true)} and {len(pred)}")
    return true, pred


def codes(array: NDArray[Any], name: str) -> tuple[NDArray[np.int64], int]:
    """Labels as numbers 0 .. k-1, and k."""
    try:
        values, inverse = np.unique(array, return_inverse=True)
    except TypeError:
        raise TypeError(f"{name} must be all integers or all strings, not a mixture") from None
    return inverse.astype(np.int64, copy=False), len(values)


def from_codes(true: NDArray[np.int64], n_classes: int, pred: NDArray[np.int64], n_clusters: int) -> Contingency:
    # Both numbers are at most n, so the product fits an int64 for any n below 3e9.
    cells, counts = np.unique(true * max(1, n_clusters) + pred, return_counts=True)
    classes, clusters = np.divmod(cells, max(1, n_clusters))
    return Contingency(
        counts.astype(np.int64),
        classes,
        clusters,
        np.bincount(true, minlength=n_classes).astype(np.int64),
        np.bincount(pred, minlength=n_clusters).astype(np.int64),
        len(true),
    )


def contingency(labels_true: Any, labels_pred: Any) -> Contingency:
    true, pred = label_pair(labels_true, labels_pred)
    return from_codes(*codes(true, "labels_true"), *codes(pred, "labels_pred"))
