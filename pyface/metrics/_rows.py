"""What scores without the truth take: rows of vectors and the cluster of each, checked."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check, _threads
from pyface.kernels import kmeans
from pyface.kernels.clustered import ClusteredRows, usable_rows
from pyface.metrics._contingency import NOISE_POLICIES, coded, labels, noise_rows

METRICS = ("cosine", "euclidean", "sqeuclidean")


def squared_lengths(x: NDArray[np.float64]) -> NDArray[np.float64]:
    result: NDArray[np.float64] = np.einsum("ij,ij->i", x, x)
    return result


def same_length(x: NDArray[Any], given: NDArray[Any]) -> None:
    if len(x) != len(given):
        raise ValueError(f"X and labels must have the same length, got {len(x)} and {len(given)}")


def clustered_rows(X: Any, y: Any, *, metric: str, noise: str, n_threads: int | None = None) -> ClusteredRows:
    """Checked rows by cluster under a noise policy, of unit length under "cosine".

    TypeError and ValueError for what cannot be scored: other types and shapes, NaN, infinity, rows of zeros under
    "cosine", lengths that differ, fewer than 2 clusters or as many as rows.
    """
    threads = _threads.resolve(n_threads)
    _check.choice(metric, "metric", METRICS)
    _check.choice(noise, "noise", NOISE_POLICIES)
    x = usable_rows(X, nonzero=metric == "cosine", n_threads=threads)
    given = labels(y, "labels")
    same_length(x, given)
    is_noise = noise_rows(given)
    if noise == "drop" and is_noise.any():
        x, given = x[~is_noise], given[~is_noise]
    names, codes = coded(given)
    n_clusters = len(names)
    if noise == "singletons":
        alone = np.flatnonzero(is_noise)[1:]
        codes = codes.copy()
        codes[alone] = np.arange(n_clusters, n_clusters + len(alone))
        n_clusters += len(alone)
    if not 2 <= n_clusters < len(x):
        raise ValueError(
            f"labels must make at least 2 clusters, and fewer than the {len(x)} rows that are scored, got {n_clusters}"
        )
    if metric != "cosine":
        kmeans.refuse_extremes(x, "X", small=False)
    return ClusteredRows(x, codes, n_clusters, unit=metric == "cosine", n_threads=threads)
