"""Decisions are those of float64: many pairs at a time within 1e-12 of the radius, or exactly on it."""

from __future__ import annotations

import numpy as np
import pytest
from near_radius import OFFSETS, RADII, signs, stars
from numpy.typing import NDArray
from oracles import exact, neighbors
from scipy.spatial.distance import squareform

import pyface
from pyface import _core
from pyface.kernels.distance import condensed_float64

pytestmark = pytest.mark.usefixtures("isa")
EACH_METRIC = pytest.mark.parametrize("metric", list(RADII))
EACH_DTYPE = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def pairs(x: NDArray, y: NDArray | None, radius: float, metric: str, n_threads: int = 1) -> NDArray[np.bool_]:
    graph = pyface.neighbors_within(x, radius, y, metric=metric, n_threads=n_threads)
    found = np.zeros(graph.shape, bool)
    found[np.repeat(np.arange(len(x)), np.diff(graph.indptr)), graph.indices] = True
    return found


def streamed_pairs(x: NDArray, radius: float, metric: str) -> NDArray[np.bool_]:
    """As DBSCAN gets them: each pair once, without its distance, so that most need not be computed in float64."""
    stream = _core.EdgeStream(x, metric=metric, radius=radius, n_threads=1)
    found = np.eye(len(x), dtype=bool)
    while (edges := stream.next(20_000)) is not None:
        assert not found[edges].any()
        found[edges] = True
    return found | found.T


@EACH_METRIC
@EACH_DTYPE
@pytest.mark.parametrize("d", [11, 150])
def test_pairs_within_1e_12_of_the_radius(metric: str, dtype: type, d: int) -> None:
    sample = stars(metric, dtype, d)
    x, radius, is_near = sample.x, sample.radius, sample.is_near
    np.testing.assert_array_equal(pairs(x, None, radius, metric, n_threads=2), is_near)
    np.testing.assert_array_equal(streamed_pairs(x, radius, metric), is_near)
    np.testing.assert_array_equal(pairs(x[::-1], x, radius, metric), is_near[::-1])
    np.testing.assert_array_equal(pairs(x, x[:270:-1], radius, metric), is_near[:, :270:-1])


@EACH_METRIC
@EACH_DTYPE
@pytest.mark.parametrize("d", [11, 150])
def test_pairs_at_the_radius_are_decided_one_by_one(metric: str, dtype: type, d: int) -> None:
    """The radius between every two neighbours of a row: what was in doubt before is clear now, and the next is not."""
    sample = stars(metric, dtype, d)
    i, row = sample.centres[0], sample.rays[0]
    for n_in, limit in enumerate(np.sort(OFFSETS)[1:] - np.diff(np.sort(OFFSETS)) / 2, start=1):
        found = pairs(sample.x[[i]], sample.x, sample.radius + limit, metric)[0, row]
        np.testing.assert_array_equal(np.flatnonzero(found), np.sort(np.argsort(OFFSETS)[:n_in]))


@EACH_METRIC
@EACH_DTYPE
@pytest.mark.parametrize("d", [11, 150])
def test_neighbors_1e_14_apart_are_in_order(metric: str, dtype: type, d: int) -> None:
    sample = stars(metric, dtype, d)
    x, centres = sample.x, sample.centres
    order = sample.rays[:, np.argsort(OFFSETS)]
    # The row itself, whatever is nearer than all rays, and then the rays by their offsets.
    n_nearer = np.count_nonzero(sample.want[centres] < sample.radius - 1e-6, axis=1)
    for n_rays in (5, len(OFFSETS)):
        k = int(n_nearer.max()) + n_rays
        _, own = pyface.nearest_neighbors(x, k, metric=metric, n_threads=2)
        _, across = pyface.nearest_neighbors(x[centres], k, x, metric=metric)
        for s, skip in enumerate(n_nearer):
            np.testing.assert_array_equal(own[centres[s], skip : skip + n_rays], order[s, :n_rays])
            np.testing.assert_array_equal(across[s, skip : skip + n_rays], order[s, :n_rays])


