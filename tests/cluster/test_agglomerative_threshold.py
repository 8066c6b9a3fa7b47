"""Agglomerative clustering below a threshold: the cut of the whole tree, without the whole tree."""

from __future__ import annotations

import os
from functools import cache
from typing import Any
from unittest import mock

import hard_rows
import numpy as np
import pytest
import sklearn.cluster
from agglomerative_rows import (
    CASES,
    KINDS,
    METRICS,
    PAIRWISE,
    assert_same_fit,
    attributes,
    clear_threshold,
    faces,
    rows,
    some_threshold,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from near_radius import OFFSETS, stars
from numpy.typing import NDArray
from oracles import agglomerative as oracle
from oracles import neighbors
from oracles.linkage import numbered_by_smallest_row
from scipy.cluster import hierarchy
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import squareform

from pyface import _core, _memory
from pyface.cluster import AgglomerativeClustering

EACH_CASE = pytest.mark.parametrize(("method", "metric"), CASES)
EACH_DTYPE = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def below(threshold: float, method: str, metric: str, **options: Any) -> AgglomerativeClustering:
    """The clusterer of these tests, not fitted yet."""
    return AgglomerativeClustering(None, distance_threshold=threshold, linkage=method, metric=metric, **options)


def scipys_tree(distances: NDArray, method: str) -> NDArray[np.float64]:
    distances = np.sqrt(distances) if method == "ward" else distances
    return hierarchy.linkage(squareform(distances, checks=False), method)


@cache
def some_faces(method: str, metric: str, dtype: type) -> tuple[NDArray, NDArray[np.float64]]:
    """Rows and SciPy's tree of them."""
    x = faces(400, 33, np.random.default_rng(7))[0].astype(dtype)
    return x, scipys_tree(oracle.distances(x, metric, method), method)


@settings(max_examples=250, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    case=st.sampled_from(CASES),
    kind=st.sampled_from(KINDS),
    n=st.integers(2, 60),
    d=st.integers(1, 70),
    dtype=st.sampled_from([np.float32, np.float64]),
    whole=st.booleans(),
    n_threads=st.sampled_from(["1", "2", "5"]),
)
def test_every_merge_is_the_closest(
    seed: int, case: tuple[str, str], kind: str, n: int, d: int, dtype: type, whole: bool, n_threads: str
) -> None:
    method, metric = case
    rng = np.random.default_rng(seed)
    x = rows(kind, n, d, rng, dtype)
    distances = oracle.distances(x, metric, method)
    threshold = some_threshold(distances, method, rng)
    with mock.patch.dict(os.environ, PYFACE_NUM_THREADS=n_threads):
        fitted = below(threshold, method, metric, compute_full_tree=True if whole else "auto").fit(x)
    oracle.assert_is_agglomerative(fitted, distances, method, threshold=threshold, whole=whole)
    assert numbered_by_smallest_row(fitted.labels_) and fitted.labels_.dtype == np.int64
    assert fitted.n_leaves_ == n and fitted.merges_.shape == (n - fitted.n_clusters_, 4)
    assert ("children_" in vars(fitted)) == (whole or fitted.n_clusters_ == 1)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    case=st.sampled_from([(method, "sqeuclidean") for method in PAIRWISE] + [("ward", "euclidean")]),
    n=st.integers(2, 9),
)
def test_without_rounding(seed: int, case: tuple[str, str], n: int) -> None:
    """Whole numbers, held against rational ones: what is exactly at the threshold is not below it.

    Only sizes of clusters that are powers of two leave float64 nothing to round, and Ward's height is a root; there
    the threshold keeps clear of the heights.
    """
    method, metric = case
    rng = np.random.default_rng(seed)
    x = rng.integers(-3, 4, (n, 2)).astype(float)
    distances = oracle.exact_distances(x, metric, method)
    heights = oracle.greedy(distances, method).heights
    threshold = float(rng.choice(heights))
    if method in ("average", "ward"):
        threshold = np.nextafter(threshold, 0) * (1 - 1e-9)
    fitted = below(threshold, method, metric).fit(x)
    oracle.assert_is_agglomerative(fitted, distances, method, threshold=threshold)
    assert (fitted.merges_[:, 2] < threshold).all()
    if method == "single":
        assert fitted.n_clusters_ == oracle.greedy(distances, method, threshold=threshold).n_clusters


