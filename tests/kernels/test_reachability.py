"""The tree of mutual reachabilities: from vectors, from a matrix, and what is cut from it, against the definition."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from interrupts import NEEDS_SIGNALS, stops
from numpy.typing import NDArray
from oracles import hdbscan as oracle

from pyface import _core
from pyface.kernels import distance, reachability

METRICS = ["cosine", "euclidean", "sqeuclidean"]
SEEDS = st.integers(0, 2**32 - 1)
KINDS = ["blobs", "lattice", "twins", "alike"]


def rows(rng: np.random.Generator, n: int, d: int, kind: str, dtype: type = np.float64) -> NDArray[Any]:
    """Clusters that overlap; points of a lattice with rows of zeros, whose distances are often equal; rows that are
    there many times; rows that differ by rounding."""
    if kind == "lattice":
        return rng.integers(-2, 3, (n, d)).astype(dtype)
    x = rng.normal(size=(6, d))[rng.integers(0, 6, n)] + 0.25 * rng.normal(size=(n, d))
    if kind == "twins":
        x = x[rng.integers(0, max(1, n // 4), n)]
    if kind == "alike":
        x = x[rng.integers(0, max(1, n // 8), n)] + rng.choice([0.0, 1e-13], (n, d))
    return x.astype(dtype)


def exact(x: NDArray[Any], metric: str) -> NDArray[np.float64]:
    """The distances that decide; tests of the distances hold them against their definition."""
    d = distance.dense_float64(x, x, metric, 1)
    if metric == "cosine":  # a row of zeros is at distance 1 from all others
        np.fill_diagonal(d, 0)
    return d


def tree(x: NDArray[Any], metric: str, k: int, factor: float = 1.0, n_threads: int = 2) -> tuple[Any, Any, Any]:
    return _core.reachability_tree(x, metric=metric, n_neighbors=k, core_factor=factor, n_threads=n_threads)


@settings(max_examples=200, deadline=None)
@given(
    seed=SEEDS,
    n=st.integers(1, 70),
    d=st.sampled_from([1, 2, 5, 33]),
    metric=st.sampled_from(METRICS),
    k=st.integers(1, 70),
    kind=st.sampled_from(KINDS),
    dtype=st.sampled_from([np.float32, np.float64]),
    factor=st.sampled_from([1.0, 0.5, 2.0]),
)
def test_edges_are_those_of_the_definition(
    seed: int, n: int, d: int, metric: str, k: int, kind: str, dtype: type, factor: float
) -> None:
    k = min(k, n)
    x = rows(np.random.default_rng(seed), n, d, kind, dtype)
    pairs, lengths, cores = tree(x, metric, k, factor)
    # What is compared are squares, whose order is that of the roots.
    between = exact(x, "sqeuclidean" if metric == "euclidean" else metric)
    squares = np.sort(between, axis=1)[:, k - 1] * (factor**2 if metric == "euclidean" else factor)
    weights = np.maximum(between, np.maximum(squares[:, None], squares))
    equal = (x[:, None] == x).all(axis=2) & (between == 0)  # rows that rounding puts at 0 come after those
    edges = oracle.spanning_tree(weights, np.where(equal, -1.0, between))
    assert pairs.tolist() == [[a, b] for _, _, a, b in edges]
    expected = exact(x, metric)
    np.testing.assert_array_equal(lengths, expected[tuple(pairs.T)])
    np.testing.assert_array_equal(cores, np.sort(expected, axis=1)[:, k - 1])


@pytest.mark.parametrize("kind", ["blobs", "lattice", "twins", "alike", "crowds", "faces"])
@pytest.mark.parametrize("metric", METRICS)
def test_sweeps_and_searches_find_the_same_tree(isa: str, metric: str, kind: str) -> None:
    """More rows than are searched one by one, few and many neighbours, on each instruction set."""
    rng = np.random.default_rng(METRICS.index(metric))
    for n, d, k in [(1100, 40, 5), (1400, 9, 2), (1300, 24, 30)]:
        if kind == "crowds":  # one sweep finds each crowd, another one what lies between them
            x = 4 * rng.normal(size=(5, d))[rng.integers(0, 5, n)] + rng.normal(size=(n, d))
        elif kind == "faces":
            x = rng.normal(size=(n // 6, d))[rng.integers(0, n // 6, n)] + 0.6 * rng.normal(size=(n, d))
        elif kind == "alike":  # few, as each of them is compared with all others in float64
            x = rows(rng, n, d, "blobs")
            x[: n // 8] = rows(rng, n // 8, d, kind)
        else:
            x = rows(rng, n, d, kind)
        x = x.astype(np.float32) if k == 5 else x
        ours = reachability.of_rows(x, k, metric=metric, n_threads=2)
        # What is compared are squares: two of them may have one root.
        twin = reachability.of_matrix(exact(x, "sqeuclidean" if metric == "euclidean" else metric), k)
        heights = np.sqrt(twin.heights) if metric == "euclidean" else twin.heights
        np.testing.assert_array_equal(ours.heights, heights)
        if (metric, kind) != ("cosine", "alike"):  # of a matrix nobody knows which rows at distance 0 are the same
            np.testing.assert_array_equal(ours.children, twin.children)
            np.testing.assert_array_equal(ours.sizes, twin.sizes)


def test_nothing_depends_on_threads_or_the_order_of_rows() -> None:
    rng = np.random.default_rng(5)
    x = rows(rng, 1500, 20, "blobs", np.float32)
    order = rng.permutation(len(x))
    for k in (3, 12):
        one, many = (tree(x, "cosine", k, n_threads=t) for t in (1, 5))
        for a, b in zip(one, many, strict=True):
            np.testing.assert_array_equal(a, b)
        pairs, lengths, _ = tree(x[order], "cosine", k)
        np.testing.assert_array_equal(np.sort(order[pairs], axis=1), one[0])
        np.testing.assert_array_equal(lengths, one[1])


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.integers(2, 30), st.integers(1, 30), st.sampled_from([np.float32, np.float64]), st.booleans())
def test_a_matrix(seed: int, n: int, k: int, dtype: type, with_gaps: bool) -> None:
    """Entries that are often equal, infinite ones, a diagonal that is not 0, any layout."""
    rng = np.random.default_rng(seed)
    d = rng.integers(0, 6, (n, n)).astype(dtype) / 4
    if with_gaps:
        d[rng.random((n, n)) < 0.3] = np.inf
    d = np.maximum(d, d.T)
    before = d.copy()
    trees = [reachability.of_matrix(m, min(k, n), alpha=1.5) for m in (d, np.asfortranarray(d), d[:, ::-1][:, ::-1])]
    np.testing.assert_array_equal(d, before)
    weights, _ = oracle.reachability(d.astype(np.float64), min(k, n), 1.5)
    edges = oracle.spanning_tree(weights, d.astype(np.float64))
    for one in trees:
        np.testing.assert_allclose(one.heights, [weight for weight, *_ in edges], rtol=1e-15)
        np.testing.assert_array_equal(one.children, trees[0].children)
        for height in {weight for weight, *_ in edges}:
            labels = reachability.cut(one, height, 1)
            is_near = (weights < height) | np.eye(n, dtype=bool)
            for _ in range(n.bit_length()):
                is_near = is_near.astype(int) @ is_near > 0
            np.testing.assert_array_equal(labels[:, None] == labels, is_near)


def test_left_and_right_by_hand() -> None:
    """Rows 3 and 4 are near, then 1 and 2; row 0 is near 2. The walk from 0 enters {1, 2} at 2, {3, 4} at 3."""
    place = np.array([0.0, 3.0, 2.0, 7.0, 7.5])[:, None]
    ours = reachability.of_rows(place, 1, metric="euclidean", n_threads=1)
    assert ours.children.tolist() == [[3, 4], [2, 1], [0, 6], [7, 5]]
    assert ours.sizes.tolist() == [2, 2, 3, 5] and ours.heights.tolist() == [0.5, 1, 2, 4]
    with_cores = reachability.of_rows(place, 3, metric="euclidean", alpha=2.0, n_threads=1)
    assert with_cores.heights.tolist() == [1.5, 1.5, 2.0, 2.25]  # cores 3, 3, 2, 4, 4.5, halved


def test_bad_input() -> None:
    x = np.ones((4, 2))
    for k in (0, 5):
        with pytest.raises(ValueError, match="n_neighbors must be between 1 and the number of rows"):
            tree(x, "cosine", k)
    for factor in (0.0, np.inf, np.nan):
        with pytest.raises(ValueError, match="core_factor"):
            tree(x, "cosine", 2, factor)
    with pytest.raises(ValueError, match="at least one row"):
        tree(np.ones((0, 2)), "cosine", 1)
    with pytest.raises(ValueError, match="not finite numbers; scale the data"):
        tree(np.array([[1e200], [-1e200], [0.0]]), "sqeuclidean", 2)


@NEEDS_SIGNALS
def test_ctrl_c() -> None:
    setup = "import numpy as np; from pyface import _core; x = np.random.default_rng(0).normal(size=(30_000, 256))"
    call = "_core.reachability_tree(x, metric='cosine', n_neighbors=5, core_factor=1.0, n_threads=2)"
    assert stops(setup, call) == "stopped"
