"""The index finds what a sweep over all pairs finds, to the bit, on every instruction set and in both of its ways."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hard_rows import MAKERS
from hypothesis import given, settings
from hypothesis import strategies as st
from interrupts import NEEDS_SIGNALS, stops
from numpy.typing import NDArray
from oracles import neighbors
from oracles import search as twin

import pyface
from pyface import _core
from pyface.kernels import search

pytestmark = pytest.mark.usefixtures("isa")
METRICS = ["cosine", "euclidean", "sqeuclidean"]
LAID = pytest.mark.parametrize("panels", [1 << 40, 1], ids=["as they lie", "in panels"])


def made(seed: int, n: int, d: int, dtype: Any = np.float32) -> NDArray:
    rng = np.random.default_rng(seed)
    return (
        rng.normal(size=(max(1, n // 5), d))[rng.integers(0, max(1, n // 5), n)] + 0.1 * rng.normal(size=(n, d))
    ).astype(dtype)


def indexed(x: NDArray, metric: str, cuts: tuple[int, ...] = ()) -> search.RowIndex:
    """All rows at once, or those up to the first cut and then piece by piece."""
    begins = [*cuts, len(x)]
    index = search.build(x[: begins[0]], metric, 1)
    for begin, end in itertools.pairwise(begins):
        index = index.grown(x[begin:end], 1)
    return index


def nearest(
    index: search.RowIndex, q: NDArray, k: int, panels: int, n_threads: int = 1, own: int = -1
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    distances, indices = np.empty((len(q), k), np.float32), np.empty((len(q), k), np.int64)
    index._core_index.nearest(q, own, distances, indices, panels=panels, n_threads=n_threads)
    return distances, indices


def assert_same(found: Any, wanted: Any) -> None:
    for got, want in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(got, want)


@LAID
@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("d", [1, 31, 33, 96, 130, 512])
def test_all_widths(d: int, metric: str, panels: int) -> None:
    x, q = made(d, 600, d), made(d + 1, 9, d)
    index = indexed(x, metric, (300, 301, 333))
    assert_same(nearest(index, q, 7, panels, 2), pyface.nearest_neighbors(q, 7, x, metric=metric))
    radius = float(np.quantile(pyface.nearest_neighbors(q, 30, x, metric=metric)[0], 0.5))
    graph = pyface.neighbors_within(q, radius, x, metric=metric)
    found = index._core_index.within(q, -1, radius, panels=panels, n_threads=2)
    assert_same(found, (graph.indptr, graph.indices, graph.data))


@LAID
@settings(max_examples=40)
@given(
    st.integers(0, 99), st.integers(1, 70), st.integers(1, 9), st.integers(1, 40),
    st.sampled_from(METRICS), st.sampled_from([np.float32, np.float64]), st.data(),
)  # fmt: skip
def test_against_the_definition(
    panels: int, seed: int, n: int, m: int, d: int, metric: str, dtype: type, data: st.DataObject
) -> None:
    rng = np.random.default_rng(seed)
    # Small integers: sums are exact, and there are ties in plenty, rows of zeros too.
    x, q = rng.integers(-2, 3, (n, d)).astype(dtype), rng.integers(-2, 3, (m, d)).astype(dtype)
    cuts = tuple(sorted(data.draw(st.sets(st.integers(1, n), max_size=3))))
    index = indexed(x, metric, cuts)
    k = data.draw(st.integers(1, n))
    found = nearest(index, q, k, panels)
    if metric == "cosine":  # rounding breaks its ties
        neighbors.assert_nearest(found, twin.all_distances(q, x, metric), metric, self_first=False)
    else:
        values, rows = twin.neighbors(q, x, k, metric)
        assert_same(found, (values.astype(np.float32), rows))
        radius = float(values[0, -1])
        indptr, indices, _ = index._core_index.within(q, -1, radius, panels=panels, n_threads=1)
        parts = [part.tolist() for part in np.split(indices, indptr[1:-1])]
        assert parts == twin.within(q, x, radius, metric)


@LAID
@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
@pytest.mark.parametrize(
    ("metric", "dtype"),
    [("cosine", np.float32), ("cosine", np.float64), ("euclidean", np.float32), ("sqeuclidean", np.float64)],
)
def test_hard_rows(make: Any, metric: str, dtype: type, panels: int) -> None:
    x = make(np.random.default_rng(7), dtype).astype(dtype)
    q = np.ascontiguousarray(x[::9])
    for cuts, k in (((), 40), ((90, 91, 200), 1)):
        index = indexed(x, metric, cuts)
        want = pyface.nearest_neighbors(q, k, x, metric=metric)
        got = nearest(index, q, k, panels)
        np.testing.assert_array_equal(got[0], want[0])
        sure = np.isfinite(want[0])  # beyond float64 all are equal, or told apart by a screen
        np.testing.assert_array_equal(got[1][sure], want[1][sure])
        for radius in (0.0, float(want[0][0, -1]), np.inf):
            graph = pyface.neighbors_within(q, radius, x, metric=metric)
            found = index._core_index.within(q, -1, radius, panels=panels, n_threads=1)
            assert_same(found, (graph.indptr, graph.indices, graph.data))


@LAID
@pytest.mark.parametrize("metric", ["euclidean", "sqeuclidean"])
@pytest.mark.parametrize("factor", [1e3, 1e13, 1e30, 1e-20])
def test_queries_far_from_all_rows(metric: str, factor: float, panels: int) -> None:
    x = made(0, 500, 20, np.float64)
    q = factor * made(1, 5, 20, np.float64)
    assert_same(nearest(indexed(x, metric), q, 6, panels), pyface.nearest_neighbors(q, 6, x, metric=metric))


@pytest.mark.parametrize("metric", METRICS)
def test_rows_of_one_type_and_queries_of_the_other(metric: str) -> None:
    x, q = made(0, 400, 33), made(1, 20, 33, np.float64)
    assert_same(nearest(indexed(x, metric), q, 9, -1), pyface.nearest_neighbors(q, 9, x, metric=metric))
    wide, narrow = x.astype(np.float64) * (1 + 1e-10), q.astype(np.float32)
    found = search.build(wide, metric, 1).nearest(narrow, 9, 1)
    assert_same(found, pyface.nearest_neighbors(narrow, 9, wide, metric=metric))


@pytest.mark.parametrize("metric", METRICS)
def test_a_row_is_not_its_own_neighbour(metric: str) -> None:
    x = made(0, 700, 24)
    x[100:400] = x[5]  # more duplicates than neighbours
    want = pyface.nearest_neighbors(x, 8, metric=metric)  # each row first
    for cuts in ((), (260, 300, 301)):
        assert_same(indexed(x, metric, cuts).nearest(None, 7, 2), (want[0][:, 1:], want[1][:, 1:]))
        indptr, indices, _ = indexed(x, metric, cuts).within(None, 1.0, 2)
        graph = pyface.neighbors_within(x, 1.0, metric=metric)
        graph.setdiag(-1)
        keep = graph.data >= 0
        np.testing.assert_array_equal(indices, graph.indices[keep])
        np.testing.assert_array_equal(np.diff(indptr), np.diff(graph.indptr) - 1)


@LAID
def test_where_codes_do_not_pay_it_is_float32s_turn(panels: int) -> None:
    rng = np.random.default_rng(0)
    x = (rng.normal(size=64) + 0.01 * rng.normal(size=(9_000, 64))).astype(np.float32)
    index = search.build(x, "cosine", 1)
    want = pyface.nearest_neighbors(x[:30], 5, x)
    pyface.debug_counters(reset=True)
    assert_same(nearest(index, x[:30], 5, panels), want)
    counts = pyface.debug_counters(reset=True)
    assert counts["pairs_in_codes"] < 30 * 2_000 < 30 * 8_000 < counts["pairs_in_float32"]
    assert counts["pairs_in_float64"] < 30 * 900
    graph = pyface.neighbors_within(x[:30], float(want[0][0, -1]), x)
    found = index._core_index.within(x[:30], -1, float(want[0][0, -1]), panels=panels, n_threads=1)
    assert_same(found, (graph.indptr, graph.indices, graph.data))


@pytest.mark.parametrize("panels", [1 << 40, 1])
def test_few_rows_need_float64(panels: int) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20_000, 256)).astype(np.float32)
    index = search.build(x, "cosine", 1)
    pyface.debug_counters(reset=True)
    nearest(index, x[:8], 10, panels)
    counts = pyface.debug_counters(reset=True)
    assert counts["pairs_in_codes"] == 8 * len(x) and 8 * 10 <= counts["pairs_in_float64"] < 8 * 400


def test_thousands_of_duplicates_are_settled_as_they_come() -> None:
    x = np.repeat(made(0, 2, 40), [9_000, 1_000], axis=0)
    index = search.build(x, "cosine", 1)
    pyface.debug_counters(reset=True)
    distances, indices = nearest(index, x[:1], 5, -1)
    assert not distances.any() and indices.tolist() == [[0, 1, 2, 3, 4]]
    assert pyface.debug_counters(reset=True)["pairs_in_float64"] < 2 * len(x)


def test_results_by_distance() -> None:
    x = made(0, 900, 12)
    indptr, indices, distances = search.build(x, "euclidean", 1).within(x[:30], 2.0, 2, by_distance=True)
    want = twin.all_distances(x[:30], x, "euclidean")
    for i in range(30):
        rows = indices[indptr[i] : indptr[i + 1]]
        inside = np.flatnonzero(want[i] <= 2.0)
        assert rows.tolist() == inside[np.argsort(want[i][inside], kind="stable")].tolist()
        assert (np.diff(distances[indptr[i] : indptr[i + 1]]) >= 0).all()


def test_a_frame_that_is_outgrown_is_made_anew() -> None:
    x = made(0, 400, 8, np.float64)
    x[50:] += 1e6
    index = indexed(x, "euclidean", (40, 60))
    assert index.framed_at == 400 and index.longest < 100
    x[300] *= 1e25
    index = indexed(x, "euclidean", (300, 350))
    assert index.longest <= 2.0**31
    assert_same(index.nearest(x[:20], 5, 1), pyface.nearest_neighbors(x[:20], 5, x, metric="euclidean"))


def test_rows_stay_where_they_are() -> None:
    x = made(0, 5_000, 16)
    index = search.build(x, "cosine", 1)
    assert index.segments[0].rows is x
    for _ in range(50):
        index = index.grown(x[:100], 1)
    assert index.size == 10_000 and len(index.segments) < 10 and index.segments[0].rows is x
    assert_same(index.nearest(x[:3], 4, 1), pyface.nearest_neighbors(x[:3], 4, np.concatenate([x, *[x[:100]] * 50])))


def test_two_indexes_that_grow_from_one_do_not_meet() -> None:
    x = made(0, 300, 16)
    both = indexed(x[:200], "cosine", (100,))
    one, other = both.grown(x[200:250], 1), both.grown(x[250:], 1)
    assert_same(one.nearest(x[:9], 5, 1), pyface.nearest_neighbors(x[:9], 5, x[:250]))
    assert_same(other.nearest(x[:9], 5, 1), pyface.nearest_neighbors(x[:9], 5, np.concatenate([x[:200], x[250:]])))


SETUP = """
import numpy as np
from pyface.kernels import search
x = np.random.default_rng(0).normal(size=(60_000, 256)).astype(np.float32)
index = search.build(x, "cosine", 2)
"""


@NEEDS_SIGNALS
@pytest.mark.parametrize("call", ["index.nearest(None, 10, {t})", "index.within(None, 0.01, {t})"])
@pytest.mark.parametrize("n_threads", [1, 2])
def test_ctrl_c(call: str, n_threads: int, isa: str) -> None:
    if isa != _core.supported_isas()[-1]:
        pytest.skip("once is enough")
    assert stops(SETUP, call.format(t=n_threads)) == "stopped"


def test_bad_input_at_the_inner_door() -> None:
    x = made(0, 50, 40)
    index = search.build(x, "cosine", 1)
    core, room = index._core_index, (np.empty((2, 3), np.float32), np.empty((2, 3), np.int64))
    with pytest.raises(ValueError, match="as many columns"):
        core.nearest(x[:2, :8].copy(), -1, *room, n_threads=1)
    with pytest.raises(ValueError, match="k must be between"):
        core.nearest(x[:2], -1, np.empty((2, 51), np.float32), np.empty((2, 51), np.int64), n_threads=1)
    with pytest.raises(ValueError, match="self must be"):
        core.nearest(x[:2], 49, *room, n_threads=1)
    with pytest.raises(TypeError, match="float32 or float64"):
        core.nearest(x[:2].astype(np.int64), -1, *room, n_threads=1)
    with pytest.raises(MemoryError, match="pairs were found"):
        core.within(x, -1, 2.0, memory_limit=10_000, n_threads=1)
    rows, codes, bounds, squares = index.segments[0].arrays()
    options: dict[str, Any] = {"dimension": 40, "longest": 1.0, "any_scaled": False, **index.frame.options()}
    for segment, words in [
        ((rows, codes[:, :32].copy(), bounds, squares), "codes must have"),
        ((rows, codes, bounds[:9], squares), "bounds must have"),
        ((rows, codes, bounds, squares[:9]), "squares must have"),
    ]:
        with pytest.raises(ValueError, match=words):
            _core.SearchIndex([segment], **options)
    with pytest.raises(ValueError, match="one type"):
        _core.SearchIndex([(rows, codes, bounds, squares), (rows.astype(float), codes, bounds, squares)], **options)
