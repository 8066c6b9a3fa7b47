"""A picture of a tree. Matplotlib is loaded at the first call."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pyface import _check
from pyface.errors import require_extra
from pyface.kernels import tree as trees

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# SciPy draws by recursion, as deep as the tree, and more leaves than this cannot be told apart in a picture.
_MOST_LEAVES = 500
_ABOVE, _LINE = "black", "tab:red"


def plot_dendrogram(
    Z: NDArray[np.float64], *, threshold: float | None = None, n_leaves: int = 30, ax: Axes | None = None
) -> Axes:
    """Draw the top of a tree: its last merges, and where a threshold cuts it.

    Z : (n - 1, 4), SciPy's format, n >= 2. threshold : >= 0, a height: a dashed line, and what is merged at or below it
    in colours, one for each cluster in turn.
    n_leaves : from 2 to 500, how many clusters to begin with; the n_leaves - 1 highest merges are shown. A leaf that is
    a cluster of several rows says how many in parentheses, one that is a row says its number.
    ax : a Matplotlib Axes to draw into, or None for a new figure of ``matplotlib.pyplot``.

    Returns the Axes. Drawn by :func:`scipy.cluster.hierarchy.dendrogram` from the top merges alone, so that a million
    rows take as long as thirty, but for O(n) to check ``Z``.

    MissingExtraError without Matplotlib, which the extra ``plot`` brings. TypeError and ValueError as in
    :func:`cut_profile`; ValueError for n = 1, and for a tree whose heights go down (centroid and median linkage can).
    """
    line = None if threshold is None else _check.number(threshold, "threshold", minimum=0)
    most = _check.integer(n_leaves, "n_leaves", minimum=2, maximum=_MOST_LEAVES)
    tree = trees.inspect(Z)
    if tree.n < 2:
        raise ValueError("Z must have at least one merge to draw")
    down = np.flatnonzero(np.diff(tree.z[:, 2]) < 0)
    if down.size:
        raise ValueError(f"Z: row {down[0] + 1} merges below row {down[0]}; a tree with inversions cannot be drawn")
    require_extra("matplotlib", "plot")
    import matplotlib.pyplot as plt
    from scipy.cluster import hierarchy

    top, names = _top(tree, min(most, tree.n))
    if ax is None:
        _, ax = plt.subplots()
    with warnings.catch_warnings():
        # SciPy asks for an axis from 0 to the highest merge, which may be at 0 as well.
        warnings.filterwarnings("ignore", "Attempting to set identical low and high ylims", UserWarning)
        hierarchy.dendrogram(
            top,
            labels=names,
            # SciPy colours what is below this; what is merged exactly at the threshold belongs to it here.
            color_threshold=0.0 if line is None else float(np.nextafter(line, np.inf)),
            above_threshold_color=_ABOVE,
            ax=ax,
            leaf_rotation=90.0,
        )
    if line is not None:
        ax.axhline(line, color=_LINE, linestyle="--", linewidth=1)
    ax.set_ylim(bottom=0.0, top=1.05 * max(float(top[-1, 2]), line or 0.0) or 1.0)
    ax.set_ylabel("height")
    ax.set_xlabel(f"{len(names)} clusters of {tree.n:,} rows" if len(top) < len(tree.z) else "row")
    return ax


def _top(tree: trees.Tree, n_leaves: int) -> tuple[NDArray[np.float64], list[str]]:
    """The last ``n_leaves - 1`` merges as a linkage matrix of their own, and the names of its leaves."""
    n, first = tree.n, tree.n - n_leaves  # merges before ``first`` are not shown
    shown = tree.children[first:]
    leaves = np.sort(shown[shown < n + first])
    top = tree.z[first:].copy()
    top[:, :2] = np.where(shown < n + first, np.searchsorted(leaves, shown), shown - (n + first) + n_leaves)
    # Leaves count as one, as SciPy orders and checks what it draws.
    for row in range(len(top)):
        top[row, 3] = sum(1 if child < n_leaves else top[int(child) - n_leaves, 3] for child in top[row, :2])
    names = [str(leaf) if leaf < n else f"({tree.sizes[leaf - n]:,})" for leaf in leaves.tolist()]
    return top, names
