"""What a linkage matrix tells without the rows it was made from: its clusters, and how its cuts agree with classes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _core
from pyface._typing import Labels


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """A linkage matrix that has been looked through, and the cluster that each of its n - 1 merges makes.

    z : (n - 1, 4) float64, SciPy's format. children : (n - 1, 2), the two clusters of each merge.
    heights : (n - 1,), from which height on a cut holds the cluster: that of the merge, or of a higher one below it.
    sizes, first_rows : (n - 1,), how many rows the cluster has, and the smallest of them.
    order : (n - 1,), the merges by increasing height, those of equal height as they come; each after those below it.
    """

    z: NDArray[np.float64]
    children: NDArray[np.int64]
    heights: NDArray[np.float64]
    sizes: NDArray[np.int64]
    first_rows: NDArray[np.int64]
    order: NDArray[np.int64]

    @property
    def n(self) -> int:
        """Rows."""
        return len(self.z) + 1

    def cuts(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """All cuts at heights of 0 and above: ``(heights, n_merges)``, (c,) each, c >= 1.

        A cut at a height in [heights[i], heights[i + 1]) applies the first ``n_merges[i]`` merges of ``order``. The
        first height is 0, the others are those of merges.
        """
        heights = np.concatenate([[0.0], self.heights[self.order]])
        is_last = np.append(heights[1:] > heights[:-1], True)
        return heights[is_last], np.flatnonzero(is_last)


def checked_matrix(Z: Any) -> NDArray[np.float64]:
    """``Z`` as (n - 1, 4) float64 in C order, SciPy's format; which clusters merge is left to the kernels to check.

    TypeError for anything but an array of numbers; ValueError for another shape, for a height that is negative or not
    finite, for a count of more rows than there are.
    """
    if not isinstance(Z, np.ndarray) or Z.dtype.kind not in "fiu":
        raise TypeError(f"Z must be a NumPy array of numbers, got {type(Z).__name__}")
    if Z.ndim != 2 or Z.shape[1] != 4:
        raise ValueError(f"Z must have shape (n - 1, 4), got shape {Z.shape}")
    z = np.require(Z, np.float64, ("C", "A"))
    bad = np.flatnonzero(~(np.isfinite(z[:, 2]) & (z[:, 2] >= 0)))
    if bad.size:
        height = z[bad[0], 2]
        way_out = "; give linkage np.maximum(distances, 0)" if height < 0 else ""
        raise ValueError(
            f"Z: row {bad[0]} merges at the height {height}; heights must be finite and not negative{way_out}"
        )
    n = len(z) + 1
    bad = np.flatnonzero(~((z[:, 3] >= 0) & (z[:, 3] <= n)))
    if bad.size:
        raise ValueError(f"Z: row {bad[0]} has a count of {z[bad[0], 3]:g}; it must be that of its rows, at most {n}")
    return z


@contextlib.contextmanager
def naming_the_row(z: NDArray[np.float64]) -> Iterator[None]:
    """Around kernels that refuse what is no tree: the row that they stumbled over is looked for when they do."""
    try:
        yield
    except ValueError as error:
        raise ValueError(_first_wrong_merge(z) or str(error)) from None


def _first_wrong_merge(z: NDArray[np.float64]) -> str | None:
    merged_by: dict[float, int] = {}
    for row, children in enumerate(z[:, :2].tolist()):
        for cluster in children:
            merges = f"Z: row {row} merges the cluster {cluster:.17g}, which"
            if not 0 <= cluster <= len(z) + row:  # also NaN
                return f"{merges} does not exist yet; there are 0 to {len(z) + row} before that row"
            if not cluster.is_integer():
                return f"{merges} cannot be; clusters have whole numbers"
            if cluster in merged_by:
                return f"{merges} is merged twice: row {merged_by[cluster]} did so before"
            merged_by[cluster] = row
    return None


def inspect(Z: Any) -> Tree:
    """The tree of a linkage matrix (n - 1, 4) in SciPy's format. O(n) time if it is sorted by height, as they are.

    TypeError and ValueError as :func:`checked_matrix`; ValueError for clusters that do not exist or are merged twice.
    """
    z = checked_matrix(Z)
    with naming_the_row(z):
        heights, sizes, first_rows = _core.tree_clusters(z)
    order = np.argsort(heights, kind="stable").astype(np.int64, copy=False)
    return Tree(z, z[:, :2].astype(np.int64), heights, sizes, first_rows, order)


def bcubed_by_merge(
    tree: Tree, classes: Labels, *, others_count: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """BCubed precision and recall of the rows that have a class, (n,) each: entry k is after k merges of ``order``.

    classes : (n,) int64, from 0 to less than n, or -1 for a row that is not scored; one at least has a class.
    others_count : whether rows that are not scored are others who make clusters impure. If not, nothing is known of
    them, and they do not count.
    O(n log n) time, O(n) memory. How: docs/how-it-works/trees.md.
    """
    n_classes = int(classes.max(initial=0)) + 1
    return _core.bcubed_by_merge(tree.z, classes, tree.order, n_classes=n_classes, others_count=others_count)
