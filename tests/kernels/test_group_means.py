"""Sums of groups of rows and mean squared distances by way of means, against the definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pyface import _core
from pyface.kernels.group_means import group_sums, squared_to_means


def compared(x: NDArray, origin: NDArray | None) -> NDArray[np.float64]:
    wide = x.astype(np.float64)
    return wide / np.linalg.norm(wide, axis=1, keepdims=True) if origin is None else wide - origin


@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 60),
    d=st.integers(1, 40),
    k=st.integers(1, 8),
    dtype=st.sampled_from([np.float32, np.float64]),
    has_origin=st.booleans(),
    n_threads=st.integers(1, 4),
)
def test_means_are_those_of_the_rows(
    seed: int, n: int, d: int, k: int, dtype: type, has_origin: bool, n_threads: int
) -> None:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, d)).astype(dtype)
    origin = rng.standard_normal(d) if has_origin else None
    label = rng.integers(-1, k, n)
    order = np.argsort(label, kind="stable")[np.count_nonzero(label < 0) :]
    begins = np.concatenate([[0], np.cumsum(np.bincount(label[label >= 0], minlength=k))])
    sums, squares = group_sums(x, order, begins, origin=origin, n_threads=n_threads)
    wide = compared(x, origin)
    for g in range(k):
        own = wide[label == g]
        np.testing.assert_allclose(sums[g], own.sum(axis=0), atol=1e-12)
        assert squares[g] == pytest.approx((own**2).sum(), abs=1e-12)
    sizes = np.diff(begins)
    used = np.flatnonzero(sizes)
    if len(used) == 0:
        return
    rows, places = rng.integers(0, n, 20), rng.choice(used, 20)
    means, mean_squares = sums / np.maximum(sizes, 1)[:, None], squares / np.maximum(sizes, 1)
    found = squared_to_means(x, rows, places, means, mean_squares, origin=origin, n_threads=n_threads)
    expected = [((wide[i] - wide[label == g]) ** 2).sum(axis=1).mean() for i, g in zip(rows, places, strict=True)]
    np.testing.assert_allclose(found, expected, atol=1e-11)


def test_the_same_bits_for_any_number_of_threads() -> None:
    x = np.random.default_rng(0).standard_normal((5000, 33)).astype(np.float32)
    label = np.sort(np.random.default_rng(1).zipf(1.5, 5000) % 40)
    begins = np.concatenate([[0], np.cumsum(np.bincount(label))])
    order, places = np.arange(5000), label[::-1].copy()
    one = group_sums(x, order, begins, origin=None, n_threads=1)
    means = one[0] / np.maximum(np.diff(begins), 1)[:, None], one[1]
    near = squared_to_means(x, order, places, *means, origin=None, n_threads=1)
    for n_threads in (2, 3, 7):
        many = group_sums(x, order, begins, origin=None, n_threads=n_threads)
        assert all(np.array_equal(a, b) for a, b in zip(one, many, strict=True))
        assert np.array_equal(near, squared_to_means(x, order, places, *means, origin=None, n_threads=n_threads))


def test_no_groups_and_no_rows() -> None:
    x, none = np.ones((3, 2)), np.empty(0, np.int64)
    sums, squares = group_sums(x, none, np.array([0]), origin=None, n_threads=1)
    assert sums.shape == (0, 2) and squares.shape == (0,)
    sums, squares = group_sums(x, none, np.array([0, 0]), origin=None, n_threads=1)
    assert not sums.any() and not squares.any()
    assert len(squared_to_means(x, none, none, np.ones((1, 2)), np.ones(1), origin=None, n_threads=1)) == 0


X, ORDER, BEGINS, OUT = np.ones((3, 2)), np.arange(3), np.array([0, 1, 3]), (np.empty((2, 2)), np.empty(2))


@pytest.mark.parametrize(
    ("order", "begins", "out", "origin", "message"),
    [
        (ORDER + 1, BEGINS, OUT, None, "order must be rows"),
        (ORDER - 1, BEGINS, OUT, None, "order must be rows"),
        (ORDER, BEGINS + 1, OUT, None, "begins must increase"),
        (ORDER, np.array([0, 4, 3]), OUT, None, "begins must increase"),
        (ORDER, BEGINS[:0], OUT, None, "begins must increase"),
        (ORDER, BEGINS, (np.empty((3, 2)), np.empty(2)), None, "a row for each group"),
        (ORDER, BEGINS, (np.empty((2, 2)), np.empty(3)), None, "a row for each group"),
        (ORDER, BEGINS, OUT, np.zeros(3), "as many values"),
    ],
)
def test_sums_of_what_does_not_fit(order: NDArray, begins: NDArray, out: tuple, origin: NDArray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _core.group_sums(X, origin, order, begins, *out, n_threads=1)


@pytest.mark.parametrize(
    ("rows", "places", "means", "squares", "out", "message"),
    [
        (ORDER + 1, ORDER * 0, X, np.ones(3), np.ones(3), "rows must be rows"),
        (ORDER, ORDER + 1, X, np.ones(3), np.ones(3), "places must be rows"),
        (ORDER, ORDER, X, np.ones(2), np.ones(3), "squares as many"),
        (ORDER, ORDER, np.ones((3, 3)), np.ones(3), np.ones(3), "the columns of x"),
        (ORDER, ORDER, X, np.ones(3), np.ones(2), "of one length"),
        (ORDER, ORDER[:2], X, np.ones(3), np.ones(3), "of one length"),
    ],
)
def test_distances_of_what_does_not_fit(
    rows: NDArray, places: NDArray, means: NDArray, squares: NDArray, out: NDArray, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        _core.squared_to_means(X, None, rows, places, means, squares, out, n_threads=1)
