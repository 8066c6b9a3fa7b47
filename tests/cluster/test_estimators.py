"""The estimators obey scikit-learn's rules and give its answers."""

from __future__ import annotations

import inspect
import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn.cluster
from numpy.typing import NDArray
from oracles.linkage import numbered_by_smallest_row, partition
from scipy.spatial.distance import cdist
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from pyface.cluster import DBSCAN, HDBSCAN, AgglomerativeClustering

METRICS = ["cosine", "euclidean", "sqeuclidean"]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks([DBSCAN(), HDBSCAN(), AgglomerativeClustering()])
def test_check_estimator(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.parametrize("ours", [DBSCAN, HDBSCAN, AgglomerativeClustering])
def test_the_signature_is_scikit_learns(ours: type) -> None:
    theirs = getattr(sklearn.cluster, ours.__name__)

    def parameters(function: Any) -> list[tuple[str, Any, Any]]:
        return [(p.name, p.kind, p.default) for p in inspect.signature(function).parameters.values()]

    assert parameters(ours) == parameters(theirs)
    # Beyond scikit-learn's: what is known of rows beforehand.
    for method in ("fit", "fit_predict"):
        own = [p for p in parameters(getattr(ours, method)) if not p[0].startswith(("cannot_link", "must_link"))]
        assert own == parameters(getattr(theirs, method))


@pytest.mark.parametrize("estimator", [DBSCAN(0.3, min_samples=2), HDBSCAN(3), AgglomerativeClustering(3)])
def test_clone_pickle_pandas(estimator: Any) -> None:
    frame = pd.DataFrame(np.random.default_rng(0).integers(0, 9, size=(30, 2)), columns=["a", "b"])
    fitted = clone(estimator).fit(frame)
    assert fitted.feature_names_in_.tolist() == ["a", "b"] and fitted.n_features_in_ == 2
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.labels_, clone(estimator).fit_predict(frame.to_numpy().tolist()))
    assert fitted.labels_.dtype == np.int64


def points(seed: int, n: int = 120, d: int = 3) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(6, d))[rng.integers(0, 6, n)] + 0.25 * rng.normal(size=(n, d))


CASES = [("ward", "euclidean"), *[(link, m) for link in ("average", "complete", "single") for m in METRICS]]


@pytest.mark.parametrize(("link", "metric"), CASES)
def test_agglomerative_is_scikit_learns(link: str, metric: str) -> None:
    x = points(1, n=200)
    heights = sklearn.cluster.AgglomerativeClustering(
        compute_distances=True, linkage=link, metric=metric
    ).fit(x).distances_  # fmt: skip
    thresholds = np.quantile(heights, [0.2, 0.7, 0.95]) * (1 + 1e-9)
    cuts = [{"n_clusters": k} for k in (1, 2, 7, 200)]
    cuts += [{"n_clusters": None, "distance_threshold": t} for t in thresholds]
    for cut in cuts:
        options = {"linkage": link, "metric": metric, "compute_distances": True, **cut}
        ours = AgglomerativeClustering(**options).fit(x)
        theirs = sklearn.cluster.AgglomerativeClustering(**options).fit(x)
        assert partition(ours.labels_) == partition(theirs.labels_)
        assert numbered_by_smallest_row(ours.labels_)
        np.testing.assert_allclose(ours.distances_, theirs.distances_, rtol=1e-9, atol=1e-13)
        np.testing.assert_array_equal(np.sort(ours.children_), np.sort(theirs.children_))
        n_merges = len(x) - ours.n_clusters_
        np.testing.assert_array_equal(ours.merges_[:, :2], ours.children_[:n_merges])
        np.testing.assert_array_equal(ours.merges_[:, 2], ours.distances_[:n_merges])
        for name in ("n_clusters_", "n_leaves_", "n_connected_components_", "n_features_in_"):
            assert getattr(ours, name) == getattr(theirs, name), name


@pytest.mark.parametrize("link", ["average", "complete", "single"])
def test_agglomerative_precomputed(link: str) -> None:
    d = cdist(points(2), points(2), "cosine")
    np.fill_diagonal(d, 0)
    options = {"n_clusters": 5, "metric": "precomputed", "linkage": link}
    ours = AgglomerativeClustering(**options).fit(d)
    assert partition(ours.labels_) == partition(sklearn.cluster.AgglomerativeClustering(**options).fit(d).labels_)
    with pytest.raises(ValueError, match="square"):
        AgglomerativeClustering(**options).fit(d[:, :7])


def test_merges_are_strictly_below_the_threshold() -> None:
    x = np.array([[0.0], [1.0], [3.0]])
    for threshold, n_clusters in [(1.0, 3), (np.nextafter(1.0, 2), 2), (2.0, 2)]:
        options = {"n_clusters": None, "distance_threshold": threshold, "linkage": "single"}
        assert AgglomerativeClustering(**options).fit(x).n_clusters_ == n_clusters
        assert sklearn.cluster.AgglomerativeClustering(**options).fit(x).n_clusters_ == n_clusters


def test_agglomerative_distances_are_kept_only_if_asked_for() -> None:
    assert not hasattr(AgglomerativeClustering().fit(np.eye(3)), "distances_")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_clusters": None}, "Exactly one of n_clusters and distance_threshold"),
        ({"distance_threshold": 1.0}, "Exactly one of n_clusters and distance_threshold"),
        ({"n_clusters": 0}, "n_clusters must be at least 1"),
        ({"n_clusters": 4}, "Cannot extract more clusters than samples"),
        ({"n_clusters": None, "distance_threshold": 1.0, "compute_full_tree": False}, "compute_full_tree must be True"),
        ({"n_clusters": None, "distance_threshold": -1.0}, "distance_threshold must be at least 0"),
        ({"compute_full_tree": "no"}, "compute_full_tree must be True, False or 'auto'"),
        ({"metric": "cosine"}, "Ward can only work with euclidean"),
        ({"metric": "l1", "linkage": "average"}, "metric must be one of"),
        ({"linkage": "centroid"}, "linkage must be one of"),
        ({"connectivity": np.eye(3)}, "connectivity is not supported"),
        ({"metric": "cosine", "linkage": "average"}, "zero vectors"),
        ({"metric": "cosine", "linkage": "single"}, "zero vectors"),
    ],
)
def test_agglomerative_refusals(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AgglomerativeClustering(**options).fit(np.array([[0.0, 0.0], [1.0, 2.0], [3.0, 4.0]]))
