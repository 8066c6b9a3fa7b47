"""Scores without the truth that need centres only: Calinski-Harabasz and Davies-Bouldin."""

from __future__ import annotations

from typing import Any

import numpy as np

from pyface.kernels import kmeans
from pyface.metrics._rows import clustered_rows, squared_lengths

# Below this scikit-learn takes distances for 0.
_NO_DISTANCE = 1e-8
_BLOCK = 1 << 26


def calinski_harabasz_score(X: Any, labels: Any, *, noise: str = "cluster", n_threads: int | None = None) -> float:
    """Variance between clusters over that within them (Calinski and Harabasz 1974); larger is better.

    ``(sum_j b_j |m_j - m|^2 / (k - 1)) / (sum_i |x_i - m_j(i)|^2 / (n - k))``; 1.0 if nothing varies within clusters.
    Equals scikit-learn's function of this name but for rounding, computed in float64.

    X : (n, d) float32, float64 or float16. labels : (n,) all integers or all strings, making 2 to n - 1 clusters.
    noise : what -1 in ``labels`` means. "cluster" = a cluster like any other, as scikit-learn has it; "singletons" =
    each such row is a cluster of its own; "drop" = such rows are left out. n_threads : None = all usable CPUs.

    TypeError for other types; ValueError for NaN, infinity, entries whose squares overflow, lengths that differ, and
    another number of clusters. Time O(n d), memory O(k d) and 1 MB a thread.
    """
    rows = clustered_rows(X, labels, metric="euclidean", noise=noise, n_threads=n_threads)
    means, squares = rows.moments()
    within = float(squares.sum())
    if within == 0.0:
        return 1.0
    mean = rows.sizes @ means / len(rows)
    between = float(rows.sizes @ squared_lengths(means - mean))
    return between * (len(rows) - rows.n_clusters) / (within * (rows.n_clusters - 1))


def davies_bouldin_score(X: Any, labels: Any, *, noise: str = "cluster", n_threads: int | None = None) -> float:
    """Mean over clusters of the likeness to the most alike other one (Davies and Bouldin 1979); smaller is better.

    Likeness is ``(s_i + s_j) / |m_i - m_j|``, where s is the mean Euclidean distance of a cluster's rows to its mean m.
    0.0 if all s, or all distances of means, are 0 within 1e-8; clusters with equal means have no likeness. In all this
    it equals scikit-learn's function of this name but for rounding, computed in float64.

    Arguments and errors as in :func:`calinski_harabasz_score`. Time O(n d + k^2 d), memory O(k d) and
    64 MB at most: no k x k table is made.
    """
    rows = clustered_rows(X, labels, metric="euclidean", noise=noise, n_threads=n_threads)
    means, squares = rows.moments()
    spread = np.add.reduceat(np.sqrt(squares), rows.starts) / rows.sizes
    if spread.max() <= _NO_DISTANCE:
        return 0.0
    step = max(1, _BLOCK // (8 * rows.n_clusters))
    farthest, total = 0.0, 0.0
    for begin in range(0, rows.n_clusters, step):
        part = slice(begin, begin + step)
        distances = kmeans.distances_to_centers(means[part], means, n_threads=rows.n_threads)
        farthest = max(farthest, float(distances.max()))
        distances[distances == 0] = np.inf
        total += float(((spread[part, None] + spread) / distances).max(axis=1).sum())
    return total / rows.n_clusters if farthest > _NO_DISTANCE else 0.0
