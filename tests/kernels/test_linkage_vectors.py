"""Trees of vectors without a matrix of distances: every linkage that can, and what the others say without memory."""

from __future__ import annotations

from functools import cache
from typing import Any

import hard_rows
import numpy as np
import pytest
from agglomerative_rows import KINDS, faces, rows
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from numpy.typing import NDArray
from oracles import agglomerative as oracle
from scipy.cluster import hierarchy
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial.distance import squareform

import pyface
from pyface import _core, _memory

# Means, spreads and sizes, or the edges of one tree, say all there is to know.
FROM_VECTORS = [
    ("average", "cosine"),
    ("average", "sqeuclidean"),
    ("weighted", "cosine"),
    ("weighted", "sqeuclidean"),
    ("ward", "euclidean"),
    ("single", "cosine"),
    ("single", "euclidean"),
    ("single", "sqeuclidean"),
]
FROM_DISTANCES = [
    ("complete", "cosine"),
    ("complete", "euclidean"),
    ("complete", "sqeuclidean"),
    ("average", "euclidean"),
    ("weighted", "euclidean"),
    ("centroid", "euclidean"),
    ("median", "euclidean"),
]
EACH_CASE = pytest.mark.parametrize(("method", "metric"), FROM_VECTORS)
EACH_DTYPE = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def scipys_tree(x: NDArray, method: str, metric: str) -> NDArray[np.float64]:
    distances = oracle.distances(x, metric, method)
    return hierarchy.linkage(squareform(np.sqrt(distances) if method == "ward" else distances, checks=False), method)


@settings(max_examples=250, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    case=st.sampled_from(FROM_VECTORS),
    kind=st.sampled_from(KINDS),
    n=st.integers(1, 60),
    d=st.integers(1, 70),
    dtype=st.sampled_from([np.float32, np.float64]),
    n_threads=st.sampled_from([1, 2, 5]),
)
def test_every_merge_is_the_closest(
    seed: int, case: tuple[str, str], kind: str, n: int, d: int, dtype: type, n_threads: int
) -> None:
    method, metric = case
    x = rows(kind, n, d, np.random.default_rng(seed), dtype)
    copy = x.copy()
    z = pyface.linkage(x, method, metric, n_threads=n_threads)
    np.testing.assert_array_equal(x, copy)
    oracle.assert_is_tree(z, oracle.distances(x, metric, method), method)
    assert n == 1 or hierarchy.is_valid_linkage(z)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), case=st.sampled_from(FROM_VECTORS), n=st.integers(1, 9))
def test_without_rounding(seed: int, case: tuple[str, str], n: int) -> None:
    """Held against rational numbers: ties are ties, and heights are right to the last bits."""
    method, metric = case
    x = np.random.default_rng(seed).integers(1, 5, (n, 3)).astype(float)
    z = pyface.linkage(x, method, metric)
    distances = oracle.exact_distances(x, metric, method)
    oracle.assert_is_tree(z, distances, method)
    if method == "single":  # its heights are the same whatever the order of ties
        np.testing.assert_allclose(z[:, 2], oracle.greedy(distances, method).heights, rtol=1e-14, atol=1e-15)


@cache
def some_faces(method: str, metric: str, dtype: type) -> tuple[NDArray, NDArray[np.float64]]:
    """Rows for several blocks, and SciPy's tree."""
    x = faces(700, 40, np.random.default_rng(40))[0].astype(dtype)
    return x, scipys_tree(x, method, metric)


@EACH_CASE
@EACH_DTYPE
def test_is_scipys(method: str, metric: str, dtype: type, isa: str) -> None:
    x, theirs = some_faces(method, metric, dtype)
    assert np.diff(theirs[:, 2]).min() > 1e-12  # no ties: there is one tree
    z = pyface.linkage(x, method, metric)
    np.testing.assert_allclose(z[:, 2], theirs[:, 2], rtol=1e-10, atol=1e-13)
    for n_clusters in (2, 20, 100, 400, 650):
        wanted = hierarchy.fcluster(theirs, n_clusters, "maxclust")
        oracle.assert_same_partition(pyface.cut(z, n_clusters=n_clusters), wanted)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("metric", ["cosine", "euclidean", "sqeuclidean"])
