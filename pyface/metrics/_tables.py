"""Where the errors are: one row per predicted cluster, one per true identity, the worst first."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check
from pyface.metrics._contingency import Contingency, Grouped, grouped


class _Table:
    """Arrays of one length, a column each."""

    __slots__ = ()

    def __len__(self) -> int:
        first: NDArray[Any] = getattr(self, fields(self)[0].name)  # type: ignore[arg-type]
        return len(first)

    def records(self) -> list[dict[str, Any]]:
        """One dictionary a row, of Python's own numbers and strings: what a CSV writer or pandas takes."""
        names = [field.name for field in fields(self)]  # type: ignore[arg-type]
        columns = [getattr(self, name).tolist() for name in names]
        return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


@dataclass(frozen=True, slots=True, eq=False)
class ClusterTable(_Table):
    """Predicted clusters, one entry each; noise is left out unless it is a cluster.

    labels : (k,) what the cluster is called. sizes : rows in it. n_identities : classes among them. main_identity : the
    class with most rows, of equal ones the first in order. n_main : rows of that class. n_others : rows of others,
    ``size - n_main``. precision : BCubed precision of its rows, ``sum_i n_ij^2 / b_j^2``, in (0, 1].
    """

    labels: NDArray[Any]
    sizes: NDArray[np.int64]
    n_identities: NDArray[np.int64]
    main_identity: NDArray[Any]
    n_main: NDArray[np.int64]
    n_others: NDArray[np.int64]
    precision: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class IdentityTable(_Table):
    """True identities, one entry each.

    labels : (c,) the class. sizes : rows of it. n_clusters : clusters that they are in; a noise row is one of its own
    where noise is taken so. main_cluster : the cluster with most of them, of equal ones the first in order, noise last;
    -1 if that is noise. n_main : rows there. n_elsewhere : rows in other clusters, ``size - n_main``. n_noise : rows in
    noise. recall : BCubed recall of its rows, ``sum_j n_ij^2 / a_i^2``, in (0, 1].
    """

    labels: NDArray[Any]
    sizes: NDArray[np.int64]
    n_clusters: NDArray[np.int64]
    main_cluster: NDArray[Any]
    n_main: NDArray[np.int64]
    n_elsewhere: NDArray[np.int64]
    n_noise: NDArray[np.int64]
    recall: NDArray[np.float64]


def _largest(
    groups: NDArray[np.int64], others: NDArray[np.int64], cells: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each group (none is empty) its largest cell and which other group that is shared with; the lower if equal."""
    order = np.lexsort((others, -cells, groups))
    first = order[np.flatnonzero(np.diff(groups[order], prepend=-1))]
    return cells[first], others[first]


def _share_squared(table: Contingency, groups: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    squares = np.bincount(groups, (table.cells / sizes[groups]) ** 2, len(sizes))
    return np.minimum(squares, 1.0)


def _worst_first(n_wrong: NDArray[np.int64], n_parts: NDArray[np.int64], n_worst: int | None) -> NDArray[np.intp]:
    # Stable: of equally bad ones the first in the order of labels comes first.
    return np.lexsort((-n_parts, -n_wrong))[:n_worst]


def _checked(n_worst: Any) -> int | None:
    return None if n_worst is None else _check.integer(n_worst, "n_worst", minimum=0)


def cluster_table(
    labels_true: Any, labels_pred: Any, *, noise: str = "singletons", n_worst: int | None = None
) -> ClusterTable:
    """Predicted clusters, the worst mixed first: by rows that are not of the main identity, then by identities.

    labels_true, labels_pred : (n,) all integers or all strings. noise : "singletons" and "drop" leave rows labelled -1
    in ``labels_pred`` out; "cluster" takes them for one cluster. n_worst : keep the first so many; None = all.

    Clusters with equally many errors stay in the order of their labels. Errors as in
    :func:`pyface.metrics.purity_score`. O(n log n) time, O(n) memory.
    """
    count = _checked(n_worst)
    groups = grouped(labels_true, labels_pred, noise)
    table = groups.table
    n_main, main = _largest(table.clusters, table.classes, table.cells)
    n_identities = np.bincount(table.clusters, minlength=len(table.cluster_sizes))
    keep = np.arange(len(groups.cluster_names))
    if noise != "cluster":
        keep = keep[~groups.is_noise_cluster()[: len(keep)]]
    wrong = table.cluster_sizes - n_main
    keep = keep[_worst_first(wrong[keep], n_identities[keep], count)]
    return ClusterTable(
        labels=groups.cluster_names[keep],
        sizes=table.cluster_sizes[keep],
        n_identities=n_identities[keep],
        main_identity=groups.class_names[main[keep]],
        n_main=n_main[keep],
        n_others=wrong[keep],
        precision=_share_squared(table, table.clusters, table.cluster_sizes)[keep],
    )


def identity_table(
    labels_true: Any, labels_pred: Any, *, noise: str = "singletons", n_worst: int | None = None
) -> IdentityTable:
    """True identities, the most split first: by rows outside the main cluster, then by clusters.

    labels_true, labels_pred : (n,) all integers or all strings. noise : what -1 in ``labels_pred`` means, as in
    :func:`pyface.metrics.purity_score`; with "drop" identities without other rows are left out. n_worst : keep the
    first so many; None = all.

    Identities with equally many errors stay in the order of their labels. Errors as in
    :func:`pyface.metrics.purity_score`. O(n log n) time, O(n) memory.
    """
    count = _checked(n_worst)
    groups = grouped(labels_true, labels_pred, noise)
    table = groups.table
    is_noise = groups.is_noise_cluster()
    # Noise comes last among equals: a cluster says more about an identity than a row that is alone.
    n_main, main = _largest(table.classes, table.clusters + is_noise[table.clusters] * len(is_noise), table.cells)
    n_clusters = np.bincount(table.classes, minlength=len(table.class_sizes))
    n_noise = np.bincount(table.classes, table.cells * is_noise[table.clusters], len(table.class_sizes))
    wrong = table.class_sizes - n_main
    keep = _worst_first(wrong, n_clusters, count)
    return IdentityTable(
        labels=groups.class_names[keep],
        sizes=table.class_sizes[keep],
        n_clusters=n_clusters[keep],
        main_cluster=_names(groups, main[keep]),
        n_main=n_main[keep],
        n_elsewhere=wrong[keep],
        n_noise=n_noise[keep].astype(np.int64),
        recall=_share_squared(table, table.classes, table.class_sizes)[keep],
    )


def _names(groups: Grouped, clusters: NDArray[np.int64]) -> NDArray[Any]:
    """What clusters are called; numbers from the number of clusters on are noise."""
    if groups.noise_code is not None:
        clusters = np.where(clusters < len(groups.table.cluster_sizes), clusters, groups.noise_code)
    return groups.cluster_names[clusters]
