"""The k nearest of many rows, each pair looked at for both of its rows: what few rows get, to the bit."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from numpy.typing import NDArray
from oracles import neighbors as oracle
from switches import axes_used

from pyface import _core

pytestmark = pytest.mark.usefixtures("isa")
METRICS = ("cosine", "euclidean", "sqeuclidean")
SWITCH = 3072
ALL_WITH_ALL = 1 << 16  # rows that are few


@pytest.fixture(autouse=True, params=["never", "where_they_pay"])
def codes(request: pytest.FixtureRequest) -> Iterator[None]:
    """By codes, whatever the rows are; also in a first stage of few bits. So few rows have no axes."""
    with axes_used(request.param):
        yield


def nearest(x: NDArray, k: int, metric: str, few: int = 0, n_threads: int = 2) -> tuple[NDArray, NDArray]:
    distances, indices = np.empty((len(x), k), np.float32), np.empty((len(x), k), np.int64)
    _core.nearest(x, None, distances, indices, metric=metric, few=few, n_threads=n_threads)
    return distances, indices


def assert_same(x: NDArray, k: int, metric: str, n_threads: int = 2) -> None:
    _core.reset_debug_counters()
    got = nearest(x, k, metric, n_threads=n_threads)
    n_codes = _core.debug_counters()["pairs_in_codes"]
    wanted = nearest(x, k, metric, few=ALL_WITH_ALL)
    assert_array_equal(got[0], wanted[0])
    assert_array_equal(got[1], wanted[1])
    if len(x) >= SWITCH and x.shape[1] > 16 and k > 1:
        assert n_codes < 0.75 * len(x) ** 2


def by_one_side(x: NDArray, k: int, metric: str) -> NDArray:
    """The others among the k + 1 nearest of a copy of the rows."""
    distances, indices = np.empty((len(x), k + 1), np.float32), np.empty((len(x), k + 1), np.int64)
    _core.nearest(x, x.copy(), distances, indices, metric=metric, n_threads=2)
    return np.array([row[row != i][:k] for i, row in enumerate(indices)])


def groups(rng: np.random.Generator, n: int, d: int, off: float) -> NDArray:
    centers = rng.standard_normal((max(1, n // 12), d))
    return centers[rng.integers(len(centers), size=n)] + off * rng.standard_normal((n, d))


@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(SWITCH, SWITCH + 900),
    d=st.sampled_from([3, 17, 20, 33]),
    k=st.sampled_from([1, 2, 5, 11, 40]),
    metric=st.sampled_from(METRICS),
    dtype=st.sampled_from([np.float32, np.float64]),
    off=st.sampled_from([0.0, 1e-6, 1e-2, 1.0]),
    n_threads=st.integers(1, 3),
)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rows_of_any_kind(
    isa: str, seed: int, n: int, d: int, k: int, metric: str, dtype: type, off: float, n_threads: int
) -> None:
    x = groups(np.random.default_rng(seed), n, d, off).astype(dtype)
    assert_same(x, k, metric, n_threads)


@pytest.mark.parametrize("n", [SWITCH - 1, SWITCH, SWITCH + 1, 3840, 3841])
def test_on_both_sides_of_the_switch(isa: str, n: int) -> None:
    x = groups(np.random.default_rng(n), n, 24, 0.5).astype(np.float32)
    assert_same(x, 6, "cosine")
    assert_same(x, 6, "sqeuclidean")


def test_rows_in_order_and_the_other_way_round(isa: str) -> None:
    """Neighbours lie next to each other, or the farthest rows first; lengths differ by much."""
    rng = np.random.default_rng(3)
    line = np.arange(3300)[:, None] * np.ones(20) + 0.1 * rng.standard_normal((3300, 20))
    for x in (line, line[::-1].copy(), line * np.exp(rng.standard_normal((3300, 1)))):
        assert_same(x.astype(np.float32), 7, "euclidean")
        assert_same(x.astype(np.float32), 7, "cosine")


def test_equal_rows_go_by_their_numbers(isa: str) -> None:
    rng = np.random.default_rng(4)
    x = rng.standard_normal((3, 30)).astype(np.float32)[rng.integers(3, size=3500)]
    assert_same(x, 9, "cosine")
    same = np.ones((3200, 30), np.float32)
    distances, indices = nearest(same, 4, "euclidean")
    assert not distances.any()
    assert_array_equal(indices[:, 0], np.arange(3200))
    assert_array_equal(indices[4:, 1:], np.tile([0, 1, 2], (3196, 1)))


def test_rows_of_zeros_and_rows_that_float32_does_not_hold(isa: str) -> None:
    rng = np.random.default_rng(5)
    x = rng.standard_normal((3100, 20))
    x[rng.integers(3100, size=40)] = 0.0
    assert_same(x, 5, "euclidean")
    for rows, metric in ((x, "cosine"), (x * 1e-150, "euclidean"), (x * 1e120, "sqeuclidean")):
        assert_array_equal(nearest(rows, 5, metric)[1][:, 1:], by_one_side(rows, 4, metric))


def test_the_slow_twin(isa: str) -> None:
    x = groups(np.random.default_rng(6), 3100, 20, 0.7).astype(np.float32)
    _, indices = nearest(x, 5, "cosine")
    rows = np.random.default_rng(7).integers(3100, size=50)
    for i in rows:
        wanted = oracle.distances(x[i : i + 1], x, "cosine")[0]
        order = np.lexsort((np.arange(len(x)), np.where(np.arange(len(x)) == i, -1.0, wanted)))[:5]
        assert_array_equal(indices[i], order)
