"""Data on which a screen of few bits is at its worst: the answers stay those of float64."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from hard_rows import MAKERS
from numpy.typing import NDArray
from oracles import neighbors
from scipy.spatial.distance import squareform

import pyface
from pyface.kernels.distance import condensed_float64

pytestmark = pytest.mark.usefixtures("isa")
Maker = Callable[[np.random.Generator, type], NDArray]


@cache
def rows_and_distances(make: Maker, dtype: type, metric: str) -> tuple[NDArray, NDArray[np.float64]]:
    x = make(np.random.default_rng(7), dtype).astype(dtype)
    want = neighbors.distances(x, x, metric)
    np.fill_diagonal(want, 0)
    return x, want


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
@pytest.mark.parametrize(
    ("metric", "dtype"),
    [("cosine", np.float32), ("cosine", np.float64), ("euclidean", np.float32), ("sqeuclidean", np.float64)],
)
def test_hard_rows(make: Maker, metric: str, dtype: type) -> None:
    x, want = rows_and_distances(make, dtype, metric)
    cut = len(x) // 3
    for radius in neighbors.clear_radii(want, metric, (0.0, 0.1, 0.8)):
        neighbors.assert_graph(pyface.neighbors_within(x, radius, metric=metric), want, radius, metric)
        across = pyface.neighbors_within(x[cut:], radius, x, metric=metric)
        neighbors.assert_graph(across, want[cut:], radius, metric)
    assert pyface.neighbors_within(x, np.inf, metric=metric).nnz == want.size
    neighbors.assert_nearest(pyface.nearest_neighbors(x, 2, metric=metric), want, metric, self_first=True)
    across = pyface.nearest_neighbors(x[:cut], 60, x[::-1], metric=metric)
    neighbors.assert_nearest(across, want[:cut, ::-1], metric, self_first=False)
    assert_dense(x, want, metric)


def assert_dense(x: NDArray, want: NDArray[np.float64], metric: str) -> None:
    """Within 1e-6 for up to 1,024 columns, and a little more beyond."""
    if metric == "cosine":
        own, across = pyface.cosine_distances(x), pyface.cosine_distances(x, x[:50])
    else:
        squared = metric == "sqeuclidean"
        own = pyface.euclidean_distances(x, squared=squared)
        across = pyface.euclidean_distances(x, x[:50], squared=squared)
    np.testing.assert_array_equal(own, own.T)
    kinds = np.unique(x, axis=0, return_inverse=True)[1].ravel()
    assert not own[kinds[:, None] == kinds].any()
    assert own.min() >= 0 and (metric != "cosine" or own.max() <= 2)
    error = 1e-6 if x.shape[1] <= 1024 else 4e-6
    least = error if metric == "cosine" else float(np.finfo(np.float32).smallest_subnormal)
    with np.errstate(over="ignore"):
        want = want.astype(np.float32)
    np.testing.assert_allclose(own, want, rtol=error, atol=least)
    np.testing.assert_allclose(across, want[:, :50], rtol=error, atol=least)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_rows_that_bounds_cannot_tell_apart_are_settled(metric: str) -> None:
    """More than 8 k + 64 candidates of one row: duplicates, and two clusters far tighter than float32 can see."""
    rng = np.random.default_rng(1)
    centres = np.repeat(rng.normal(size=(2, 40)), 300, axis=0)
    for x in (np.ones((600, 40), np.float32), centres, centres + 1e-9 * rng.normal(size=centres.shape)):
        distances, indices = pyface.nearest_neighbors(x, 5, metric=metric)
        exact = squareform(condensed_float64(x, metric, 1))
        np.fill_diagonal(exact, -1)
        want = np.argsort(exact, axis=1, kind="stable")[:, :5]
        np.testing.assert_array_equal(indices, want)
        nearest = np.take_along_axis(exact, want, axis=1)
        np.testing.assert_array_equal(distances[:, 1:], nearest[:, 1:].astype(np.float32))
