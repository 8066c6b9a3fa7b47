"""K-means as a scikit-learn estimator."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from pyface import _check
from pyface._typing import FloatArray
from pyface.cluster import _params
from pyface.cluster._base import Clusterer
from pyface.kernels import kmeans
from pyface.kernels.kmeans import KMeansData, KMeansResult

Init = str | Callable[..., Any] | Any
Weights = NDArray[Any]

_SPARSE = "X.toarray() makes them so, sklearn.cluster.KMeans takes them as they are"


class KMeans(ClassNamePrefixFeaturesOutMixin, TransformerMixin, Clusterer):  # type: ignore[misc]
    """K-means by Lloyd's algorithm, the result of :class:`sklearn.cluster.KMeans`, and its spherical variant.

    n_clusters : from 1 to n.
    init : "k-means++" (greedy, 2 + floor(log k) candidates per centre), "random" (rows), an array (k, d), or a callable
    ``init(X, n_clusters, random_state=...)`` that returns one.
    n_init : runs, of which the one with the lowest inertia is kept; "auto" is 10 for "random" and for a callable, else
    1. An array is run from once.
    max_iter, tol : a run ends after so many iterations, when no label changes, or when the squared ways of all centres
    sum up to at most ``tol`` times the mean variance of the columns.
    random_state : the same draws as scikit-learn's; the same number gives the same centres wherever rounding does not
    decide.
    copy_x : with False, C-contiguous float X is centred in place and put back, up to rounding; this saves a copy.
    spherical : rows count by their direction only: they are scaled to unit length, and so are centres. A row of zeros
    is then a ValueError.
    algorithm ("lloyd" or "elkan"), verbose : accepted, without effect. PYFACE_NUM_THREADS sets the number of threads.

    After fit: ``cluster_centers_`` (k, d), of the type of X; ``labels_`` (n,) int32; ``inertia_``, the sum of weight
    times squared distance to the nearest centre; ``n_iter_``; ``n_features_in_``. Spherical: distances are those of
    unit rows, so that ``inertia_`` is 2 sum w (1 - cos), and the sum of cosines is ``sum(w) - inertia_ / 2``.

    X is centred first and then clustered as it is, float32 or float64: distances are compared and means summed up in
    float64, ties go to the lower number, and no result depends on threads. A cluster that loses all its rows is given
    the row farthest from its centre. scikit-learn compares in the type of X: a row that is as near to two centres as
    float32 can tell may get another label there.

    Time per iteration O(n k d / threads) on codes of 8 bits (few rows and near duplicates: float32), and less with
    each iteration: rows whose own centre stayed or came nearer are compared with centres that moved only. Memory: the
    copy of X, a quarter of that for codes (without VNNI one and a quarter times X), and O(n + k d). How:
    `docs/how-it-works/kmeans.md`.
    """

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        init: Init = "k-means++",
        n_init: int | str = "auto",
        max_iter: int = 300,
        tol: float = 1e-4,
        verbose: int = 0,
        random_state: Any = None,
        copy_x: bool = True,
        algorithm: str = "lloyd",
        spherical: bool = False,
    ) -> None:
        self.n_clusters = n_clusters
        self.init = init
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.verbose = verbose
        self.random_state = random_state
        self.copy_x = copy_x
        self.algorithm = algorithm
        self.spherical = spherical

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> KMeans:
        """Cluster the rows of ``X`` (n, d).

        sample_weight : (n,) not negative, not all 0; None means 1 for each row. ``y`` is ignored. ValueError for
        n < n_clusters, NaN, infinity, entries whose squares overflow or vanish, bad parameters.
        """
        with _params.checked():
            n_runs = self._check_parameters()
        _params.dense(X, _SPARSE)
        x = validate_data(self, X, dtype=[np.float64, np.float32], order="C")
        if len(x) < self.n_clusters:
            raise ValueError(f"n_samples={len(x)} should be >= n_clusters={self.n_clusters}.")
        kmeans.refuse_extremes(x, "X")
        random_state = check_random_state(self.random_state)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, x, dtype=x.dtype, ensure_non_negative=True)
        init = self.init
        if not isinstance(init, str) and not callable(init):
            init = self._checked_centers(init, x, copy=True)

        if self.spherical:
            best = self._best_run(kmeans.unit_rows(x, "X"), sample_weight, init, n_runs, random_state)
        else:
            offset = x.mean(axis=0)
            if self.copy_x or not x.flags.writeable:
                x = x - offset
            else:
                x -= offset
            try:
                if isinstance(init, np.ndarray):
                    init -= offset
                best = self._best_run(x, sample_weight, init, n_runs, random_state)
            finally:
                if not self.copy_x:
                    x += offset
            best.centers[...] += offset

        n_found = len(np.unique(best.labels))
        if n_found < self.n_clusters:
            warnings.warn(
                f"Number of distinct clusters ({n_found}) found smaller than n_clusters ({self.n_clusters}). "
                "Possibly due to duplicate points in X.",
                ConvergenceWarning,
                stacklevel=2,
            )
        self.cluster_centers_ = best.centers
        self.labels_ = best.labels
        self.inertia_ = best.inertia
        self.n_iter_ = best.n_iter
        self._n_features_out = len(best.centers)
        return self

    def fit_predict(self, X: Any, y: Any = None, sample_weight: Any = None) -> NDArray[np.int32]:
        """Cluster as :meth:`fit` does and return ``labels_``."""
        return self.fit(X, sample_weight=sample_weight).labels_

    def predict(self, X: Any) -> NDArray[np.int32]:
        """Number of the nearest centre for each row of ``X`` (n, d), (n,) int32; ties by lower number."""
        return self._nearest(self._checked_rows(X))[0]

    def transform(self, X: Any) -> FloatArray:
        """Euclidean distances (n, k) of the rows of ``X`` (spherical: unit rows) to the centres, of the type of X."""
        x = self._checked_rows(X)
        return kmeans.distances_to_centers(kmeans.unit_rows(x, "X") if self.spherical else x, self.cluster_centers_)

    def fit_transform(self, X: Any, y: Any = None, sample_weight: Any = None) -> FloatArray:
        """Cluster as :meth:`fit` does and return the distances of all rows to all centres."""
        return self.fit(X, sample_weight=sample_weight).transform(X)

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Minus the sum of weight times squared distance of the rows of ``X`` to their nearest centres."""
        x = self._checked_rows(X)
        _, distances = self._nearest(x)
        if sample_weight is not None:
            distances = distances * _check_sample_weight(sample_weight, x, dtype=x.dtype)
        return -float(distances.sum())

    def _check_parameters(self) -> int:
        """The number of runs."""
        _check.integer(self.n_clusters, "n_clusters", minimum=1)
        _check.integer(self.max_iter, "max_iter", minimum=1)
        _check.number(self.tol, "tol", minimum=0)
        _params.one_of(self.algorithm, "algorithm", ("lloyd", "elkan"))
        for name in ("copy_x", "spherical"):
            _check.flag(getattr(self, name), name)
        is_array = not isinstance(self.init, str) and not callable(self.init)
        if isinstance(self.init, str):
            _params.one_of(self.init, "init", ("k-means++", "random"))
        if isinstance(self.n_init, str):
            _params.one_of(self.n_init, "n_init", ("auto",))
            return 1 if is_array or self.init == "k-means++" else 10
        n_runs = _check.integer(self.n_init, "n_init", minimum=1)
        if n_runs > 1 and is_array:
            warnings.warn(
                "Explicit initial center position passed: performing only one init in KMeans instead of "
                f"n_init={n_runs}.",
                RuntimeWarning,
                stacklevel=3,
            )
            return 1
        return n_runs

    def _checked_centers(self, centers: Any, x: FloatArray, *, copy: bool = False) -> FloatArray:
        result: FloatArray = check_array(centers, dtype=x.dtype, order="C", copy=copy, input_name="init")
        for n, wanted, of_what in (
            (len(result), self.n_clusters, "clusters"),
            (result.shape[1], x.shape[1], "features of the data"),
        ):
            if n != wanted:
                raise ValueError(
                    f"The shape of the initial centers {result.shape} does not match the number of {of_what} {wanted}."
                )
        kmeans.refuse_extremes(result, "init", small=False)
        return kmeans.unit_rows(result, "init") if self.spherical else result

    def _checked_rows(self, X: Any) -> FloatArray:
        check_is_fitted(self)
        _params.dense(X, _SPARSE)
        x: FloatArray = validate_data(self, X, reset=False, dtype=[np.float64, np.float32], order="C")
        kmeans.refuse_extremes(x, "X", small=False)
        return x

    def _nearest(self, x: FloatArray) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        return kmeans.nearest_centers(kmeans.unit_rows(x, "X") if self.spherical else x, self.cluster_centers_)

    def _best_run(
        self, x: FloatArray, weights: Weights | None, init: Init, n_runs: int, random_state: np.random.RandomState
    ) -> KMeansResult:
        data = KMeansData(x, weights)
        tolerance = self.tol * data.mean_variance() if self.tol > 0 else 0.0

        def run() -> KMeansResult:
            centers, guess = self._first_centers(data, x, weights, init, random_state)
            return data.lloyd(centers, guess, max_iter=self.max_iter, tolerance=tolerance, spherical=self.spherical)

        best = run()
        for _ in range(n_runs - 1):
            other = run()
            # With the same partition it is better by rounding only.
            if other.inertia < best.inertia and not _is_same_partition(other.labels, best.labels):
                best = other
        return best

    def _first_centers(
        self, data: KMeansData, x: FloatArray, weights: Weights | None, init: Init, random_state: np.random.RandomState
    ) -> tuple[FloatArray, NDArray[np.int32] | None]:
        """Centres to start from, and the nearest of them for each row if it is known.

        Draws are made in scikit-learn's order.
        """
        if isinstance(init, np.ndarray):
            return init, None
        if not isinstance(init, str):
            return self._checked_centers(init(x, self.n_clusters, random_state=random_state), x), None
        shares = np.ones(len(x), x.dtype) if weights is None else weights
        shares = shares / shares.sum()
        if init == "random":
            return x[random_state.choice(len(x), size=self.n_clusters, replace=False, p=shares)], None
        first = random_state.choice(len(x), p=shares)
        n_candidates = 2 + int(math.log(self.n_clusters))
        draws = random_state.uniform(size=(self.n_clusters - 1, n_candidates))
        chosen, nearest = data.plus_plus(first, draws)
        return x[chosen], nearest


def _is_same_partition(labels: NDArray[np.int32], others: NDArray[np.int32]) -> bool:
    """Whether all rows of one label have one other label."""
    pairs = labels.astype(np.int64) << 32 | others
    return len(np.unique(pairs)) == len(np.unique(labels))
