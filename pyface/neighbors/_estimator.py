"""Nearest neighbours in scikit-learn's class shape."""

from __future__ import annotations

import os
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data

from pyface import _check, _threads
from pyface._typing import FloatArray
from pyface.kernels import search
from pyface.neighbors import _saved

METRICS = ("cosine", "euclidean", "sqeuclidean")
_MODES = ("connectivity", "distance")
_FLOATS = (np.float16, np.float32, np.float64)


class NearestNeighbors(BaseEstimator):  # type: ignore[misc]
    """The nearest rows, and those within a radius, of an index that stays: exact, in one pass over a byte an entry.

    n_neighbors, radius : what the methods take where they are given none. ``radius=None``: it must be given.
    metric : "cosine" (a row of zeros is at distance 1 from every other), "euclidean" ("l2") or "sqeuclidean".
    n_threads : None = ``PYFACE_NUM_THREADS`` or all usable CPUs. Results do not depend on it.

    Results are those of :func:`pyface.nearest_neighbors` and :func:`pyface.neighbors_within`, to the bit: decided on
    the float64 distances of the rows as given, ties by lower index. Queries are float32, float64 or float16 rows of any
    layout; anything else that holds numbers becomes float64.

    :meth:`fit` keeps ``X`` where it is, if it is float32 or float64 in C order: it must not change afterwards. A
    ``numpy.memmap`` stays on disk; only rows that come near are read. Beside ``X`` the index takes d bytes a row, d
    rounded up to a multiple of 32, and 16 more: 0.53 GB for 1,000,000 x 512. :meth:`partial_fit` copies its rows behind
    the others, which do not move. :meth:`save` and :meth:`load` keep all of it on disk.

    One query costs one pass over the codes at the speed of memory and some hundred rows in float64. Searches may run in
    several threads at the same time; Ctrl-C ends them.

    After fit: ``n_samples_fit_``, ``n_features_in_``, ``effective_metric_``.

    Methods, their arguments and the shapes of results are those of :class:`sklearn.neighbors.NearestNeighbors`. But the
    default of ``metric`` is "cosine" and not "minkowski", that of ``radius`` None and not 1, distances are float32,
    ``n_threads`` stands for ``n_jobs``, and there are no ``algorithm``, ``leaf_size``, ``p`` and ``metric_params``.
    """

    _index: search.RowIndex

    def __init__(
        self, n_neighbors: int = 5, *, radius: float | None = None, metric: str = "cosine", n_threads: int | None = None
    ) -> None:
        self.n_neighbors = n_neighbors
        self.radius = radius
        self.metric = metric
        self.n_threads = n_threads

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        return tags

    # --- rows ----------------------------------------------------------------------------------------------------

    def fit(self, X: Any, y: Any = None) -> NearestNeighbors:
        """Index the rows of ``X``, (n, d), n >= 1, in place of all before; ``y`` is ignored.

        ValueError for NaN or infinity (the row is named), an empty array, parameters out of range; TypeError for sparse
        rows. MemoryError where the index does not fit. After an error the index is the one before. Time O(n d).
        """
        return self._fitted(X, copy=False)

    def partial_fit(self, X: Any, y: Any = None) -> NearestNeighbors:
        """Add the rows of ``X``, (m, d), behind those that there are; they are copied. Ready to search at once.

        Errors as in :meth:`fit`; also ValueError for another d, and TypeError for float64 rows behind float32 ones.
        Time O(m d); in the Euclidean metrics, all rows are coded anew each time that there are four times as many.
        """
        if not hasattr(self, "_index"):
            return self._fitted(X, copy=True)
        threads = _threads.resolve(self.n_threads)
        x = self._rows(X, threads, reset=False)
        if self._index.dtype == np.float32 and x.dtype == np.float64:
            raise TypeError(
                "X is float64 and the rows of the index are float32: X.astype(np.float32) rounds them, or fit all in "
                "float64"
            )
        if len(x):
            self._index = self._index.grown(x.astype(self._index.dtype, copy=False), threads)
            self.n_samples_fit_ = self._index.size
        return self

    def _fitted(self, X: Any, *, copy: bool) -> NearestNeighbors:
        metric = _check.choice("euclidean" if self.metric == "l2" else self.metric, "metric", METRICS)
        _neighbors(self.n_neighbors)
        if self.radius is not None:
            _check.number(self.radius, "radius", minimum=0)
        threads = _threads.resolve(self.n_threads)
        before = dict(self.__dict__)
        try:
            x = self._rows(X, threads, reset=True)
            self._use(search.build(x.copy() if copy else x, metric, threads))
        except BaseException:
            # Numbers and names of columns are those of X by now: they would not be those of the index.
            self.__dict__.clear()
            self.__dict__.update(before)
            raise
        return self

    def _use(self, index: search.RowIndex) -> None:
        self._index = index
        self.n_samples_fit_ = index.size
        self.effective_metric_ = index.frame.metric

    def _rows(self, X: Any, threads: int, *, reset: bool) -> FloatArray:
        """``X`` as the index takes it; with ``reset``, as the rows that all others will be like."""
        is_plain = type(X) in (np.ndarray, np.memmap) and X.dtype.type in _FLOATS and X.ndim == 2
        if not is_plain or reset or X.shape[1] != self.n_features_in_ or hasattr(self, "feature_names_in_"):
            if sparse.issparse(X):
                raise TypeError(
                    "X is a sparse matrix, and rows must be dense: X.toarray() makes them so, "
                    "sklearn.neighbors.NearestNeighbors takes them as they are"
                )
            least = 1 if reset else 0
            X = validate_data(
                self, X, reset=reset, dtype="numeric", order=None, ensure_all_finite=False, ensure_min_samples=least
            )
            if X.dtype.kind not in "biuf":
                raise ValueError(f"X must hold numbers, got an array of {X.dtype}")
        dtype = np.float32 if X.dtype.type in (np.float16, np.float32) else np.float64
        x: FloatArray = np.require(np.asarray(X), dtype, ("C", "A"))
        if not search.usable(x, threads):
            try:
                _check.embeddings(x, "X")
            except ValueError as error:
                raise ValueError(f"Input X contains NaN or infinity; {error}") from None
        return x

    # --- searching -----------------------------------------------------------------------------------------------

    def kneighbors(
        self, X: Any = None, n_neighbors: int | None = None, return_distance: bool = True
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]] | NDArray[np.int64]:
        """The nearest rows of each row of ``X``, (m, d), or of each row of the index, itself left out, for None.

        n_neighbors : from 1 to n (n - 1 for ``X=None``); None is that of the constructor.

        Returns ``(distances, indices)``, (m, k) float32 and int64, nearest first, ties by lower index, or ``indices``.
        ``m = 0`` gives empty results. ValueError for another d, NaN, a k out of range; MemoryError for a result that
        does not fit. Time O(m n d), memory O(m k).
        """
        check_is_fitted(self)
        k = _neighbors(self.n_neighbors if n_neighbors is None else n_neighbors)
        threads = _threads.resolve(self.n_threads)
        x = None if X is None else self._rows(X, threads, reset=False)
        n = self._index.size
        if k > (n - 1 if x is None else n):
            expected = "n_neighbors < n_samples_fit" if x is None else "n_neighbors <= n_samples_fit"
            raise ValueError(
                f"Expected {expected}, but n_neighbors = {k}, n_samples_fit = {n}, "
                f"n_samples = {n if x is None else len(x)}; ask for fewer neighbours, or add rows by partial_fit"
            )
        distances, indices = self._index.nearest(x, k, threads)
        return (distances, indices) if return_distance else indices

    def radius_neighbors(
        self, X: Any = None, radius: float | None = None, return_distance: bool = True, sort_results: bool = False
    ) -> tuple[NDArray[np.object_], NDArray[np.object_]] | NDArray[np.object_]:
        """The rows within ``radius``, inclusive, of each row of ``X``; for None as in :meth:`kneighbors`.

        radius : >= 0, in the units of the metric; None is that of the constructor.
        sort_results : by distance, ties by lower index; else by index.

        Returns ``(distances, indices)``, (m,) arrays of arrays, float32 and int64, or ``indices``. MemoryError, with
        the number of rows found, as soon as they are more than there is memory for.
        """
        if sort_results and not return_distance:
            raise ValueError("return_distance must be True if sort_results is True.")
        indptr, indices, distances = self._within(X, radius, sort_results)
        rows = _split(indices, indptr)
        return (_split(distances, indptr), rows) if return_distance else rows

    def kneighbors_graph(self, X: Any = None, n_neighbors: int | None = None, mode: str = "connectivity") -> Any:
        """:meth:`kneighbors` as a ``scipy.sparse.csr_matrix`` (m, n) of ones, or with ``mode="distance"`` of distances.

        Columns of a row come nearest first. Distances of 0 are stored entries.
        """
        check_is_fitted(self)
        _check.choice(mode, "mode", _MODES)
        found = cast("tuple[NDArray[np.float32], NDArray[np.int64]]", self.kneighbors(X, n_neighbors))
        m, k = found[1].shape
        return self._graph(found[0].ravel(), found[1].ravel(), np.arange(0, m * k + 1, k), mode)

    def radius_neighbors_graph(
        self, X: Any = None, radius: float | None = None, mode: str = "connectivity", sort_results: bool = False
    ) -> Any:
        """:meth:`radius_neighbors` as a ``scipy.sparse.csr_matrix`` (m, n) of ones or, ``mode="distance"``, distances.

        Columns are increasing, or with ``sort_results`` nearest first. Distances of 0 are stored entries.
        """
        _check.choice(mode, "mode", _MODES)
        indptr, indices, distances = self._within(X, radius, sort_results)
        return self._graph(distances, indices, indptr, mode)

    def _within(
        self, X: Any, radius: float | None, sort_results: bool
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
        check_is_fitted(self)
        if radius is None and self.radius is None:
            raise ValueError("radius is None, here and in the constructor; give one of them a number")
        limit = _check.number(self.radius if radius is None else radius, "radius", minimum=0)
        threads = _threads.resolve(self.n_threads)
        x = None if X is None else self._rows(X, threads, reset=False)
        indptr, indices, distances = self._index.within(x, limit, threads, by_distance=sort_results)
        return indptr, indices, distances

    def _graph(self, distances: Any, indices: Any, indptr: Any, mode: str) -> Any:
        values = distances if mode == "distance" else np.ones(len(indices))
        return sparse.csr_matrix((values, indices, indptr), shape=(len(indptr) - 1, self._index.size))

    # --- on disk -------------------------------------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the index with its rows to the folder ``path``: ``.npy`` files and ``index.json``, nothing pickled.

        A folder that holds an index gets this one instead, all at once: files of new names are written first, then
        ``index.json`` is replaced. :class:`pyface.errors.IndexFileError` for a folder with anything else, and while
        another process saves to it.
        """
        check_is_fitted(self)
        names = getattr(self, "feature_names_in_", None)
        settings = {"parameters": self.get_params(), "feature_names": None if names is None else list(names)}
        _saved.write(_check.path_text(path, "path"), self._index, settings, _threads.resolve(self.n_threads))

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, check: bool = True) -> NearestNeighbors:
        """The index that :meth:`save` wrote, its files mapped into memory, for reading only.

        check : compare a fingerprint of all bytes, which reads the files once. Without it only ``index.json`` (by its
        SHA-256), names, sizes and headers are looked at, which takes a millisecond.

        :class:`pyface.errors.IndexFileError` for what is missing, truncated, changed or of another version.
        """
        index, settings = _saved.read(_check.path_text(path, "path"), _check.flag(check, "check"))
        found = cls(**settings["parameters"])
        found._use(index)
        found.n_features_in_ = index.dimension
        if settings["feature_names"] is not None:
            found.feature_names_in_ = np.array(settings["feature_names"], dtype=object)
        return found


def _neighbors(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"n_neighbors does not take {type(value)} value, enter integer value")
    if value <= 0:
        raise ValueError(f"Expected n_neighbors > 0. Got {value}")
    return int(value)


def _split(values: NDArray[Any], indptr: NDArray[np.int64]) -> NDArray[np.object_]:
    result = np.empty(len(indptr) - 1, object)
    ends = indptr.tolist()
    for i in range(len(result)):
        result[i] = values[ends[i] : ends[i + 1]]
    return result