@EACH_CASE
def test_strictly_below(method: str, metric: str) -> None:
    """Pairs at distance 2 exactly, far from one another."""
    if metric == "cosine":
        x, at = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 2.0], [-1.0, 0.0]])[:2], 1.0
    else:
        x = np.array([[0.0], [2.0], [100.0], [102.0], [500.0]])
        at = 4.0 if metric == "sqeuclidean" else 2.0
    n_pairs = len(x) // 2
    for threshold, n_merges in [(at, 0), (np.nextafter(at, 9), n_pairs), (np.nextafter(at, 0), 0), (0.0, 0)]:
        fitted = below(threshold, method, metric).fit(x)
        assert fitted.n_clusters_ == len(x) - n_merges == fitted.labels_.max() + 1
        assert fitted.merges_[:, 2].tolist() == [at] * n_merges
    assert below(np.inf, method, metric).fit(x).n_clusters_ == 1


def test_chains_by_hand() -> None:
    x = np.array([[0.0], [1.0], [3.0], [4.0], [10.0]])
    wanted = {
        ("single", 2.0): [0, 0, 1, 1, 2],
        ("single", 2.1): [0, 0, 0, 0, 1],
        ("complete", 4.0): [0, 0, 1, 1, 2],
        ("complete", 4.1): [0, 0, 0, 0, 1],
        ("average", 3.0): [0, 0, 1, 1, 2],
        ("average", 3.1): [0, 0, 0, 0, 1],
        ("weighted", 3.0): [0, 0, 1, 1, 2],
        ("weighted", 8.1): [0, 0, 0, 0, 0],
    }
    for (method, threshold), labels in wanted.items():
        assert below(threshold, method, "euclidean").fit(x).labels_.tolist() == labels
    fitted = below(3.1, "average", "euclidean").fit(x)
    assert sorted(fitted.merges_[:2].tolist()) == [[0, 1, 1, 2], [2, 3, 1, 2]]
    assert fitted.merges_[2].tolist() == [5, 6, 3, 4]


@EACH_CASE
@EACH_DTYPE
def test_is_the_cut_of_scipys_tree(method: str, metric: str, dtype: type, isa: str) -> None:
    x, z = some_faces(method, metric, dtype)
    heights = z[:, 2]
    for quantile in (0.1, 0.5, 0.8, 0.97):
        threshold = clear_threshold(heights, quantile)
        fitted = below(threshold, method, metric).fit(x)
        oracle.assert_same_partition(fitted.labels_, hierarchy.fcluster(z, threshold, "distance"))
        np.testing.assert_allclose(fitted.merges_[:, 2], heights[heights < threshold], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("method", "metric"), [case for case in CASES if case[0] != "weighted"])
def test_is_scikit_learns(method: str, metric: str) -> None:
    x = faces(150, 5, np.random.default_rng(8))[0]
    heights = oracle.greedy(oracle.distances(x, metric, method), method).heights
    for quantile in (0.2, 0.7, 0.9):
        threshold = clear_threshold(np.array(heights), quantile)
        ours = below(threshold, method, metric, compute_full_tree=True).fit(x)
        options = {"n_clusters": None, "distance_threshold": threshold, "linkage": method, "metric": metric}
        theirs = sklearn.cluster.AgglomerativeClustering(**options).fit(x)
        oracle.assert_same_partition(ours.labels_, theirs.labels_)
        np.testing.assert_allclose(ours.distances_, theirs.distances_, rtol=1e-9, atol=1e-12)
        np.testing.assert_array_equal(np.sort(ours.children_), np.sort(theirs.children_))
        assert ours.n_clusters_ == theirs.n_clusters_
        oracle.assert_same_partition(below(threshold, method, metric).fit_predict(x), theirs.labels_)


