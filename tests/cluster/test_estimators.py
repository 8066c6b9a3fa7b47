"""Both estimators obey scikit-learn's rules and give its answers."""

from __future__ import annotations

import inspect
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn.cluster
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from oracles import dbscan as oracle
from oracles.linkage import numbered_by_smallest_row, partition
from scipy import sparse
from scipy.spatial.distance import cdist
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from pyface.cluster import DBSCAN, AgglomerativeClustering

METRICS = ["cosine", "euclidean", "sqeuclidean"]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks([DBSCAN(), AgglomerativeClustering()])
def test_check_estimator(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.parametrize("ours", [DBSCAN, AgglomerativeClustering])
def test_the_signature_is_scikit_learns(ours: type) -> None:
    theirs = getattr(sklearn.cluster, ours.__name__)

    def parameters(function: Any) -> list[tuple[str, Any, Any]]:
        return [(p.name, p.kind, p.default) for p in inspect.signature(function).parameters.values()]

    assert parameters(ours) == parameters(theirs)
    assert parameters(ours.fit) == parameters(theirs.fit)
    assert parameters(ours.fit_predict) == parameters(theirs.fit_predict)


@pytest.mark.parametrize("estimator", [DBSCAN(0.3, min_samples=2), AgglomerativeClustering(3)])
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


def assert_same_dbscan(ours: DBSCAN, theirs: Any) -> None:
    np.testing.assert_array_equal(ours.labels_, theirs.labels_)
    np.testing.assert_array_equal(ours.core_sample_indices_, theirs.core_sample_indices_)
    np.testing.assert_array_equal(ours.components_, theirs.components_)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    metric=st.sampled_from(METRICS),
    eps=st.floats(0.02, 1.5),
    min_samples=st.integers(1, 6),
    weighted=st.booleans(),
)
def test_dbscan_is_scikit_learns(seed: int, metric: str, eps: float, min_samples: int, weighted: bool) -> None:
    x = points(seed)
    weights = np.random.default_rng(seed).uniform(-0.5, 2, len(x)).round(2) if weighted else None
    options = {"eps": eps, "min_samples": min_samples, "metric": metric}
    ours = DBSCAN(**options).fit(x, sample_weight=weights)
    assert_same_dbscan(ours, sklearn.cluster.DBSCAN(algorithm="brute", **options).fit(x, sample_weight=weights))
    labels, is_core = oracle.dbscan(cdist(x, x, metric), eps, min_samples, weights)
    np.testing.assert_array_equal(ours.labels_, labels)
    np.testing.assert_array_equal(ours.core_sample_indices_, np.flatnonzero(is_core))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), symmetric=st.booleans(), density=st.floats(0.0, 0.5))
def test_dbscan_precomputed(seed: int, symmetric: bool, density: float) -> None:
    rng = np.random.default_rng(seed)
    distances = rng.random((40, 40)).round(1)
    if symmetric:
        distances = np.maximum(distances, distances.T)
    options = {"eps": 0.2, "min_samples": 4, "metric": "precomputed"}
    assert_same_dbscan(DBSCAN(**options).fit(distances), sklearn.cluster.DBSCAN(**options).fit(distances))
    distances[rng.random((40, 40)) > density] = 0
    for kind in (sparse.csr_matrix, sparse.csr_array, sparse.coo_matrix):
        graph = kind(distances)
        ours, theirs = DBSCAN(**options).fit(graph), sklearn.cluster.DBSCAN(**options).fit(graph)
        np.testing.assert_array_equal(ours.labels_, theirs.labels_)
        np.testing.assert_array_equal(ours.core_sample_indices_, theirs.core_sample_indices_)


def test_dbscan_weights_reach_min_samples_when_numpys_sum_does() -> None:
    reached = set()
    for n in range(10, 320, 10):
        weights = np.full(n, 0.1)
        ours = DBSCAN(min_samples=n // 10).fit(np.zeros((n, 1)), sample_weight=weights)
        assert (ours.labels_ == (0 if np.sum(weights) >= n // 10 else -1)).all()
        reached.add(int(ours.labels_[0]))
    assert reached == {0, -1}


def test_dbscan_zero_rows_under_cosine() -> None:
    x = np.array([[0, 0], [1, 0], [1, 0.01], [0, 0]])
    for eps in (0.5, 1.0):
        options = {"eps": eps, "min_samples": 1, "metric": "cosine"}
        np.testing.assert_array_equal(
            DBSCAN(**options).fit(x).labels_, sklearn.cluster.DBSCAN(**options).fit(x).labels_
        )


@pytest.mark.parametrize("n_threads", ["1", "3"])
def test_dbscan_real_embeddings(n_threads: str, lfw: tuple[NDArray, NDArray], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYFACE_NUM_THREADS", n_threads)
    x = lfw[0]
    for metric, eps in [("cosine", 0.35), ("euclidean", 0.85)]:
        ours = DBSCAN(eps, min_samples=2, metric=metric).fit(x)
        theirs = sklearn.cluster.DBSCAN(eps, min_samples=2, metric=metric).fit(x.astype(np.float64))
        np.testing.assert_array_equal(ours.labels_, theirs.labels_)
        assert len(np.unique(ours.labels_)) > 50


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"eps": 0}, "eps must be greater than 0"),
        ({"eps": np.nan}, "eps must be greater than 0"),
        ({"min_samples": 0}, "min_samples must be at least 1"),
        ({"metric": "l1"}, "metric must be one of"),
        ({"algorithm": "fast"}, "algorithm must be one of"),
        ({"p": 2}, "p is not supported"),
        ({"metric_params": {}}, "metric_params is not supported"),
    ],
)
def test_dbscan_refusals(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DBSCAN(**options).fit(np.ones((3, 2)))


def test_dbscan_refuses_bad_matrices() -> None:
    for bad in (-np.ones((3, 3)), sparse.csr_array(-np.ones((3, 3)))):
        with pytest.raises(ValueError, match="Negative values"):
            DBSCAN(metric="precomputed").fit(bad)
    with pytest.raises(ValueError, match="square"):
        DBSCAN(metric="precomputed").fit(np.ones((3, 2)))
    with pytest.raises(TypeError, match=r"[Ss]parse"):
        DBSCAN().fit(sparse.csr_array(np.ones((3, 3))))
    with pytest.raises(TypeError, match="eps must be a number"):
        DBSCAN(eps="1").fit(np.ones((3, 2)))


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


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_compiled_code_is_cached_elsewhere_if_the_package_cannot_be_written(tmp_path: Path) -> None:
    """A copy of the JIT file whose folder refuses a cache: the user's cache folder takes it; failing that, no cache."""
    import pyface._numba.dbscan as original

    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "jit.py").write_text(Path(original.__file__).read_text())
    (folder / "__pycache__").touch()  # a file where the folder should be: refuses root too
    code = (
        "import numpy as np, jit\n"
        "print(jit.label(np.array([0, 1]), np.array([0], np.int32), np.array([True])))\n"
        "print(sum(jit.label.stats.cache_misses.values()))\n"
    )
    home = tmp_path / "home"
    home.mkdir()
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("NUMBA", "XDG"))}
    environment |= {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", "HOME": str(home)}

    def run() -> list[str]:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", code], env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout.split()

    assert run()[0] == "[0]"
    assert list(home.rglob("*.nbi")), "no cache was written"
    assert run()[1] == "0", "the cache was not read"
    environment["HOME"] = str(home / "file")
    (home / "file").touch()
    assert run()[0] == "[0]"
