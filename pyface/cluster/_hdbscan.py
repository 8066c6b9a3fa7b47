"""HDBSCAN as a scikit-learn estimator."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data

from pyface import _check, _threads
from pyface.cluster import _params
from pyface.cluster._base import Clusterer
from pyface.kernels import distance, reachability

INFINITE, MISSING = -2, -3  # labels of rows that take no part, scikit-learn's
ENTRIES_AT_ONCE = 1 << 20
_CENTERS = ("centroid", "medoid", "both")


class HDBSCAN(Clusterer):
    """HDBSCAN, the clusters of :class:`sklearn.cluster.HDBSCAN` on ``X.astype(float64)`` but for ties.

    min_cluster_size : >= 2, rows of the smallest group that is a cluster.
    min_samples : >= 1, rows of a neighbourhood, the row itself among them: the core distance of a row is that to the
    ``min_samples``-th nearest. None = min_cluster_size. The package hdbscan does not count the row itself.
    cluster_selection_epsilon : >= 0; clusters that split off below this height are not told apart.
    max_cluster_size : "eom" takes the parts of larger clusters. None = no limit.
    metric : "euclidean" ("l2"), "cosine", "sqeuclidean" or "precomputed": X is then a dense, symmetric (n, n) matrix of
    distances, infinite where one is missing. Under cosine a row of zeros is at distance 1 from every other row.
    alpha : > 0, distances are divided by it; so are core distances, but for euclidean without algorithm="brute", which
    is how scikit-learn has it.
    cluster_selection_method : "eom", the clusters that last longest, or "leaf", the smallest ones of the hierarchy.
    allow_single_cluster : whether all rows may be one cluster.
    store_centers : None, "centroid", "medoid" or "both".
    leaf_size, n_jobs, copy, and algorithm but for what is said of alpha: accepted, without effect. X is never written
    to. PYFACE_NUM_THREADS sets the number of threads. metric_params : must be None.

    After fit: ``labels_`` (n,) int64, -1 = noise, numbered as in scikit-learn; ``probabilities_`` (n,) float64, how
    long a row stays with its cluster, 0 for noise; ``n_features_in_``; ``centroids_`` and ``medoids_`` (clusters, d)
    float64 if asked for: means weighted by the probabilities, and the row of each cluster whose distances to the
    others, weighted by theirs, have the smallest sum. Rows with a NaN, or with infinities of both signs, are left out
    and have label -3 and probability NaN; rows with another infinity have -2 and 0.

    The mutual reachability of two rows is the largest of their distance and both core distances. As one core distance
    counts for many pairs, many are equal, and the order in which equal ones are merged can decide where a row belongs
    that two clusters meet in, and whether a cluster is large enough. Here they are merged by increasing distance
    (identical rows first), then by lower row, then by higher row, so that a row goes with its nearest neighbour and the
    order of rows matters only where distances are equal too; scikit-learn leaves it to an unstable sort.

    Distances are decided in float64 on the rows as given. Under cosine identical rows are at distance 0, so that their
    density is infinite, where scikit-learn has what its products round to.

    Time: one to two sweeps over all pairs, O(n^2 d / threads) at worst for each. Memory O(n d): less than 3 times X at
    512 columns of float32, and with medoids 8 bytes for each entry of the largest cluster. A precomputed matrix takes
    O(n^2) time and is read in place.
    """

    def __init__(
        self,
        min_cluster_size: int = 5,
        min_samples: int | None = None,
        cluster_selection_epsilon: float = 0.0,
        max_cluster_size: int | None = None,
        metric: str = "euclidean",
        metric_params: dict[str, Any] | None = None,
        alpha: float = 1.0,
        algorithm: str = "auto",
        leaf_size: int = 40,
        n_jobs: int | None = None,
        cluster_selection_method: str = "eom",
        allow_single_cluster: bool = False,
        store_centers: str | None = None,
        copy: bool | str = "warn",  # scikit-learn's default, which warns there
    ) -> None:
        self.min_cluster_size = min_cluster_size
        self.min_samples = min_samples
        self.alpha = alpha
        self.max_cluster_size = max_cluster_size
        self.cluster_selection_epsilon = cluster_selection_epsilon
        self.metric = metric
        self.metric_params = metric_params
        self.algorithm = algorithm
        self.leaf_size = leaf_size
        self.n_jobs = n_jobs
        self.cluster_selection_method = cluster_selection_method
        self.allow_single_cluster = allow_single_cluster
        self.store_centers = store_centers
        self.copy = copy

    def fit(self, X: Any, y: Any = None) -> HDBSCAN:
        """Cluster the rows of ``X``, (n, d), or the distances ``X``, (n, n), if ``metric="precomputed"``.

        ``y`` is ignored. ValueError for n < 2, min_samples > n (of rows without NaN and infinity), bad parameters; for
        a precomputed matrix that is not square, not symmetric or holds NaN. TypeError for sparse X.
        """
        min_size, min_samples, metric = self._checked()
        _refuse_sparse(X, metric)
        _params.no_text(X)
        x = validate_data(
            self,
            X,
            dtype=[np.float64, np.float32],
            order=None if metric == "precomputed" else "C",
            ensure_all_finite=False,
        )
        if metric == "precomputed":
            _check_distances(x)
            states = np.zeros(len(x), np.int64)
        else:
            states = _states(x)
        used = slice(None) if not states.any() else np.flatnonzero(states == 0)
        rows = x[used]
        n = len(rows)
        if n == 1:
            raise ValueError("n_samples=1 while HDBSCAN requires more than one sample")
        if min_samples > n:
            raise ValueError(f"min_samples ({min_samples}) must be at most the number of samples in X ({n})")
        self._states, self._tree = states, self._hierarchy(rows, min_samples, metric)
        labels, probabilities = reachability.clusters(
            self._tree,
            min_size,
            method=self.cluster_selection_method,
            allow_single_cluster=bool(self.allow_single_cluster),
            epsilon=float(self.cluster_selection_epsilon),
            max_cluster_size=self.max_cluster_size,
        )
        self.labels_ = self._spread(labels)
        self.probabilities_ = np.where(states == MISSING, np.nan, 0.0)
        self.probabilities_[used] = probabilities
        if self.store_centers is not None:
            self._store_centers(rows, labels, probabilities, metric)
        return self

    def fit_predict(self, X: Any, y: Any = None) -> NDArray[np.int64]:
        """Cluster as :meth:`fit` does and return ``labels_``."""
        return self.fit(X).labels_

    def dbscan_clustering(self, cut_distance: float, min_cluster_size: int = 5) -> NDArray[np.int64]:
        """Labels (n,) int64 of DBSCAN without border rows at ``cut_distance``, from the hierarchy of :meth:`fit`.

        Rows belong together that a chain of mutual reachabilities below ``cut_distance`` connects; such groups of less
        than ``min_cluster_size`` rows are noise, -1. Rows that took no part keep -2 and -3. O(n) time.
        """
        check_is_fitted(self)
        distance_ = _check.number(cut_distance, "cut_distance")
        least = _check.integer(min_cluster_size, "min_cluster_size", minimum=1)
        return self._spread(reachability.cut(self._tree, distance_, least))

    def _checked(self) -> tuple[int, int, str]:
        with _params.checked():
            min_size = _check.integer(self.min_cluster_size, "min_cluster_size", minimum=2)
            min_samples = min_size
            if self.min_samples is not None:
                min_samples = _check.integer(self.min_samples, "min_samples", minimum=1)
            if self.max_cluster_size is not None:
                _check.integer(self.max_cluster_size, "max_cluster_size", minimum=1)
            largest = float(np.finfo(np.float64).max)
            _check.number(self.cluster_selection_epsilon, "cluster_selection_epsilon", minimum=0, maximum=largest)
            _check.number(self.alpha, "alpha", above=0, maximum=largest)
            metric = _params.metric_of(self)
            _params.one_of(self.algorithm, "algorithm", ("auto", "brute", "kd_tree", "ball_tree"))
            _params.one_of(self.cluster_selection_method, "cluster_selection_method", ("eom", "leaf"))
            _check.flag(self.allow_single_cluster, "allow_single_cluster")
            if not (isinstance(self.copy, str) and self.copy == "warn"):
                _check.flag(self.copy, "copy")
            _params.unsupported(self, "metric_params", "no metric here has parameters")
            if self.store_centers is not None:
                _params.one_of(self.store_centers, "store_centers", _CENTERS)
                if metric == "precomputed":
                    raise ValueError("Cannot store centers when using a precomputed distance matrix.")
        return min_size, min_samples, metric

    def _hierarchy(self, rows: Any, min_samples: int, metric: str) -> reachability.Hierarchy:
        alpha = float(self.alpha)
        if metric != "precomputed":
            scale_cores = metric != "euclidean" or self.algorithm == "brute"
            n_threads = _threads.resolve(None)
            return reachability.of_rows(
                rows, min_samples, metric=metric, alpha=alpha, scale_cores=scale_cores, n_threads=n_threads
            )
        tree = reachability.of_matrix(rows, min_samples, alpha=alpha)
        if np.isinf(tree.heights).any():
            warnings.warn(
                "Some rows are connected with the others by infinite mutual reachabilities only: too many distances of "
                "the matrix are missing (infinite) for this min_samples",
                stacklevel=3,
            )
        return tree

    def _spread(self, labels: NDArray[np.int64]) -> NDArray[np.int64]:
        """Labels of the rows that took part as labels of all."""
        spread = self._states.copy()
        spread[self._states == 0] = labels
        return spread

    def _store_centers(self, rows: Any, labels: NDArray[np.int64], weights: NDArray[np.float64], metric: str) -> None:
        n_clusters = int(labels.max()) + 1
        order = np.argsort(labels, kind="stable")
        bounds = np.searchsorted(labels[order], np.arange(n_clusters + 1))
        centroids, medoids = np.empty((2, n_clusters, rows.shape[1]))
        for c in range(n_clusters):
            members = order[bounds[c] : bounds[c + 1]]
            some = rows[members]
            if self.store_centers != "medoid":
                centroids[c] = np.average(some, weights=weights[members], axis=0)
            if self.store_centers != "centroid":
                medoids[c] = some[_medoid(some, weights[members], metric)]
        if self.store_centers != "medoid":
            self.centroids_ = centroids
        if self.store_centers != "centroid":
            self.medoids_ = medoids

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self.metric != "precomputed"
        return tags


def _refuse_sparse(X: Any, metric: str) -> None:
    if metric != "precomputed":
        _params.dense(X, "X.toarray() makes them so, sklearn.cluster.HDBSCAN takes them as they are")
    elif sparse.issparse(X):
        raise TypeError(
            "X is a sparse matrix, and precomputed distances must be dense, infinite where one is missing; "
            "sklearn.cluster.HDBSCAN takes sparse ones"
        )


def _blocks(x: Any) -> Iterator[slice]:
    """Ranges of rows of about ``ENTRIES_AT_ONCE`` entries, as Ctrl-C is not seen inside NumPy's functions."""
    step = max(1, ENTRIES_AT_ONCE // max(1, x.shape[1]))
    return (slice(begin, begin + step) for begin in range(0, len(x), step))


def _states(x: Any) -> NDArray[np.int64]:
    """Of each row 0, or the label of rows that take no part."""
    states = np.zeros(len(x), np.int64)
    for block in _blocks(x):
        finite = np.isfinite(x[block]).all(axis=1)
        for row in np.flatnonzero(~finite):
            values = x[block][row]
            # Two infinities of different signs add up to NaN, which is what scikit-learn looks at.
            is_missing = np.isnan(values).any() or (np.isposinf(values).any() and np.isneginf(values).any())
            states[block.start + row] = MISSING if is_missing else INFINITE
    return states


def _check_distances(distances: Any) -> None:
    for block in _blocks(distances):
        is_missing = np.isnan(distances[block]).any(axis=1)
        if is_missing.any():
            row = block.start + int(np.argmax(is_missing))
            raise ValueError(f"np.nan values found in precomputed-dense: row {row}; inf stands for a missing distance")
    n, n_columns = distances.shape
    if n != n_columns:
        raise ValueError(
            f"The precomputed distance matrix is expected to be symmetric, however it has shape ({n}, {n_columns})"
        )
    for block in _blocks(distances):
        some = distances[block]
        is_equal = np.isclose(some, distances[:, block].T, rtol=1e-7, atol=1e-9)
        if not is_equal.all():
            row, column = np.argwhere(~is_equal)[0]
            row += block.start
            raise ValueError(
                "The precomputed distance matrix is expected to be symmetric, however its values appear to be "
                f"asymmetric: row {row}, column {column} holds {distances[row, column]:g}, the other way round it is "
                f"{distances[column, row]:g}"
            )


def _medoid(rows: Any, weights: NDArray[np.float64], metric: str) -> int:
    """The row whose distances to the others, times their weights, have the smallest sum."""
    sums = np.empty(len(rows))
    step = max(1, ENTRIES_AT_ONCE // len(rows))
    for begin in range(0, len(rows), step):
        some = distance.dense_float64(rows[begin : begin + step], rows, metric, _threads.resolve(None))
        sums[begin : begin + step] = (some * weights).sum(axis=1)
    return int(np.argmin(sums))
