"""Pairs by distance: every count and every pair that is returned, against all distances sorted in float64."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from oracles.distance import matrix

from pyface import _core
from pyface.kernels import pairs
from pyface.kernels.distance import METRICS, condensed_float64

ONES, LABELS = np.ones((3, 2), np.float32), np.zeros(3, np.int32)


def people(n: int, d: int, dtype: type, seed: int = 0) -> tuple[NDArray, NDArray[np.int32]]:
    """Rows of people, some of them equal to each other or to others."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, n // 6 + 1, n).astype(np.int32)
    x = random.normal(size=(n // 6 + 1, d))[labels] + 0.6 * random.normal(size=(n, d)) * (random.random((n, 1)) > 0.2)
    return x.astype(dtype), labels


def check(x: NDArray, labels: NDArray[np.int32], thresholds: NDArray[np.float64], metric: str, n_threads: int) -> None:
    distances = condensed_float64(x, metric, 1)
    first, second = np.triu_indices(len(x), 1)
    same = (labels[first] == labels[second]).astype(int)
    bins = np.searchsorted(thresholds, distances, side="left")
    n_bins = len(thresholds) + 1
    want = np.bincount(same * n_bins + bins, minlength=2 * n_bins).reshape(2, n_bins)
    how = {"metric": metric, "n_threads": n_threads}
    plain = pairs.bin_pairs(x, labels, thresholds, **how)
    np.testing.assert_array_equal(plain.counts, want)
    assert not len(plain.first) + len(plain.second) + len(plain.distances)
    wanted = np.random.default_rng(1).random((2, n_bins)) < 0.3
    found = pairs.bin_pairs(x, labels, thresholds, wanted, **how)
    np.testing.assert_array_equal(found.counts, want)
    kept = wanted[same, bins]
    order = np.lexsort((found.second, found.first))
    np.testing.assert_array_equal(found.first[order], first[kept])
    np.testing.assert_array_equal(found.second[order], second[kept])
    np.testing.assert_array_equal(found.distances[order], distances[kept])


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(("n", "d", "dtype"), [(300, 40, np.float32), (270, 3, np.float64), (130, 512, np.float32)])
def test_bins_are_those_of_sorted_distances(isa: str, metric: str, n: int, d: int, dtype: type) -> None:
    x, labels = people(n, d, dtype)
    distances = condensed_float64(x, metric, 1)
    several = np.unique(distances)
    for thresholds in (
        np.linspace(0, several[-1], 2049),
        several[::7],  # ties of thresholds and distances
        several[5:6],
        np.nextafter(several[100:400], np.inf),
        np.nextafter(several[100:400], -np.inf),
        several[200] + np.arange(-40, 40) * 1e-9,  # nearer to each other than float32 can tell
        np.array([-1.0, 0.0, 5e-324, 1e-300, 1e-30, 1e300, np.inf]),
    ):
        check(x, labels, np.unique(thresholds), metric, n_threads=3)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("scale", [1e-30, 1e-18, 1e18])
def test_sizes_at_the_limits_of_float32(metric: str, scale: float) -> None:
    x, labels = people(150, 20, np.float64)
    for dtype in (np.float32, np.float64):
        rows = (x * scale).astype(dtype)
        check(rows, labels, np.unique(condensed_float64(rows, metric, 1))[::50], metric, n_threads=2)


@settings(max_examples=60)
@given(st.integers(0, 40), st.integers(1, 4), st.sampled_from(METRICS), st.integers(0, 2**32))
def test_few_rows_and_many_ties(n: int, d: int, metric: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    x = random.integers(1, 4, (n, d)).astype(np.float32)
    thresholds = np.unique(random.choice(np.r_[np.arange(9.0), 0.5, 0.1, condensed_float64(x, metric, 1)[:5]], 6))
    check(x, random.integers(0, 3, n).astype(np.int32), thresholds, metric, n_threads=2)


def test_no_answer_depends_on_threads() -> None:
    x, labels = people(900, 16, np.float32)
    wanted = np.ones((2, 4), bool)
    runs = [
        pairs.bin_pairs(x, labels, np.array([0.2, 0.5, 0.9]), wanted, metric="cosine", n_threads=t) for t in (1, 2, 5)
    ]
    for run in runs[1:]:
        for name in ("counts", "first", "second", "distances"):
            np.testing.assert_array_equal(getattr(run, name), getattr(runs[0], name))


@pytest.mark.parametrize("metric", METRICS)
def test_listed_pairs(isa: str, metric: str) -> None:
    for dtype in (np.float32, np.float64):
        x, _ = people(100, 37, dtype)
        x[3] *= np.float32(1e-3)
        first, second = (side.astype(np.int32) for side in np.triu_indices(len(x), 1))
        for a, b in ((first, second), (second, first)):
            got = pairs.distances_of_pairs(x, a, b, metric=metric, n_threads=2)
            np.testing.assert_array_equal(got, condensed_float64(x, metric, 1))
    some = np.array([[0, 1], [5, 5], [7, 2]], np.int32)
    got = pairs.distances_of_pairs(x, *np.ascontiguousarray(some.T), metric=metric, n_threads=1)
    np.testing.assert_allclose(got, matrix(x, x, metric)[some[:, 0], some[:, 1]], atol=1e-12)


def test_more_pairs_than_memory() -> None:
    with pytest.raises(MemoryError, match=r"a list of 1,000,000,000,000 pairs takes .* take some of the rows"):
        pairs.bin_pairs(
            ONES, LABELS, np.ones(1), np.ones((2, 2), bool), 10**12, metric="cosine", n_threads=1
        )  # fmt: skip


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda how: _core.bin_pairs(ONES, LABELS[:2], np.ones(1), **how), "one label for each row"),
        (lambda how: _core.bin_pairs(ONES, LABELS, np.ones(0), **how), "thresholds"),
        (lambda how: _core.bin_pairs(ONES, LABELS, np.ones(2), **how), "thresholds must increase"),
        (lambda how: _core.bin_pairs(ONES, LABELS, np.array([np.nan]), **how), "thresholds must increase"),
        (lambda how: _core.bin_pairs(ONES, LABELS, np.ones(1), np.ones((2, 3), np.uint8), **how), "wanted must have"),
        (lambda how: _core.bin_pairs(ONES, LABELS, np.ones(1), np.ones(2, np.uint8), **how), "wanted must have"),
        (lambda how: _core.bin_pairs(ONES[0], LABELS, np.ones(1), **how), "x must have shape"),
        (lambda how: _core.distances_of_pairs(ONES, LABELS, LABELS, np.ones(2), **how), "the same length"),
        (lambda how: _core.distances_of_pairs(ONES, LABELS + 3, LABELS, np.ones(3), **how), "must name rows of x"),
        (lambda how: _core.distances_of_pairs(ONES, LABELS, LABELS - 1, np.ones(3), **how), "must name rows of x"),
    ],
)
def test_the_inner_door(call: Callable[[dict], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call({"metric": "cosine", "n_threads": 1})
