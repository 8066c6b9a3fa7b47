"""What scikit-learn and SciPy take is taken in the same place, and what is not says where to go."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sklearn.cluster
from agglomerative_rows import faces
from numpy.typing import NDArray
from oracles import agglomerative as oracle
from scipy import sparse
from scipy.cluster import hierarchy
from scipy.spatial.distance import squareform

import pyface
from pyface.cluster import DBSCAN, HDBSCAN, AgglomerativeClustering, KMeans

X = faces(90, 6, np.random.default_rng(60))[0]
ESTIMATORS = [DBSCAN, HDBSCAN, AgglomerativeClustering, KMeans]


def twins(seed: int = 0) -> NDArray[np.float32]:
    """``1 - X @ X.T`` of unit rows, each there three times: some distances come out a little below 0."""
    x = np.random.default_rng(seed).normal(size=(30, 8)).astype(np.float32).repeat(3, axis=0)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    d = 1 - x @ x.T
    d[0, 1] = d[1, 0] = -4.8e-7  # whatever this machine has rounded
    assert d.min() < 0
    return d


def assert_is_scikit_learns(d: NDArray, **options: Any) -> None:
    """By precomputed distances."""
    options = {"n_clusters": None, "metric": "precomputed", "compute_distances": True, **options}
    ours = AgglomerativeClustering(**options).fit(d)
    theirs = sklearn.cluster.AgglomerativeClustering(**options).fit(d)
    assert ours.n_clusters_ == theirs.n_clusters_ and ours.distances_.min() < 0
    oracle.assert_same_partition(ours.labels_, theirs.labels_)
    np.testing.assert_allclose(ours.distances_, theirs.distances_, rtol=1e-6, atol=2e-7)


@pytest.mark.parametrize("method", ["average", "complete", "single"])
def test_distances_below_zero(method: str) -> None:
    for seed in range(3):
        d = twins(seed)
        before = d.copy()
        # Rounded to few digits as they are, many are equal: cuts between those could be any.
        for cut in ({"n_clusters": 30}, {"distance_threshold": 1e-5}, {"distance_threshold": 0.3}):
            for dtype in (np.float32, np.float64):
                assert_is_scikit_learns(d.astype(dtype), linkage=method, **cut)
        np.testing.assert_array_equal(d, before)
        noise = np.random.default_rng(seed).normal(scale=3e-7, size=d.shape)
        d = d + noise + noise.T
        for cut in ({"n_clusters": 88}, {"n_clusters": 50}, *({"distance_threshold": t} for t in (0, 1e-7, 0.3, 1.5))):
            assert_is_scikit_learns(d, linkage=method, **cut)


@pytest.mark.parametrize("method", ["single", "complete", "average", "weighted"])
def test_condensed_distances_below_zero_are_scipys(method: str) -> None:
    rng = np.random.default_rng(61)
    for shift in (0.0, 0.3, 2.0, 1e9):
        d = rng.uniform(size=50 * 49 // 2) - shift
        np.testing.assert_allclose(pyface.linkage(d, method), hierarchy.linkage(d, method), rtol=1e-12)
    d = squareform(twins(), checks=False)
    np.testing.assert_allclose(pyface.linkage(d, method)[:, 2], hierarchy.linkage(d, method)[:, 2], atol=2e-7)


@pytest.mark.parametrize("method", ["ward", "centroid", "median"])
def test_what_is_squared_takes_rounding_for_zero(method: str) -> None:
    d = squareform(twins(), checks=False)
    np.testing.assert_array_equal(pyface.linkage(d, method), pyface.linkage(np.maximum(d, 0), method))
    d[7] = -0.5
    with pytest.raises(ValueError, match=r"X: distance 7 is -0.5, that of rows 0 and 8; .*not negative"):
        pyface.linkage(d, method)


def test_with_groups_what_is_below_zero_is_zero() -> None:
    d = twins().astype(float)
    d[[0, 50], [50, 0]] = -0.1
    groups = np.where(np.arange(90) % 10, -1, 4)
    for method in ("average", "complete", "single"):
        for name in ("must_link_groups", "cannot_link_groups"):
            options: dict[str, Any] = {"distance_threshold": 0.5, "metric": "precomputed", "linkage": method}
            fitted = AgglomerativeClustering(None, **options).fit(d, **{name: groups})
            clipped = AgglomerativeClustering(None, **options).fit(np.maximum(d, 0), **{name: groups})
            np.testing.assert_array_equal(fitted.labels_, clipped.labels_)
            np.testing.assert_array_equal(fitted.merges_, clipped.merges_)


def test_dbscan_refuses_what_scikit_learns_refuses() -> None:
    for d in (twins(), sparse.csr_array(twins())):
        for estimator in (DBSCAN, sklearn.cluster.DBSCAN):
            with pytest.raises(ValueError, match="Negative values in data"):
                estimator(eps=0.1, metric="precomputed").fit(d)


def test_a_matrix_that_is_neither_symmetric_nor_zero_on_its_diagonal() -> None:
    d = np.random.default_rng(62).uniform(0.1, 1, size=(40, 40))
    options = {"n_clusters": 5, "metric": "precomputed", "linkage": "average"}
    ours, theirs = (c(**options).fit(d) for c in (AgglomerativeClustering, sklearn.cluster.AgglomerativeClustering))
    oracle.assert_same_partition(ours.labels_, theirs.labels_)
    for min_samples in (1, 4, 9):
        ours, theirs = (
            c(0.3, min_samples=min_samples, metric="precomputed").fit(d) for c in (DBSCAN, sklearn.cluster.DBSCAN)
        )
        np.testing.assert_array_equal(ours.labels_, theirs.labels_)


@pytest.mark.parametrize("method", ["ward", "average", "complete", "single"])
def test_l2_is_euclidean(method: str) -> None:
    for cut in ({"n_clusters": 7}, {"n_clusters": None, "distance_threshold": 2.0}):
        ours = AgglomerativeClustering(metric="l2", linkage=method, **cut).fit(X)
        theirs = sklearn.cluster.AgglomerativeClustering(metric="l2", linkage=method, **cut).fit(X)
        oracle.assert_same_partition(ours.labels_, theirs.labels_)
        assert ours.metric == "l2"  # as scikit-learn leaves it
        np.testing.assert_array_equal(ours.children_, np.sort(theirs.children_))
    if method != "ward":
        np.testing.assert_array_equal(ours.add(X[:3]).labels_[-3:], ours.labels_[:3])
    for eps in (0.5, 1.0, 2.0):
        labels = DBSCAN(eps, metric="l2").fit_predict(X)
        np.testing.assert_array_equal(labels, sklearn.cluster.DBSCAN(eps, metric="l2").fit_predict(X))


def test_lists_and_integers() -> None:
    x = np.random.default_rng(63).integers(0, 30, (60, 3))
    d = np.abs(x[:, None] - x[None]).sum(axis=2)
    weights = (np.arange(60) % 3).tolist()
    for rows in (x, x.tolist(), x.astype(np.int16), x.astype(np.uint8).tolist(), list(x)):
        for options in ({"linkage": "ward"}, {"linkage": "average"}):
            ours, theirs = (
                c(n_clusters=np.int64(6), **options).fit(rows)
                for c in (AgglomerativeClustering, sklearn.cluster.AgglomerativeClustering)
            )
            oracle.assert_same_partition(ours.labels_, theirs.labels_)
        ours, theirs = (
            c(eps=4, min_samples=np.int32(3)).fit(rows, sample_weight=weights) for c in (DBSCAN, sklearn.cluster.DBSCAN)
        )
        np.testing.assert_array_equal(ours.labels_, theirs.labels_)
        init = x[:4].tolist()
        ours, theirs = (
            c(4, init=init, n_init=1, tol=0).fit(rows, sample_weight=weights) for c in (KMeans, sklearn.cluster.KMeans)
        )
        np.testing.assert_array_equal(ours.labels_, theirs.labels_)
        np.testing.assert_array_equal(ours.predict(x.tolist()), theirs.predict(x.tolist()))
    for matrix in (d, d.tolist(), sparse.csr_array(d)):
        ours, theirs = (c(eps=9, metric="precomputed").fit(matrix) for c in (DBSCAN, sklearn.cluster.DBSCAN))
        np.testing.assert_array_equal(ours.labels_, theirs.labels_)
    for matrix in (d, d.tolist()):
        ours, theirs = (
            c(5, metric="precomputed", linkage="complete").fit(matrix)
            for c in (AgglomerativeClustering, sklearn.cluster.AgglomerativeClustering)
        )
        assert ours.n_clusters_ == theirs.n_clusters_ == len(np.unique(ours.labels_))


@pytest.mark.parametrize(
    ("estimator", "error", "said"),
    [
        (DBSCAN(metric="manhattan"), ValueError, r"metric must be .*'manhattan'; sklearn.cluster.DBSCAN takes others"),
        (DBSCAN(metric="minkowski"), ValueError, r"sklearn.cluster.DBSCAN takes others.*metric='precomputed'"),
        (DBSCAN(metric=np.dot), ValueError, r"sklearn.cluster.DBSCAN takes others"),
        (DBSCAN(metric_params={"p": 1}), ValueError, r"metric_params is not supported.*sklearn.cluster.DBSCAN"),
        (DBSCAN(p=1), ValueError, r"p is not supported.*sklearn.cluster.DBSCAN"),
        (AgglomerativeClustering(linkage="average", metric="l1"), ValueError, r"AgglomerativeClustering takes others"),
        (AgglomerativeClustering(linkage="single", metric=np.dot), ValueError, r"AgglomerativeClustering takes others"),
        (AgglomerativeClustering(connectivity=np.eye(90)), ValueError, r"sklearn.cluster.AgglomerativeClustering"),
    ],
)
def test_what_is_refused_says_what_to_use(estimator: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        estimator.fit(X)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_sparse_rows_say_what_to_use(estimator: Any) -> None:
    for rows in (sparse.csr_array(X), sparse.lil_matrix(X)):
        with pytest.raises(TypeError, match=r"X is a sparse matrix, and rows must be dense: X.toarray\(\)"):
            estimator().fit(rows)
    fitted = KMeans(2).fit(X)
    for call in (fitted.predict, fitted.transform, fitted.score):
        with pytest.raises(TypeError, match=r"X.toarray\(\).*sklearn.cluster.KMeans"):
            call(sparse.csr_array(X))


@pytest.mark.parametrize(
    "estimator",
    [
        DBSCAN("0.5"),
        DBSCAN(min_samples=2.5),
        AgglomerativeClustering(2.0),
        AgglomerativeClustering(None, distance_threshold="1"),
        KMeans("8"),
        KMeans(max_iter=10.5),
        KMeans(tol="small"),
        KMeans(n_init=1.5),
        KMeans(copy_x="no"),
    ],
)
def test_a_parameter_of_a_wrong_type_is_both_errors(estimator: Any) -> None:
    """As scikit-learn's is: callers may catch either."""
    for error in (TypeError, ValueError):
        with pytest.raises(error, match="must be"):
            estimator.fit(X)


