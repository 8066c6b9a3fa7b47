"""Rows that are hard to tell apart in few bits. Each function makes up to 270 of them, (n, d), for one dtype."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Random = np.random.Generator
N = 270


def one_huge_entry(rng: Random, dtype: type) -> NDArray:
    """What the scale of a row is made for: everything else is lost in few bits."""
    x = rng.normal(size=(N, 48))
    x[np.arange(N), rng.integers(0, 48, N)] *= 1e5
    return x


def one_huge_column(rng: Random, dtype: type) -> NDArray:
    """All rows nearly parallel, their differences a hundred-thousandth of their length."""
    x = rng.normal(size=(N, 48))
    x[:, 5] += 1e5
    return x


def one_huge_row(rng: Random, dtype: type) -> NDArray:
    """A scale for all rows would leave the others no bits."""
    x = rng.normal(size=(N, 32))
    x[123] *= 1e15
    return x


def two_huge_opposite_rows(rng: Random, dtype: type) -> NDArray:
    """The mean is 0, and next to them float32 has no numbers for the products of the others."""
    x = 1e-21 * rng.normal(size=(N, 32))
    x[40], x[200] = 1, -1
    return x


def norms_over_the_range(rng: Random, dtype: type) -> NDArray:
    most = 30 if dtype is np.float32 else 300
    return rng.normal(size=(N, 40)) * 10.0 ** rng.uniform(-most, most, (N, 1))


def entries_over_the_range(rng: Random, dtype: type) -> NDArray:
    most = 15 if dtype is np.float32 else 150
    return rng.normal(size=(N, 40)) * 10.0 ** rng.uniform(-most, most, (N, 40))


def denormals(rng: Random, dtype: type) -> NDArray:
    """From one to some hundred times the smallest number there is."""
    x = rng.integers(-300, 301, (N, 20)) * float(np.finfo(dtype).smallest_subnormal)
    x[:, 0] = np.finfo(dtype).smallest_subnormal
    return x


def denormals_among_ordinary_rows(rng: Random, dtype: type) -> NDArray:
    x = rng.normal(size=(N, 20))
    x[::3] *= np.finfo(dtype).tiny
    return x


def one_row_again_and_again(rng: Random, dtype: type) -> NDArray:
    return np.repeat(rng.normal(size=(1, 37)), N, axis=0)


def a_few_rows_again_and_again(rng: Random, dtype: type) -> NDArray:
    return rng.normal(size=(5, 37))[rng.integers(0, 5, N)]


def a_tight_cluster(rng: Random, dtype: type) -> NDArray:
    return rng.normal(size=37) + 1e-3 * rng.normal(size=(N, 37))


def rows_that_differ_in_the_last_bit(rng: Random, dtype: type) -> NDArray:
    x = np.repeat(rng.normal(size=(1, 60)), N, axis=0).astype(dtype)
    return np.where(rng.random(x.shape) < 0.03, np.nextafter(x, dtype(9)), x)


def a_simplex(rng: Random, dtype: type) -> NDArray:
    """All pairs at one distance."""
    return 3 * np.eye(260)


def opposite_rows(rng: Random, dtype: type) -> NDArray:
    return np.where(rng.random((N, 1)) < 0.5, -1, 1) * (1 + 0.01 * rng.normal(size=(N, 30)))


def constant_rows(rng: Random, dtype: type) -> NDArray:
    return np.repeat(rng.normal(size=(N, 1)), 24, axis=1)


def far_from_the_origin(rng: Random, dtype: type) -> NDArray:
    """What is lost if Euclidean distances come from norms and products."""
    return (1e4 if dtype is np.float32 else 1e10) * rng.normal(size=33) + rng.normal(size=(N, 33))


def mostly_ones(rng: Random, dtype: type) -> NDArray:
    """All products alike, where a long chain of float32 additions always rounds the same way."""
    return np.where(rng.random((N, 1024)) < 0.02, 0.0, 1.0)


def mostly_zeros(rng: Random, dtype: type) -> NDArray:
    x = np.where(rng.random((N, 200)) < 0.02, rng.normal(size=(N, 200)), 0)
    x[np.arange(N), rng.integers(0, 200, N)] = 1
    return x


def one_column(rng: Random, dtype: type) -> NDArray:
    return rng.normal(size=(N, 1))


def three_columns(rng: Random, dtype: type) -> NDArray:
    return rng.normal(size=(N, 3))


def very_many_columns(rng: Random, dtype: type) -> NDArray:
    """More than 32 bits would hold the sums of, were the codes as large as they may be for fewer columns."""
    x = np.repeat(rng.normal(size=(30, 4097)), 7, axis=0)
    return x + 0.7 * rng.normal(size=x.shape)


def equal_sizes_in_very_many_columns(rng: Random, dtype: type) -> NDArray:
    """Every entry gets the largest code: the largest sums that there are."""
    return np.where(rng.random((200, 4097)) < 0.02 + 0.5 * (np.arange(200)[:, None] % 2), -1.0, 1.0)


MAKERS: list[Callable[[Random, type], NDArray]] = [
    one_huge_entry, one_huge_column, one_huge_row, two_huge_opposite_rows, norms_over_the_range, entries_over_the_range,
    denormals, denormals_among_ordinary_rows, one_row_again_and_again, a_few_rows_again_and_again, a_tight_cluster,
    rows_that_differ_in_the_last_bit, a_simplex, opposite_rows, constant_rows, far_from_the_origin, mostly_ones,
    mostly_zeros, one_column, three_columns, very_many_columns, equal_sizes_in_very_many_columns,
]  # fmt: skip