@EACH_CASE
@pytest.mark.parametrize("kind", ["clustered", "again", "lattice"])
def test_is_where_the_whole_tree_is_cut(method: str, metric: str, kind: str) -> None:
    """At heights of its own tree, to the bit: the merges below one are those that were made before it.

    The order of merges at equal heights may be another one, as it says nothing about the clusters.
    """
    x = rows(kind, 90, 4, np.random.default_rng(9))
    whole = below(0.0, method, metric, compute_full_tree=True).fit(x)
    assert whole.n_clusters_ == 90 and len(whole.children_) == 89
    for threshold in whole.distances_[[3, 30, 60, 88]]:
        n_below = np.count_nonzero(whole.distances_ < threshold)
        fitted = below(threshold, method, metric).fit(x)
        np.testing.assert_array_equal(fitted.merges_[:, 2], whole.distances_[:n_below])
        if kind == "clustered":
            np.testing.assert_array_equal(fitted.merges_[:, :2], whole.children_[:n_below])
        again = below(threshold, method, metric, compute_full_tree=True).fit(x)
        np.testing.assert_array_equal(again.labels_, fitted.labels_)
        np.testing.assert_array_equal(again.children_, whole.children_)


@EACH_CASE
def test_one_component_of_everything(method: str, metric: str) -> None:
    """So loose a threshold that nothing falls apart: the tree is whole, or nearly."""
    rng = np.random.default_rng(10)
    x = rng.normal(size=(300, 12)) + 0.2
    distances = oracle.distances(x, metric, method)
    heights = oracle.greedy(distances, method).heights
    for threshold in (clear_threshold(np.array(heights), 0.99), heights[-1] + 1):
        fitted = below(threshold, method, metric).fit(x)
        oracle.assert_is_agglomerative(fitted, distances, method, threshold=threshold)


@EACH_CASE
def test_many_duplicates(method: str, metric: str) -> None:
    x = np.repeat(np.random.default_rng(11).normal(size=(12, 9)), 30, axis=0)
    x = x[np.random.default_rng(12).permutation(len(x))]
    fitted = below(1e-6, method, metric).fit(x)
    assert fitted.n_clusters_ == 12 and (fitted.merges_[:, 2] == 0).all()
    assert below(0.0, method, metric).fit(x).n_clusters_ == len(x)  # 0 is not below 0


@EACH_DTYPE
@pytest.mark.parametrize("metric", METRICS)
def test_single_linkage_within_1e_12_of_the_threshold(metric: str, dtype: type, isa: str) -> None:
    for d in (11, 150):
        sample = stars(metric, dtype, d)
        wanted = connected_components(csr_array(sample.is_near), directed=False)[1]
        fitted = below(sample.radius, "single", metric).fit(sample.x)
        oracle.assert_same_partition(fitted.labels_, wanted)


@EACH_CASE
@EACH_DTYPE
def test_pairs_within_1e_12_of_the_threshold(method: str, metric: str, dtype: type) -> None:
    """Two rows at a time, which every linkage merges at their distance."""
    sample = stars(metric, dtype, 11)
    for s in range(0, len(sample.centres), 6):
        i = sample.centres[s]
        for j, offset in zip(sample.rays[s], OFFSETS, strict=True):
            fitted = below(sample.radius, method, metric).fit(sample.x[[i, j]])
            assert fitted.n_clusters_ == (1 if sample.is_near[i, j] else 2), f"{offset} from the threshold"


