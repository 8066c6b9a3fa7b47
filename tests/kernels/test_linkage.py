"""Linkage and cuts: SciPy's answers, replayed certificates where ties make the tree ambiguous, edge sizes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from oracles import distance, linkage
from scipy.cluster import hierarchy
from scipy.spatial.distance import pdist

import pyface

FROM_VECTORS = [("average", "cosine"), ("average", "sqeuclidean"), ("ward", "euclidean")]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("method", "metric"), FROM_VECTORS)
def test_from_vectors_is_scipys(method: str, metric: str, dtype: type, isa: str) -> None:
    for n, d in [(2, 3), (3, 1), (50, 7), (300, 32)]:
        x = (np.random.default_rng(n).normal(size=(n, d)) + 0.3).astype(dtype)
        z, theirs = pyface.linkage(x, method, metric), hierarchy.linkage(x.astype(float), method, metric)
        np.testing.assert_allclose(z[:, 2], theirs[:, 2], rtol=1e-11, atol=1e-14)
        np.testing.assert_array_equal(z[:, [0, 1, 3]], theirs[:, [0, 1, 3]])
        assert hierarchy.is_valid_linkage(z)


@settings(max_examples=40, deadline=None)
@given(
    which=st.sampled_from(FROM_VECTORS),
    n=st.integers(1, 12),
    d=st.integers(1, 4),
    seed=st.integers(0, 2**32 - 1),
    n_threads=st.integers(1, 3),
)
def test_certificate_with_ties(which: tuple[str, str], n: int, d: int, seed: int, n_threads: int) -> None:
    method, metric = which
    x = np.random.default_rng(seed).integers(1, 4, size=(n, d)).astype(np.float32)
    z = pyface.linkage(x, method, metric, n_threads=n_threads)
    pairs = distance.matrix(x, x, "sqeuclidean" if method == "ward" else metric)
    if n == 1:
        assert z.shape == (0, 4)
    else:
        linkage.assert_is_linkage(z, pairs, method)


def test_duplicates_merge_at_zero() -> None:
    x = np.repeat(np.random.default_rng(8).normal(size=(20, 33)), 7, axis=0)
    for method, metric in FROM_VECTORS:
        z = pyface.linkage(x, method, metric)
        assert (z[:120, 2] == 0).all() and (z[120:, 2] > 0).all()


@pytest.mark.parametrize("method", ["single", "complete", "average", "weighted", "ward", "centroid", "median"])
def test_the_other_methods_are_scipys(method: str) -> None:
    x = np.random.default_rng(9).normal(size=(40, 6))
    z, theirs = pyface.linkage(x, method, "euclidean"), hierarchy.linkage(x, method)
    np.testing.assert_allclose(z, theirs, rtol=1e-11)
    condensed = pdist(x)
    np.testing.assert_allclose(pyface.linkage(condensed, method), hierarchy.linkage(condensed, method), rtol=1e-13)


def test_condensed_is_written_into_only_if_overwrite() -> None:
    condensed = pdist(np.random.default_rng(10).normal(size=(30, 3)))
    copy = condensed.copy()
    z = pyface.linkage(condensed, "average")
    np.testing.assert_array_equal(condensed, copy)
    np.testing.assert_array_equal(pyface.linkage(condensed, "average", overwrite=True), z)
    copy.flags.writeable = False
    np.testing.assert_array_equal(pyface.linkage(copy, "average", overwrite=True), z)
    np.testing.assert_allclose(pyface.linkage(copy.astype(np.float32), "average"), z, rtol=1e-5)
    assert pyface.linkage(np.empty(0)).shape == (0, 4)


@pytest.mark.parametrize(
    ("x", "method", "metric", "error", "message"),
    [
        (np.ones((0, 3)), "average", "cosine", ValueError, "at least one row"),
        (np.ones((3, 2)), "middle", "cosine", ValueError, "method must be one of 'single'"),
        (np.ones((3, 2)), "average", "l1", ValueError, "metric must be one of 'cosine'"),
        (np.ones((3, 2)), "ward", "cosine", ValueError, "metric must be 'euclidean' for method='ward'"),
        (np.ones((3, 2)), 3, "cosine", TypeError, "method must be a string"),
        ([[1.0, 2.0]], "average", "cosine", TypeError, "X must be a NumPy array"),
        (np.ones((3, 2), int), "average", "cosine", TypeError, "got an array of int64"),
        (np.zeros((3, 2)), "average", "cosine", ValueError, "X: row 0 is all zeros"),
        (np.array([[1.0], [np.nan]]), "average", "sqeuclidean", ValueError, "X: row 1 holds nan"),
        (np.array([[1e300], [-1e300]]), "average", "sqeuclidean", ValueError, "scale the data"),
        (np.array([[1e300], [-1e300]]), "single", "sqeuclidean", ValueError, "scale the data"),
        (np.ones(2), "average", "cosine", ValueError, r"n \(n - 1\) / 2 distances"),
        (np.array([1.0, -1.0, 1.0]), "ward", "cosine", ValueError, "distance 1 is -1.0.*finite and not negative"),
        (np.array([1.0, -1e-4, 1.0]), "median", "cosine", ValueError, "distance 1 is -0.0001"),
        (np.array([1.0, np.inf, 1.0]), "average", "cosine", ValueError, "distance 1 is inf"),
        (np.ones(3, int), "average", "cosine", TypeError, "X must be a NumPy array of float32"),
        (np.ones((1, 1, 1)), "average", "cosine", ValueError, r"shape \(n, d\)"),
    ],
)
def test_refusals(x: NDArray, method: str, metric: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        pyface.linkage(x, method, metric)


@settings(max_examples=60, deadline=None)
@given(n=st.integers(1, 25), seed=st.integers(0, 2**32 - 1), method=st.sampled_from(["average", "single", "centroid"]))
def test_cut_is_fcluster(n: int, seed: int, method: str) -> None:
    rng = np.random.default_rng(seed)
    z = pyface.linkage(rng.integers(0, 6, size=(n, 2)).astype(float), method, "euclidean")
    for height in [0.0, *z[:, 2], np.inf]:
        labels = pyface.cut(z, height=height)
        assert labels.shape == (n,) and labels.dtype == np.int64
        assert linkage.numbered_by_smallest_row(labels)
        if n > 1:
            assert linkage.partition(labels) == linkage.partition(hierarchy.fcluster(z, height, "distance"))
    for n_clusters in range(1, n + 1):
        labels = pyface.cut(z, n_clusters=n_clusters)
        assert linkage.numbered_by_smallest_row(labels)
        assert labels.max() + 1 == n_clusters


@pytest.mark.parametrize(
    ("z", "options", "error", "message"),
    [
        (np.empty((0, 4)), {}, ValueError, "exactly one of n_clusters and height"),
        (np.empty((0, 4)), {"n_clusters": 1, "height": 1}, ValueError, "exactly one"),
        (np.empty((0, 4)), {"n_clusters": 2}, ValueError, "n_clusters must be at most 1, the number of rows, got 2"),
        (np.empty((0, 4)), {"n_clusters": 0}, ValueError, "at least 1"),
        (np.empty((0, 4)), {"n_clusters": 1.0}, TypeError, "n_clusters must be an integer"),
        (np.empty((0, 4)), {"n_clusters": True}, TypeError, "n_clusters must be an integer"),
        (np.empty((0, 4)), {"height": np.nan}, ValueError, "height must be a number"),
        (np.empty((0, 4)), {"height": -1e-9}, ValueError, "height must be at least 0"),
        (np.array([[0.0, 1, np.nan, 2]]), {"height": 1}, ValueError, "row 0 merges at the height nan"),
        (np.array([[0.0, 1, np.inf, 2]]), {"n_clusters": 1}, ValueError, "row 0 merges at the height inf"),
        (np.array([[0.0, 1, -0.5, 2]]), {"n_clusters": 1}, ValueError, r"height -0.5.*np.maximum\(distances, 0\)"),
        (np.array([[0.0, 1, 1, 3]]), {"height": 1}, ValueError, "row 0 has a count of 3.*at most 2"),
        (np.array([[0.0, 1, 1, -2]]), {"n_clusters": 1}, ValueError, "row 0 has a count of -2"),
        (np.array([[0.0, 1, 1, np.nan]]), {"n_clusters": 1}, ValueError, "row 0 has a count of nan"),
        (np.empty((0, 4)), {"height": "1"}, TypeError, "height must be a number"),
        ([[0, 1, 1, 2]], {"height": 1}, TypeError, "Z must be a NumPy array"),
        (np.ones((3, 3)), {"height": 1}, ValueError, r"shape \(n - 1, 4\)"),
        (np.array([[0.0, 0, 1, 2]]), {"height": 1}, ValueError, "row 0 merges the cluster 0, which is merged twice"),
        (np.array([[0.0, 1, 1, 2], [2, 4, 1, 3]]), {"height": 1}, ValueError, "row 1 merges the cluster 4, which does"),
        (np.array([[0.0, 1, 1, 2], [0, 2, 1, 3]]), {"height": 1}, ValueError, "row 1 .* cluster 0, .*: row 0 did so"),
        (np.array([[0.0, 1, 1, 2], [2.5, 2, 1, 3]]), {"n_clusters": 1}, ValueError, "row 1 merges the cluster 2.5"),
        (np.array([[0.0, 2, 1, 2]]), {"height": 1}, ValueError, "does not exist yet; there are 0 to 1"),
        (np.array([[0.0, -1, 1, 2]]), {"height": 1}, ValueError, "does not exist yet"),
        (np.array([[0.0, np.nan, 1, 2]]), {"height": 1}, ValueError, "does not exist yet"),
        (np.array([[0.0, 1e30, 1, 2]]), {"n_clusters": 1}, ValueError, "does not exist yet"),
        (np.array([[0.0, 0.5, 1, 2]]), {"n_clusters": 1}, ValueError, "whole numbers"),
    ],
)
def test_cut_refusals(z: NDArray, options: dict, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        pyface.cut(z, **options)


def test_deep_trees_and_real_embeddings(lfw: tuple[NDArray, NDArray]) -> None:
    chain = np.cumsum(1.5 ** np.arange(60))[:, None]
    np.testing.assert_allclose(
        pyface.linkage(chain, "average", "sqeuclidean")[:, 2], hierarchy.linkage(chain, "average", "sqeuclidean")[:, 2]
    )
    x = lfw[0][:1500]
    for method, metric in FROM_VECTORS:
        z, theirs = pyface.linkage(x, method, metric), hierarchy.linkage(x.astype(float), method, metric)
        np.testing.assert_allclose(z[:, 2], theirs[:, 2], rtol=1e-9, atol=1e-13)
        for height in np.quantile(z[:, 2], [0.1, 0.5, 0.9]) + 1e-9:
            ours = linkage.partition(pyface.cut(z, height=height))
            assert ours == linkage.partition(hierarchy.fcluster(theirs, height, "distance"))
