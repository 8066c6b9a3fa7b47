"""Means, medoids and merge suggestions of flat clusters: by definition, in any blocks, with ties."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from oracles import distance
from oracles import tree as oracle
from scipy.spatial.distance import cdist

import pyface
from pyface.cluster import (
    MergeSuggestion,
    _groups,
    _suggestions,
    cluster_means,
    medoids,
    merge_suggestions,
    next_merges,
)

Rows = tuple[NDArray[Any], NDArray[np.int64]]


@st.composite
def labelled_rows(draw: st.DrawFn) -> Rows:
    """Points on a grid, none at the origin, many of them equal; labels without gaps, some of no cluster."""
    n, d = draw(st.integers(1, 25)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x = rng.integers(1, 5, (n, d)).astype(draw(st.sampled_from([np.float16, np.float32, np.float64])))
    labels = rng.integers(-1, draw(st.integers(1, 6)), n)
    used = np.unique(labels[labels >= 0])
    return x, np.where(labels < 0, -1, np.searchsorted(used, labels))


@pytest.fixture(params=[1, 8, 1 << 20], ids="block of {}".format, scope="module")
def block(request: pytest.FixtureRequest) -> Any:
    """Works on so many values at a time."""
    before = _groups._BLOCK, _suggestions._BLOCK, _suggestions._PAIRS_AT_ONCE
    _groups._BLOCK = _suggestions._BLOCK = _suggestions._PAIRS_AT_ONCE = request.param
    yield request.param
    _groups._BLOCK, _suggestions._BLOCK, _suggestions._PAIRS_AT_ONCE = before


@settings(max_examples=60, deadline=None)
@given(labelled_rows())
def test_means(block: int, rows: Rows) -> None:
    x, labels = rows
    means = cluster_means(x, labels)
    k = labels.max() + 1
    assert means.shape == (k, x.shape[1]) and means.dtype == np.float64
    for cluster in range(k):
        own = x[labels == cluster].astype(float)
        wanted = [math.fsum(column) / len(own) for column in own.T]
        np.testing.assert_allclose(means[cluster], wanted, rtol=1e-15)


def test_the_mean_of_equal_rows_is_the_row() -> None:
    rows = np.random.default_rng(0).normal(size=(3, 50)) * 1e5
    labels = np.arange(21) % 3
    np.testing.assert_array_equal(cluster_means(rows[labels], labels), rows)


@settings(max_examples=60, deadline=None)
@given(labelled_rows(), st.sampled_from(["cosine", "sqeuclidean", "euclidean"]))
def test_medoids(block: int, rows: Rows, metric: str) -> None:
    x, labels = rows
    wanted = oracle.medoids(distance.matrix(x, x, metric), labels.tolist())
    found = medoids(x, labels, metric=metric)
    assert found.tolist() == wanted and found.dtype == np.int64


@pytest.mark.parametrize("metric", ["cosine", "sqeuclidean", "euclidean"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_of_two_rows_the_first(metric: str, dtype: type) -> None:
    rng = np.random.default_rng(3)
    # Close together and far from the origin, where the mean rounds most; lengths that are not 1.
    x = np.concatenate([rng.normal(size=(400, 64)), 1e3 + 1e-3 * rng.normal(size=(400, 64))]).astype(dtype)
    labels = rng.permutation(np.repeat(np.arange(400), 2))
    assert medoids(x, labels, metric=metric).tolist() == [int(np.flatnonzero(labels == c)[0]) for c in range(400)]


def test_medoids_of_large_clusters() -> None:
    rng = np.random.default_rng(4)
    x = rng.normal(size=(3000, 16))
    labels = rng.integers(-1, 4, 3000)
    for metric in ("cosine", "sqeuclidean", "euclidean"):
        for cluster, row in enumerate(medoids(x, labels, metric=metric)):
            own = np.flatnonzero(labels == cluster)
            assert row == own[np.argmin(cdist(x[own], x[own], metric).sum(axis=1))]


def test_rows_whose_squares_float64_cannot_hold() -> None:
    x = np.array([[1.0, 0], [1, 1], [0, 1], [1, 0.9]]) * np.array([[1e-200], [1e200], [1e-170], [3]])
    assert medoids(x, np.zeros(4, int)).tolist() == [1]


@settings(max_examples=60, deadline=None)
@given(labelled_rows(), st.sampled_from(["cosine", "sqeuclidean"]), st.integers(1, 12), st.booleans())
def test_suggestions(block: int, rows: Rows, metric: str, limit: int, is_low: bool) -> None:
    x, labels = rows
    pairs = oracle.average_distances(distance.matrix(x, x, metric), labels.tolist())
    # Between two distances that can be told apart, or below all.
    values = np.sort([pair[0] for pair in pairs])
    gaps = np.flatnonzero(np.diff(values) > 1e-6)
    threshold = 0.0 if is_low or not gaps.size else float(values[gaps[0] : gaps[0] + 2].mean())
    found = merge_suggestions(x, labels, metric=metric, threshold=threshold, limit=limit)
    wanted = sorted(pair for pair in pairs if pair[0] >= threshold)
    assert len(found) == min(limit, len(wanted))
    np.testing.assert_allclose([s.distance for s in found], [pair[0] for pair in wanted[:limit]], atol=1e-13)
    by_pair = {(a, b): value for value, a, b in pairs}
    for suggestion in found:
        (a,), (b,) = suggestion.left, suggestion.right
        assert a < b and suggestion.distance == pytest.approx(by_pair[a, b], abs=1e-13)
        assert suggestion.n_left == np.count_nonzero(labels == a)
        assert suggestion.n_right == np.count_nonzero(labels == b)
    keys = [(s.distance, s.left, s.right) for s in found]
    assert keys == sorted(keys) and len({key[1:] for key in keys}) == len(keys)


def test_equal_distances_come_in_the_order_of_their_clusters(block: int) -> None:
    x = np.eye(9)
    found = merge_suggestions(x, np.arange(9), metric="sqeuclidean", threshold=2.0, limit=10)
    assert [(s.left[0], s.right[0]) for s in found] == [*((0, b) for b in range(1, 9)), (1, 2), (1, 3)]
    assert {s.distance for s in found} == {2.0}
    assert merge_suggestions(x, np.arange(9), metric="sqeuclidean", threshold=2.1) == []


def test_the_nearest_pair_is_what_the_tree_merges_next(lfw: tuple[NDArray[np.float32], NDArray[np.str_]]) -> None:
    x = lfw[0][:1500]
    tree = pyface.linkage(x)
    for height in (0.0, 0.3, 0.55, 0.8):
        labels = pyface.cut(tree, height=height)
        ours = merge_suggestions(x, labels, threshold=height, limit=1)[0]
        theirs = next_merges(tree, height=height, limit=1)[0]
        assert (ours.left, ours.right, ours.n_left, ours.n_right) == (
            theirs.left,
            theirs.right,
            theirs.n_left,
            theirs.n_right,
        )
        assert ours.distance == pytest.approx(theirs.distance, abs=1e-12)


def test_small_distances_keep_their_digits() -> None:
    # Products of rows this far out have an error of a thousand times the distance.
    x = 1e4 + np.array([[0.0, 0], [3e-5, 4e-5], [1, 0]])
    found = merge_suggestions(x, np.arange(3), metric="sqeuclidean", threshold=0.0, limit=1)
    exact = (x[1] - x[0]) @ (x[1] - x[0])
    assert found == [MergeSuggestion((0,), (1,), pytest.approx(exact, rel=1e-12), 1, 1)]


def test_no_clusters() -> None:
    for labels in (np.array([], int), np.array([-1, -1])):
        x = np.ones((len(labels), 3))
        assert cluster_means(x, labels).shape == (0, 3)
        assert medoids(x, labels).tolist() == []
        assert merge_suggestions(x, labels, threshold=0.5) == []
    assert merge_suggestions(np.ones((2, 3)), np.array([0, 0]), threshold=0.5) == []


@pytest.mark.parametrize(
    ("labels", "error", "said"),
    [
        ([0, 1], TypeError, "labels must be a NumPy array of integers, got list"),
        (np.array([0.0, 1.0]), TypeError, "got an array of float64; np.unique"),
        (np.array([True, False]), TypeError, "got an array of bool"),
        (np.array([0]), ValueError, r"labels must have shape \(2,\)"),
        (np.array([0, -3]), ValueError, "labels: entry 1 is -3; it must be -1, for none, or"),
        (np.array([0, 2**64 - 1], np.uint64), ValueError, "labels: entry 1 is 18446744073709551615"),
        (np.array([1, -1]), ValueError, "no row is in cluster 0, but the largest number is 1; np.unique"),
        (np.array([0, 10**15]), ValueError, "2 rows cannot make 1000000000000001 clusters"),
    ],
)
def test_wrong_labels(labels: Any, error: type[Exception], said: str) -> None:
    x = np.ones((2, 3))
    for call in (
        lambda: cluster_means(x, labels),
        lambda: medoids(x, labels),
        lambda: merge_suggestions(x, labels, threshold=0.5),
    ):
        with pytest.raises(error, match=said):
            call()


def test_wrong_arguments() -> None:
    x, labels = np.ones((2, 3)), np.array([0, 1])
    zero = np.array([[1.0, 0, 0], [0, 0, 0]])
    for call in (lambda: medoids(zero, labels), lambda: merge_suggestions(zero, labels, threshold=0.0)):
        with pytest.raises(ValueError, match="X: row 1 is all zeros and has no direction"):
            call()
    assert cluster_means(zero, labels).tolist() == zero.tolist()
    assert medoids(zero, labels, metric="euclidean").tolist() == [0, 1]
    with pytest.raises(ValueError, match="metric must be one of 'cosine', 'sqeuclidean', got 'euclidean'"):
        merge_suggestions(x, labels, threshold=0.5, metric="euclidean")
    with pytest.raises(ValueError, match="metric must be one of"):
        medoids(x, labels, metric="cityblock")
    with pytest.raises(ValueError, match="threshold must be at least 0"):
        merge_suggestions(x, labels, threshold=-0.5)
    with pytest.raises(ValueError, match="limit must be at least 1"):
        merge_suggestions(x, labels, threshold=0.5, limit=0)
    with pytest.raises(ValueError, match="X: squared distances are not finite numbers; scale the data"):
        merge_suggestions(np.array([[1e200], [-1e200]]), labels, threshold=0.0, metric="sqeuclidean")
    with pytest.raises(ValueError, match="X: row 1 holds nan"):
        cluster_means(np.array([[1.0], [np.nan]]), labels)
