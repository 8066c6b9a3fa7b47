"""Silhouettes: from sums where distances are squares, from all distances where they are not."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check
from pyface.kernels import kmeans
from pyface.kernels.clustered import ClusteredRows
from pyface.metrics._contingency import labels as checked_labels
from pyface.metrics._rows import clustered_rows, same_length

# Bytes of distances at a time, and rows at least: all rows are packed anew for each block.
_BLOCK, _FEWEST_ROWS = 1 << 27, 64


def silhouette_samples(
    X: Any, labels: Any, *, metric: str = "euclidean", noise: str = "cluster", n_threads: int | None = None
) -> NDArray[np.float64]:
    """How much nearer each row is to its own cluster than to the next one (Rousseeuw 1987), (n,) float64 in [-1, 1].

    ``(b - a) / max(a, b)``: a = mean distance to the other rows of its cluster, b = the least of its mean distances to
    the rows of another. 0 for a row that is alone, and where both are 0. Equals scikit-learn's function of this name.

    X : (n, d) float32, float64 or float16. labels : (n,) all integers or all strings, making 2 to n - 1 clusters.
    metric : "euclidean", "cosine" or "sqeuclidean". noise : what -1 in ``labels`` means. "cluster" = a cluster like any
    other, as scikit-learn has it; "singletons" = each such row is a cluster of its own; "drop" = such rows are left out
    (the result is that of the others). n_threads : None = all usable CPUs.

    "cosine" and "sqeuclidean" need no distance of two rows: the mean squared distance of x to a cluster is its squared
    distance to the mean plus the cluster's variance, so that b is a search for the nearest of k centres. All in float64
    on the rows as given. Time O(n k d), most of it on codes of 8 or 16 bits; memory O(n + k d).
    "euclidean" takes all distances, block by block, in float64 for float64 rows, in float32 (1e-6 of each distance) for
    others. Time O(n^2 d); memory O(n d), and 128 MB or 64 rows of distances.

    TypeError for other types; ValueError for NaN, infinity, rows of zeros under "cosine", entries whose squares
    overflow, lengths that differ, another number of clusters.
    """
    rows = clustered_rows(X, labels, metric=metric, noise=noise, n_threads=n_threads)
    in_order = _from_distances(rows) if metric == "euclidean" else _from_sums(rows)
    result = np.empty(len(rows))
    result[rows.order] = in_order
    return result


def silhouette_score(
    X: Any,
    labels: Any,
    *,
    metric: str = "euclidean",
    sample_size: int | None = None,
    random_state: int = 0,
    noise: str = "cluster",
    n_threads: int | None = None,
) -> float:
    """Mean of :func:`silhouette_samples`, in [-1, 1], over all rows.

    sample_size : score only so many rows, drawn without replacement, against each other: an estimate, and a biased one,
    as clusters lose rows and the nearest other cluster may be lost. None = all rows. random_state : integer from 0 to
    2^32 - 1 that they are drawn with; scikit-learn's function of this name draws the same rows with it.

    Other arguments, errors and costs as in :func:`silhouette_samples`.
    """
    if sample_size is not None:
        x, given = _check.embeddings(X, "X"), checked_labels(labels, "labels")
        same_length(x, given)
        count = _check.integer(sample_size, "sample_size", minimum=3)
        seed = _check.integer(random_state, "random_state", minimum=0, maximum=2**32 - 1)
        drawn = np.random.RandomState(seed).permutation(len(x))[:count]  # scikit-learn's draw
        X, labels = x[drawn], given[drawn]
    return float(silhouette_samples(X, labels, metric=metric, noise=noise, n_threads=n_threads).mean())


def _from_sums(rows: ClusteredRows) -> NDArray[np.float64]:
    """Of squared Euclidean distances; those of unit vectors are twice the cosine distances, with the same quotients."""
    means, within = rows.moments()
    variances = np.add.reduceat(within, rows.starts) / rows.sizes
    other = rows.to_other_clusters(means, variances)
    sizes = rows.sizes[rows.codes]
    # The mean over a cluster counts the row itself, at a distance of 0.
    own = (within + variances[rows.codes]) * (sizes / np.maximum(sizes - 1, 1))
    return _silhouettes(own, other, sizes)


def _from_distances(rows: ClusteredRows) -> NDArray[np.float64]:
    x = rows.x[rows.order]
    own, other = np.empty(len(x)), np.empty(len(x))
    step = max(_FEWEST_ROWS, _BLOCK // (x.itemsize * len(x)))
    for begin in range(0, len(x), step):
        places = slice(begin, min(begin + step, len(x)))
        distances = kmeans.distances_to_centers(x[places], x, n_threads=rows.n_threads)
        sums = np.add.reduceat(distances, rows.starts, axis=1, dtype=np.float64)
        row, code = np.arange(len(sums)), rows.codes[places]
        own[places] = sums[row, code] / np.maximum(rows.sizes[code] - 1, 1)
        sums /= rows.sizes
        sums[row, code] = np.inf
        other[places] = sums.min(axis=1)
    return _silhouettes(own, other, rows.sizes[rows.codes])


def _silhouettes(own: NDArray[np.float64], other: NDArray[np.float64], sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    larger = np.maximum(own, other)
    is_defined = (sizes > 1) & (larger > 0)
    return np.where(is_defined, (other - own) / np.where(is_defined, larger, 1.0), 0.0)
