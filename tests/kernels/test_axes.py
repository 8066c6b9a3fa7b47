"""A first stage along the axes of the rows: the answers are those without it, to the bit, whatever the rows are."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pytest
from hard_rows import MAKERS
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from switches import axes_used

import pyface
from pyface import _core
from pyface.cluster import DBSCAN, AgglomerativeClustering, KMeans

pytestmark = pytest.mark.usefixtures("isa")
Random = np.random.Generator


def falling(rng: Random, n: int, d: int) -> NDArray:
    """Rows that differ along few directions, as embeddings do, turned at random."""
    turn = np.linalg.qr(rng.standard_normal((d, d)))[0]
    return rng.standard_normal((n, d)) * 0.9 ** np.arange(d) @ turn


def flat(rng: Random, n: int, d: int) -> NDArray:
    return rng.standard_normal((n, d))


def of_rank_one(rng: Random, n: int, d: int) -> NDArray:
    return np.outer(rng.standard_normal(n) + 0.1, rng.standard_normal(d))


def of_few(rng: Random, n: int, d: int) -> NDArray:
    """Few people, and rows that are equal."""
    people = falling(rng, 5, d)[rng.integers(5, size=n)]
    return people + 0.1 * rng.standard_normal((n, d)) * (rng.random((n, 1)) < 0.7)


def with_one_far_away(rng: Random, n: int, d: int) -> NDArray:
    """One row that no scale for the others holds, and one that is next to nothing."""
    x = falling(rng, n, d)
    x[rng.integers(n)] *= 1e4
    x[rng.integers(n)] *= 1e-7
    return x


def of_whole_numbers(rng: Random, n: int, d: int) -> NDArray:
    return rng.integers(-2, 3, (n, d)) + 0.0


SPECTRA = [falling, flat, of_rank_one, of_few, with_one_far_away, of_whole_numbers]
rows = st.fixed_dictionaries(
    {
        "make": st.sampled_from(SPECTRA),
        "seed": st.integers(0, 2**32 - 1),
        "n": st.integers(2, 600),
        "d": st.sampled_from([8, 15, 17, 31, 64, 130]),
        "dtype": st.sampled_from([np.float32, np.float64]),
        "size": st.sampled_from([1e-6, 1.0, 1e5]),
    }
)


def made(make: Callable, seed: int, n: int, d: int, dtype: type, size: float) -> NDArray:
    x = (make(np.random.default_rng(seed), n, d) * size).astype(dtype)
    x[~x.any(axis=1)] = 1  # cosine has no rows of zeros
    return x


def some_radius(x: NDArray, y: NDArray, metric: str, share: float) -> float:
    distances = pyface.cosine_distances if metric == "cosine" else pyface.euclidean_distances
    return float(np.quantile(distances(x[:50], y[:50]), share))


def assert_same(call: Callable[[], tuple[NDArray, ...]]) -> None:
    with axes_used("never"):
        want = call()
    with axes_used("always"):
        got = call()
    for a, b in zip(want, got, strict=True):
        assert a.tobytes() == b.tobytes()


@settings(max_examples=40, deadline=None)
@given(
    x=rows,
    y=st.none() | rows,
    metric=st.sampled_from(["cosine", "euclidean"]),
    share=st.sampled_from([0.002, 0.05, 0.5]),
    n_threads=st.integers(1, 2),
)
def test_neighbors(x: dict, y: dict | None, metric: str, share: float, n_threads: int) -> None:
    """Two sets may differ in spectrum, size and number."""
    a = made(**x)
    b = None if y is None else made(**{**y, "d": x["d"], "dtype": x["dtype"]})
    radius = some_radius(a, a if b is None else b, metric, share)
    k = min(7, len(a if b is None else b))

    def call() -> tuple[NDArray, ...]:
        graph = pyface.neighbors_within(a, radius, b, metric=metric, n_threads=n_threads)
        nearest = pyface.nearest_neighbors(a, k, b, metric=metric, n_threads=n_threads)
        return graph.indptr, graph.indices, graph.data, *nearest

    assert_same(call)


@settings(max_examples=25, deadline=None)
@given(x=rows, linkage=st.sampled_from(["single", "complete", "average", "ward"]), share=st.sampled_from([0.02, 0.3]))
def test_clusters(x: dict, linkage: str, share: float) -> None:
    a = made(**x)
    metric = "euclidean" if linkage == "ward" else "cosine"
    radius = some_radius(a, a, metric, share) + 1e-9
    k = min(len(a), 40)

    def call() -> tuple[NDArray, ...]:
        below = AgglomerativeClustering(None, distance_threshold=radius, linkage=linkage, metric=metric)
        means = KMeans(k, init=a[:k].copy(), n_init=1, max_iter=5)
        return (
            DBSCAN(radius, min_samples=3, metric=metric).fit_predict(a),
            below.fit_predict(a),
            pyface.linkage(a, linkage, metric=metric),
            means.fit_predict(a),
        )

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fewer clusters than asked for, where rows are equal
        assert_same(call)


@settings(max_examples=25, deadline=None)
@given(
    x=rows,
    method=st.sampled_from(["average", "weighted"]),
    metric=st.sampled_from(["cosine", "euclidean"]),
    n_threads=st.integers(1, 2),
)
def test_searches_that_few_rows_do_without(x: dict, method: str, metric: str, n_threads: int) -> None:
    """Clusters that merge and are coded anew, rows against themselves, and centres enough for a screen."""
    a = made(**x)
    k = min(7, len(a))
    euclidean = "sqeuclidean" if metric == "euclidean" else metric

    def call() -> tuple[NDArray, ...]:
        distances, indices = np.empty((len(a), k), np.float32), np.empty((len(a), k), np.int64)
        _core.nearest(a, None, distances, indices, metric=metric, few=0, n_threads=n_threads)
        joints = _core.joints_from_vectors(
            a, method=method, metric=euclidean, height_limit=np.inf, cannot_link=None, must_link=None, few=0,
            n_threads=n_threads,
        )  # fmt: skip
        edges = _core.spanning_edges(a, metric=metric, height_limit=np.inf, few=0, n_threads=n_threads)
        centers, labels = a[: len(a) // 2 + 1].copy(), np.full(len(a), -1, np.int32)
        _core.KMeansData(a, None, n_threads=n_threads).lloyd(
            centers, labels, max_iter=4, tolerance=0.0, spherical=False
        )
        return distances, indices, *joints, edges, centers, labels

    assert_same(call)


def test_clusters_and_centres_along_axes() -> None:
    """The paths of the test above do use them."""
    a = falling(np.random.default_rng(2), 600, 96).astype(np.float32)
    labels = np.full(len(a), -1, np.int32)
    calls: list[Callable[[], object]] = [
        lambda: _core.joints_from_vectors(
            a,
            method="average",
            metric="cosine",
            height_limit=np.inf,
            cannot_link=None,
            must_link=None,
            few=0,
            n_threads=1,
        ),
        lambda: _core.spanning_edges(a, metric="cosine", height_limit=np.inf, few=0, n_threads=1),
        lambda: _core.KMeansData(a, None, n_threads=1).lloyd(
            a[:300].copy(), labels, max_iter=4, tolerance=0.0, spherical=False
        ),
    ]
    with axes_used("always"):
        for call in calls:
            pyface.debug_counters(reset=True)
            call()
            assert pyface.debug_counters(reset=True)["pairs_along_axes"] > 0


def test_a_few_long_rows_do_no_harm() -> None:
    """Rows far longer than the others, one of them surely in the sample, are not held by the scale of all."""
    x = falling(np.random.default_rng(3), 3000, 96).astype(np.float32)
    radius = some_radius(x, x, "euclidean", 0.002)
    x[[0, 1000]] *= 12
    with axes_used("always"):
        pyface.debug_counters(reset=True)
        pyface.neighbors_within(x, radius, metric="euclidean")
        counts = pyface.debug_counters(reset=True)
    assert counts["pairs_in_codes"] < 0.1 * counts["pairs_along_axes"]


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_hard_rows(make: Callable, metric: str) -> None:
    x = make(np.random.default_rng(7), np.float32).astype(np.float32)
    radius = some_radius(x, x, metric, 0.05)

    def call() -> tuple[NDArray, ...]:
        graph = pyface.neighbors_within(x, radius, metric=metric)
        return graph.indptr, graph.indices, graph.data, *pyface.nearest_neighbors(x, 5, metric=metric)

    assert_same(call)


def test_few_pairs_are_left() -> None:
    """Along a third of the columns nearly all pairs are ruled out, and no answer changes."""
    x = falling(np.random.default_rng(0), 2000, 96).astype(np.float32)
    radius = some_radius(x, x, "cosine", 0.002)
    with axes_used("always"):
        pyface.debug_counters(reset=True)
        pyface.neighbors_within(x, radius)
        counts = pyface.debug_counters(reset=True)
    n_pairs = 2000 * 1999 / 2
    assert counts["pairs_along_axes"] >= n_pairs and counts["pairs_in_codes"] < 0.1 * n_pairs
    assert counts["products_saved"] > 0.5 * 96 * n_pairs


@pytest.mark.parametrize(("make", "is_used"), [(falling, True), (flat, False)])
@pytest.mark.parametrize(("n", "is_many"), [(2000, False), (14_000, True)])
def test_where_they_pay(make: Callable, is_used: bool, n: int, is_many: bool, isa: str) -> None:
    """Neither for few rows nor for rows that no few axes tell apart; the answer is the same on both sides."""
    if isa == "portable" and is_many:
        pytest.skip("seconds, for a choice that does not depend on instructions")
    x = make(np.random.default_rng(1), n, 64).astype(np.float32)
    radius = some_radius(x, x, "cosine", 0.001)

    def call() -> tuple[NDArray, ...]:
        graph = pyface.neighbors_within(x, radius, n_threads=1)  # finding axes is worth more of one thread's time
        return graph.indptr, graph.indices, graph.data

    pyface.debug_counters(reset=True)
    got = call()
    assert (pyface.debug_counters(reset=True)["pairs_along_axes"] > 0) == (is_used and is_many)
    with axes_used("never"):
        for a, b in zip(call(), got, strict=True):
            assert a.tobytes() == b.tobytes()


def test_what_can_be_asked_for() -> None:
    with pytest.raises(ValueError, match="where_they_pay"):
        _core.use_axes("sometimes")
    with pytest.raises(ValueError, match="where_they_pay"):
        _core.use_floats("sometimes")
