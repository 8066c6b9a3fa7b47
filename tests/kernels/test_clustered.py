"""Rows by cluster: order, means and distances against NumPy; equal rows, lengths, threads, Ctrl-C's compiled doors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
    chosen = rng.integers(0, n, 5)
    padded = rows.rows(chosen, extra=2)
    np.testing.assert_array_equal(padded[:, :d], rows.rows(chosen))
    assert not padded[:, d:].any()
    kept = np.zeros((n, d + 1))
    means, within = rows.moments(kept)
    np.testing.assert_array_equal(kept[:, :d], rows.rows(slice(None)))
    np.testing.assert_allclose(means, [wide[codes == c].mean(axis=0) for c in range(k)], rtol=1e-13)
    squares = ((wide - means[codes]) ** 2).sum(axis=1)[rows.order]
    np.testing.assert_allclose(within, squares, rtol=1e-12, atol=1e-28)
    np.testing.assert_array_equal(rows.moments()[1], within)
    which = rng.integers(0, k, n)
    np.testing.assert_allclose(rows.squares_to(kept, means, which), ((kept[:, :d] - means[which]) ** 2).sum(axis=1))


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
        everything = rows.rows(slice(None))
        results.append((means, within, everything, rows.squares_to(everything, means, rows.codes)))
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(a, b)
    np.testing.assert_allclose(results[0][1], results[0][3], rtol=1e-14)


def test_two_nearest() -> None:
    rng = np.random.default_rng(1)
    x, points = rng.normal(size=(50, 4)), rng.integers(0, 3, (9, 4)).astype(float)
    rows = clustered.ClusteredRows(x, np.zeros(50, np.int64), 1, unit=False)
    wanted = np.argsort(((x[:, None] - points) ** 2).sum(axis=2), axis=1, kind="stable")[:, :2]
    np.testing.assert_array_equal(rows.two_nearest(x, points), wanted)


@pytest.mark.parametrize(
    ("x", "message"),
    [(np.array([[1.0, np.inf]]), "X: row 0 holds inf"), (np.array([[1.0, 0], [0, 0]]), "X: row 1 is all zeros")],
)
def test_rows_that_cannot_be_used(x: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        clustered.usable_rows(x, nonzero=True)
    assert clustered.usable_rows(np.zeros((2, 2), np.float16), nonzero=False).dtype == np.float32
