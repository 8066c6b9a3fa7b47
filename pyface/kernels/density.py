"""DBSCAN on vectors or on a ready neighbourhood graph. Numba is loaded at the first call."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _core
from pyface._typing import FloatArray, Labels


def dbscan(
    x: FloatArray,
    radius: float,
    min_samples: int,
    *,
    metric: str,
    weights: NDArray[np.float64] | None,
    n_threads: int,
) -> tuple[Labels, NDArray[np.bool_]]:
    """DBSCAN of the rows of ``x``: ``(labels, is_core)``.

    x : (n, d) float32 or float64, C order, finite. weights : (n,) or None for ones.
    metric : "cosine", "euclidean" or "sqeuclidean"; under cosine a row of zeros is at distance 1 from every other row.
    A row is a neighbour at a distance <= radius, decided in float64, and it is its own neighbour.

    labels : (n,) int64, -1 = noise, clusters numbered by smallest core row. Memory O(pairs within the radius).
    """
    rows = np.require(x, requirements=["C", "A"])  # scikit-learn's checks let views through that are not aligned
    indptr, indices, _ = _core.within_radius(rows, None, metric=metric, radius=radius, n_threads=n_threads)
    return dbscan_graph(indptr, indices, min_samples, weights)


def dbscan_graph(
    indptr: NDArray[Any], indices: NDArray[Any], min_samples: int, weights: NDArray[np.float64] | None
) -> tuple[Labels, NDArray[np.bool_]]:
    """DBSCAN on a graph: ``(labels, is_core)``.

    Row i's neighbours are ``indices[indptr[i]:indptr[i + 1]]``, itself among them. The graph need not be symmetric.
    Time O(n + entries).
    """
    from pyface._numba import dbscan as jit

    starts = np.ascontiguousarray(indptr, dtype=np.int64)
    others = np.ascontiguousarray(indices, dtype=np.int32)
    if weights is None:
        is_core = np.diff(starts) >= min_samples
    else:
        is_core = jit.neighborhood_weights(starts, others, np.ascontiguousarray(weights, np.float64)) >= min_samples
    return jit.label(starts, others, is_core), is_core