def test_initial_centers_of_another_shape() -> None:
    with pytest.raises(ValueError, match=r"initial centers \(3, 6\) does not match the number of clusters 4"):
        KMeans(4, init=X[:3]).fit(X)
    with pytest.raises(
        ValueError, match=r"initial centers \(4, 2\) does not match the number of features of the data 6"
    ):
        KMeans(4, init=X[:4, :2]).fit(X)


@pytest.mark.parametrize("text", [X.astype(str), X.astype(str).tolist(), X.astype(np.bytes_)], ids=["U", "list", "S"])
def test_text_is_no_number_where_it_is_none_for_scikit_learn(text: Any) -> None:
    for ours, theirs in (
        (DBSCAN, sklearn.cluster.DBSCAN),
        (AgglomerativeClustering, sklearn.cluster.AgglomerativeClustering),
    ):
        with pytest.raises(ValueError, match="arrays of bytes/strings"):
            theirs().fit(text)
        with pytest.raises(ValueError, match=r"X must hold numbers, got an array of .*; X\.astype\(float\)"):
            ours().fit(text)
    with pytest.raises(ValueError, match="X must hold numbers"):
        AgglomerativeClustering(None, distance_threshold=1.0, linkage="average").fit(X).add(text)
    np.testing.assert_array_equal(KMeans(2, random_state=0).fit(text).labels_, KMeans(2, random_state=0).fit(X).labels_)


def test_names_that_scikit_learn_has_say_so() -> None:
    for name in ("MiniBatchKMeans", "FeatureAgglomeration", "dbscan", "k_means", "ward_tree", "OPTICS"):
        with pytest.raises(
            AttributeError, match=f"no attribute '{name}'; it is not offered here, sklearn.cluster.{name}"
        ):
            getattr(pyface.cluster, name)
        with pytest.raises(ImportError, match=f"cannot import name '{name}'"):
            exec(f"from pyface.cluster import {name}")
    assert not hasattr(pyface.cluster, "Kmeans") and not hasattr(pyface.cluster, "__wrapped__")