@pytest.mark.parametrize("method", ["single", "complete"])
@pytest.mark.parametrize("maker", hard_rows.MAKERS, ids=lambda maker: maker.__name__)
def test_rows_that_are_hard_to_tell_apart(method: str, maker: Any) -> None:
    for dtype in (np.float32, np.float64):
        x = maker(np.random.default_rng(13), dtype).astype(dtype)[:60]
        for metric in METRICS:
            want = neighbors.distances(x, x, metric)
            np.fill_diagonal(want, 0)
            if not np.isfinite(want).all():
                continue
            for threshold in neighbors.clear_radii(want, metric, (0.0, 0.3)):
                fitted = below(threshold, method, metric).fit(x)
                oracle.assert_is_agglomerative(fitted, want, method, threshold=threshold)
                if method == "single":  # the only partition there is, whatever the order of ties
                    wanted = connected_components(csr_array(want <= threshold), directed=False)[1]
                    oracle.assert_same_partition(fitted.labels_, wanted)


@EACH_CASE
@EACH_DTYPE
def test_threads_layouts_and_instruction_sets(
    method: str, metric: str, dtype: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ties included: the same to the bit."""
    rng = np.random.default_rng(14)
    x = np.concatenate([faces(80, 67, rng)[0], rows("again", 40, 67, rng), rows("lattice", 40, 67, rng)]).astype(dtype)
    threshold = clear_threshold(scipys_tree(oracle.distances(x, metric, method), method)[:, 2], 0.6)
    want = below(threshold, method, metric).fit(x)
    before = _core.active_isa()
    try:
        for isa in _core.supported_isas():
            _core.set_isa(isa)
            for n_threads in ("1", "2", "5"):
                monkeypatch.setenv("PYFACE_NUM_THREADS", n_threads)
                assert_same_fit(below(threshold, method, metric).fit(x), want)
    finally:
        _core.set_isa(before)
    assert_same_fit(below(threshold, method, metric).fit(np.asfortranarray(x)), want)
    assert_same_fit(below(threshold, method, metric).fit(np.repeat(x, 2, axis=1)[:, ::2]), want)


def test_real_embeddings(lfw: tuple[NDArray, NDArray]) -> None:
    x = lfw[0]
    for method, metric, threshold in [
        ("average", "cosine", 0.55),
        ("weighted", "cosine", 0.5),
        ("complete", "cosine", 0.7),
        ("single", "cosine", 0.35),
        ("average", "sqeuclidean", 1.1),
        ("average", "euclidean", 1.0),
        ("ward", "euclidean", 1.2),
    ]:
        z = scipys_tree(oracle.distances(x, metric, method), method)
        assert np.abs(z[:, 2] - threshold).min() > 1e-9
        fitted = below(threshold, method, metric).fit(x)
        oracle.assert_same_partition(fitted.labels_, hierarchy.fcluster(z, threshold, "distance"))
        np.testing.assert_allclose(fitted.merges_[:, 2], z[z[:, 2] < threshold, 2], rtol=1e-9, atol=1e-12)
        assert 100 < fitted.n_clusters_ < len(x) - 100


@pytest.mark.parametrize("method", [*PAIRWISE, "ward"])
@EACH_DTYPE
def test_matrices_of_distances(method: str, dtype: type) -> None:
    if method == "ward":
        with pytest.raises(ValueError, match="Ward can only work with euclidean"):
            below(1.0, method, "precomputed").fit(np.zeros((3, 3)))
        return
    for kind in ("clustered", "lattice"):
        x = rows(kind, 70, 3, np.random.default_rng(15))
        distances = oracle.distances(x, "euclidean", method).astype(dtype)
        copy = distances.copy()
        for threshold in (0.0, 1.0, 1.5, 9.0):
            fitted = below(threshold, method, "precomputed").fit(distances)
            oracle.assert_is_agglomerative(fitted, distances.astype(float), method, threshold=threshold)
        np.testing.assert_array_equal(distances, copy)


def test_needs_memory_for_the_rows_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The n^2 distances would take 137 MiB in float32; what needs them says where to go."""
    x = faces(6000, 8, np.random.default_rng(16), spread=0.05)[0].astype(np.float32)
    monkeypatch.setattr(_memory, "available", lambda: 20_000_000)
    for method, metric in CASES:
        fitted = below(0.2 if metric == "euclidean" else 0.05, method, metric).fit(x)
        assert 100 < fitted.n_clusters_ < 6000
    for options in ({"n_clusters": 5}, {"n_clusters": None, "distance_threshold": 0.05, "compute_full_tree": True}):
        with pytest.raises(MemoryError, match=r"19 MiB are free.*distance_threshold"):
            AgglomerativeClustering(linkage="complete", metric="cosine", **options).fit(x)


@pytest.mark.parametrize("n", [2, 3])
@EACH_CASE
def test_hardly_any_rows(method: str, metric: str, n: int) -> None:
    x = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])[:n]
    assert below(1e-9, method, metric).fit(x).labels_.tolist() == [0, 1, 0][:n]
    assert below(99.0, method, metric).fit(x).labels_.tolist() == [0] * n
    assert [len(part) for part in attributes(below(0.0, method, metric).fit(x))[:2]] == [n, 0]


