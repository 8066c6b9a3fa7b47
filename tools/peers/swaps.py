"""What stands in whose place: pyface's classes and functions under the peers' names and signatures."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.cluster.hierarchy
import scipy.spatial._qhull
import sklearn.cluster
import sklearn.cluster._kmeans
import sklearn.metrics.cluster

import pyface
import pyface.cluster
import pyface.metrics
from peers.peer import Peer
from pyface.kernels.delaunay import delaunay_with_duplicates


def as_array(value: Any) -> Any:
    """Functions take float arrays and nothing else; SciPy's take lists and integers as well."""
    return np.asarray(value, np.float64)


def dbscan(
    X: Any,
    eps: float = 0.5,
    *,
    metric: Any = "minkowski",
    p: float | None = 2,
    sample_weight: Any = None,
    **options: Any,
) -> tuple[Any, Any]:
    """Minkowski's distances of ``p`` 2, the default, are Euclidean."""
    if metric == "minkowski" and p == 2:
        metric = "euclidean"
    model = pyface.cluster.DBSCAN(eps, metric=metric, p=None if p == 2 else p, **options)
    model.fit(X, sample_weight=sample_weight)
    return model.core_sample_indices_, model.labels_


def linkage(y: Any, method: str = "single", metric: Any = "euclidean", optimal_ordering: bool = False) -> Any:
    z = pyface.linkage(as_array(y), method, metric)
    return scipy.cluster.hierarchy.optimal_leaf_ordering(z, y) if optimal_ordering else z


_fcluster = scipy.cluster.hierarchy.fcluster


def fcluster(
    Z: Any, t: float, criterion: str = "inconsistent", depth: int = 2, R: Any = None, monocrit: Any = None
) -> Any:
    """By ``cut`` where it has the criterion; clusters are numbered from 1 there."""
    if criterion == "distance":
        return pyface.cut(as_array(Z), height=float(t)) + 1
    if criterion == "maxclust":  # more clusters than rows are as many as there can be
        return pyface.cut(as_array(Z), n_clusters=min(int(t), len(Z) + 1)) + 1
    return _fcluster(Z, t, criterion, depth, R, monocrit)


def cut_tree(Z: Any, n_clusters: Any = None, height: Any = None) -> Any:
    """A column of ``cut`` for each number or height; for each number of clusters if none is given."""
    z = as_array(Z)
    if height is not None:
        cuts = [pyface.cut(z, height=float(one)) for one in np.atleast_1d(height)]
    else:
        numbers = range(len(z) + 1, 0, -1) if n_clusters is None else np.atleast_1d(n_clusters).tolist()
        cuts = [pyface.cut(z, n_clusters=number) for number in numbers]
    return np.column_stack(cuts)


class Delaunay:
    """What ``delaunay`` says, under the names of :class:`scipy.spatial.Delaunay`."""

    def __init__(self, points: Any, furthest_site: bool = False, incremental: bool = False, qhull_options: Any = None):
        if furthest_site or incremental or qhull_options is not None:
            raise NotImplementedError("options of Qhull")
        self.points = np.ascontiguousarray(points, np.float64)
        if self.points.ndim == 2 and self.points.shape[1] != 2:
            raise NotImplementedError("more than two dimensions")
        self.simplices, self.duplicates = delaunay_with_duplicates(points)
        self.ndim, self.npoints, self.nsimplex = 2, len(self.points), len(self.simplices)


_SCORES = ("rand_score", "adjusted_rand_score", "normalized_mutual_info_score", "adjusted_mutual_info_score")
_METRICS = {name: getattr(pyface.metrics, name) for name in _SCORES}
_HIERARCHY = {"linkage": linkage, "fcluster": fcluster, "cut_tree": cut_tree}

PEERS = (
    Peer("sklearn.cluster.tests.test_dbscan", {"DBSCAN": pyface.cluster.DBSCAN, "dbscan": dbscan}, (sklearn.cluster,)),
    Peer(
        "sklearn.cluster.tests.test_hierarchical",
        {"AgglomerativeClustering": pyface.cluster.AgglomerativeClustering},
        (sklearn.cluster,),
    ),
    Peer(
        "sklearn.cluster.tests.test_k_means",
        {"KMeans": pyface.cluster.KMeans},
        (sklearn.cluster, sklearn.cluster._kmeans),
    ),
    Peer("sklearn.metrics.cluster.tests.test_supervised", _METRICS, (sklearn.metrics.cluster,)),
    Peer("sklearn.metrics.cluster.tests.test_common", _METRICS, (sklearn.metrics.cluster,)),
    Peer("scipy.cluster.tests.test_hierarchy", _HIERARCHY, (scipy.cluster.hierarchy,), stays=False),
    Peer(
        "scipy.spatial.tests.test_qhull",
        {"Delaunay": Delaunay},
        (scipy.spatial._qhull,),
        stays=False,
        only="TestDelaunay",
    ),
)
