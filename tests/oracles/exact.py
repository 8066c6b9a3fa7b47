"""Distances without rounding: rows are rational numbers, and the one root is taken to 200 bits."""

from __future__ import annotations

import math
from fractions import Fraction
from operator import mul

import numpy as np
from numpy.typing import NDArray

_ROOT_BITS = 200


def distance(x: NDArray, y: NDArray, metric: str) -> Fraction:
    """The distance of two rows of finite floats: exact where it is rational, else at most 2**-200 of it away."""
    (a, b), denominator = _whole(x, y)
    if metric == "cosine":
        return 1 - _dot(a, b) / _root(Fraction(_dot(a, a) * _dot(b, b)))
    difference = [p - q for p, q in zip(a, b, strict=True)]
    squared = Fraction(_dot(difference, difference), denominator**2)
    return squared if metric == "sqeuclidean" else _root(squared)


def from_exact_sums(x: NDArray, y: NDArray, metric: str) -> NDArray[np.float64]:
    """(n, m) distances as float64 has them, by the formulas that pyface promises, to the bit.

    Only for rows whose products and sums are exact in float64, so that the order of addition means nothing: small
    whole numbers, say.
    """
    x, y = x.astype(np.float64), y.astype(np.float64)
    dots, x_squares, y_squares = x @ y.T, (x * x).sum(1), (y * y).sum(1)
    if metric == "cosine":
        return np.clip(1 - dots / np.sqrt(np.multiply.outer(x_squares, y_squares)), 0, 2)
    squared = x_squares[:, None] + y_squares - 2 * dots
    return squared if metric == "sqeuclidean" else np.sqrt(squared)


def _whole(*rows: NDArray) -> tuple[list[list[int]], int]:
    """The rows times the one power of two that makes all entries whole numbers, and that power."""
    ratios = [[value.as_integer_ratio() for value in row.tolist()] for row in rows]
    denominator = max(q for row in ratios for _, q in row)
    return [[p * (denominator // q) for p, q in row] for row in ratios], denominator


def _dot(a: list[int], b: list[int]) -> int:
    return sum(map(mul, a, b))


def _root(value: Fraction) -> Fraction:
    product = value.numerator * value.denominator
    return Fraction(math.isqrt(product << 2 * _ROOT_BITS), value.denominator << _ROOT_BITS)