def test_distances_given_for_rows() -> None:
    """A matrix with zeros on its diagonal, the same on both sides, most probably holds distances."""
    distances = oracle.distances(np.random.default_rng(17).normal(size=(9, 2)), "euclidean", "single")
    with pytest.warns(UserWarning, match="precomputed"):
        below(1.0, "single", "euclidean").fit(distances)
    for harmless in (distances[:8], distances + 1.0, np.triu(distances)):
        below(1.0, "single", "euclidean").fit(harmless)
    below(1.0, "single", "precomputed").fit(distances)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_clusters": 2, "distance_threshold": 0.5}, "Exactly one of n_clusters and distance_threshold"),
        ({"n_clusters": None}, "Exactly one of n_clusters and distance_threshold"),
        ({"distance_threshold": -0.5}, "distance_threshold must be at least 0"),
        ({"distance_threshold": np.nan}, "distance_threshold must be a number"),
        ({"linkage": "centroid"}, "linkage must be one of .*'weighted'"),
        ({"linkage": "ward", "metric": "cosine"}, "Ward can only work with euclidean"),
        ({"metric": "manhattan"}, "metric must be one of 'cosine', 'euclidean', 'sqeuclidean', 'precomputed'"),
        ({"compute_full_tree": "yes"}, "compute_full_tree must be True, False or 'auto'"),
    ],
)
def test_refusals(options: dict[str, Any], message: str) -> None:
    options = {"n_clusters": None, "linkage": "average", **options}
    if options["n_clusters"] is None and message[:7] != "Exactly":
        options.setdefault("distance_threshold", 0.5)
    with pytest.raises(ValueError, match=message):
        AgglomerativeClustering(**options).fit(np.array([[0.0, 1.0], [1.0, 2.0], [3.0, 4.0]]))


@pytest.mark.parametrize(
    ("x", "metric", "message"),
    [
        ([[0.0, 1.0], [np.nan, 1.0]], "euclidean", "NaN"),
        ([[0.0, 1.0], [np.inf, 1.0]], "euclidean", "infinity"),
        ([[1.0, 1.0], [0.0, 0.0]], "cosine", "zero vectors"),
        ([1.0, 2.0], "euclidean", "Expected 2D array"),
        ([[1.0, 2.0]], "euclidean", "minimum of 2"),
        (np.empty((0, 3)), "euclidean", r"0 sample\(s\)"),
        ([[0.0, 1.0, 2.0]] * 2, "precomputed", "square"),
    ],
)
def test_refuses_bad_rows(x: Any, metric: str, message: str) -> None:
    for method in PAIRWISE:
        with pytest.raises(ValueError, match=message):
            below(0.5, method, metric).fit(x)
    with pytest.raises(TypeError, match="distance_threshold must be a number"):
        AgglomerativeClustering(None, distance_threshold="1", linkage="single").fit(np.ones((3, 2)))