@pytest.mark.parametrize("maker", hard_rows.MAKERS, ids=lambda maker: maker.__name__)
def test_few_rows_have_the_tree_of_many(maker: Any, metric: str, dtype: type, isa: str) -> None:
    """By all distances and by searches: ties are ordered, so that there is one tree, and below a limit one forest."""
    x = maker(np.random.default_rng(3), dtype).astype(dtype)
    x = np.concatenate([x, x[::7]])  # equal rows
    if metric == "cosine":
        x = x[x.any(axis=1)]
    if not (oracle.distances(x, metric, "single") < 1e300).all():
        pytest.skip("distances overflow")
    options = {"metric": metric, "n_threads": 2}
    whole = _core.spanning_edges(x, height_limit=np.inf, few=0, **options)
    assert_array_equal(_core.spanning_edges(x, height_limit=np.inf, **options), whole)
    assert len(whole) == len(x) - 1
    middle = np.sort(pyface.linkage(x, "single", metric)[:, 2])[len(x) // 2]
    for limit in (float(middle), float(np.nextafter(middle, np.inf))):
        few = _core.spanning_edges(x, height_limit=limit, **options)
        assert_array_equal(few, _core.spanning_edges(x, height_limit=limit, few=0, **options))


@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(1, 4), st.sampled_from(["cosine", "sqeuclidean"]))
def test_few_rows_with_many_ties_have_the_tree_of_many(seed: int, n: int, d: int, metric: str) -> None:
    x = np.random.default_rng(seed).integers(1, 4, (n, d)).astype(np.float64)
    few = _core.spanning_edges(x, metric=metric, height_limit=np.inf, n_threads=1)
    assert_array_equal(few, _core.spanning_edges(x, metric=metric, height_limit=np.inf, few=0, n_threads=1))


@pytest.mark.parametrize("metric", ["cosine", "euclidean", "sqeuclidean"])
def test_single_linkage_is_the_minimum_spanning_tree(metric: str) -> None:
    """Its heights are unique even where all distances are tied."""
    for kind in KINDS:
        x = rows(kind, 300, 6, np.random.default_rng(41))
        distances = np.triu(oracle.distances(x, metric, "single"), 1)
        upper = np.triu_indices(300, 1)
        # SciPy's takes 0 for no edge.
        shifted = np.zeros_like(distances)
        shifted[upper] = distances[upper] + 1
        wanted = np.sort(minimum_spanning_tree(shifted).data) - 1
        np.testing.assert_allclose(pyface.linkage(x, "single", metric)[:, 2], wanted, rtol=1e-12, atol=1e-14)


@EACH_CASE
@EACH_DTYPE
def test_threads_layouts_and_instruction_sets(method: str, metric: str, dtype: type) -> None:
    """Ties included: the same to the bit."""
    rng = np.random.default_rng(42)
    x = np.concatenate([faces(300, 67, rng)[0], rows("again", 80, 67, rng), rows("lattice", 80, 67, rng)]).astype(dtype)
    want = pyface.linkage(x, method, metric, n_threads=1)
    before = _core.active_isa()
    try:
        for isa in _core.supported_isas():
            _core.set_isa(isa)
            for n_threads in (1, 2, 5):
                np.testing.assert_array_equal(pyface.linkage(x, method, metric, n_threads=n_threads), want)
    finally:
        _core.set_isa(before)
    np.testing.assert_array_equal(pyface.linkage(np.asfortranarray(x), method, metric), want)
    np.testing.assert_array_equal(pyface.linkage(np.repeat(x, 2, axis=1)[:, ::2], method, metric), want)


