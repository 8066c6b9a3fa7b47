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
from pyface.kernels import density, precomputed

COPIED_AT_ONCE = 1 << 20


class DBSCAN(Clusterer):
    """DBSCAN, label for label as :class:`sklearn.cluster.DBSCAN` on ``X.astype(float64)``.

    eps : > 0, radius of a neighbourhood, inclusive, in the units of ``metric``.
    min_samples : >= 1, neighbours (the row itself among them), or their total weight, that make a row a core row.
    metric : "euclidean" ("l2"), "cosine", "sqeuclidean" or "precomputed" (X is then a (n, n) matrix of distances, not
    negative, or a sparse one whose missing entries are out of reach). Under cosine a row of zeros is at distance 1 from
    every other row.
    algorithm, leaf_size, n_jobs : accepted, without effect. PYFACE_NUM_THREADS sets the number of threads.
    metric_params, p : must be None.

    After fit: ``labels_`` (n,) int64, -1 = noise, clusters numbered by their smallest core row, a border row in the
    first cluster that reaches it; ``core_sample_indices_``; ``components_``, a copy of the core rows;
    ``n_features_in_``.

    Distances are decided in float64 on the rows as given: scikit-learn's own float32 path may differ for a pair within
    1e-6 of eps. Entries of a precomputed matrix are compared with eps in their own precision.

    Time O(n^2 d / threads), about twice that with ``sample_weight``. Memory does not grow with the pairs within eps: it
    is that of the sweep, about 50 bytes per row, some MB, the copy ``components_``, and without ``sample_weight`` up to
    16 (min_samples - 2) bytes for each row that is not core. A dense precomputed matrix is read in place; a sparse one
    takes a byte per entry more.
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
        may keep its neighbours from being one. A sum reaches ``min_samples`` when ``np.sum`` says so.
        ``y`` is ignored. ValueError for n = 0, NaN, infinity, negative distances, bad parameters.
        """
        with _params.checked():
            eps = _check.number(self.eps, "eps", above=0)
            min_samples = _check.integer(self.min_samples, "min_samples", minimum=1)
            metric = _params.metric_of(self)
            _params.one_of(self.algorithm, "algorithm", ("auto", "ball_tree", "kd_tree", "brute"))
            _params.unsupported(self, "metric_params", "no metric here has parameters")
            _params.unsupported(self, "p", "Minkowski distances are not offered")
        is_precomputed = metric == "precomputed"
        if not is_precomputed:
            _params.dense(X, "X.toarray() makes them so, sklearn.cluster.DBSCAN takes them as they are")
        _params.no_text(X)
        x = validate_data(
            self,
            X,
            accept_sparse="csr" if is_precomputed else False,
            dtype=[np.float64, np.float32],
            order=None if is_precomputed else "C",
        )
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, x, dtype=np.float64)
        if is_precomputed:
            labels, is_core = _precomputed(x, eps, min_samples, weights)
        else:
            labels, is_core = density.dbscan(
                x, eps, min_samples, metric=metric, weights=weights, n_threads=_threads.resolve(None)
            )
        self.labels_ = labels
        self.core_sample_indices_ = np.flatnonzero(is_core)
        self.components_ = _copy_rows(x, self.core_sample_indices_)
        return self

    def fit_predict(self, X: Any, y: Any = None, sample_weight: Any = None) -> NDArray[np.int64]:
        """Cluster as :meth:`fit` does and return ``labels_``."""
        return self.fit(X, sample_weight=sample_weight).labels_


def _precomputed(
    distances: Any, eps: float, min_samples: int, weights: NDArray[np.float64] | None
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    n, n_columns = distances.shape
    if n != n_columns:
        raise ValueError(f"Precomputed distances must be a square matrix, got shape {distances.shape}")
    if not sparse.issparse(distances):
        return precomputed.dbscan_dense(distances, eps, min_samples, weights)
    graph = (distances.indptr, distances.indices, distances.data, distances.diagonal())
    return precomputed.dbscan_sparse(*graph, eps, min_samples, weights)


def _copy_rows(x: Any, rows: NDArray[np.int64]) -> Any:
    """``x[rows]``, some at a time: of gigabytes the copy takes seconds, and Ctrl-C is not seen before it is done."""
    if sparse.issparse(x):
        return x[rows]
    result = np.empty((len(rows), x.shape[1]), x.dtype)
    step = max(1, COPIED_AT_ONCE // x.shape[1])
    for begin in range(0, len(rows), step):
        result[begin : begin + step] = x[rows[begin : begin + step]]
    return result
