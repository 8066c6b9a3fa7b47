"""HDBSCAN gives the clusters of the definition, and scikit-learn's to the number where no mutual reachabilities tie."""

from __future__ import annotations

import pickle
import tracemalloc
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import sklearn.cluster
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from oracles import hdbscan as oracle
from oracles.linkage import partition
from scipy import sparse
from sklearn.exceptions import NotFittedError
from sklearn.metrics import adjusted_rand_score
from untied import distances, fit_without_ties, reachabilities, rows

from pyface.cluster import HDBSCAN, _hdbscan
from pyface.kernels import reachability

METRICS = ["cosine", "euclidean", "sqeuclidean"]
SEEDS = st.integers(0, 2**32 - 1)


@pytest.fixture(autouse=True)
def _scikit_learn_keeps_still() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The default value of `copy`", FutureWarning)
        yield


def assert_same(ours: Any, labels: NDArray[Any], probabilities: NDArray[Any]) -> None:
    np.testing.assert_array_equal(ours.labels_, labels)
    np.testing.assert_allclose(ours.probabilities_, probabilities, rtol=0, atol=1e-9)


@settings(max_examples=200, deadline=None)
@given(
    seed=SEEDS,
    n=st.integers(2, 70),
    d=st.integers(1, 12),
    metric=st.sampled_from([*METRICS, "precomputed"]),
    min_size=st.integers(2, 9),
    min_samples=st.integers(1, 12),
    method=st.sampled_from(["eom", "leaf"]),
    with_root=st.booleans(),
    epsilon=st.sampled_from([0.0, 0.0, 0.05, 0.3, 1.0]),
    max_size=st.sampled_from([None, None, 6, 20]),
    alpha=st.sampled_from([1.0, 0.7, 1.3]),
    kind=st.sampled_from(["blobs", "lattice", "twins"]),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_labels_are_those_of_the_definition(
    seed: int,
    n: int,
    d: int,
    metric: str,
    min_size: int,
    min_samples: int,
    method: str,
    with_root: bool,
    epsilon: float,
    max_size: int | None,
    alpha: float,
    kind: str,
    dtype: type,
) -> None:
    rng = np.random.default_rng(seed)
    x = rng.integers(1, 4, (n, d)).astype(dtype) if kind == "lattice" else rows(rng, n, d).astype(dtype)
    if kind == "twins":
        x = x[rng.integers(0, max(1, n // 5), n)]
    if metric == "precomputed":
        x = distances(x, "euclidean")
    options: dict[str, Any] = {
        "min_cluster_size": min_size,
        "min_samples": min(n, min_samples),
        "metric": metric,
        "cluster_selection_method": method,
        "allow_single_cluster": with_root,
        "cluster_selection_epsilon": epsilon,
        "max_cluster_size": max_size,
        "alpha": alpha,
    }
    ours = HDBSCAN(**options).fit(x)
    weights, ties = reachabilities(x, options)
    found = oracle.hdbscan(
        weights, ties, min_size, method=method, with_root=with_root, epsilon=epsilon, max_size=max_size
    )
    # Heights that differ by rounding alone are too near to each other to be told apart on a lattice.
    if kind != "lattice" or (metric != "cosine" and alpha == 1):
        assert_same(ours, *found)
    assert ours.labels_.dtype == np.int64 and ours.n_features_in_ == x.shape[1]


@pytest.mark.parametrize("group", range(10))
def test_labels_are_scikit_learns(group: int) -> None:
    """200 sets. Without ties: the same numbers. With them: the same hierarchy but for the order of equal heights, and
    from scikit-learn's own order its own labels; the rows that the order decides about are listed."""
    for seed in range(20 * group, 20 * group + 20):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(20, 160))
        options: dict[str, Any] = {
            "min_cluster_size": int(rng.integers(2, 12)),
            "metric": METRICS[seed % 3],
            "cluster_selection_method": ["eom", "leaf"][seed // 3 % 2],
            "alpha": [1.0, 1.3][seed // 6 % 2],
        }
        if seed % 4 == 0:
            options["min_samples"] = int(rng.integers(1, 15))
        if seed % 5 == 0:
            options["max_cluster_size"] = int(rng.integers(8, 40))
        x = rows(rng, n, int(rng.integers(2, 24)))
        ours = HDBSCAN(**options).fit(x)
        untied = fit_without_ties(x, options)
        assert_same(ours, untied.labels_, untied.probabilities_)
        for height in np.quantile(ours._tree.heights, [0.3, 0.7, 0.95]) * (1 + 1e-9):
            np.testing.assert_array_equal(ours.dbscan_clustering(height, 3), untied.dbscan_clustering(height, 3))

        theirs = sklearn.cluster.HDBSCAN(**options).fit(x)
        tree = as_hierarchy(theirs)
        np.testing.assert_allclose(ours._tree.heights, tree.heights, rtol=1e-7, atol=1e-7)
        heights = np.unique(ours._tree.heights)
        gaps = np.flatnonzero(np.diff(heights) > 1e-6)
        for height in heights[gaps[:: max(1, len(gaps) // 10)]] + 5e-7:
            mine, other = (reachability.cut(t, height, 1) for t in (ours._tree, tree))
            assert partition(mine) == partition(other)
        labels, probabilities = reachability.clusters(
            tree,
            options["min_cluster_size"],
            method=options["cluster_selection_method"],
            max_cluster_size=options.get("max_cluster_size"),
        )
        np.testing.assert_array_equal(labels, theirs.labels_)
        np.testing.assert_allclose(probabilities, theirs.probabilities_, rtol=0, atol=1e-9)
        if partition(ours.labels_) != partition(theirs.labels_):
            agreement = adjusted_rand_score(ours.labels_, theirs.labels_)
            print(f"set {seed}, n = {n}: ARI {agreement:.4f}, rows {np.flatnonzero(ours.labels_ != theirs.labels_)}")
        elif options.get("min_samples") == 1:
            np.testing.assert_array_equal(ours.labels_, theirs.labels_)


def as_hierarchy(theirs: sklearn.cluster.HDBSCAN) -> reachability.Hierarchy:
    tree = theirs._single_linkage_tree_
    children = np.column_stack([tree["left_node"], tree["right_node"]])
    return reachability.Hierarchy(children, tree["cluster_size"].astype(np.int64), np.ascontiguousarray(tree["value"]))


@pytest.mark.parametrize("metric", METRICS)
def test_one_cluster_alone_is_scikit_learns(metric: str) -> None:
    """Ties do not matter where all is one cluster; its rows are those that leave last."""
    n_alone = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        x = rng.normal(3, 1, size=(60, 4))
        options = {"min_cluster_size": 40, "min_samples": 4, "metric": metric, "allow_single_cluster": True}
        ours, theirs = HDBSCAN(**options).fit(x), sklearn.cluster.HDBSCAN(**options).fit(x)
        np.testing.assert_allclose(ours.probabilities_, theirs.probabilities_, rtol=0, atol=1e-9)
        np.testing.assert_array_equal(ours.labels_, theirs.labels_)
        n_alone += ours.labels_.max() == 0
    assert n_alone > 6


def test_the_order_of_rows_does_not_matter() -> None:
    for seed in range(10):
        rng = np.random.default_rng(seed)
        x = rows(rng, 300, 6)
        order = rng.permutation(len(x))
        ours, again = HDBSCAN(metric="cosine").fit(x), HDBSCAN(metric="cosine").fit(x[order])
        assert partition(again.labels_) == partition(ours.labels_[order])
        np.testing.assert_array_equal(again.probabilities_, ours.probabilities_[order])


def test_a_row_between_two_clusters_goes_with_its_nearest() -> None:
    """The middle row is at one reachability from both, its core distance; the left one is a little nearer."""
    left = np.array([0.0, 0.01, 0.02, 0.03])
    x = np.concatenate([left, [1.02], 2.0 + left + 0.02])[:, None]
    for one in (x, x[::-1]):
        ours = HDBSCAN(min_cluster_size=4, min_samples=3).fit(one)
        middle = 4
        assert ours.labels_[middle] == ours.labels_[one[:, 0] < 1][0] and ours.labels_.min() == 0
        assert ours.labels_.max() == 1 and ours.probabilities_[middle] < 0.05


@pytest.mark.parametrize("metric", ["euclidean", "sqeuclidean", "cosine"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_identical_rows_by_the_thousand(metric: str, dtype: type) -> None:
    """Infinite densities: NaN stabilities, as in scikit-learn."""
    rng = np.random.default_rng(0)
    x = np.abs(rng.normal(size=(40, 3)))
    x = np.concatenate([x, np.repeat(x[:3], 400, axis=0)]).astype(dtype)
    x = x[rng.permutation(len(x))]
    # scikit-learn's products do not put identical rows at 0.
    d = distances(x, metric)
    for options in ({}, {"min_samples": 1}, {"allow_single_cluster": True}):
        ours = HDBSCAN(metric=metric, **options).fit(x)
        theirs = sklearn.cluster.HDBSCAN(metric="precomputed", **options).fit(d)
        assert adjusted_rand_score(ours.labels_, theirs.labels_) > 0.99
        counts = np.bincount(ours.labels_[ours.labels_ >= 0])
        assert (np.sort(counts)[-3:] >= 400).all()
    # scikit-learn merges identical rows in any order, and finds dozens of leaves among them.
    leaves = HDBSCAN(metric=metric, cluster_selection_method="leaf").fit(x).labels_
    assert (np.sort(np.bincount(leaves[leaves >= 0]))[-3:] >= 400).all()
    all_one = HDBSCAN(metric=metric).fit(np.ones((2000, 3), dtype))
    assert (all_one.labels_ == -1).all() and not all_one.probabilities_.any()
    all_one = HDBSCAN(metric=metric, allow_single_cluster=True).fit(np.ones((2000, 3), dtype))
    assert (all_one.labels_ == 0).all() and (all_one.probabilities_ == 1).all()


def test_zero_rows_under_cosine() -> None:
    x = np.concatenate([np.zeros((6, 3)), rows(np.random.default_rng(1), 60, 3)])
    for min_samples in (1, 4):
        options = {"metric": "cosine", "min_samples": min_samples}
        ours, untied = HDBSCAN(**options).fit(x), fit_without_ties(x, options)
        assert_same(ours, untied.labels_, untied.probabilities_)
        theirs = sklearn.cluster.HDBSCAN(**options).fit(x)
        np.testing.assert_allclose(ours._tree.heights, theirs._single_linkage_tree_["value"], atol=1e-12)


def test_rows_that_are_not_finite_take_no_part() -> None:
    rng = np.random.default_rng(3)
    x = rows(rng, 90, 4)
    x[5], x[40] = np.nan, np.inf
    x[7, 1], x[8, 2], x[9, :2], x[10, :2], x[89, 3] = np.nan, -np.inf, (np.inf, -np.inf), (np.nan, np.inf), np.inf
    used = np.isfinite(x).all(axis=1)
    for dtype in (np.float32, np.float64):
        for metric in METRICS:
            ours = HDBSCAN(metric=metric).fit(x.astype(dtype))
            with np.errstate(invalid="ignore"):
                theirs = sklearn.cluster.HDBSCAN(metric=metric).fit(x.astype(dtype))
            np.testing.assert_array_equal(ours.labels_[~used], theirs.labels_[~used])
            np.testing.assert_array_equal(ours.probabilities_[~used], theirs.probabilities_[~used])
            assert set(ours.labels_[~used]) == {-2, -3}
            alone = HDBSCAN(metric=metric, store_centers="both").fit(x[used].astype(dtype))
            np.testing.assert_array_equal(ours.labels_[used], alone.labels_)
            np.testing.assert_array_equal(ours.probabilities_[used], alone.probabilities_)
            cut = ours.dbscan_clustering(0.5)
            np.testing.assert_array_equal(cut[used], alone.dbscan_clustering(0.5))
            np.testing.assert_array_equal(cut[~used], ours.labels_[~used])
            centers = HDBSCAN(metric=metric, store_centers="both").fit(x.astype(dtype))
            np.testing.assert_array_equal(centers.centroids_, alone.centroids_)
            np.testing.assert_array_equal(centers.medoids_, alone.medoids_)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("entries", [1, 50, 1 << 20])
def test_centers_are_scikit_learns(metric: str, entries: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_hdbscan, "ENTRIES_AT_ONCE", entries)
    x = rows(np.random.default_rng(4), 150, 3)
    options = {"metric": metric, "min_samples": 1}  # no ties
    for store in ("centroid", "medoid", "both"):
        ours = HDBSCAN(store_centers=store, **options).fit(x)
        theirs = sklearn.cluster.HDBSCAN(store_centers=store, **options).fit(x)
        np.testing.assert_array_equal(ours.labels_, theirs.labels_)
        assert ours.labels_.max() > 1
        for name in ("centroids_", "medoids_"):
            assert hasattr(ours, name) == hasattr(theirs, name)
            if hasattr(ours, name):
                np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-12)
    assert not hasattr(HDBSCAN(**options).fit(x), "medoids_")
    nobody = HDBSCAN(min_cluster_size=100, store_centers="both").fit(x)
    assert nobody.centroids_.shape == nobody.medoids_.shape == (0, 3)


def test_what_only_steers_scikit_learn_has_no_effect() -> None:
    x = rows(np.random.default_rng(5), 120, 3)
    before = x.copy()
    labels = HDBSCAN().fit(x).labels_
    for options in ({"algorithm": "kd_tree"}, {"leaf_size": 3}, {"n_jobs": 2}, {"copy": False}, {"metric": "l2"}):
        np.testing.assert_array_equal(HDBSCAN(**options).fit_predict(x), labels)
    np.testing.assert_array_equal(x, before)
    # But for core distances, which scikit-learn divides by alpha there only.
    for algorithm in ("auto", "brute"):
        options = {"alpha": 1.7, "algorithm": algorithm}
        ours, theirs = HDBSCAN(**options).fit(x), sklearn.cluster.HDBSCAN(**options).fit(x)
        np.testing.assert_allclose(ours._tree.heights, theirs._single_linkage_tree_["value"], rtol=1e-6)


def test_missing_distances() -> None:
    """Infinite entries of a matrix: a way around is taken, and where there is none one is warned."""
    x = rows(np.random.default_rng(6), 80, 3)
    d = distances(x, "euclidean")
    d[d > np.quantile(d, 0.6)] = np.inf
    options = {"metric": "precomputed", "min_samples": 3}
    untied = fit_without_ties(d, options)
    assert_same(HDBSCAN(**options).fit(d), untied.labels_, untied.probabilities_)
    d[:40, 40:] = d[40:, :40] = np.inf
    with pytest.warns(UserWarning, match="infinite mutual reachabilities"):
        ours = HDBSCAN(**options).fit(d)
    with pytest.warns(UserWarning, match="infinity"):
        theirs = sklearn.cluster.HDBSCAN(**options).fit(d.copy())
    assert adjusted_rand_score(ours.labels_, theirs.labels_) > 0.99
    # Negative by rounding, as scikit-learn takes them.
    d = 1 - np.corrcoef(x) + 0.0
    d[0, 1] = d[1, 0] = -1e-16
    assert HDBSCAN(**options).fit(d).labels_.shape == (80,)


def test_real_embeddings(lfw: tuple[NDArray, NDArray]) -> None:
    x = lfw[0][:900]
    ours = HDBSCAN(3, metric="cosine").fit(x)
    untied = fit_without_ties(x, {"min_cluster_size": 3, "metric": "cosine"})
    theirs = sklearn.cluster.HDBSCAN(3, metric="cosine").fit(x)
    assert_same(ours, untied.labels_, untied.probabilities_)
    assert ours.labels_.max() > 10
    np.testing.assert_allclose(ours._tree.heights, theirs._single_linkage_tree_["value"], atol=1e-7)


def test_memory_is_that_of_the_rows() -> None:
    """Of what NumPy allocates; the engine's own is measured in the benchmarks."""
    x = rows(np.random.default_rng(0), 6000, 64).astype(np.float32)
    HDBSCAN().fit(x[:50])
    tracemalloc.start()
    try:
        HDBSCAN(metric="cosine").fit(x)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 400 * len(x)


def test_pickle_and_not_fitted() -> None:
    x = rows(np.random.default_rng(8), 60, 3)
    with pytest.raises(NotFittedError):
        HDBSCAN().dbscan_clustering(0.5)
    ours = HDBSCAN().fit(x)
    again = pickle.loads(pickle.dumps(ours))
    np.testing.assert_array_equal(again.dbscan_clustering(0.4, 3), ours.dbscan_clustering(0.4, 3))
    with pytest.raises(ValueError, match="min_cluster_size must be at least 1"):
        ours.dbscan_clustering(0.5, 0)
    with pytest.raises(ValueError, match="cut_distance must be a number"):
        ours.dbscan_clustering(np.nan)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_cluster_size": 1}, "min_cluster_size must be at least 2"),
        ({"min_samples": 0}, "min_samples must be at least 1"),
        ({"min_samples": 11}, r"min_samples \(11\) must be at most the number of samples in X \(10\)"),
        ({"min_cluster_size": 11}, r"min_samples \(11\) must be at most"),
        ({"cluster_selection_epsilon": -0.1}, "cluster_selection_epsilon must be at least 0"),
        ({"max_cluster_size": 0}, "max_cluster_size must be at least 1"),
        ({"alpha": 0}, "alpha must be greater than 0"),
        ({"alpha": np.inf}, "alpha must be at most"),
        ({"metric": "l1"}, r"metric must be one of .*; sklearn\.cluster\.HDBSCAN takes others"),
        ({"metric_params": {"p": 2}}, "metric_params is not supported"),
        ({"algorithm": "boruvka"}, "algorithm must be one of"),
        ({"cluster_selection_method": "best"}, "cluster_selection_method must be one of"),
        ({"allow_single_cluster": "no"}, "allow_single_cluster must be True or False"),
        ({"store_centers": "mean"}, "store_centers must be one of"),
        ({"store_centers": "medoid", "metric": "precomputed"}, "Cannot store centers when using a precomputed"),
        ({"copy": "no"}, "copy must be True or False"),
    ],
)
def test_refusals(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        HDBSCAN(**options).fit(np.ones((10, 2)))


def test_refuses_bad_rows_and_matrices() -> None:
    with pytest.raises(ValueError, match="n_samples=1 while HDBSCAN requires more than one sample"):
        HDBSCAN(2).fit(np.array([[1.0, 2.0], [np.nan, 0.0]]))
    with pytest.raises(ValueError, match=r"min_samples \(2\) must be at most the number of samples in X \(0\)"):
        HDBSCAN(2).fit(np.full((3, 2), np.nan))
    with pytest.raises(ValueError, match="not finite numbers; scale the data"):
        HDBSCAN(2).fit(np.array([[1e200], [-1e200], [0.0]]))
    d = np.ones((6, 6))
    d[2, 3] = 4
    with pytest.raises(ValueError, match="asymmetric: row 2, column 3 holds 4, the other way round it is 1"):
        HDBSCAN(metric="precomputed").fit(d)
    with pytest.raises(ValueError, match=r"it has shape \(4, 6\)"):
        HDBSCAN(metric="precomputed").fit(d[:4])
    d[4, 4] = np.nan
    with pytest.raises(ValueError, match=r"np\.nan values found in precomputed-dense: row 4"):
        HDBSCAN(metric="precomputed").fit(np.maximum(d, d.T))
    for metric in ("euclidean", "precomputed"):
        with pytest.raises(TypeError, match=r"X is a sparse matrix.*sklearn\.cluster\.HDBSCAN takes"):
            HDBSCAN(metric=metric).fit(sparse.csr_array(np.ones((6, 6))))
