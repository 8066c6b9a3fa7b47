"""DBSCAN gives scikit-learn's labels to the number, and those of the definition."""

from __future__ import annotations

import contextlib
import tracemalloc
from typing import Any
from unittest import mock

import numpy as np
import pytest
import sklearn.cluster
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from oracles import dbscan as oracle
from scipy import sparse
from scipy.spatial.distance import cdist
from sklearn.metrics import adjusted_rand_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pyface import _threads
from pyface.cluster import DBSCAN, _dbscan
from pyface.kernels import density, precomputed

METRICS = ["cosine", "euclidean", "sqeuclidean"]
SEEDS = st.integers(0, 2**32 - 1)
WEIGHTS = {
    "integers": lambda rng, n: rng.integers(-2, 4, n),
    "dyadic": lambda rng, n: rng.integers(-4, 9, n) / 8,
    "tenths": lambda rng, n: rng.integers(-2, 9, n) / 10,
    "floats": lambda rng, n: rng.uniform(-0.5, 2, n),
}


def draw_weights(kind: str | None, rng: np.random.Generator, n: int) -> NDArray[np.float64] | None:
    if kind is None:
        return None
    weights = WEIGHTS[kind](rng, n)
    assume(weights.any())  # scikit-learn refuses zeros alone
    return weights


def rows(rng: np.random.Generator, n: int, d: int, *, lattice: bool) -> NDArray[np.float64]:
    """Clusters that overlap, or points of a lattice, with duplicates and rows of zeros."""
    if lattice:
        return rng.integers(-2, 3, (n, d)).astype(float)
    return rng.normal(size=(6, d))[rng.integers(0, 6, n)] + 0.25 * rng.normal(size=(n, d))


def distances(x: NDArray[np.float64], metric: str) -> NDArray[np.float64]:
    if metric != "cosine":
        return cdist(x, x, metric)
    norms = np.linalg.norm(x, axis=1)
    unit = x / np.where(norms > 0, norms, 1)[:, None]
    d = 1 - unit @ unit.T
    np.fill_diagonal(d, 0)
    return d


def small_pieces(edges: int) -> contextlib.ExitStack:
    """So few edges and entries at a time that even small data take several pieces."""
    stack = contextlib.ExitStack()
    stack.enter_context(mock.patch.object(density, "EDGES_AT_ONCE", edges))
    stack.enter_context(mock.patch.object(precomputed, "ENTRIES_AT_ONCE", edges))
    stack.enter_context(mock.patch.object(_dbscan, "COPIED_AT_ONCE", edges))
    return stack


def assert_same(ours: Any, theirs: Any) -> None:
    np.testing.assert_array_equal(ours.labels_, theirs.labels_)
    np.testing.assert_array_equal(ours.core_sample_indices_, theirs.core_sample_indices_)
    if not sparse.issparse(ours.components_):
        np.testing.assert_array_equal(ours.components_, theirs.components_)


@settings(max_examples=200, deadline=None)
@given(
    seed=SEEDS,
    n=st.integers(1, 90),
    d=st.integers(1, 4),
    metric=st.sampled_from(METRICS),
    min_samples=st.sampled_from([1, 2, 3, 5, 9, 50, 91]),
    eps=st.floats(0.02, 1.5),
    lattice=st.booleans(),
    kind=st.sampled_from([None, *WEIGHTS]),
    edges=st.sampled_from([1, 7, 64, 1 << 18]),
)
def test_labels_are_scikit_learns(
    seed: int, n: int, d: int, metric: str, min_samples: int, eps: float, lattice: bool, kind: str | None, edges: int
) -> None:
    rng = np.random.default_rng(seed)
    x = rows(rng, n, d, lattice=lattice)
    if lattice:
        # Exactly at the distance of many pairs; not so under cosine, where scikit-learn normalizes rows first.
        eps = eps + 0.00123 if metric == "cosine" else np.ceil(eps)
    weights = draw_weights(kind, rng, n)
    options = {"eps": eps, "min_samples": min_samples, "metric": metric}
    with small_pieces(edges):
        ours = DBSCAN(**options).fit(x, sample_weight=weights)
    assert_same(ours, sklearn.cluster.DBSCAN(algorithm="brute", **options).fit(x, sample_weight=weights))
    labels, is_core = oracle.dbscan(distances(x, metric), eps, min_samples, weights)
    np.testing.assert_array_equal(ours.labels_, labels)
    np.testing.assert_array_equal(ours.core_sample_indices_, np.flatnonzero(is_core))


