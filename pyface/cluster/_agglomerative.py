"""Agglomerative clustering as a scikit-learn estimator."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import squareform
from sklearn.utils.validation import validate_data

from pyface import _check
from pyface.cluster import _params
from pyface.cluster._base import Clusterer
from pyface.kernels.linkage import cut, linkage

LINKAGES = ("ward", "complete", "average", "single")


class AgglomerativeClustering(Clusterer):
    """Agglomerative clustering, the partition of :class:`sklearn.cluster.AgglomerativeClustering`.

    n_clusters : how many clusters to leave, or None with ``distance_threshold``; exactly one of the two is given.
    metric : "euclidean", "cosine", "sqeuclidean" or "precomputed" (X is then a (n, n) matrix of distances).
    linkage : "ward" (metric "euclidean" only), "average", "complete" or "single".
    distance_threshold : clusters are merged at heights strictly below it.
    compute_full_tree : must not be False with ``distance_threshold``; the whole tree is computed in any case.
    compute_distances : keep ``distances_`` without a ``distance_threshold`` too.
    memory : accepted, without effect. connectivity : must be None.

    After fit: ``labels_`` (n,) int64, numbered by the smallest row of each cluster (scikit-learn numbers differently);
    ``children_`` (n - 1, 2), the merges by increasing height; ``distances_`` (n - 1,) their heights, if asked for;
    ``n_clusters_``, ``n_leaves_``, ``n_connected_components_`` (1), ``n_features_in_``.

    Average linkage with "cosine" or "sqeuclidean", and ward: O(n d) memory, O(n^2 d) time. Everything else: O(n^2)
    memory. Ties are broken by smallest row; where scikit-learn breaks them otherwise, the partition may differ.
    """

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

    def fit(self, X: Any, y: Any = None) -> AgglomerativeClustering:
        """Cluster the rows of ``X``, (n, d), or the distances ``X``, (n, n), if ``metric="precomputed"``.

        ``y`` is ignored. ValueError for n < 2, NaN, infinity, a row of zeros under cosine, bad parameters.
        """
        threshold = self._check_parameters()
        x = validate_data(self, X, ensure_min_samples=2, dtype=[np.float64, np.float32], order="C")
        if self.n_clusters is not None and self.n_clusters > len(x):
            raise ValueError(
                f"Cannot extract more clusters than samples: {self.n_clusters} clusters were given for a tree with "
                f"{len(x)} leaves."
            )
        z = self._tree(x)
        heights = z[:, 2]
        self.children_ = z[:, :2].astype(np.int64)
        self.n_leaves_ = len(x)
        self.n_connected_components_ = 1
        if threshold is not None or self.compute_distances:
            self.distances_ = heights.copy()
        if threshold is None:
            self.n_clusters_ = self.n_clusters
        else:
            self.n_clusters_ = int(np.count_nonzero(heights >= threshold)) + 1
        self.labels_ = cut(z, n_clusters=self.n_clusters_)
        return self

    def fit_predict(self, X: Any, y: Any = None) -> NDArray[np.int64]:
        """Cluster as :meth:`fit` does and return ``labels_``."""
        return self.fit(X).labels_

    def _check_parameters(self) -> float | None:
        if (self.n_clusters is None) == (self.distance_threshold is None):
            raise ValueError(
                "Exactly one of n_clusters and distance_threshold has to be set, and the other needs to be None."
            )
        if self.n_clusters is not None:
            _check.integer(self.n_clusters, "n_clusters", minimum=1)
        _params.one_of(self.metric, "metric", _params.METRICS)
        _params.one_of(self.linkage, "linkage", LINKAGES)
        _params.unsupported(self.connectivity, "connectivity", "the clustering is always of all rows")
        if not isinstance(self.compute_full_tree, (bool, np.bool_)) and self.compute_full_tree != "auto":
            raise ValueError(f"compute_full_tree must be True, False or 'auto', got {self.compute_full_tree!r}")
        if self.linkage == "ward" and self.metric != "euclidean":
            raise ValueError(f"{self.metric} was provided as metric. Ward can only work with euclidean distances.")
        if self.distance_threshold is None:
            return None
        if not self.compute_full_tree:
            raise ValueError("compute_full_tree must be True if distance_threshold is set.")
        return _check.number(self.distance_threshold, "distance_threshold", minimum=0)

    def _tree(self, x: NDArray[Any]) -> NDArray[np.float64]:
        if self.metric != "precomputed":
            if self.metric == "cosine" and not x.any(axis=1).all():
                raise ValueError("Cosine affinity cannot be used when X contains zero vectors")
            return linkage(x, self.linkage, self.metric)
        if x.shape[0] != x.shape[1]:
            raise ValueError(f"Distance matrix should be square, got matrix of shape {x.shape}")
        # scikit-learn reads the upper triangle; checks=False because it does not ask for symmetry either.
        return linkage(squareform(x, checks=False).astype(np.float64, copy=False), self.linkage, overwrite=True)