@EACH_METRIC
@EACH_DTYPE
@pytest.mark.parametrize("n_signs", [9, 16])
def test_pairs_exactly_on_the_radius(metric: str, dtype: type, n_signs: int) -> None:
    # 2**-20 changes squares by 1e-12 and cosines by 1e-13 to 1e-14.
    x = signs(n_signs, 2.0**-20, dtype)
    want = exact.from_exact_sums(x, x, metric)
    np.fill_diagonal(want, 0)
    for n_different in (n_signs // 2, n_signs // 4):  # many pairs, and those whose squared distance is |x|^2
        squared = 4 * n_different
        target = {"cosine": squared / 2 / n_signs, "euclidean": squared**0.5, "sqeuclidean": squared}[metric]
        radius = float(want.flat[np.abs(want - target).argmin()])
        on_it, around = np.count_nonzero(want == radius), np.count_nonzero(np.abs(want - radius) < 2e-12)
        assert on_it >= 200 and around > on_it
        for limit in (radius, np.nextafter(radius, 0), np.nextafter(radius, 3 * radius), radius + 1e-13):
            np.testing.assert_array_equal(pairs(x, None, limit, metric, n_threads=2), want <= limit)
            np.testing.assert_array_equal(streamed_pairs(x, limit, metric), want <= limit)
        np.testing.assert_array_equal(pairs(x, x[::-1][:300], radius, metric), want[:, ::-1][:, :300] <= radius)


@EACH_METRIC
@EACH_DTYPE
@pytest.mark.parametrize("n_signs", [9, 16])
def test_exact_ties_go_to_the_lower_index(metric: str, dtype: type, n_signs: int) -> None:
    x = signs(n_signs, 2.0**-20, dtype)
    want = exact.from_exact_sums(x, x, metric)
    own, reversed_ = (
        neighbors.by_distance(want, self_first=True),
        neighbors.by_distance(want[:, ::-1], self_first=False),
    )
    for k in (2, 80):
        found, indices = pyface.nearest_neighbors(x, k, metric=metric, n_threads=2)
        np.testing.assert_array_equal(indices, own[:, :k])
        np.testing.assert_array_equal(found[:, 1:], np.take_along_axis(want, indices, 1)[:, 1:].astype(np.float32))
        _, indices = pyface.nearest_neighbors(x, k, x[::-1], metric=metric)
        np.testing.assert_array_equal(indices, reversed_[:, :k])


@EACH_METRIC
@EACH_DTYPE
def test_whole_numbers_of_any_norm(metric: str, dtype: type) -> None:
    """Radii that are distances of pairs, and the numbers next to them."""
    rng = np.random.default_rng(3)
    x = rng.integers(-40, 41, (420, 50))
    x *= rng.integers(1, 30, (420, 1))
    x[17] = x[333] = 1
    x = x.astype(dtype)
    want = exact.from_exact_sums(x, x, metric)
    np.fill_diagonal(want, 0)
    powers = np.ldexp(1.0, rng.integers(-60, 60, (420, 1))).astype(dtype)
    for quantile in (0.001, 0.5):
        radius = float(np.quantile(want, quantile, method="nearest"))
        for limit in (radius, np.nextafter(radius, 0), np.nextafter(radius, 3 * radius)):
            np.testing.assert_array_equal(pairs(x, None, limit, metric), want <= limit)
            if metric == "cosine":  # lengths that are powers of two change no bit of a cosine
                np.testing.assert_array_equal(pairs(x * powers, None, limit, metric), want <= limit)
                np.testing.assert_array_equal(streamed_pairs(x * powers, limit, metric), want <= limit)


def test_a_radius_of_zero_takes_equal_rows_and_rows_of_one_direction() -> None:
    x = np.random.default_rng(4).normal(size=(300, 40)).astype(np.float32)
    x[100:200] = x[:100]
    x[250:] = 4 * x[:50]
    equal = np.eye(300, dtype=bool)
    rows = np.arange(100)
    equal[rows, rows + 100] = equal[rows + 100, rows] = True
    for metric in ("euclidean", "sqeuclidean"):
        np.testing.assert_array_equal(pairs(x, None, 0, metric), equal)
        np.testing.assert_array_equal(pairs(x, x.copy(), 0.0, metric), equal)
    for i in (rows[:50], rows[:50] + 100):
        equal[i, rows[:50] + 250] = equal[rows[:50] + 250, i] = True
    np.testing.assert_array_equal(pairs(x, None, 0, "cosine"), equal)
    np.testing.assert_array_equal(streamed_pairs(x, 0.0, "cosine"), equal)


@pytest.mark.parametrize("seed", range(5))
def test_a_row_on_the_centre_leaves_no_slack_in_the_bounds(seed: int) -> None:
    """Opposite rows have their mean at 0: codes of a row of zeros leave nothing out, and rounding may not decide."""
    rng = np.random.default_rng(seed)
    d = int(rng.integers(17, 60))
    v = rng.normal(size=(20, d))
    v /= np.linalg.norm(v, axis=1, keepdims=True)
    x = np.concatenate([v, -v, np.zeros((1, d))])
    distances = condensed_float64(x, "euclidean", 1)
    for radius in (distances[-1], distances[39], np.sort(distances)[100]):
        graph = pyface.neighbors_within(x, float(radius), metric="euclidean")
        assert graph.nnz == 41 + 2 * np.count_nonzero(distances <= radius)
        stream = _core.EdgeStream(x, metric="euclidean", radius=float(radius), n_threads=1)
        edges = stream.next(10_000)
        assert edges is not None and len(edges[0]) == np.count_nonzero(distances <= radius)
    to_the_last = squareform(distances)[40, :40]
    for k in (2, 9, 40):
        _, indices = pyface.nearest_neighbors(x, k, metric="euclidean")
        np.testing.assert_array_equal(indices[40, 1:], np.lexsort((np.arange(40), to_the_last))[: k - 1])