@EACH_CASE
def test_duplicates_merge_at_zero(method: str, metric: str) -> None:
    rng = np.random.default_rng(43)
    x = np.repeat(rng.normal(size=(20, 33)), 17, axis=0)[rng.permutation(340)]
    z = pyface.linkage(x, method, metric)
    assert (z[:320, 2] == 0).all() and (z[320:, 2] > 1e-3).all()
    same = pyface.linkage(np.repeat(x[:1], 200, axis=0), method, metric)
    assert (same[:, 2] == 0).all() and same[-1, 3] == 200


@EACH_CASE
def test_chains_and_extremes(method: str, metric: str) -> None:
    """Each row nearest to the one before it, which gives one merge a round; and rows from 1e-9 to 1e9 long."""
    steps = 1.05 ** np.arange(120)
    x = np.column_stack([np.cumsum(steps), np.ones(120)])
    if metric == "cosine":
        angles = np.cumsum(steps) / np.sum(steps) * 1.5
        x = np.column_stack([np.cos(angles), np.sin(angles)])
        x *= 10.0 ** np.random.default_rng(44).uniform(-9, 9, 120)[:, None]
    z, theirs = pyface.linkage(x, method, metric), scipys_tree(x, method, metric)
    np.testing.assert_allclose(z[:, 2], theirs[:, 2], rtol=1e-9, atol=1e-13)


@EACH_DTYPE
@pytest.mark.parametrize("maker", hard_rows.MAKERS, ids=lambda maker: maker.__name__)
def test_rows_that_are_hard_to_tell_apart(maker: Any, dtype: type) -> None:
    """A whole tree for all of them; heights of single linkage are those of the spanning tree."""
    x = maker(np.random.default_rng(49), dtype).astype(dtype)[:90]
    for method, metric in FROM_VECTORS:
        distances = oracle.distances(x, metric, method)
        if not (distances < 1e300).all():
            continue
        z = pyface.linkage(x, method, metric)
        assert z.shape == (len(x) - 1, 4) and hierarchy.is_valid_linkage(z) and (np.diff(z[:, 2]) >= 0).all()
        if method == "single":
            wanted = hierarchy.linkage(squareform(distances, checks=False), "single")[:, 2]
            np.testing.assert_allclose(z[:, 2], wanted, rtol=1e-9, atol=1e-15 if metric == "cosine" else 0)


@EACH_CASE
def test_all_distances_equal(method: str, metric: str) -> None:
    """The smallest row is everybody's nearest at all times. It need not be looked for again by all after each merge."""
    n = 400
    _core.reset_debug_counters()
    z = pyface.linkage(np.eye(n, dtype=np.float32), method, metric)
    np.testing.assert_allclose(
        z[:, 2], {"cosine": 1.0, "euclidean": np.sqrt(2), "sqeuclidean": 2.0}[metric], rtol=1e-12
    )
    assert _core.debug_counters()["linkage_searches"] < 40 * n


@EACH_CASE
def test_hardly_any_rows(method: str, metric: str) -> None:
    assert pyface.linkage(np.ones((1, 3)), method, metric).shape == (0, 4)
    pair = np.array([[1.0, 0.0], [0.0, 1.0]])
    at = {"cosine": 1.0, "euclidean": np.sqrt(2), "sqeuclidean": 2.0}[metric]
    np.testing.assert_allclose(pyface.linkage(pair, method, metric), [[0, 1, at, 2]], rtol=1e-15)
    half = pyface.linkage(pair.astype(np.float16), method, metric)
    np.testing.assert_allclose(half, [[0, 1, at, 2]], rtol=1e-15)


def test_real_embeddings(lfw: tuple[NDArray, NDArray]) -> None:
    x = lfw[0]
    for method, metric in FROM_VECTORS:
        z, theirs = pyface.linkage(x, method, metric), scipys_tree(x, method, metric)
        np.testing.assert_allclose(z[:, 2], theirs[:, 2], rtol=1e-9, atol=1e-12)
        for n_clusters in (10, 1000, 2500):
            gap = np.diff(theirs[:, 2])[len(x) - n_clusters - 1]
            if gap > 1e-9:
                wanted = hierarchy.fcluster(theirs, n_clusters, "maxclust")
                oracle.assert_same_partition(pyface.cut(z, n_clusters=n_clusters), wanted)


