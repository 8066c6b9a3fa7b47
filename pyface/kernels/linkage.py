"""Agglomerative linkage and flat clusterings cut from it, in SciPy's format."""

from __future__ import annotations

import logging
import math
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check, _core, _memory, _threads
from pyface._typing import FloatArray, Labels
from pyface.kernels import linkage_matrix
from pyface.kernels.distance import METRICS, condensed_float32, condensed_float64
from pyface.kernels.link_groups import CannotLinks, Groups, sets_of
from pyface.kernels.origin import common_origin
from pyface.kernels.tree import checked_matrix, naming_the_row

logger = logging.getLogger(__name__)

METHODS = ("single", "complete", "average", "weighted", "ward", "centroid", "median")
# Their update formulas hold for Euclidean distances only.
EUCLIDEAN_METHODS = ("ward", "centroid", "median")
# Linkages that need no matrix of distances: means, spreads and sizes of clusters say it all.
FROM_MEANS = {
    ("average", "cosine"),
    ("average", "sqeuclidean"),
    ("weighted", "cosine"),
    ("weighted", "sqeuclidean"),
    ("ward", "euclidean"),
}

_INSTEAD = (
    "single linkage, average and weighted linkage by 'cosine' or 'sqeuclidean', and 'ward' need memory for the rows "
    "alone; AgglomerativeClustering with a distance_threshold needs little for single, complete, average and weighted"
)


def linkage(
    X: FloatArray,
    method: str = "average",
    metric: str = "cosine",
    *,
    overwrite: bool = False,
    n_threads: int | None = None,
) -> NDArray[np.float64]:
    """Agglomerative clustering of the rows of ``X``: the whole tree.

    X : (n, d) float32, float64 or float16 vectors, n >= 1; or 1-D: the n (n - 1) / 2 condensed distances.
    method : "average", "single", "complete", "weighted", "ward", "centroid" or "median".
    metric : "cosine", "euclidean" or "sqeuclidean"; for 1-D ``X`` it is not used. The last three methods need
    "euclidean".
    overwrite : for 1-D ``X``: it may be used as scratch memory. Without it ``X`` is never written to.

    Returns Z (n - 1, 4) float64 in SciPy's format: row i merges clusters ``Z[i, 0] < Z[i, 1]`` at height ``Z[i, 2]``
    into cluster n + i of ``Z[i, 3]`` rows; heights do not decrease (centroid and median excepted). n = 1 gives (0, 4).

    From vectors, on all threads, in O(n d) memory: "average" and "weighted" with "cosine" or "sqeuclidean", "ward", and
    "single" (of up to 8,192 rows in tight groups it takes n^2 numbers of float32). Heights are those of float64
    arithmetic on the rows as given. Time O(n^2 d) operations on codes of 8 bits (16 where the processor has no
    instruction for them), and a few distances of each row in float64; more where clusters must be searched for often.
    Everything else takes the condensed distances: in float64, or in float32 (an error of up to 1e-6) where those would
    not fit into the memory that is left.

    1-D ``X`` is worked on in its own type: float32 takes half the memory, float16 becomes float32. Distances below 0,
    as ``1 - X @ X.T`` has them for equal rows, are closer than 0, as in SciPy; "ward", "centroid" and "median" take
    them for 0, down to 2^-16 of the largest, and refuse others.

    Ties: equal rows first; among equally close clusters the one with the smaller smallest row. SciPy may choose
    differently, and then both trees are valid. "single" on distances has SciPy's ties. No result depends on the number
    of threads.

    TypeError for other dtypes; ValueError for n = 0, NaN, infinity, a row of zeros under cosine, a wrong shape, or
    distances that overflow; MemoryError for condensed distances that the memory left cannot hold. UserWarning if ``X``
    looks like a square matrix of distances.
    How: `docs/how-it-works/linkage-by-sums.md`, `docs/how-it-works/linkage-by-matrix.md`.
    """
    _check.choice(method, "method", METHODS)
    threads = _threads.resolve(n_threads)
    if isinstance(X, np.ndarray) and X.ndim == 1:
        return linkage_matrix.from_condensed(X, method, overwrite=overwrite, n_threads=threads)
    _check.choice(metric, "metric", METRICS)
    if method in EUCLIDEAN_METHODS and metric != "euclidean":
        raise ValueError(f"metric must be 'euclidean' for method={method!r}, got {metric!r}")
    x = _check.embeddings(X, "X", nonzero=metric == "cosine")
    if len(x) == 0:
        raise ValueError(f"X must have at least one row, got shape {x.shape}")
    if looks_like_distances(x):
        warnings.warn(
            "X looks like a square matrix of distances, but its rows are taken as vectors; pass "
            "scipy.spatial.distance.squareform(X), or metric='precomputed' to AgglomerativeClustering",
            UserWarning,
            stacklevel=2,
        )
    return tree(x, method, metric, n_threads=threads)