@settings(max_examples=100, deadline=None)
@given(
    seed=SEEDS,
    n=st.integers(1, 60),
    symmetric=st.booleans(),
    stored=st.floats(0.0, 0.5),
    dtype=st.sampled_from([np.float32, np.float64]),
    kind=st.sampled_from([None, *WEIGHTS]),
    entries=st.sampled_from([1, 30, 1 << 20]),
)
def test_precomputed(
    seed: int, n: int, symmetric: bool, stored: float, dtype: type, kind: str | None, entries: int
) -> None:
    """Dense and sparse; entries exactly at eps, in float32 too, and on the diagonal."""
    rng = np.random.default_rng(seed)
    d = rng.random((n, n)).round(1).astype(dtype)
    if symmetric:
        d = np.maximum(d, d.T)
    weights = draw_weights(kind, rng, n)
    options = {"eps": 0.2, "min_samples": 4, "metric": "precomputed"}
    theirs = sklearn.cluster.DBSCAN(**options)
    with small_pieces(entries):
        for matrix in (d, np.asfortranarray(d)):
            ours = DBSCAN(**options).fit(matrix, sample_weight=weights)
            assert_same(ours, theirs.fit(d, sample_weight=weights))
        labels, is_core = oracle.dbscan(d > dtype(0.2), 0, 4, weights)
        np.testing.assert_array_equal(ours.labels_, labels)
        np.testing.assert_array_equal(ours.core_sample_indices_, np.flatnonzero(is_core))

        d[rng.random((n, n)) > stored] = 0
        d[0, -1] = 0.1  # scikit-learn fails on a matrix without entries
        for kind_of_matrix in (sparse.csr_matrix, sparse.csr_array, sparse.coo_matrix):
            graph = kind_of_matrix(d)
            before = graph.copy()
            ours = DBSCAN(**options).fit(graph, sample_weight=weights)
            assert_same(ours, theirs.fit(graph, sample_weight=weights))
            assert (graph != before).nnz == 0


def test_sparse_matrices_as_they_may_come() -> None:
    """No entries at all, 64-bit indices, columns out of order, arrays that cannot be written to."""
    options = {"eps": 0.5, "min_samples": 2, "metric": "precomputed"}
    assert DBSCAN(**options).fit_predict(sparse.csr_array((3, 3))).tolist() == [-1, -1, -1]
    indptr, indices, data = np.array([0, 2, 3, 3]), np.array([2, 1, 0]), np.array([0.1, 0.4, 0.4])
    for array in (indptr, indices, data):
        array.flags.writeable = False
    graph = sparse.csr_array((data, indices, indptr), shape=(3, 3))
    assert graph.indices.dtype == np.int64
    assert DBSCAN(**options).fit_predict(graph).tolist() == [0, 0, 0]
    assert DBSCAN(**options).fit(graph).core_sample_indices_.tolist() == [0, 1]


