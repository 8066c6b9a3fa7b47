"""Arrays of more entries than 32 bits count. Only on request: they need up to 9 GB and two minutes.

PYFACE_TEST_LARGE=1 python -m pytest tests/kernels/test_large.py
"""

from __future__ import annotations

import os

import numpy as np
import pytest
from numpy.typing import NDArray

import pyface
from pyface import _memory

if not os.environ.get("PYFACE_TEST_LARGE"):
    pytest.skip("PYFACE_TEST_LARGE is not set: needs up to 9 GB and two minutes", allow_module_level=True)


@pytest.fixture(autouse=True)
def _enough_memory() -> None:
    free = _memory.available()
    if free is not None and free < 10 << 30:
        pytest.skip("less than 10 GB are free")


def on_a_circle(n: int) -> NDArray[np.float32]:
    """Unit rows at angles of 0, 1, 2, ... radians."""
    return np.stack([np.cos(np.arange(n)), np.sin(np.arange(n))], axis=1).astype(np.float32)


def some_pairs(n: int, m: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    rng = np.random.default_rng(0)
    i, j = rng.integers(0, n, 5000), rng.integers(0, m, 5000)
    i[:4], j[:4] = (0, n - 1, 0, n - 1), (0, 0, m - 1, m - 1)
    return i, j


def test_a_matrix() -> None:
    n = 46_500
    distances = pyface.cosine_distances(on_a_circle(n))
    assert distances.size > 2**31
    i, j = some_pairs(n, n)
    np.testing.assert_allclose(distances[i, j], 1 - np.cos(i - j), atol=2e-6)


def test_a_wide_matrix() -> None:
    n, m = 1000, 2_150_000
    x = on_a_circle(n)
    distances = pyface.euclidean_distances(x, np.resize(x, (m, 2)), squared=True)
    assert distances.size > 2**31
    i, j = some_pairs(n, m)
    np.testing.assert_allclose(distances[i, j], 2 - 2 * np.cos(i - j % n), atol=2e-6)


def test_a_condensed_matrix() -> None:
    n = 65_600
    distances = pyface.cosine_condensed(on_a_circle(n))
    assert distances.size > 2**31
    i, j = np.sort(some_pairs(n, n), axis=0)
    i, j = i[i < j], j[i < j]
    np.testing.assert_allclose(distances[i * (2 * n - i - 1) // 2 - i - 1 + j], 1 - np.cos(i - j), atol=2e-6)
    np.testing.assert_allclose(distances[-1], 1 - np.cos(1), atol=2e-6)


def test_linkage_of_a_condensed_matrix() -> None:
    n = 65_600  # pairs at distance 1, all others at 5
    distances = np.full(n * (n - 1) // 2, 5, np.float32)
    assert distances.size > 2**31
    i = np.arange(0, n, 2)
    pairs = i * (2 * n - i - 1) // 2
    for method in ("single", "complete", "centroid"):
        distances[:] = 5
        distances[pairs] = 1
        z = pyface.linkage(distances, method, overwrite=True)
        assert (z[: n // 2, 2] == 1).all() and (z[: n // 2, 3] == 2).all() and z[-1, 3] == n
        np.testing.assert_array_equal(z[: n // 2, :2], np.arange(n).reshape(-1, 2))
        assert method == "centroid" or (z[n // 2 :, 2] == 5).all()


def test_many_rows_of_many_columns() -> None:
    n, d = 8_400_000, 512
    x = np.zeros((n, d), np.float32)  # zeros that nobody writes to take no memory
    assert x.size > 2**32
    rows = np.array([n - 1, n - 2, 4_194_304, 4_194_303, 0])  # 2**31 entries lie before row 4,194,304
    x[rows] = np.arange(1, 6)[:, None]
    near = x[rows] + np.float32(0.01)
    graph = pyface.neighbors_within(near, 1, x, metric="euclidean")
    assert graph.indices.tolist() == rows.tolist() and graph.indptr.tolist() == list(range(6))
    _, indices = pyface.nearest_neighbors(near, 1, x, metric="euclidean")
    assert indices[:, 0].tolist() == rows.tolist()
