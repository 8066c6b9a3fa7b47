"""Bad input, through the public functions and through the bindings: refused in words, or answered, never misread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import pyface
from pyface import _core

Function = Callable[..., Any]
WITH_Y: dict[str, Function] = {
    "cosine_distances": pyface.cosine_distances,
    "euclidean_distances": pyface.euclidean_distances,
    "neighbors_within": lambda X, Y=None: pyface.neighbors_within(X, 0.5, Y),
    "neighbors_within, euclidean": lambda X, Y=None: pyface.neighbors_within(X, 0.5, Y, metric="euclidean"),
    "nearest_neighbors": lambda X, Y=None: pyface.nearest_neighbors(X, 1, Y),
    "nearest_neighbors, sqeuclidean": lambda X, Y=None: pyface.nearest_neighbors(X, 1, Y, metric="sqeuclidean"),
}
FUNCTIONS: dict[str, Function] = {**WITH_Y, "cosine_condensed": pyface.cosine_condensed}
COSINE = [name for name in FUNCTIONS if "euclidean" not in name]
EACH_FUNCTION = pytest.mark.parametrize("name", FUNCTIONS)


def ones(n: int = 3, d: int = 2, dtype: Any = np.float32) -> NDArray[Any]:
    return np.ones((n, d), dtype)


@EACH_FUNCTION
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_not_finite(name: str, dtype: type, value: float) -> None:
    # Large enough to be looked over on all threads.
    for shape, row, column in ((5, 3), 4, 2), ((3000, 400), 2999, 399), ((3000, 400), 1234, 0):
        x = np.ones(shape, dtype)
        x[row, column] = value
        said = f"row {row} holds {value} in column {column}; all entries must be finite"
        with pytest.raises(ValueError, match=f"^X: {said}$"):
            FUNCTIONS[name](x)
        if name in WITH_Y and shape[0] == 5:
            with pytest.raises(ValueError, match=f"^Y: {said}$"):
                FUNCTIONS[name](ones(5, 3, dtype), x)


@EACH_FUNCTION
@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_rows_of_zeros(name: str, zero: float) -> None:
    x = np.ones((3000, 300), np.float32)
    x[[1700, 2500]] = zero
    x[1700, 5] = -0.0
    if name in COSINE:
        with pytest.raises(
            ValueError, match=r"^X: row 1700 is all zeros and has no direction; remove it or use metric"
        ):
            FUNCTIONS[name](x)
        if name in WITH_Y:
            with pytest.raises(ValueError, match=r"^Y: row 1700 is all zeros"):
                FUNCTIONS[name](x[:9], x)
    else:
        FUNCTIONS[name](x[1690:1710])
    x[[1700, 2500], 7] = np.finfo(np.float32).smallest_subnormal
    FUNCTIONS[name](x[1690:1710])


@EACH_FUNCTION
@pytest.mark.parametrize(
    "dtype",
    [bool, np.int8, np.uint8, np.int32, np.int64, np.uint64, np.complex64, np.longdouble, object, "U1", "M8[s]"],
)
def test_other_types(name: str, dtype: Any) -> None:
    x = np.ones((3, 2)).astype(dtype)
    with pytest.raises(TypeError, match=r"^X must be a NumPy array of float32, float64 or float16, got an array of"):
        FUNCTIONS[name](x)
    if name in WITH_Y:
        with pytest.raises(TypeError, match=r"^Y must be a NumPy array of float32, float64 or float16"):
            FUNCTIONS[name](ones(), x)


@EACH_FUNCTION
@pytest.mark.parametrize("value", [None, 1.0, [[1.0, 2.0]], "x", memoryview(b"1234"), ones().tolist()])
def test_no_arrays(name: str, value: Any) -> None:
    with pytest.raises(TypeError, match=r"^X must be a NumPy array .* got "):
        FUNCTIONS[name](value)


@EACH_FUNCTION
def test_wrong_shapes(name: str) -> None:
    function = FUNCTIONS[name]
    for x in ones()[0], ones()[None], np.float32(1)[...], np.empty((0,), np.float32):
        with pytest.raises((ValueError, TypeError), match=r"^X must"):
            function(x)
    for n in (0, 3):
        with pytest.raises(ValueError, match=r"^X must have at least one column, got shape \(\d, 0\)"):
            function(ones(n, 0))
    if name in WITH_Y:
        with pytest.raises(ValueError, match=r"^Y must have 2 columns like the other array, got shape \(3, 3\)"):
            function(ones(), ones(3, 3))
        with pytest.raises(ValueError, match=r"^Y must have 2 columns|^Y must have at least one column"):
            function(ones(), ones(0, 0))


@pytest.mark.parametrize("metric", ["cosine", "euclidean", "sqeuclidean"])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("d", [1, 3, 4097])
def test_no_row_one_row_two_rows(metric: str, dtype: type, d: int) -> None:
    x = np.ones((2, d), dtype)
    x[1, 0] = -1  # for d = 1 the other direction
    far = 2 if metric != "sqeuclidean" else 4
    if metric == "cosine":
        far = 2 / d
    for n in (0, 1, 2):
        want = np.array([[0, far], [far, 0]])[:n, :n]
        for m in (0, 1, 2):
            across = np.array([[0, far], [far, 0]])[:n, :m]
            graph = pyface.neighbors_within(x[:n], 5, x[:m], metric=metric)
            np.testing.assert_allclose(graph.toarray(), across, rtol=1e-6)
            assert graph.nnz == n * m
            for k in range(1, m + 1):
                found, indices = pyface.nearest_neighbors(x[:n], k, x[:m], metric=metric)
                np.testing.assert_allclose(found, np.sort(across, axis=1)[:, :k], rtol=1e-6)
                np.testing.assert_array_equal(indices, np.argsort(across, axis=1)[:, :k])
            matrix = (
                pyface.cosine_distances(x[:n], x[:m])
                if metric == "cosine"
                else pyface.euclidean_distances(x[:n], x[:m], squared=metric == "sqeuclidean")
            )
            np.testing.assert_allclose(matrix, across, rtol=1e-5)
        graph = pyface.neighbors_within(x[:n], far / 2, metric=metric)
        np.testing.assert_array_equal(graph.toarray(), np.zeros((n, n)))
        assert graph.nnz == n
        for k in range(1, n + 1):
            found, indices = pyface.nearest_neighbors(x[:n], k, metric=metric)
            np.testing.assert_allclose(found, np.sort(want, axis=1)[:, :k], rtol=1e-6)
            np.testing.assert_array_equal(indices, np.array([[0, 1], [1, 0]])[:n, :k])


def lattice(n: int, width: int) -> NDArray[np.float32]:
    i = np.arange(n)
    return np.stack([i % width, i // width], axis=1).astype(np.float32)


def test_more_pairs_than_32_bits_count() -> None:
    """70,000 x 70,000 is more than 2**32; the nearest of each row, and those at distance 1, are known."""
    n, width = 70_000, 265
    x = lattice(n, width)
    graph = pyface.neighbors_within(x, 1, metric="sqeuclidean")
    i = np.arange(n)
    neighbors = np.stack(
        [i - width, np.where(i % width > 0, i - 1, -1), i, np.where((i + 1) % width, i + 1, -1), i + width]
    )
    there = (neighbors >= 0) & (neighbors < n)
    np.testing.assert_array_equal(np.diff(graph.indptr), there.sum(axis=0))
    np.testing.assert_array_equal(graph.indices, neighbors.T[there.T])
    np.testing.assert_array_equal(graph.data, (i[:, None] != neighbors.T)[there.T])
    # The row itself and then the lowest of its neighbours.
    _, indices = pyface.nearest_neighbors(x, 2, metric="sqeuclidean")
    np.testing.assert_array_equal(indices[:, 0], i)
    neighbors[2] = -1
    there[2] = False
    np.testing.assert_array_equal(indices[:, 1], neighbors[there.argmax(axis=0), i])


X, Y = ones(), ones(4)
OUT = np.empty((3, 4), np.float32)
SWAPPED = ones().astype(ones().dtype.newbyteorder())
OPTIONS = {"metric": "cosine", "n_threads": 1}


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    array = array.copy()
    array.flags.writeable = False
    return array


@pytest.mark.parametrize(
    "bad", [ones(3, 4)[:, ::2], np.asfortranarray(ones()), SWAPPED, ones(dtype=np.float16), ones(dtype=int), [[1.0]]]
)
def test_bindings_take_plain_rows_only(bad: Any) -> None:
    for call in (
        lambda x: _core.distances_dense(x, None, np.empty((3, 3), np.float32), **OPTIONS),
        lambda x: _core.distances_dense(X, x, np.empty((3, 3), np.float32), **OPTIONS),
        lambda x: _core.distances_condensed(x, np.empty(3, np.float32), **OPTIONS),
        lambda x: _core.within_radius(x, None, radius=1.0, **OPTIONS),
        lambda x: _core.within_radius(X, x, radius=1.0, **OPTIONS),
        lambda x: _core.nearest(x, None, np.empty((3, 1), np.float32), np.empty((3, 1), int), **OPTIONS),
        lambda x: _core.nearest(X, x, np.empty((3, 1), np.float32), np.empty((3, 1), int), **OPTIONS),
        lambda x: _core.EdgeStream(x, radius=1.0, **OPTIONS),
        lambda x: _core.all_usable(x, nonzero=True, n_threads=1),
    ):
        with pytest.raises((TypeError, ValueError)):
            call(bad)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: _core.distances_dense(X, Y, read_only(OUT), **OPTIONS), ValueError),
        (lambda: _core.distances_dense(X, Y, OUT.T, **OPTIONS), (TypeError, ValueError)),
        (lambda: _core.distances_dense(X, Y, np.empty((3, 4), ">f4"), **OPTIONS), TypeError),
        (lambda: _core.distances_condensed(X, read_only(np.empty(3, np.float32)), **OPTIONS), ValueError),
        (lambda: _core.nearest(X, Y, read_only(OUT), np.empty((3, 4), int), **OPTIONS), ValueError),
        (lambda: _core.nearest(X, Y, OUT, read_only(np.empty((3, 4), int)), **OPTIONS), ValueError),
        (lambda: _core.nearest(X, Y, OUT, np.empty((3, 4), np.int32), **OPTIONS), TypeError),
        (lambda: _core.nearest(X[:0], X[:0], OUT[:0, :1], np.empty((0, 1), int), **OPTIONS), ValueError),
        (lambda: _core.within_radius(X[0], None, radius=1.0, **OPTIONS), ValueError),
        (lambda: _core.within_radius(X, None, radius=1.0, metric="l1", n_threads=1), ValueError),
        (lambda: _core.within_radius(X, None, radius=1.0, metric="cosine", n_threads=0), ValueError),
        (lambda: _core.EdgeStream(X[0], radius=1.0, **OPTIONS), ValueError),
        (lambda: _core.EdgeStream(X, radius=1.0, metric="l1", n_threads=1), ValueError),
        (lambda: _core.EdgeStream(X, radius=1.0, metric="cosine", n_threads=0), ValueError),
        (lambda: _core.EdgeStream(X, radius=1.0, **OPTIONS).next(0), ValueError),
        (lambda: _core.EdgeStream(X, radius=1.0, **OPTIONS).next(-5), ValueError),
        (lambda: _core.all_usable(X[0], nonzero=True, n_threads=1), ValueError),
        (lambda: _core.all_usable(X, nonzero=True, n_threads=0), ValueError),
    ],
)
def test_bindings_refuse(call: Callable[[], object], error: type[Exception]) -> None:
    with pytest.raises(error):
        call()


@pytest.mark.parametrize("radius", [np.nan, np.inf, -np.inf, -1.0, 1e308, 5e-324])
@pytest.mark.parametrize("metric", ["cosine", "euclidean", "sqeuclidean"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bindings_survive_any_numbers(radius: float, metric: str, dtype: type) -> None:
    """Not answers that mean much, but indices within bounds, in order, and no endless loop."""
    x = np.random.default_rng(0).normal(size=(300, 20)).astype(dtype)
    x[5], x[100, 3], x[200, 4] = np.nan, np.inf, -np.inf
    x[17] = 0
    x[40] = np.finfo(dtype).max
    x[299] = np.finfo(dtype).smallest_subnormal
    for y in (None, x[:100].copy()):
        options = {"metric": metric, "n_threads": 2}
        m = len(x if y is None else y)
        indptr, indices, _ = _core.within_radius(x, y, radius=radius, **options)
        assert indptr[0] == 0 and indptr[-1] == len(indices) and (np.diff(indptr) >= 0).all()
        assert ((indices >= 0) & (indices < m)).all()
        found, indices = np.empty((300, 7), np.float32), np.empty((300, 7), int)
        _core.nearest(x, y, found, indices, **options)
        assert ((indices >= 0) & (indices < m)).all()
        assert (np.diff(np.sort(indices, axis=1), axis=1) > 0).all()
        _core.distances_dense(x, y, np.empty((300, m), np.float32), **options)
    stream = _core.EdgeStream(x, metric=metric, radius=radius, n_threads=2)
    while (edges := stream.next(1000)) is not None:
        assert (edges[0] < edges[1]).all() and edges[0].min() >= 0 and edges[1].max() < 300
    assert stream.next(1000) is None
    assert not _core.all_usable(x, nonzero=False, n_threads=2)


def test_all_usable() -> None:
    for dtype in (np.float32, np.float64):
        x = np.random.default_rng(1).normal(size=(900, 700)).astype(dtype)
        x[3] = 0
        x[3, 699] = np.finfo(dtype).smallest_subnormal
        x[4] = np.finfo(dtype).max
        for n_threads in (1, 3):
            assert _core.all_usable(x, nonzero=True, n_threads=n_threads)
            for row, value in (899, np.nan), (0, np.inf), (450, -np.inf):
                worse = x.copy()
                worse[row, 698] = value
                assert not _core.all_usable(worse, nonzero=False, n_threads=n_threads)
            worse = x.copy()
            worse[898] = -0.0
            assert not _core.all_usable(worse, nonzero=True, n_threads=n_threads)
            assert _core.all_usable(worse, nonzero=False, n_threads=n_threads)
    assert _core.all_usable(x[:0], nonzero=True, n_threads=1)