def test_weights_of_tenths_among_duplicates() -> None:
    """Sums of tenths reach a whole number or miss it by rounding: np.sum says which."""
    reached = set()
    for n in range(10, 320, 10):
        weights = np.full(n, 0.1)
        for metric in METRICS:
            ours = DBSCAN(min_samples=n // 10, metric=metric).fit(np.ones((n, 1)), sample_weight=weights)
            assert (ours.labels_ == (0 if np.sum(weights) >= n // 10 else -1)).all()
        reached.add(int(ours.labels_[0]))
    assert reached == {0, -1}


def test_weights_of_sparse_matrices_are_added_by_distance() -> None:
    """Sums of tenths that are 9 or miss it by rounding, depending on the order."""
    options = {"eps": 1.0, "min_samples": 9, "metric": "precomputed"}
    rng = np.random.default_rng(0)
    n_sensitive = 0
    for _ in range(10):
        tenths = rng.permutation(np.repeat([1, 2, 3], 15))
        graph = sparse.csr_array(rng.random((45, 45)).round(1) + 0.1)
        weights = tenths / 10
        ours = DBSCAN(**options).fit(graph, sample_weight=weights)
        assert_same(ours, sklearn.cluster.DBSCAN(**options).fit(graph, sample_weight=weights))
        near = graph.toarray() <= 1.0
        n_sensitive += np.count_nonzero([np.sum(weights[row]) >= 9 for row in near]) != len(ours.core_sample_indices_)
    assert n_sensitive > 0


def test_zero_rows_under_cosine() -> None:
    x = np.array([[0, 0], [1, 0], [1, 0.01], [0, 0]])
    for eps in (0.5, 1.0):
        for weights in (None, [1, 1, 1, 1], [0.1, 0.2, 0.7, 0.1], [3.0, 0.1, 0.1, 0.1]):
            options = {"eps": eps, "min_samples": 1 if weights is None else 3, "metric": "cosine"}
            assert_same(
                DBSCAN(**options).fit(x, sample_weight=weights),
                sklearn.cluster.DBSCAN(**options).fit(x, sample_weight=weights),
            )


@pytest.mark.parametrize("n_threads", ["1", "3"])
def test_real_embeddings(n_threads: str, lfw: tuple[NDArray, NDArray], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYFACE_NUM_THREADS", n_threads)
    x = lfw[0][:1500]
    weights = np.random.default_rng(0).integers(0, 3, len(x))
    for metric, eps in [("cosine", 0.35), ("euclidean", 0.85)]:
        for min_samples, sample_weight in [(2, None), (5, None), (3, weights)]:
            ours = DBSCAN(eps, min_samples=min_samples, metric=metric).fit(x, sample_weight=sample_weight)
            theirs = sklearn.cluster.DBSCAN(eps, min_samples=min_samples, metric=metric)
            assert_same(ours, theirs.fit(x.astype(np.float64), sample_weight=sample_weight))
            assert len(np.unique(ours.labels_)) > 10 and ours.components_.dtype == np.float32


@pytest.mark.parametrize(("min_samples", "weighted"), [(2, False), (50, False), (3, True)])
def test_memory_does_not_grow_with_the_pairs(min_samples: int, weighted: bool) -> None:
    """8 million pairs in reach, which alone would take 64 MB; what NumPy allocates is traced."""
    x = np.random.default_rng(0).normal(1, 1e-3, (4000, 512)).astype(np.float32)
    weights = np.full(4000, 0.5) if weighted else None
    DBSCAN(0.5, min_samples=min_samples).fit(x[:9], sample_weight=None if weights is None else weights[:9])
    tracemalloc.start()
    try:
        labels, is_core = density.dbscan(
            x, 0.5, min_samples, metric="euclidean", weights=weights, n_threads=_threads.resolve(None)
        )
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert is_core.all() and not labels.any()
    assert peak < 16e6


def test_in_pipelines_and_searches() -> None:
    rng = np.random.default_rng(0)
    people = np.repeat(np.arange(5), 12)
    x = 10 * rng.normal(size=(5, 3))[people] + rng.normal(size=(60, 3))
    weights = rng.integers(0, 3, 60)
    pipeline = make_pipeline(StandardScaler(), DBSCAN(0.4))
    found = pipeline.fit_predict(x, dbscan__sample_weight=weights)
    scaled = StandardScaler().fit_transform(x)
    np.testing.assert_array_equal(found, DBSCAN(0.4).fit_predict(scaled, sample_weight=weights))

    def score(estimator: Any, x: NDArray, y: NDArray) -> float:
        return float(adjusted_rand_score(y, estimator.fit_predict(x)))

    everything = [(np.arange(60), np.arange(60))]
    grid = {"dbscan__eps": [1e-3, 0.4, 9.0], "dbscan__min_samples": [2, 5]}
    search = GridSearchCV(pipeline, grid, scoring=score, cv=everything).fit(x, people)
    assert search.best_params_["dbscan__eps"] == 0.4 and search.best_score_ > 0.9
    np.testing.assert_array_equal(search.best_estimator_[-1].labels_, search.best_estimator_.fit_predict(x))
    # Of a matrix of distances a split takes rows and columns.
    some = [(np.arange(5, 50), np.arange(5, 50))]
    search = GridSearchCV(DBSCAN(metric="precomputed"), {"eps": [1e-3, 4.0]}, scoring=score, cv=some)
    assert search.fit(cdist(x, x), people).best_params_ == {"eps": 4.0}


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
def test_refusals(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DBSCAN(**options).fit(np.ones((3, 2)))


def test_refuses_bad_matrices() -> None:
    bad = np.ones((3, 3))
    bad[1, 2] = -0.5
    for matrix in (bad, sparse.csr_array(bad)):
        with pytest.raises(ValueError, match=r"Negative values in .*: row 1 holds -0\.5"):
            DBSCAN(metric="precomputed").fit(matrix)
    with pytest.raises(ValueError, match="square"):
        DBSCAN(metric="precomputed").fit(np.ones((3, 2)))
    with pytest.raises(TypeError, match=r"[Ss]parse"):
        DBSCAN().fit(sparse.csr_array(np.ones((3, 3))))
    with pytest.raises(TypeError, match="eps must be a number"):
        DBSCAN(eps="1").fit(np.ones((3, 2)))
    with pytest.raises(ValueError, match="sample_weight"):
        DBSCAN().fit(np.ones((3, 2)), sample_weight=[1, 2])
