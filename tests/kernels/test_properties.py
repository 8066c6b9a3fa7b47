"""Any rows, any layout: right by the oracle, and the same to the bit for all threads, layouts and instruction sets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from oracles import neighbors

import pyface
from pyface import _core

METRICS = st.sampled_from(["cosine", "euclidean", "sqeuclidean"])
ISAS = st.sampled_from(_core.supported_isas())
# Around the sizes of blocks and tiles, and anything.
SIZES = st.sampled_from([0, 1, 2, 3, 63, 65, 191, 192, 193, 255, 256, 257, 385, 513]) | st.integers(0, 700)
COLUMNS = st.sampled_from([1, 2, 3, 8, 15, 16, 17, 64, 65, 128, 512]) | st.integers(1, 600)
DTYPES = st.sampled_from([np.float16, np.float32, np.float64])


@contextmanager
def using(isa: str) -> Iterator[None]:
    before = _core.set_isa(isa)
    try:
        yield
    finally:
        _core.set_isa(before)


def clusters(rng: np.random.Generator, n: int, d: int) -> NDArray:
    return rng.normal(size=(1 + n // 10, d))[rng.integers(0, 1 + n // 10, n)] + 0.4 * rng.normal(size=(n, d))


def far_clusters(rng: np.random.Generator, n: int, d: int) -> NDArray:
    return clusters(rng, n, d) + 100 * rng.normal(size=d)


def lattice(rng: np.random.Generator, n: int, d: int) -> NDArray:
    """Many equal distances and equal rows."""
    x = rng.integers(-2, 3, (n, d)).astype(float)
    x[:, 0] += np.where(x.any(axis=1), 0, 1)
    return x


def many_lengths(rng: np.random.Generator, n: int, d: int) -> NDArray:
    return rng.normal(size=(n, d)) * 2.0 ** rng.uniform(-6, 6, (n, 1))


@st.composite
def rows(draw: st.DrawFn, d: int) -> NDArray:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    make = draw(st.sampled_from([clusters, far_clusters, lattice, many_lengths]))
    return make(rng, draw(SIZES), d).astype(draw(DTYPES))


@st.composite
def in_a_layout(draw: st.DrawFn, x: NDArray) -> NDArray:
    """The same values, lying otherwise in memory."""
    layout = draw(st.sampled_from(["c", "fortran", "strided", "reversed", "big-endian", "read-only", "unaligned"]))
    if layout == "fortran":
        return np.asfortranarray(x)
    if layout == "strided":
        return np.repeat(np.repeat(x, 2, axis=0), 3, axis=1)[::2, ::3]
    if layout == "reversed":
        return x[::-1, ::-1].copy()[::-1, ::-1]
    if layout == "big-endian":
        return x.astype(x.dtype.newbyteorder(">"))
    if layout == "unaligned":
        store = np.empty(x.nbytes + 1, np.uint8)[1:].view(x.dtype).reshape(x.shape)
        store[...] = x
        return store
    x = x.copy()
    x.flags.writeable = layout != "read-only"
    return x


def assert_equal(got: Any, expected: Any) -> None:
    for one, other in zip(got, expected, strict=True):
        np.testing.assert_array_equal(one, other)
        assert one.dtype == other.dtype


def graph_parts(*args: Any, **options: Any) -> tuple[NDArray, ...]:
    graph = pyface.neighbors_within(*args, **options)
    return graph.indptr, graph.indices, graph.data


@settings(max_examples=200, deadline=None)
@given(st.data(), COLUMNS, METRICS, ISAS, ISAS, st.integers(2, 4))
def test_neighbors(data: st.DataObject, d: int, metric: str, isa: str, other_isa: str, n_threads: int) -> None:
    x = data.draw(rows(d))
    y = data.draw(st.none() | rows(d))
    want = neighbors.distances(x, x if y is None else y, metric)
    if y is None:
        np.fill_diagonal(want, 0)
    radius = float(np.quantile(want, data.draw(st.floats(0, 1)))) if want.size else 1.0
    if want.size:
        radius = data.draw(st.sampled_from([radius, *neighbors.clear_radii(want, metric, (0.001, 0.01, 0.3))]))
    k = data.draw(st.integers(1, max(1, min(50, want.shape[1]))))
    x_other, y_other = data.draw(in_a_layout(x)), None if y is None else data.draw(in_a_layout(y))
    with using(isa):
        graph = pyface.neighbors_within(x, radius, y, metric=metric, n_threads=1)
        neighbors.assert_graph(graph, want, radius, metric)
        parts = graph.indptr, graph.indices, graph.data
        assert_equal(graph_parts(x_other, radius, y_other, metric=metric, n_threads=n_threads), parts)
    with using(other_isa):
        assert_equal(graph_parts(x, radius, y, metric=metric, n_threads=1), parts)
    if y is not None and len(y) == 0:
        return
    with using(isa):
        found = pyface.nearest_neighbors(x, k, y, metric=metric, n_threads=1)
        if len(x):
            neighbors.assert_nearest(found, want, metric, self_first=y is None)
        assert_equal(pyface.nearest_neighbors(x_other, k, y_other, metric=metric, n_threads=n_threads), found)
    with using(other_isa):
        assert_equal(pyface.nearest_neighbors(x, k, y, metric=metric, n_threads=1), found)


def dense(x: NDArray, y: NDArray | None, metric: str, **options: Any) -> NDArray[np.float32]:
    if metric == "cosine":
        return pyface.cosine_distances(x, y, **options)
    return pyface.euclidean_distances(x, y, squared=metric == "sqeuclidean", **options)


@settings(max_examples=150, deadline=None)
@given(st.data(), COLUMNS, METRICS, ISAS, ISAS, st.integers(2, 4))
def test_matrices(data: st.DataObject, d: int, metric: str, isa: str, other_isa: str, n_threads: int) -> None:
    x = data.draw(rows(d))
    y = data.draw(st.none() | rows(d))
    want = neighbors.distances(x, x if y is None else y, metric)
    if y is None:
        np.fill_diagonal(want, 0)
    # Within 1e-6: of the value for Euclidean distances, beyond what float64 itself cannot tell from 0.
    error = {"rtol": 0, "atol": 1e-6} if metric == "cosine" else {"rtol": 1e-6, "atol": 1e-30}
    x_other, y_other = data.draw(in_a_layout(x)), None if y is None else data.draw(in_a_layout(y))
    with using(isa):
        matrix = dense(x, y, metric, n_threads=1)
        assert matrix.shape == want.shape and matrix.dtype == np.float32
        np.testing.assert_allclose(matrix, want, **error)
        if y is None:
            np.testing.assert_array_equal(matrix, matrix.T)
            np.testing.assert_array_equal(matrix.diagonal(), 0)
        out = np.full(matrix.shape, np.nan, np.float32)
        assert dense(x_other, y_other, metric, n_threads=n_threads, out=out) is out
        np.testing.assert_array_equal(out, matrix)
        if metric == "cosine" and y is None:
            condensed = pyface.cosine_condensed(x_other, n_threads=n_threads)
            np.testing.assert_array_equal(condensed, matrix[np.triu_indices(len(x), 1)])
    with using(other_isa):
        np.testing.assert_allclose(dense(x, y, metric), matrix, **error)
