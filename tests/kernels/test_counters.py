"""Which way pairs were decided: that each way is taken where it should be, and that few need float64."""

from __future__ import annotations

import hard_rows
import numpy as np
import pytest
from near_radius import signs, stars
from numpy.typing import NDArray

import pyface
from pyface import _core

pytestmark = pytest.mark.usefixtures("isa")
Counts = dict[str, int]
NAMES = {
    "pairs_along_axes", "products_saved",
    "pairs_in_codes", "pairs_in_float32", "pairs_in_float64", "pairs_accepted",
    "linkage_rounds", "linkage_searches", "linkage_recalls",
}  # fmt: skip


def counts_within(x: NDArray, radius: float, metric: str = "cosine", n_threads: int = 1) -> tuple[Counts, int]:
    """The counters after one search, and how many pairs it found, each counted once."""
    pyface.debug_counters(reset=True)
    graph = pyface.neighbors_within(x, radius, metric=metric, n_threads=n_threads)
    return pyface.debug_counters(reset=True), (graph.nnz - len(x)) // 2


def counts_of_stream(x: NDArray, radius: float, metric: str) -> tuple[Counts, int]:
    pyface.debug_counters(reset=True)
    stream = _core.EdgeStream(x, metric=metric, radius=radius, n_threads=1)
    n_pairs = 0
    while (edges := stream.next(20_000)) is not None:
        n_pairs += len(edges[0])
    return pyface.debug_counters(reset=True), n_pairs


def test_counters_add_up_and_begin_anew() -> None:
    x = np.random.default_rng(0).normal(size=(300, 64)).astype(np.float32)
    once, _ = counts_within(x, 0.8)
    assert once.keys() == NAMES and once["pairs_in_codes"] >= 300 * 299 / 2
    for _ in range(3):
        pyface.neighbors_within(x, 0.8)
    assert pyface.debug_counters() == {name: 3 * count for name, count in once.items()}
    assert pyface.debug_counters(reset=True)["pairs_in_codes"] > 0
    assert pyface.debug_counters() == dict.fromkeys(NAMES, 0)
    pyface.nearest_neighbors(x, 5)
    assert pyface.debug_counters(reset=True)["pairs_in_float64"] >= 300 * 4


@pytest.mark.parametrize("metric", ["cosine", "euclidean", "sqeuclidean"])
def test_pairs_of_a_graph_and_of_a_stream(metric: str) -> None:
    """A graph needs every distance in float64; a stream only what nothing else could decide."""
    x = np.random.default_rng(1).normal(size=(40, 128))[np.arange(700) % 40]
    x += 0.4 * np.random.default_rng(2).normal(size=x.shape)
    radius = float(np.median((pyface.cosine_distances if metric == "cosine" else pyface.euclidean_distances)(x[::40])))
    counts, n_pairs = counts_within(x, radius**2 if metric == "sqeuclidean" else radius, metric)
    assert n_pairs > 1000
    assert counts["pairs_in_float64"] >= n_pairs and counts["pairs_accepted"] == 0
    streamed, n_streamed = counts_of_stream(x, radius**2 if metric == "sqeuclidean" else radius, metric)
    assert n_streamed == n_pairs
    assert 0 < n_pairs - streamed["pairs_accepted"] <= streamed["pairs_in_float64"] < counts["pairs_in_float64"]


def test_few_columns_do_without_codes() -> None:
    x = np.random.default_rng(3).normal(size=(300, 16)).astype(np.float32)
    assert counts_within(x, 0.1)[0]["pairs_in_codes"] == 0
    assert counts_within(np.repeat(x, 2, axis=1), 0.1)[0]["pairs_in_codes"] > 0


@pytest.mark.parametrize("metric", ["cosine", "euclidean", "sqeuclidean"])
def test_data_for_each_way(metric: str) -> None:
    """What the tests of pairs at the radius rely on: their rows meet codes, float32 and float64."""
    sample = stars(metric, np.float32, 150)
    counts, _ = counts_within(sample.x, sample.radius, metric)
    n_close_calls = sample.rays.size
    assert counts["pairs_in_codes"] > 0 and counts["pairs_in_float32"] == 0
    assert n_close_calls <= counts["pairs_in_float64"]
    streamed, _ = counts_of_stream(sample.x, sample.radius, metric)
    assert n_close_calls <= streamed["pairs_in_float64"]

    x = signs(16, 2.0**-20, np.float32)
    distance = {"cosine": 1.0, "euclidean": 32**0.5, "sqeuclidean": 32.0}[metric]
    counts, n_pairs = counts_within(x, distance * (1 + 1e-9), metric)
    assert counts["pairs_in_codes"] > 0 and counts["pairs_in_float32"] > 0
    streamed, _ = counts_of_stream(x, distance, metric)
    assert 500 < streamed["pairs_in_float64"] < n_pairs


def test_codes_are_given_up_where_they_do_not_pay() -> None:
    tight = hard_rows.a_tight_cluster(np.random.default_rng(4), np.float32)
    x = np.concatenate([tight + 1e-3 * i for i in range(8)]).astype(np.float32)
    counts, _ = counts_within(x, 1e-7)
    assert 0 < counts["pairs_in_codes"] < counts["pairs_in_float32"]


def test_codes_are_fine_enough_for_the_radius() -> None:
    """Where the radius is within what few bits leave in doubt, and few pairs are within it, more bits are taken."""
    rng = np.random.default_rng(4)
    x = (rng.normal(size=(3, 128))[rng.integers(0, 3, 1500)] + 0.1 * rng.normal(size=(1500, 128))).astype(np.float32)
    distances = pyface.cosine_distances(x)
    radius = float(np.quantile(distances[distances < 0.1], 0.02))
    for metric, limit in (("cosine", radius), ("sqeuclidean", 2 * radius), ("euclidean", (2 * radius) ** 0.5)):
        rows = x / np.linalg.norm(x, axis=1, keepdims=True)
        counts, n_pairs = counts_within(rows, limit, metric)
        assert counts["pairs_in_float32"] == 0
        assert n_pairs > len(x)


@pytest.mark.parametrize("n_threads", [2, 3])
def test_counts_do_not_depend_on_threads(n_threads: int) -> None:
    x = np.random.default_rng(5).normal(size=(50, 90))[np.arange(1500) % 50]
    x += 0.5 * np.random.default_rng(6).normal(size=x.shape)
    assert counts_within(x, 0.3, n_threads=n_threads) == counts_within(x, 0.3)


def test_few_real_pairs_are_in_doubt(lfw: tuple[NDArray[np.float32], NDArray[np.str_]]) -> None:
    x, _ = lfw
    n_all = len(x) * (len(x) - 1) // 2
    for metric, radius in ("cosine", 0.6), ("euclidean", 1.2**0.5):
        counts, n_pairs = counts_within(x, radius, metric)
        streamed, _ = counts_of_stream(x, radius, metric)
        assert counts["pairs_in_float32"] < 0.1 * n_all
        assert counts["pairs_in_float64"] - n_pairs < 1e-3 * n_all
        assert streamed["pairs_in_float64"] < 1e-3 * n_all
    pyface.debug_counters(reset=True)
    pyface.nearest_neighbors(x, 10, n_threads=1)
    assert pyface.debug_counters()["pairs_in_float64"] < 2.5 * 9 * len(x)
