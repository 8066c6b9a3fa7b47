"""Agglomerative linkage and flat clusterings cut from it, in SciPy's format."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pyface import _check, _core, _memory, _threads
from pyface._typing import FloatArray, Labels
from pyface.kernels import linkage_matrix
from pyface.kernels.distance import METRICS, condensed_float64

METHODS = ("single", "complete", "average", "weighted", "ward", "centroid", "median")
# Their update formulas hold for Euclidean distances only.
EUCLIDEAN_METHODS = ("ward", "centroid", "median")
# Linkages that need no matrix of distances: means, spreads and sizes of clusters say it all.
FROM_VECTORS = {("average", "cosine"), ("average", "sqeuclidean"), ("ward", "euclidean")}

_INSTEAD = "average linkage by 'cosine' or 'sqeuclidean', and 'ward', need memory for the rows alone"


def linkage(
    X: FloatArray,
    method: str = "average",
    metric: str = "cosine",
    *,
    overwrite: bool = False,
    n_threads: int | None = None,
) -> NDArray[np.float64]:
    """Agglomerative clustering of the rows of ``X``: the whole tree.

    X : (n, d) float32, float64 or float16 vectors, n >= 1; or 1-D: the n (n - 1) / 2 condensed distances, not negative.
    method : "average", "single", "complete", "weighted", "ward", "centroid" or "median".
    metric : "cosine", "euclidean" or "sqeuclidean"; for 1-D ``X`` it is not used. The last three methods need
    "euclidean".
    overwrite : for 1-D ``X``: it may be used as scratch memory. Without it ``X`` is never written to.

    Returns Z (n - 1, 4) float64 in SciPy's format: row i merges clusters ``Z[i, 0] < Z[i, 1]`` at height ``Z[i, 2]``
    into cluster n + i of ``Z[i, 3]`` rows; heights do not decrease (centroid and median excepted). n = 1 gives (0, 4).

    "average" with "cosine" or "sqeuclidean", and "ward", work on means and spreads of clusters: O(n d) memory,
    O(n^2 d) time, all threads. The heights are exact averages over all pairs, in float64. Everything else builds the
    condensed distances, O(n^2) memory in float64, and merges in there. 1-D ``X`` is worked on in its own type: float32
    takes half the memory, float16 becomes float32.

    Ties: among equally close clusters the one with the smaller smallest row is chosen; SciPy may choose differently,
    and then both trees are valid. "single" on distances has SciPy's ties. No result depends on the number of threads.

    TypeError for other dtypes; ValueError for n = 0, NaN, infinity, a row of zeros under cosine, a wrong shape, or
    distances that overflow; MemoryError for condensed distances that the memory left cannot hold.
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
    if (method, metric) in FROM_VECTORS:
        return _core.linkage_from_vectors(x, method=method, metric=metric, n_threads=threads)
    n_bytes = 8 * (len(x) * (len(x) - 1) // 2)
    _memory.require(n_bytes, f"{method} linkage of {len(x):,} rows by {metric} distance", _INSTEAD)
    distances = condensed_float64(x, metric, threads)
    if not np.isfinite(distances.sum()) and not np.isfinite(distances).all():
        raise ValueError("X: distances are not finite numbers; scale the data")
    return linkage_matrix.from_condensed(distances, method, overwrite=True, n_threads=threads)


def cut(Z: NDArray[np.float64], *, n_clusters: int | None = None, height: float | None = None) -> Labels:
    """Flat clusters of a linkage matrix.

    Z : (n - 1, 4), SciPy's format; (0, 4) stands for one row. Give exactly one of:
    n_clusters : from 1 to n; the last ``n_clusters - 1`` merges are undone, so the number is exact even with ties.
    height : merges at <= height are applied, unless one below them is higher (as SciPy's ``fcluster`` does).

    Returns (n,) int64 labels, 0 .. number of clusters - 1, numbered by the smallest row of each cluster.

    TypeError for wrong types; ValueError if not exactly one is given or ``Z`` is not a linkage matrix.
    Time and memory O(n).
    """
    if not isinstance(Z, np.ndarray) or Z.dtype.kind not in "fiu":
        raise TypeError(f"Z must be a NumPy array of numbers, got {type(Z).__name__}")
    if Z.ndim != 2 or Z.shape[1] != 4:
        raise ValueError(f"Z must have shape (n - 1, 4), got shape {Z.shape}")
    if (n_clusters is None) == (height is None):
        raise ValueError("give exactly one of n_clusters and height")
    z = np.ascontiguousarray(Z, dtype=np.float64)
    if n_clusters is not None:
        n = len(z) + 1
        count = _check.integer(n_clusters, "n_clusters", minimum=1, maximum=n, why=", the number of rows")
        return _core.cut_by_count(z, n_merges=n - count)
    return _core.cut_by_height(z, height=_check.number(height, "height"))
