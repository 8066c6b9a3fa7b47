"""Few rows are compared all with all, many by searches: the answers are the same to the bit."""

from __future__ import annotations

from typing import Any

import hard_rows
import numpy as np
import pytest
from agglomerative_rows import KINDS, rows
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from numpy.typing import NDArray
from switches import floats_used

import pyface
from pyface import _core
from pyface.kernels.origin import common_origin

METRICS = ("cosine", "euclidean", "sqeuclidean")
FROM_MEANS = [
    ("average", "cosine"), ("average", "sqeuclidean"), ("weighted", "cosine"), ("weighted", "sqeuclidean"),
    ("ward", "euclidean"),
]  # fmt: skip
MANY = 0  # rows that may be few
EACH_DTYPE = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def nearest(x: NDArray, k: int, metric: str, **options: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    distances, indices = np.empty((len(x), k), np.float32), np.empty((len(x), k), np.int64)
    _core.nearest(x, None, distances, indices, metric=metric, **{"n_threads": 2, **options})
    return distances, indices


def assert_same_nearest(x: NDArray, k: int, metric: str, in_blocks: str = "always") -> None:
    with floats_used("never"):
        wanted = nearest(x, k, metric, few=MANY)
    for n_threads in (1, 2):
        with floats_used(in_blocks):
            some_at_a_time = nearest(x, k, metric, few=MANY, n_threads=n_threads)
        for mine in (nearest(x, k, metric, n_threads=n_threads), some_at_a_time):
            assert_array_equal(mine[0], wanted[0])
            assert_array_equal(mine[1], wanted[1])


def joints(x: NDArray, method: str, metric: str, limit: float = np.inf, sets: Any = None, **options: int) -> Any:
    origin = None if metric == "cosine" else common_origin(x)
    return _core.joints_from_vectors(
        x, method=method, metric=metric, height_limit=limit, origin=origin, cannot_link=sets, must_link=None,
        **{"n_threads": 2, **options},
    )  # fmt: skip


def assert_same_merges(x: NDArray, method: str, metric: str, limit: float = np.inf, sets: Any = None) -> None:
    """In the same order, too."""
    wanted = joints(x, method, metric, limit, sets, few=MANY)
    for n_threads in (1, 2):
        for mine, theirs in zip(joints(x, method, metric, limit, sets, n_threads=n_threads), wanted, strict=True):
            assert_array_equal(mine, theirs)


@pytest.mark.parametrize("metric", METRICS)
@EACH_DTYPE
@pytest.mark.parametrize("maker", hard_rows.MAKERS, ids=lambda maker: maker.__name__)
def test_hard_rows_have_the_same_neighbors(maker: Any, metric: str, dtype: type, isa: str) -> None:
    x = maker(np.random.default_rng(11), dtype).astype(dtype)
    for k in (1, 2, 6, 40, len(x)):
        assert_same_nearest(x, k, metric)


@given(st.integers(0, 2**32 - 1), st.integers(1, 200), st.integers(1, 4), st.sampled_from(METRICS))
def test_ties_go_to_the_lower_index(seed: int, n: int, d: int, metric: str) -> None:
    x = np.random.default_rng(seed).integers(1, 4, (n, d)).astype(np.float32)
    assert_same_nearest(x, min(n, 7), metric)


@pytest.mark.parametrize("n_rows", [1536, 1537, 2048, 2049])  # of searches and single linkage, then of other trees
def test_on_both_sides_of_the_switch(n_rows: int, isa: str) -> None:
    x = np.random.default_rng(12).normal(size=(n_rows // 3, 24)).astype(np.float32)[np.arange(n_rows) % (n_rows // 3)]
    x[::2] += np.random.default_rng(13).normal(size=x[::2].shape, scale=1e-3).astype(np.float32)
    assert_same_nearest(x, 5, "cosine")
    assert_same_merges(x, "average", "cosine")
    assert_same_merges(x, "ward", "euclidean")
    edges = _core.spanning_edges(x, metric="cosine", height_limit=np.inf, n_threads=2)
    assert_array_equal(edges, _core.spanning_edges(x, metric="cosine", height_limit=np.inf, few=MANY, n_threads=2))


@pytest.mark.parametrize("scale", [1e-170, 1e-90, 1e90, 1e140])
def test_rows_of_any_size(scale: float) -> None:
    x = np.random.default_rng(14).normal(size=(150, 20)) * scale
    for metric in METRICS:
        # Of squares that all vanish, which of them is the nearest depends on the bits of the codes.
        assert_same_nearest(x, 4, metric, in_blocks="never" if scale == 1e-170 else "always")
    assert_same_merges(x, "average", "cosine")
    assert_same_merges(x, "ward", "euclidean")


def test_rows_of_zeros_have_no_direction_but_a_place() -> None:
    x = np.random.default_rng(15).normal(size=(90, 20)).astype(np.float32)
    x[[3, 40]] = 0
    for metric in METRICS:
        assert_same_nearest(x, 4, metric)
    for metric in ("cosine", "euclidean"):
        few = _core.spanning_edges(x, metric=metric, height_limit=np.inf, n_threads=2)
        assert_array_equal(few, _core.spanning_edges(x, metric=metric, height_limit=np.inf, few=MANY, n_threads=2))


@pytest.mark.parametrize(("method", "metric"), FROM_MEANS)
@EACH_DTYPE
@pytest.mark.parametrize("kind", KINDS)
def test_trees_are_the_same(kind: str, dtype: type, method: str, metric: str, isa: str) -> None:
    x = rows(kind, 230, 17, np.random.default_rng(16)).astype(dtype)
    assert_same_merges(x, method, metric)
    heights = joints(x, method, metric)[1]
    assert_same_merges(x, method, metric, float(np.median(heights)))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 80), st.integers(1, 3), st.sampled_from(FROM_MEANS))
def test_trees_of_many_ties_are_the_same(seed: int, n: int, d: int, case: tuple[str, str]) -> None:
    assert_same_merges(np.random.default_rng(seed).integers(1, 5, (n, d)).astype(np.float64), *case)


@pytest.mark.parametrize(("method", "metric"), FROM_MEANS)
def test_what_may_not_merge_does_not(method: str, metric: str) -> None:
    rng = np.random.default_rng(17)
    x = rows("faces", 200, 12, rng) if "faces" in KINDS else rng.normal(size=(200, 12))
    numbers = np.sort(rng.integers(0, 30, (200, 1)))[rng.permutation(200)].ravel().astype(np.int64)
    sets = (np.arange(201, dtype=np.int64), numbers)
    assert_same_merges(x, method, metric, np.inf, sets)
    assert len(joints(x, method, metric, np.inf, sets)[0]) < 199


def test_equal_distances_are_measured_again_and_again() -> None:
    assert_same_merges(np.eye(120), "average", "sqeuclidean")
    assert_same_merges(np.eye(120), "ward", "euclidean")


def test_wider_codes_for_tight_groups(isa: str) -> None:
    """Codes of 8 bits leave all rows of such a group in doubt, those of 16 few."""
    rng = np.random.default_rng(18)
    tight = (rng.normal(size=(3, 128))[rng.integers(0, 3, 1600)] + 0.1 * rng.normal(size=(1600, 128))).astype(
        np.float32
    )
    wide = rng.normal(size=(1600, 128)).astype(np.float32)
    for x in (tight, wide):
        pyface.debug_counters(reset=True)
        found = nearest(x, 5, "cosine", few=MANY)
        counts = pyface.debug_counters(reset=True)
        assert counts["pairs_in_codes"] >= 1600**2
        assert counts["pairs_in_float32"] < 1600**2 / 20
        assert_array_equal(nearest(x, 5, "cosine", few=1 << 16)[1], found[1])