@EACH_CASE
def test_needs_memory_for_the_rows_alone(method: str, metric: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All distances of 3,000 rows are 34 MiB."""
    x = faces(3000, 4, np.random.default_rng(45))[0].astype(np.float32)
    monkeypatch.setattr(_memory, "available", lambda: 10_000_000)
    z = pyface.linkage(x, method, metric)
    assert z.shape == (2999, 4) and (np.diff(z[:, 2]) >= 0).all()


@pytest.mark.parametrize(("method", "metric"), FROM_DISTANCES)
def test_the_others_say_what_would_do(method: str, metric: str, monkeypatch: pytest.MonkeyPatch) -> None:
    x = faces(3000, 4, np.random.default_rng(46))[0]
    monkeypatch.setattr(_memory, "available", lambda: 10_000_000)
    others = method in ("centroid", "median")  # nothing takes their place
    with pytest.raises(MemoryError, match="10 MiB are free" if others else "10 MiB are free.*distance_threshold"):
        pyface.linkage(x, method, metric)
    z = pyface.linkage(x[:500], method, metric)
    theirs = scipys_tree(x[:500], method, metric)
    np.testing.assert_allclose(z[:, 2], theirs[:, 2], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("method", "metric"), [case for case in FROM_DISTANCES if case[0] not in ("centroid", "median")]
)
def test_float32_where_float64_has_no_room(method: str, metric: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same tree but for the rounding of its heights; merges of heights further apart are the same."""
    x = faces(2500, 6, np.random.default_rng(47))[0]
    want = scipys_tree(x, method, metric)
    half = 4 * (2500 * 2499 // 2)
    monkeypatch.setattr(_memory, "available", lambda: int(1.6 * half))
    z = pyface.linkage(x, method, metric)
    np.testing.assert_allclose(z[:, 2], want[:, 2], rtol=1e-4, atol=1e-5)


@EACH_CASE
def test_a_matrix_of_distances_given_for_rows(method: str, metric: str) -> None:
    distances = oracle.distances(faces(9, 2, np.random.default_rng(48))[0], "euclidean", "single")
    with pytest.warns(UserWarning, match=r"squareform|precomputed"):
        pyface.linkage(distances, method, metric)
    for harmless in (distances[:8], distances + 1.0, np.triu(distances, 1) + np.eye(9)):
        pyface.linkage(harmless, method, metric)


@pytest.mark.parametrize(
    ("x", "metric", "message"),
    [
        (np.array([[1.0, 1.0], [np.nan, 1.0]]), "cosine", "X: row 1 holds nan in column 0"),
        (np.array([[1.0, 1.0], [1.0, -np.inf]]), "sqeuclidean", "X: row 1 holds -inf in column 1"),
        (np.array([[1.0, 1.0], [0.0, 0.0]]), "cosine", "X: row 1 is all zeros"),
        (np.ones((0, 3)), "cosine", "at least one row"),
        (np.ones((3, 0)), "sqeuclidean", "at least one column"),
        (np.array([[1e200], [-1e200], [0.0]]), "sqeuclidean", "scale the data"),
    ],
)
def test_refuses_bad_rows(x: NDArray, metric: str, message: str) -> None:
    for method in ("single", "average", "weighted"):
        with pytest.raises(ValueError, match=message):
            pyface.linkage(x, method, metric)


@pytest.mark.parametrize("method", ["ward", "centroid", "median"])
def test_linkages_that_take_one_metric(method: str) -> None:
    for metric in ("cosine", "sqeuclidean"):
        with pytest.raises(ValueError, match="metric must be 'euclidean'"):
            pyface.linkage(np.ones((3, 2)), method, metric)
