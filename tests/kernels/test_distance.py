"""Distance matrices, radius graphs, nearest neighbours: against the oracle, on every instruction set."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from oracles import distance as oracle
from scipy.spatial.distance import pdist, squareform

import pyface
from pyface import _core

METRICS = ["cosine", "euclidean", "sqeuclidean"]
pytestmark = pytest.mark.usefixtures("isa")


@st.composite
def rows(draw: st.DrawFn, n: int | None = None, d: int | None = None) -> NDArray:
    """Random rows of either dtype with some duplicates: C, Fortran, strided or read-only."""
    n = draw(st.integers(0, 9)) if n is None else n
    d = draw(st.integers(1, 20)) if d is None else d
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x = rng.normal(size=(n, d)).astype(draw(st.sampled_from([np.float32, np.float64])))
    if n > 2:
        x[draw(st.integers(0, n - 1))] = x[0]
    layout = draw(st.sampled_from(["c", "fortran", "strided", "read-only"]))
    if layout == "fortran":
        return np.asfortranarray(x)
    if layout == "strided":
        return np.repeat(np.repeat(x, 2, axis=0), 3, axis=1)[::2, ::3]
    x.flags.writeable = layout != "read-only"
    return x


def dense(x: NDArray, y: NDArray | None, metric: str, **options: object) -> NDArray[np.float32]:
    if metric == "cosine":
        return pyface.cosine_distances(x, y, **options)
    return pyface.euclidean_distances(x, y, squared=metric == "sqeuclidean", **options)


@settings(max_examples=40, deadline=None)
@given(data=st.data(), metric=st.sampled_from(METRICS), n_threads=st.integers(1, 3))
def test_dense(data: st.DataObject, metric: str, n_threads: int) -> None:
    x = data.draw(rows())
    y = data.draw(rows(d=x.shape[1]))
    # float32 arithmetic: cosine within 1e-6, Euclidean within 1e-6 of the value.
    close = partial(np.testing.assert_allclose, rtol=1e-6, atol=1e-6 if metric == "cosine" else 1e-12)
    close(dense(x, y, metric, n_threads=n_threads), oracle.matrix(x, y, metric))
    own = dense(x, None, metric, n_threads=n_threads)
    assert own.dtype == np.float32
    np.testing.assert_array_equal(own, own.T)
    np.testing.assert_array_equal(own.diagonal(), 0)
    close(own, oracle.matrix(x, x, metric))
    if metric == "cosine":
        np.testing.assert_array_equal(squareform(own, checks=False), pyface.cosine_condensed(x, n_threads=n_threads))


@settings(max_examples=40, deadline=None)
@given(data=st.data(), metric=st.sampled_from(METRICS), n_threads=st.integers(1, 3))
def test_neighbors(data: st.DataObject, metric: str, n_threads: int) -> None:
    x = data.draw(rows())
    y = data.draw(st.none() | rows(d=x.shape[1]))
    want = oracle.matrix(x, x if y is None else y, metric)
    if y is None:
        np.fill_diagonal(want, 0)
    radius = data.draw(st.floats(0, 3))
    if want.size and (np.abs(want - radius) < 1e-12).any():
        return
    graph = pyface.neighbors_within(x, radius, y, metric=metric, n_threads=n_threads)
    assert graph.shape == want.shape and graph.dtype == np.float32 and graph.has_canonical_format
    np.testing.assert_array_equal(np.repeat(np.arange(len(x)), np.diff(graph.indptr)), np.nonzero(want <= radius)[0])
    np.testing.assert_array_equal(graph.indices, np.nonzero(want <= radius)[1])
    np.testing.assert_allclose(graph.data, want[want <= radius], rtol=1e-6, atol=1e-12)
    if want.shape[1] == 0:
        return
    k = data.draw(st.integers(1, want.shape[1]))
    distances, indices = pyface.nearest_neighbors(x, k, y, metric=metric, n_threads=n_threads)
    assert distances.dtype == np.float32 and indices.dtype == np.int64
    # The oracle's last bits differ, so near ties are compared by value, and exact ties in the test below.
    np.testing.assert_allclose(distances, np.sort(want, axis=1)[:, :k], rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(np.take_along_axis(want, indices, 1), distances, rtol=1e-6, atol=1e-12)
    if y is None:
        np.testing.assert_array_equal(indices[:, 0], np.arange(len(x)))


@pytest.mark.parametrize("metric", METRICS)
def test_ties_go_to_the_lower_index(metric: str) -> None:
    base = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1]], np.float32)
    x = np.tile(base, (70, 1))  # more than three blocks of rows, everything tied
    d = oracle.matrix(base, base, metric)[np.arange(210)[:, None] % 3, np.arange(210) % 3]
    for k in (1, 70, 71, 141, 210):
        _, indices = pyface.nearest_neighbors(x, k, metric=metric)
        np.testing.assert_array_equal(indices, oracle.nearest(d, k, self_first=True))
        _, indices = pyface.nearest_neighbors(x, k, x, metric=metric)
        np.testing.assert_array_equal(indices, oracle.nearest(d, k, self_first=False))


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("n", [63, 64, 65, 200])
def test_block_borders(metric: str, n: int) -> None:
    x = np.random.default_rng(n).normal(size=(n, 33))
    want = squareform(pdist(x, metric))
    np.testing.assert_allclose(dense(x, None, metric), want, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(dense(x, x[:70], metric), want[:, :70], rtol=1e-6, atol=1e-6)
    graph = pyface.neighbors_within(x, np.median(want), metric=metric)
    assert (graph.toarray() > 0).sum() + n == (want <= np.median(want)).sum()
    assert graph.has_canonical_format
    radius = float(np.sort(want, axis=None)[2 * n])
    across = pyface.neighbors_within(x, radius + 1e-9, x, metric=metric)
    np.testing.assert_array_equal(across.indices, np.nonzero(want <= radius + 1e-9)[1])


@pytest.mark.parametrize("scale", [1e-300, 1e-30, 1e30, 1e150, 1e300])
def test_cosine_of_extreme_norms(scale: float) -> None:
    x = np.random.default_rng(3).normal(size=(5, 7))
    np.testing.assert_allclose(pyface.cosine_distances(x * scale, x), pyface.cosine_distances(x, x), atol=1e-7)
    assert pyface.cosine_distances(x * scale, x * scale).diagonal().max() == 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_cosine_of_the_smallest_and_largest_numbers(dtype: type) -> None:
    low, high = np.finfo(dtype).smallest_subnormal, np.finfo(dtype).max
    x = np.array([[low, 0], [high, 0], [1, 0], [-high, 0], [0, low], [high, high]], dtype)
    half = 1 - np.sqrt(0.5)
    want = [0, 0, 0, 2, 1, half]
    np.testing.assert_allclose(pyface.cosine_distances(x)[0], want, atol=1e-7)
    np.testing.assert_allclose(pyface.cosine_distances(x[:1], x)[0], want, atol=1e-7)
    assert pyface.nearest_neighbors(x, 3)[1][2].tolist() == [2, 0, 1]
    assert pyface.linkage(x, "average", "cosine")[:2, 2].tolist() == [0, 0]
    one = np.array([[low], [-high], [1]], dtype)
    assert pyface.cosine_distances(one).tolist() == [[0, 2, 0], [2, 0, 2], [0, 2, 0]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("metric", METRICS)
def test_identical_rows_are_at_distance_zero(metric: str, dtype: type) -> None:
    x = np.random.default_rng(4).normal(size=(6, 129)).astype(dtype)
    assert dense(x, x.copy(), metric).diagonal().max() == 0
    assert pyface.neighbors_within(np.repeat(x, 2, axis=0), 0, metric=metric).nnz == 24


def test_near_duplicates_keep_their_distance() -> None:
    x = np.full((2, 64), 1000.0)
    x[1, 0] += 1e-6
    assert pyface.euclidean_distances(x)[0, 1] == pytest.approx(x[1, 0] - x[0, 0], rel=1e-6)


@pytest.mark.parametrize("delta", [-1e-12, -1e-13, 0.0, 1e-13, 1e-12])
def test_the_radius_is_decided_in_float64(delta: float) -> None:
    # cos(angle) is exact in float64 for these rows, far below what float32 can tell apart.
    x = np.array([[1.0, 0.0], [0.6, 0.8]])
    for rows_, distance, metric in [
        (x, 1 - 0.6 / np.sqrt(0.6 * 0.6 + 0.8 * 0.8), "cosine"),
        (np.array([[0.0, 0.0], [3.0, 4.0]]), 5.0, "euclidean"),
        (np.array([[0.0, 0.0], [3.0, 4.0]]), 25.0, "sqeuclidean"),
        (np.array([[0.0, 0.0], [3.0, 4.0]], np.float32), 5.0, "euclidean"),
    ]:
        graph = pyface.neighbors_within(rows_, distance + delta, metric=metric)
        assert graph.nnz == (4 if delta >= 0 else 2)


def test_integers_are_exact_in_any_order() -> None:
    x = np.random.default_rng(5).integers(-16, 17, size=(130, 100)).astype(np.float32)
    gram = x.astype(np.int64) @ x.astype(np.int64).T
    squared = gram.diagonal()[:, None] + gram.diagonal() - 2 * gram
    np.testing.assert_array_equal(pyface.euclidean_distances(x, squared=True), squared)
    radius = float(np.sqrt(np.median(squared)))
    graph = pyface.neighbors_within(x, radius, metric="euclidean")
    np.testing.assert_array_equal(graph.indices, np.nonzero(np.sqrt(squared) <= radius)[1])


@pytest.mark.parametrize(("n", "m", "d"), [(1, 1, 1), (13, 40, 33), (192, 256, 70)])
def test_the_tile_that_benchmarks_repeat_holds_distances(n: int, m: int, d: int) -> None:
    rng = np.random.default_rng(6)
    x, y = (rng.normal(size=(count, d)) for count in (n, m))
    x, y = (rows_ / np.linalg.norm(rows_, axis=1)[:, None] for rows_ in (x, y))
    for repeats, n_threads in ((1, 1), (2, 5), (40, 3)):
        out = np.full((n, m), -1, np.float32)
        _core.repeat_tile(x.astype(np.float32), y.astype(np.float32), repeats, n_threads, out)
        np.testing.assert_allclose(out, np.clip(1 - x @ y.T, 0, 2), atol=1e-6)


@pytest.mark.parametrize("metric", METRICS)
def test_no_columns(metric: str) -> None:
    # Kept from users by the front door; behind it the kernels read nothing either.
    x, out = np.empty((5, 0), np.float32), np.empty((5, 5), np.float32)
    _core.distances_dense(x, x.copy(), out, metric=metric, n_threads=1)
    np.testing.assert_array_equal(out, float(metric == "cosine"))
    _core.distances_dense(x, None, out, metric=metric, n_threads=1)
    np.testing.assert_array_equal(out, float(metric == "cosine") * (1 - np.eye(5)))
