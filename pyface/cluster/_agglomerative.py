"""Agglomerative clustering as a scikit-learn estimator."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import squareform
from sklearn.utils.validation import check_is_fitted, validate_data

from pyface import _check, _threads
from pyface.cluster import _incremental, _params
from pyface.cluster._base import Clusterer
from pyface.cluster._whole_tree import KeptRows, LaterTree, WholeTree
from pyface.kernels import linkage as trees
from pyface.kernels import linkage_below, linkage_matrix
from pyface.kernels.link_groups import (
    CannotLinks,
    Groups,
    Pairs,
    cannot_links,
    check_agreement,
    check_groups,
    check_pairs,
    n_given,
)

LINKAGES = ("ward", "complete", "average", "single", "weighted")


class AgglomerativeClustering(WholeTree, Clusterer):
    """Agglomerative clustering, the partition of :class:`sklearn.cluster.AgglomerativeClustering`.

    n_clusters : how many clusters to leave, or None with ``distance_threshold``; exactly one of the two is given.
    metric : "euclidean" ("l2"), "cosine", "sqeuclidean" or "precomputed": X is then a (n, n) matrix of distances, of
    which the upper triangle is read. Those below 0, as ``1 - X @ X.T`` has them for equal rows, are closer than 0, as
    in scikit-learn; with groups or pairs they count as 0.
    linkage : "ward" (metric "euclidean" only), "average", "complete", "single" or "weighted".
    distance_threshold : clusters are merged at heights strictly below it.
    compute_full_tree : True computes merges beyond ``distance_threshold`` as well; "auto" does without them. Must not
    be False with ``distance_threshold``. Without one the whole tree is computed in any case.
    compute_distances : keep ``distances_`` without a ``distance_threshold`` too.
    memory : accepted, without effect. connectivity : must be None.

    After fit: ``labels_`` (n,) int64, numbered by the smallest row of each cluster (scikit-learn numbers differently);
    ``n_clusters_``, ``n_leaves_``, ``n_connected_components_`` (1), ``n_features_in_``; ``merges_``
    (n - ``n_clusters_``, 4) float64, the merges that made the clusters, in SciPy's format, by increasing height, equal
    ones in any order that can be made; ``children_`` (n - 1, 2), the whole tree, in each row the smaller number first;
    ``distances_`` (n - 1,) its heights, with ``distance_threshold`` or ``compute_distances``. With groups or pairs,
    these two hold the merges made, which may be fewer.

    Where the fit did without the tree (see below), ``children_`` and ``distances_`` are computed when they are first
    asked for, by :func:`pyface.linkage`, in its time and memory. The rows are borrowed for that and for :meth:`add`:
    keep them as they are. If they have been written to, which a fingerprint tells, or left out of a pickle (that of a
    fit that cannot ``add``), asking is a NotFittedError, which says to fit again.

    With a ``distance_threshold`` and no full tree, from vectors: "single", "complete", "average" and "weighted" look at
    all pairs once, in codes of few bits, then merge inside the components of rows that are connected by distances below
    the threshold. Memory: O(n), the pairs within the threshold (or a bounded number of them), and float64 rows of a few
    components at a time. "average" and "weighted" by "euclidean" need a matrix of distances for each component;
    "complete" only for one that is nearly all that near. "ward" stops at the threshold. Everything without a threshold
    is as :func:`pyface.linkage`: from vectors where that does without a matrix. Threads: PYFACE_NUM_THREADS.

    Ties are broken by smallest row; where scikit-learn breaks them otherwise, the partition may differ.
    """

    labels_: NDArray[np.int64]
    _clustering: _incremental.Clustering | None

    def __init__(
        self,
        n_clusters: int | None = 2,
        *,
        metric: str = "euclidean",
        memory: Any = None,
        connectivity: Any = None,
        compute_full_tree: bool | str = "auto",
        linkage: str = "ward",
        distance_threshold: float | None = None,
        compute_distances: bool = False,
    ) -> None:
        self.n_clusters = n_clusters
        self.metric = metric
        self.memory = memory
        self.connectivity = connectivity
        self.compute_full_tree = compute_full_tree
        self.linkage = linkage
        self.distance_threshold = distance_threshold
        self.compute_distances = compute_distances

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        cannot_link: Any = None,
        cannot_link_groups: Any = None,
        must_link_groups: Any = None,
    ) -> AgglomerativeClustering:
        """Cluster the rows of ``X``, (n, d), or the distances ``X``, (n, n), if ``metric="precomputed"``.

        cannot_link : (m, 2) integers, pairs of rows that never share a cluster: what somebody said of two faces. In any
        order and any number of times; what a must-link group holds together is kept apart as a whole.
        cannot_link_groups : (n,) integers, -1 = none. Two rows of one group never share a cluster: faces of one photo.
        must_link_groups : (n,) integers, -1 = none. Rows of one group are merged first, at height 0.

        The result is that of merging, each time, the two closest clusters that may be merged. Where cannot-links forbid
        to go on before ``n_clusters`` are left, or must-links leave fewer, ``n_clusters_`` is the number that there is,
        with a UserWarning. ``y`` is ignored. Memory for all of them is O(n + m).

        ValueError for n < 2, NaN, infinity, a row of zeros under cosine, bad parameters, a pair of a row and itself or
        of a row that is not there, rows that must be linked and cannot be; TypeError for groups and pairs that are no
        integers; MemoryError where a matrix of distances would be too large.
        """
        with _params.checked():
            threshold = self._check_parameters()
        x = self._rows(X, ensure_min_samples=2)
        n = len(x)
        if self.n_clusters is not None and self.n_clusters > n:
            raise ValueError(
                f"Cannot extract more clusters than samples: {self.n_clusters} clusters were given for a tree with "
                f"{n} leaves."
            )
        groups = _groups(cannot_link_groups, "cannot_link_groups", n)
        cannot = cannot_links(n, groups, _pairs(cannot_link, n))
        must = _groups(must_link_groups, "must_link_groups", n)
        check_agreement(cannot, must)
        self._check_rows(x)
        self._clustering = None
        self._forget_tree()
        if self._is_by_components():
            settings = _incremental.Settings(self.linkage, self._metric(), self._threshold())
            self._clustering = _incremental.cluster(x, settings, cannot, must, n_threads=_threads.resolve(None))
            self._take_clustering(self._clustering)
            return self
        is_free = cannot is None and must is None
        z = self._tree(x, threshold, cannot, must)
        heights = z[:, 2]
        given = n_given(must)
        if threshold is not None:
            n_merges = max(given, int(np.searchsorted(heights, threshold, side="left")))
        else:
            assert self.n_clusters is not None
            n_merges = min(max(given, n - self.n_clusters), len(z))
            if n_merges != n - self.n_clusters:
                self._warn_of_number(n - n_merges)
        self._take_merges(z[:n_merges].copy(), n, linkage_below.forest_labels(z[:n_merges], n))
        if is_free and len(z) < n - 1:
            rows = KeptRows.borrow(x, n_threads=_threads.resolve(None))
            self._later_tree = LaterTree([rows], self.linkage, self._metric())
        else:
            self._take_tree(z)
        return self

    def fit_predict(
        self,
        X: Any,
        y: Any = None,
        *,
        cannot_link: Any = None,
        cannot_link_groups: Any = None,
        must_link_groups: Any = None,
    ) -> NDArray[np.int64]:
        """Cluster as :meth:`fit` does and return ``labels_``."""
        return self.fit(
            X, cannot_link=cannot_link, cannot_link_groups=cannot_link_groups, must_link_groups=must_link_groups
        ).labels_

    def add(
        self, X: Any, *, cannot_link: Any = None, cannot_link_groups: Any = None, must_link_groups: Any = None
    ) -> AgglomerativeClustering:
        """Take in more rows: the result is that of fitting all rows, old ones first, from scratch.

        X : (m, d), of the width that was fitted; m >= 1. Its rows follow the old ones.
        cannot_link : (k, 2) pairs of any rows, numbered from the first old one on. They add to those that there are.
        cannot_link_groups, must_link_groups : (m,) as in :meth:`fit`; numbers mean the same groups as before.

        ``labels_`` is not numbered by smallest row any more: old numbers survive. Old and new clusters are matched by
        decreasing number of rows that they share (ties: lower old number, then smaller smallest row); all others get
        numbers after the largest one so far. So a cluster that only grows keeps its number, of clusters that become one
        the largest does, and there may be numbers that nobody has.

        Only with ``distance_threshold``, without a full tree, for "single", "complete", "average" and "weighted"
        linkage of vectors: their merges below a threshold concern nobody who is not connected to a new row, or a new
        pair, by distances below it. Anything else is a ValueError, and so are old rows that have been written to. X is
        borrowed as by :meth:`fit`. Time: the new rows against all, all that they touch, and a pass over the old rows;
        memory: that of :meth:`fit` for what they touch.
        """
        check_is_fitted(self, "labels_")
        with _params.checked():
            self._check_parameters()
        if self._clustering is None or not self._is_by_components():
            raise ValueError(self._why_no_add())
        settings = _incremental.Settings(self.linkage, self._metric(), self._threshold())
        if settings != self._clustering.settings:
            raise ValueError("parameters have changed since the rows were fitted; fit all of them again")
        x = self._rows(X, reset=False)
        groups = _groups(cannot_link_groups, "cannot_link_groups", len(x))
        pairs = _pairs(cannot_link, self._clustering.n_rows + len(x))
        must = _groups(must_link_groups, "must_link_groups", len(x))
        self._check_rows(x)
        before: NDArray[np.int64] = self.labels_
        clustering, rows = _incremental.add(self._clustering, x, groups, pairs, must, n_threads=_threads.resolve(None))
        self._clustering = clustering
        labels = self._take_clustering(clustering)
        self.labels_ = _incremental.number(before, labels, rows)
        return self

    def _take_clustering(self, clustering: _incremental.Clustering) -> NDArray[np.int64]:
        n = clustering.n_rows
        z = clustering.joints.tree(n)
        labels = linkage_below.forest_labels(z, n)
        self._take_merges(z, n, labels)
        self._forget_tree()
        if clustering.cannot_link is not None or clustering.must_link is not None or len(z) == n - 1:
            self._take_tree(z)
        else:
            self._later_tree = LaterTree(clustering.pieces, self.linkage, self._metric())
        return labels

    def _take_merges(self, z: NDArray[np.float64], n: int, labels: NDArray[np.int64]) -> None:
        self.merges_ = z
        self.n_leaves_ = n
        self.n_connected_components_ = 1
        self.n_clusters_ = n - len(z)
        self.labels_ = labels

    def _rows(self, X: Any, **options: Any) -> NDArray[Any]:
        _params.dense(X, "X.toarray() makes them so")
        _params.no_text(X)
        x: NDArray[Any] = validate_data(self, X, dtype=[np.float64, np.float32], order="C", **options)
        return np.require(x, requirements=["C", "A"])  # scikit-learn lets views through that are not aligned

    def _is_by_components(self) -> bool:
        return (
            self.distance_threshold is not None
            and self.compute_full_tree == "auto"
            and self._metric() != "precomputed"
            and self.linkage in linkage_below.METHODS
        )

    def _why_no_add(self) -> str:
        if self.distance_threshold is None:
            return (
                "add needs a distance_threshold: with n_clusters one more row may change all clusters; "
                "fit all rows again"
            )
        if self.linkage not in linkage_below.METHODS:
            return (
                "add is not for Ward's linkage: a merge below the threshold may join rows that are not near each "
                "other; use 'average', or fit all rows again"
            )
        if self._metric() == "precomputed":
            return (
                "add needs vectors: with metric='precomputed' the distances of new rows to old ones are not known; "
                "fit the larger matrix"
            )
        return (
            "add needs compute_full_tree='auto': one more row may change any merge beyond the threshold; "
            "fit all rows again"
        )

    def _metric(self) -> str:
        return _params.metric_of(self)

    def _threshold(self) -> float:
        return float(self.distance_threshold)  # type: ignore[arg-type]

    def _warn_of_number(self, n_clusters: int) -> None:
        forced = f"must_link_groups leave only {n_clusters}"
        if n_clusters > self.n_clusters:  # type: ignore[operator]
            forced = f"cannot_link_groups and cannot_link forbid to go below {n_clusters}"
        warnings.warn(f"{self.n_clusters} clusters were asked for, {forced}", UserWarning, stacklevel=3)

    def _check_rows(self, x: NDArray[Any]) -> None:
        if self._metric() == "cosine" and not x.any(axis=1).all():
            raise ValueError("Cosine affinity cannot be used when X contains zero vectors")
        if self._metric() == "precomputed" and x.shape[0] != x.shape[1]:
            raise ValueError(f"Distance matrix should be square, got matrix of shape {x.shape}")
        if self._metric() != "precomputed" and trees.looks_like_distances(x):
            warnings.warn(
                "X looks like a square matrix of distances, but its rows are taken as vectors; "
                "metric='precomputed' takes distances",
                UserWarning,
                stacklevel=3,
            )

    def _check_parameters(self) -> float | None:
        if (self.n_clusters is None) == (self.distance_threshold is None):
            raise ValueError(
                "Exactly one of n_clusters and distance_threshold has to be set, and the other needs to be None."
            )
        if self.n_clusters is not None:
            _check.integer(self.n_clusters, "n_clusters", minimum=1)
        metric = _params.metric_of(self)
        _params.one_of(self.linkage, "linkage", LINKAGES)
        _params.unsupported(self, "connectivity", "the clustering is always of all rows")
        if not isinstance(self.compute_full_tree, (bool, np.bool_)) and self.compute_full_tree != "auto":
            raise ValueError(f"compute_full_tree must be True, False or 'auto', got {self.compute_full_tree!r}")
        if self.linkage == "ward" and metric != "euclidean":
            raise ValueError(f"{metric} was provided as metric. Ward can only work with euclidean distances.")
        if self.distance_threshold is None:
            return None
        if not self.compute_full_tree:
            raise ValueError("compute_full_tree must be True if distance_threshold is set.")
        return _check.number(self.distance_threshold, "distance_threshold", minimum=0)

    def _tree(
        self, x: NDArray[Any], threshold: float | None, cannot: CannotLinks | None, must: Groups
    ) -> NDArray[np.float64]:
        limit = np.inf if threshold is None or self.compute_full_tree != "auto" else threshold
        if self._metric() == "precomputed" and cannot is None and must is None:
            limit = np.inf  # looking through the matrix takes all the time, and it need not be kept for the rest
        threads = _threads.resolve(None)
        if self._metric() != "precomputed":
            return trees.tree(
                x,
                self.linkage,
                self._metric(),
                height_limit=limit,
                cannot_link=cannot,
                must_link=must,
                n_threads=threads,
            )
        # scikit-learn reads the upper triangle; checks=False because it does not ask for symmetry either.
        distances = squareform(x, checks=False).astype(np.float64, copy=False)
        return linkage_matrix.from_condensed(
            distances, self.linkage, overwrite=True, n_threads=threads, stop=limit, must_link_groups=must,
            cannot_link_groups=None if cannot is None else cannot.groups,
            cannot_link=None if cannot is None else cannot.pairs,
        )  # fmt: skip


def _groups(value: Any, name: str, n: int) -> Groups:
    """As scikit-learn takes labels: anything that makes an array."""
    return check_groups(None if value is None else np.asarray(value), name, n)


def _pairs(value: Any, n: int) -> Pairs:
    """Anything that makes an array; no pairs at all have no type."""
    if isinstance(value, (list, tuple)) and len(value) == 0:
        return None
    return check_pairs(None if value is None else np.asarray(value), "cannot_link", n)
