"""Scores without the truth: by definition, as scikit-learn has them, equal rows, blocks, threads, bad input."""

from __future__ import annotations

import math
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from oracles import internal as oracle

from pyface import metrics
from pyface.metrics import _dunn, _internal, _silhouette

METRICS = ["cosine", "euclidean", "sqeuclidean"]


def made(seed: int, n: int, d: int, k: int, dtype: type = np.float64) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Rows around k centres, far from the origin, and labels that are mostly right."""
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, k, n)
    x = 3 + rng.normal(size=(k, d))[groups] * rng.choice([0.1, 1, 4]) + rng.normal(size=(n, d))
    labels = np.where(rng.random(n) < 0.1, rng.integers(0, k, n), groups)
    labels[:3] = [0, 0, 1]
    return x.astype(dtype), labels


CASES = st.tuples(st.integers(0, 2**32), st.integers(4, 28), st.sampled_from([1, 2, 5, 9]), st.integers(2, 12))


@settings(max_examples=40)
@given(CASES, st.sampled_from(METRICS), st.sampled_from([np.float64, np.float32, np.float16]))
def test_silhouettes_and_dunn_by_definition(case: tuple[int, int, int, int], metric: str, dtype: type) -> None:
    x, labels = made(*case, dtype)
    exact = metric != "euclidean" or dtype is np.float64
    found = metrics.silhouette_samples(x, labels, metric=metric)
    # Where a and b are next to nothing beside 1, as cosine distances in few columns are, the definition loses digits.
    few = metric == "cosine" and x.shape[1] <= 2
    wanted = oracle.silhouettes(x, labels, metric)
    np.testing.assert_allclose(found, wanted, atol=1e-5 if few else 1e-9 if exact else 2e-5)
    assert metrics.silhouette_score(x, labels, metric=metric) == found.mean()
    if not few:
        wanted = oracle.dunn(x, labels, metric)
        assert metrics.dunn_score(x, labels, metric=metric) == pytest.approx(wanted, rel=1e-7, abs=1e-12)


@settings(max_examples=40)
@given(CASES, st.sampled_from([np.float64, np.float32]))
def test_scores_of_centres_by_definition(case: tuple[int, int, int, int], dtype: type) -> None:
    x, labels = made(*case, dtype)
    assert metrics.davies_bouldin_score(x, labels) == pytest.approx(oracle.davies_bouldin(x, labels), rel=1e-12)
    assert metrics.calinski_harabasz_score(x, labels) == pytest.approx(oracle.calinski_harabasz(x, labels), rel=1e-11)


def test_a_hundred_are_scored_as_by_scikit_learn() -> None:
    for seed in range(100):
        x, labels = made(seed, 40 + seed, 1 + seed % 9, 2 + seed % 11)
        for metric in METRICS if x.shape[1] > 2 else METRICS[1:]:
            theirs = sklearn.metrics.silhouette_samples(x, labels, metric=metric)
            np.testing.assert_allclose(metrics.silhouette_samples(x, labels, metric=metric), theirs, atol=1e-9)
        theirs = sklearn.metrics.calinski_harabasz_score(x, labels)
        assert metrics.calinski_harabasz_score(x, labels) == pytest.approx(theirs, rel=1e-12)
        theirs = sklearn.metrics.davies_bouldin_score(x, labels)
        assert metrics.davies_bouldin_score(x, labels) == pytest.approx(theirs, rel=1e-7)


def test_davies_bouldin_to_the_last_digits() -> None:
    """Distances in scikit-learn come from products: a row alone is 1e-8 from its own mean, near means lose digits."""
    rng = np.random.default_rng(0)
    for k in range(2, 40):
        x = (5 * rng.normal(size=(k, 6)))[:, None] + rng.normal(size=(k, 4, 6))
        labels = np.repeat(np.arange(k), 4)
        theirs = sklearn.metrics.davies_bouldin_score(x.reshape(-1, 6), labels)
        assert metrics.davies_bouldin_score(x.reshape(-1, 6), labels) == pytest.approx(theirs, rel=1e-12)


def test_the_sample_is_scikit_learns() -> None:
    x, labels = made(3, 200, 6, 5)
    for seed in (0, 7):
        ours = metrics.silhouette_score(x, labels, sample_size=60, random_state=seed)
        theirs = sklearn.metrics.silhouette_score(x, labels, sample_size=60, random_state=seed)
        assert ours == pytest.approx(theirs, abs=1e-9)
    assert metrics.silhouette_score(x, labels) != ours
    assert metrics.silhouette_score(x, labels, sample_size=999) == pytest.approx(metrics.silhouette_score(x, labels))


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("size", [1, 16, 17, 40])
def test_neither_blocks_nor_threads_nor_layout_matter(metric: str, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    x, _ = made(5, 240, 7, 6, np.float32)
    labels = np.arange(240) // size % 120
    scores = (metrics.silhouette_samples, metrics.dunn_score)
    first = [score(x, labels, metric=metric, n_threads=1) for score in scores]
    centres = metrics.davies_bouldin_score(x, labels), metrics.calinski_harabasz_score(x, labels)
    monkeypatch.setattr(_silhouette, "_BLOCK", 1 << 10)
    monkeypatch.setattr(_silhouette, "_FEWEST_ROWS", 3)
    monkeypatch.setattr("pyface._numba.clustered._KEPT", 3)
    monkeypatch.setattr(_dunn, "_ROWS", 5)
    monkeypatch.setattr(_dunn, "_SMALL", 20)
    monkeypatch.setattr(_internal, "_BLOCK", 1 << 8)
    monkeypatch.setattr("pyface.kernels.clustered._FEW", 1)
    for other in (np.asfortranarray(x), np.repeat(x, 2, axis=0)[::2]):
        for score, wanted in zip(scores, first, strict=True):
            np.testing.assert_allclose(score(other, labels, metric=metric, n_threads=3), wanted, rtol=1e-13, atol=1e-15)
        assert metrics.davies_bouldin_score(other, labels, n_threads=3) == pytest.approx(centres[0], rel=1e-13)
        assert metrics.calinski_harabasz_score(other, labels, n_threads=3) == centres[1]


def test_order_and_names_of_labels_do_not_matter() -> None:
    x, labels = made(8, 90, 5, 7)
    order = np.random.default_rng(0).permutation(90)
    names = np.array(list("gfedcba"))[labels]
    for metric in METRICS:
        samples = metrics.silhouette_samples(x, labels, metric=metric)
        other = metrics.silhouette_samples(x[order], names[order], metric=metric)
        np.testing.assert_allclose(other, samples[order], atol=1e-12)
        score = metrics.dunn_score(x, labels, metric=metric)
        assert metrics.dunn_score(x[order], names[order].tolist(), metric=metric) == pytest.approx(score, rel=1e-12)


def test_equal_rows() -> None:
    same = np.repeat(np.array([[0.1, 0.2], [0.3, 0.4], [5.0, 0.7]]), 3, axis=0)
    labels = np.repeat([0, 1, 2], 3)
    for metric in METRICS:
        assert metrics.silhouette_samples(same, labels, metric=metric).tolist() == [1.0] * 9
        assert metrics.dunn_score(same, labels, metric=metric) == math.inf
    assert metrics.calinski_harabasz_score(same, labels) == 1.0
    assert metrics.davies_bouldin_score(same, labels) == sklearn.metrics.davies_bouldin_score(same, labels) == 0.0
    quarters = np.round(4 * same) / 4  # whose means scikit-learn has without rounding
    assert sklearn.metrics.calinski_harabasz_score(quarters, labels) == 1.0
    all_equal = np.full((6, 3), 0.7)
    for metric in METRICS:
        assert metrics.silhouette_samples(all_equal, [0, 0, 1, 1, 2, 2], metric=metric).tolist() == [0.0] * 6
        assert metrics.dunn_score(all_equal, [0, 0, 1, 1, 2, 2], metric=metric) == 0.0
    assert metrics.davies_bouldin_score(all_equal, [0, 0, 1, 1, 2, 2]) == 0.0
    shared = np.array([[0.0, 0], [1, 0], [1, 0], [3, 0]])
    assert metrics.dunn_score(shared, [0, 0, 1, 1]) == 0.0


def test_equal_means_have_no_likeness() -> None:
    x = np.array([[-1.0], [1], [-2], [2], [5], [6]])
    labels = [0, 0, 1, 1, 2, 2]
    assert metrics.davies_bouldin_score(x, labels) == pytest.approx(sklearn.metrics.davies_bouldin_score(x, labels))


@pytest.mark.parametrize("name", ["silhouette_score", "davies_bouldin_score", "calinski_harabasz_score", "dunn_score"])
def test_noise(name: str) -> None:
    score = getattr(metrics, name)
    x, labels = made(2, 60, 4, 4)
    labels[[5, 9, 30]] = -1
    alone = labels.copy()
    alone[[5, 9, 30]] = [10, 11, 12]
    assert score(x, labels) == score(x, labels, noise="cluster")
    assert score(x, labels, noise="singletons") == pytest.approx(score(x, alone), rel=1e-12)
    assert score(x, labels, noise="drop") == pytest.approx(score(x[labels >= 0], labels[labels >= 0]), rel=1e-12)
    assert score(x, labels.astype(str), noise="drop") == pytest.approx(score(x, labels), rel=1e-12)


def test_far_from_zero_and_far_apart() -> None:
    """A mean of squares less the square of a mean would have no digit left."""
    x, labels = made(4, 60, 5, 4)
    near = metrics.silhouette_samples(x, labels, metric="sqeuclidean")
    np.testing.assert_allclose(metrics.silhouette_samples(x + 2**20, labels, metric="sqeuclidean"), near, atol=1e-7)
    assert metrics.calinski_harabasz_score(x + 2**20, labels) == pytest.approx(
        metrics.calinski_harabasz_score(x, labels), rel=1e-7
    )
    long = x * np.logspace(-120, 120, len(x))[:, None]
    turned = metrics.silhouette_samples(long, labels, metric="cosine")
    np.testing.assert_allclose(turned, metrics.silhouette_samples(x, labels, metric="cosine"), atol=1e-12)


def test_memory_is_that_of_the_rows() -> None:
    """4,000 x 4,000 distances would take 128 MB."""
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(4000, 16)).astype(np.float32), rng.integers(0, 400, 4000)
    for call in (metrics.silhouette_samples, metrics.dunn_score):
        call(x[:100], labels[:100] % 7, metric="cosine")  # compiled
        tracemalloc.start()
        try:
            call(x, labels, metric="cosine")
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 10e6


X = np.random.default_rng(0).normal(size=(6, 3))
Y = [0, 0, 1, 1, 2, 2]
CALLS = {
    "silhouette_samples": metrics.silhouette_samples,
    "silhouette_score": metrics.silhouette_score,
    "davies_bouldin_score": metrics.davies_bouldin_score,
    "calinski_harabasz_score": metrics.calinski_harabasz_score,
    "dunn_score": metrics.dunn_score,
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize(
    ("x", "labels", "error", "message"),
    [
        (X, Y[1:], ValueError, "X and labels must have the same length, got 6 and 5"),
        (X, [0] * 6, ValueError, "at least 2 clusters, and fewer than the 6 rows that are scored, got 1"),
        (X, range(6), ValueError, "got 6"),
        (X[:0], [], ValueError, "the 0 rows that are scored, got 0"),
        (X, [0, 0, 1, 1, 2, None], TypeError, "labels: entry 5 is None"),
        (X, [0, 0, 1, 1, 2, "a"], TypeError, "labels must be all integers or all strings"),
        (X, [0, 0, 1, 1, 2, np.nan], ValueError, "labels: entry 5 is nan"),
        (np.where(np.arange(18).reshape(6, 3) == 7, np.nan, X), Y, ValueError, "X: row 2 holds nan in column 1"),
        (X.tolist(), Y, TypeError, "X must be a NumPy array"),
        (X[0], Y, ValueError, r"X must have shape \(n, d\)"),
    ],
)
def test_bad_input(call: Callable[..., Any], x: Any, labels: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call(x, labels)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics.silhouette_score(X, Y, metric="manhattan"), "metric must be one of 'cosine', 'euclidean'"),
        (lambda: metrics.dunn_score(X * [[1], [0], [1], [1], [1], [1]], Y, metric="cosine"), "X: row 1 is all zeros"),
        (lambda: metrics.dunn_score(X * 1e120, Y), "must not exceed 1e"),
        (lambda: metrics.silhouette_score(X, Y, noise="keep"), "noise must be one of"),
        (lambda: metrics.silhouette_score(X, Y, sample_size=2), "sample_size must be at least 3"),
        (lambda: metrics.silhouette_score(X, Y[1:], sample_size=3), "same length, got 6 and 5"),
        (lambda: metrics.silhouette_score(X, Y, sample_size=3, random_state=-1), "random_state must be at least 0"),
        (lambda: metrics.silhouette_score(X, [0, 0, 1, 1, -1, -1], noise="drop", n_threads=0), "n_threads"),
        (lambda: metrics.dunn_score(X, [0, 0, 0, 0, -1, -1], noise="drop"), "fewer than the 4 rows"),
    ],
)
def test_refusals(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_real_vectors(lfw: tuple[NDArray[np.float32], NDArray[np.str_]]) -> None:
    x, people = lfw
    for metric in ("cosine", "euclidean"):
        ours = metrics.silhouette_score(x, people, metric=metric)
        assert ours == pytest.approx(sklearn.metrics.silhouette_score(x, people, metric=metric), abs=1e-5)
