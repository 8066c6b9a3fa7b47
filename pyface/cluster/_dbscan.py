"""DBSCAN as a scikit-learn estimator."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils.validation import _check_sample_weight, validate_data

from pyface import _check, _threads
from pyface.cluster import _params
from pyface.cluster._base import Clusterer
from pyface.kernels import density


class DBSCAN(Clusterer):
    """DBSCAN, label for label as :class:`sklearn.cluster.DBSCAN` on ``X.astype(float64)``.

    eps : > 0, radius of a neighbourhood, inclusive, in the units of ``metric``.
    min_samples : >= 1, neighbours (the row itself among them), or their total weight, that make a row a core row.
    metric : "euclidean", "cosine", "sqeuclidean" or "precomputed" (X is then a (n, n) matrix of distances, or a sparse
    one whose missing entries are out of reach). Under cosine a row of zeros is at distance 1 from every other row.
    algorithm, leaf_size, n_jobs : accepted, without effect. PYFACE_NUM_THREADS sets the number of threads.
    metric_params, p : must be None.

    After fit: ``labels_`` (n,) int64, -1 = noise, clusters numbered by their smallest core row, a border row in the
    first cluster that reaches it; ``core_sample_indices_``; ``components_``, a copy of the core rows;
    ``n_features_in_``.

    Distances are computed in float64 on the rows as given: scikit-learn's own float32 path may differ for a pair
    within 1e-6 of eps. Time O(n^2 d / threads), memory O(pairs within eps).
    """

    def __init__(
        self,
        eps: float = 0.5,
        *,
        min_samples: int = 5,
        metric: str = "euclidean",
        metric_params: dict[str, Any] | None = None,
        algorithm: str = "auto",
        leaf_size: int = 30,
        p: float | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.eps = eps
        self.min_samples = min_samples
        self.metric = metric
        self.metric_params = metric_params
        self.algorithm = algorithm
        self.leaf_size = leaf_size
        self.p = p
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> DBSCAN:
        """Cluster the rows of ``X``, (n, d), or the distances ``X``, (n, n), if ``metric="precomputed"``.

        sample_weight : (n,) numbers; a row whose weight alone reaches ``min_samples`` is a core row, a negative weight
        may keep its neighbours from being one. ``y`` is ignored. ValueError for n = 0, NaN, infinity, bad parameters.
        """
        eps = _check.number(self.eps, "eps", above=0)
        min_samples = _check.integer(self.min_samples, "min_samples", minimum=1)
        metric = _params.one_of(self.metric, "metric", _params.METRICS)
        _params.one_of(self.algorithm, "algorithm", ("auto", "ball_tree", "kd_tree", "brute"))
        _params.unsupported(self.metric_params, "metric_params", "no metric here has parameters")
        _params.unsupported(self.p, "p", "Minkowski distances are not offered")
        precomputed = metric == "precomputed"
        x = validate_data(
            self, X, accept_sparse="csr" if precomputed else False, dtype=[np.float64, np.float32], order="C"
        )
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, x, dtype=np.float64)
        if precomputed:
            labels, is_core = density.dbscan_graph(*_graph_within(x, eps), min_samples, weights)
        else:
            labels, is_core = density.dbscan(
                x, eps, min_samples, metric=metric, weights=weights, n_threads=_threads.resolve(None)
            )
        self.labels_ = labels
        self.core_sample_indices_ = np.flatnonzero(is_core)
        self.components_ = x[self.core_sample_indices_].copy()
        return self

    def fit_predict(self, X: Any, y: Any = None, sample_weight: Any = None) -> NDArray[np.int64]:
        """Cluster as :meth:`fit` does and return ``labels_``."""
        return self.fit(X, sample_weight=sample_weight).labels_


def _graph_within(distances: Any, eps: float) -> tuple[NDArray[Any], NDArray[Any]]:
    """Neighbours of each row of a matrix of distances: ``(indptr, indices)``."""
    n, n_columns = distances.shape
    if n != n_columns:
        raise ValueError(f"Precomputed distances must be a square matrix, got shape {distances.shape}")
    if sparse.issparse(distances):
        # Missing entries are out of reach, except on the diagonal: a row is its own neighbour.
        table = sparse.coo_array(distances)
        off_diagonal = (table.row != table.col) & (table.data <= eps)
        on_diagonal = np.flatnonzero(distances.diagonal() <= eps)
        rows = np.concatenate([table.row[off_diagonal], on_diagonal])
        columns = np.concatenate([table.col[off_diagonal], on_diagonal])
        if table.data.size and table.data.min() < 0:
            raise ValueError("Negative values in data passed to precomputed distance matrix.")
        order = np.lexsort((columns, rows))
        return np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=n))]), columns[order]
    if n and distances.min() < 0:
        raise ValueError("Negative values in data passed to precomputed distance matrix.")
    counts = np.empty(n, np.int64)
    found = []
    for row in range(n):  # row by row, so that no second matrix of n x n is made
        columns = np.flatnonzero(distances[row] <= eps).astype(np.int32)
        counts[row] = len(columns)
        found.append(columns)
    return np.concatenate([[0], np.cumsum(counts)]), np.concatenate(found)
