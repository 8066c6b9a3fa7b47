"""Rows by cluster: order, means and distances against NumPy; equal rows, lengths, threads, Ctrl-C's compiled doors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import internal as oracle

from pyface import _core
from pyface.kernels import clustered


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.integers(1, 60), st.integers(1, 19), st.integers(1, 8), st.booleans())
def test_by_numpy(seed: int, n: int, d: int, k: int, unit: bool) -> None:
    rng = np.random.default_rng(seed)
    k = min(k, n)
    codes = rng.permutation(np.concatenate([np.arange(k), rng.integers(0, k, n - k)]))
    x = (rng.normal(size=(n, d)) + 5).astype(rng.choice([np.float32, np.float64]))
    rows = clustered.ClusteredRows(x, codes, k, unit=unit, n_threads=1)
    assert rows.order.tolist() == sorted(range(n), key=lambda i: (codes[i], i))
    wide = x.astype(np.float64)
    if unit:
        wide /= np.linalg.norm(wide, axis=1, keepdims=True)
    np.testing.assert_allclose(rows.rows(slice(None)), wide[rows.order], rtol=1e-15)
    means, within = rows.moments()
    np.testing.assert_allclose(means, [wide[codes == c].mean(axis=0) for c in range(k)], rtol=1e-13)
    squares = ((wide - means[codes]) ** 2).sum(axis=1)[rows.order]
    np.testing.assert_allclose(within, squares, rtol=1e-12, atol=1e-28)


def test_the_mean_of_equal_rows_is_that_row() -> None:
    x = np.repeat(np.array([[0.1, 1e20, -3e-9]]), 7, axis=0)
    means, within = clustered.ClusteredRows(x, np.zeros(7, np.int64), 1, unit=False).moments()
    assert means.tolist() == x[:1].tolist()
    assert not within.any()


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1.0, 1e160, 1e300])
def test_lengths_neither_overflow_nor_vanish(scale: float) -> None:
    rows = clustered.ClusteredRows(np.array([[3.0, 4.0, 0.0]]) * scale, np.zeros(1, np.int64), 1, unit=True)
    np.testing.assert_allclose(rows.rows(slice(None)), [[0.6, 0.8, 0.0]], rtol=1e-15)


def test_threads_change_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clustered, "_FEW", 1)
    rng = np.random.default_rng(0)
    x, codes = rng.normal(size=(3000, 11)), np.minimum(rng.geometric(0.02, 3000) - 1, 99)
    codes[:100] = np.arange(100)
    results = []
    for n_threads in (1, 2, 7):
        rows = clustered.ClusteredRows(x, codes, 100, unit=True, n_threads=n_threads)
        means, within = rows.moments()
        others = rows.to_other_clusters(means, np.add.reduceat(within, rows.starts) / rows.sizes)
        results.append((means, within, rows.rows(slice(None)), others))
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


def others(x: np.ndarray, codes: np.ndarray, *, unit: bool, n_threads: int | None = None) -> np.ndarray:
    rows = clustered.ClusteredRows(x, codes, int(codes.max()) + 1, unit=unit, n_threads=n_threads)
    means, within = rows.moments()
    result = np.empty(len(x))
    result[rows.order] = rows.to_other_clusters(means, np.add.reduceat(within, rows.starts) / rows.sizes)
    return result


def unit_rows(x: np.ndarray) -> np.ndarray:
    wide = x.astype(np.float64) / np.abs(x).max(axis=1, keepdims=True).astype(np.float64)
    return wide / np.linalg.norm(wide, axis=1, keepdims=True)


@settings(max_examples=60)
@given(
    st.integers(0, 2**32),
    st.integers(1, 70),
    st.sampled_from([1, 2, 15, 17, 40]),
    st.integers(1, 60),
    st.sampled_from(["spread", "ties", "near", "lengths"]),
    st.sampled_from([np.float32, np.float64]),
    st.booleans(),
)
def test_the_nearest_other_cluster(
    isa: str, seed: int, n: int, d: int, k: int, kind: str, dtype: type, unit: bool
) -> None:
    rng = np.random.default_rng(seed)
    k = min(k, n)
    codes = rng.permutation(np.concatenate([np.arange(k), rng.integers(0, k, n - k)]))
    x = rng.normal(size=(n, d)) + 1
    if kind == "ties":  # duplicates, and clusters of equal rows
        x = rng.integers(1, 3, (n, d)).astype(float)
    elif kind == "near":  # nothing that bounds could tell apart
        x = 5 + 1e-7 * x
    elif kind == "lengths":
        x = x * 10.0 ** rng.integers(-12, 12, (n, 1))
    x = x.astype(dtype)
    wanted = oracle.to_other_clusters(unit_rows(x) if unit else x, codes)
    atol = 1e-14 * (1.0 if unit else float(np.abs(x).max()) ** 2)
    np.testing.assert_allclose(others(x, codes, unit=unit), wanted, rtol=1e-9, atol=atol)


@pytest.mark.parametrize("unit", [True, False])
@pytest.mark.parametrize(("n", "k", "d"), [(500, 400, 96), (300, 280, 3000), (7000, 20, 17)])
def test_many_at_a_time(isa: str, n: int, k: int, d: int, unit: bool) -> None:
    """Several blocks of rows, of means, of blocks; half of the clusters are equal, so that bounds leave all of them."""
    rng = np.random.default_rng(3)
    codes = rng.permutation(np.concatenate([np.arange(k), rng.integers(0, k, n - k)]))
    x = rng.normal(size=(n, d)).astype(np.float32)
    x[codes < k // 2] = x[0]
    wide = unit_rows(x) if unit else x.astype(np.float64)
    sums = np.array([wide[codes == c].sum(axis=0) for c in range(k)])
    sizes = np.bincount(codes)
    squares = (wide**2).sum(axis=1)
    mean_squares = np.bincount(codes, squares) / sizes
    all_of_them = squares[:, None] + mean_squares - 2 * wide @ (sums / sizes[:, None]).T
    all_of_them[np.arange(n), codes] = np.inf
    wanted = all_of_them.min(axis=1)
    for n_threads in (1, 3):
        np.testing.assert_allclose(others(x, codes, unit=unit, n_threads=n_threads), wanted, atol=1e-11)
    np.testing.assert_array_equal(others(x, codes, unit=unit)[codes < k // 2], 0.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"means": np.ones((2, 3))}, "the same number of columns"),
        ({"variances": np.ones(3)}, "one entry per mean"),
        ({"own": np.zeros(3, np.int64)}, "one entry per row"),
        ({"out": np.ones(3)}, "one entry per row"),
        ({"n_threads": 0}, "n_threads"),
    ],
)
def test_shapes_that_do_not_go_together(change: dict[str, object], message: str) -> None:
    given = {"means": np.ones((2, 4)), "variances": np.ones(2), "own": np.zeros(5, np.int64), "out": np.ones(5)}
    given |= {"unit": False, "n_threads": 1} | change
    with pytest.raises(ValueError, match=message):
        _core.nearest_other_means(np.ones((5, 4)), **given)


def test_no_other_cluster() -> None:
    for unit in (True, False):
        assert np.isinf(others(np.ones((3, 2)), np.zeros(3, np.int64), unit=unit)).all()


@pytest.mark.parametrize(
    ("x", "message"),
    [(np.array([[1.0, np.inf]]), "X: row 0 holds inf"), (np.array([[1.0, 0], [0, 0]]), "X: row 1 is all zeros")],
)
def test_rows_that_cannot_be_used(x: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        clustered.usable_rows(x, nonzero=True)
    assert clustered.usable_rows(np.zeros((2, 2), np.float16), nonzero=False).dtype == np.float32