def tree(
    x: FloatArray,
    method: str,
    metric: str,
    *,
    height_limit: float = math.inf,
    cannot_link: CannotLinks | None = None,
    must_link: Groups = None,
    n_threads: int,
) -> NDArray[np.float64]:
    """All merges strictly below ``height_limit``: those of :func:`linkage`, or a forest. ``x`` has been checked.

    must_link : (n,) group numbers, -1 = none, or None. Merges of must-links come first, at height 0.
    """
    n = len(x)
    if (method, metric) in FROM_MEANS:
        joints = _core.joints_from_vectors(
            x, method=method, metric=metric, height_limit=height_limit,
            origin=None if metric == "cosine" else common_origin(x), cannot_link=sets_of(cannot_link),
            must_link=must_link, n_threads=n_threads,
        )  # fmt: skip
        return _core.tree_of_joints(*joints, n)
    if method == "single" and cannot_link is None:
        edges = _core.spanning_edges(x, metric=metric, height_limit=height_limit, n_threads=n_threads)
        joints = _core.joints_of_components(
            x, np.arange(n, dtype=np.int32), edges, method=method, metric=metric, threshold=height_limit,
            memory_limit=-1, cannot_link=None, must_link=must_link, n_threads=n_threads,
        )  # fmt: skip
        return _core.tree_of_joints(*joints, n)
    return linkage_matrix.from_condensed(
        _distances(x, method, metric, n_threads), method, overwrite=True, n_threads=n_threads, stop=height_limit,
        must_link_groups=must_link, cannot_link_groups=None if cannot_link is None else cannot_link.groups,
        cannot_link=None if cannot_link is None else cannot_link.pairs,
    )  # fmt: skip


def looks_like_distances(x: FloatArray) -> bool:
    """Whether the rows are a square matrix, symmetric, not negative, zero on its diagonal: distances, most likely."""
    n = len(x)
    if n < 3 or x.shape != (n, n) or x.diagonal().any() or not np.array_equal(x[0], x[:, 0]):
        return False
    return bool((x >= 0).all() and np.array_equal(x, x.T))


def _distances(x: FloatArray, method: str, metric: str, n_threads: int) -> NDArray[Any]:
    """The condensed distances of all pairs, in float64 or, where that does not fit, in float32."""
    n_pairs = len(x) * (len(x) - 1) // 2
    free = _memory.limit(8 * n_pairs)
    if 0 <= free < 8 * n_pairs:
        _memory.require(
            4 * n_pairs, f"{method} linkage of {len(x):,} rows by {metric} distance, even in float32,", _INSTEAD
        )
        logger.info("distances of %d rows are kept in float32, since float64 would not fit into memory", len(x))
        distances: NDArray[Any] = condensed_float32(x, metric, n_threads)
    else:
        distances = condensed_float64(x, metric, n_threads)
    if not np.isfinite(distances.sum(dtype=np.float64)) and not np.isfinite(distances).all():
        raise ValueError("X: distances are not finite numbers; scale the data")
    return distances


def cut(Z: NDArray[np.float64], *, n_clusters: int | None = None, height: float | None = None) -> Labels:
    """Flat clusters of a linkage matrix.

    Z : (n - 1, 4), SciPy's format; (0, 4) stands for one row. Heights of at least 0, counts of at most n.
    Give exactly one of:
    n_clusters : from 1 to n; the last ``n_clusters - 1`` merges are undone, so the number is exact even with ties.
    height : >= 0; merges at <= height are applied, unless one below them is higher (as SciPy's ``fcluster`` does).

    Returns (n,) int64 labels, 0 .. number of clusters - 1, numbered by the smallest row of each cluster.

    TypeError for wrong types; ValueError if not exactly one is given or ``Z`` is not a linkage matrix.
    Time and memory O(n).
    """
    z = checked_matrix(Z)
    if (n_clusters is None) == (height is None):
        raise ValueError("give exactly one of n_clusters and height")
    if n_clusters is not None:
        n = len(z) + 1
        count = _check.integer(n_clusters, "n_clusters", minimum=1, maximum=n, why=", the number of rows")
        with naming_the_row(z):
            return _core.cut_by_count(z, n_merges=n - count)
    lowest = _check.number(height, "height", minimum=0)
    with naming_the_row(z):
        return _core.cut_by_height(z, height=lowest)
