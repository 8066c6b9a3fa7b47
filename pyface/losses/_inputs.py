"""What the losses take: rows, their directions, labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check
from pyface._typing import FloatArray, Labels
from pyface.metrics._contingency import coded
from pyface.metrics._contingency import labels as checked_labels

# How far from 1 the length of a row may be that is said to be of unit length: float16 keeps three digits.
_UNIT_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Directions:
    """Rows by length and direction: ``rows`` (n, d) float64 of unit length, ``lengths`` (n,) float64.

    A row of zeros stays one, and no gradient goes through it.
    """

    rows: NDArray[np.float64]
    lengths: NDArray[np.float64]

    def through(self, gradient: NDArray[Any]) -> NDArray[np.float64]:
        """The gradient with respect to the rows as they came, from that with respect to the unit rows."""
        radial = np.einsum("ij,ij->i", gradient, self.rows)[:, None]
        d_rows: NDArray[np.float64] = (gradient - radial * self.rows) * self.inverse_lengths()[:, None]
        return d_rows

    def inverse_lengths(self) -> NDArray[np.float64]:
        """1 / length, and 0 for a row of zeros."""
        return np.divide(1.0, self.lengths, out=np.zeros_like(self.lengths), where=self.lengths > 0)


def directions(x: FloatArray) -> Directions:
    """In float64, so that angles of nearly equal rows keep their digits; no square overflows or vanishes."""
    rows = x.astype(np.float64)
    largest = np.abs(rows).max(axis=1, initial=0)
    exponents = np.frexp(largest)[1]
    np.ldexp(rows, -exponents[:, None], out=rows)
    scaled = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    np.divide(rows, scaled[:, None], out=rows, where=scaled[:, None] > 0)
    with np.errstate(over="ignore"):
        return Directions(rows, np.ldexp(scaled, exponents))


def checked_directions(x: FloatArray, name: str, *, must_be_unit: bool = False) -> Directions:
    """ValueError, naming the row, for one without a direction, too long to count with, or not of unit length."""
    result = directions(x)
    lengths = result.lengths
    short = np.flatnonzero(lengths < np.finfo(x.dtype).tiny)
    if short.size:
        raise ValueError(f"{name}: row {short[0]} has a length of {lengths[short[0]]:g} and no direction; remove it")
    if not np.isfinite(lengths).all():
        row = np.flatnonzero(~np.isfinite(lengths))[0]
        raise ValueError(f"{name}: row {row} is too long for {x.dtype}; scale the data")
    if must_be_unit:
        off = np.flatnonzero(np.abs(lengths - 1) > _UNIT_TOLERANCE)
        if off.size:
            raise ValueError(
                f"{name}: row {off[0]} has a length of {lengths[off[0]]:.6g}, and normalize=False takes rows of unit "
                f"length only; divide the rows by their lengths or leave normalize=True"
            )
    return result


def refuse_mixture(y: Any) -> None:
    """TypeError for a list of strings and others, of which NumPy makes strings: 1 and "1" would be one person."""
    if isinstance(y, list | tuple) and any(isinstance(name, str) for name in y):
        checked_labels(y, "y")


def class_numbers(y: Any, n: int, k: int) -> Labels:
    """(n,) int64, each a row of W."""
    numbers = _one_per_row(y, "y", n)
    if numbers.dtype.kind not in "iu":
        raise TypeError(f"y must be integers, rows of W, got an array of {numbers.dtype}; np.unique numbers names")
    outside = np.flatnonzero((numbers < 0) | (numbers >= k))
    if outside.size:
        raise ValueError(f"y: entry {outside[0]} is {numbers[outside[0]]}, and W has the rows 0 to {k - 1}")
    return numbers.astype(np.int64, copy=False)


def who(labels: Any, n: int) -> Labels:
    """(n,) int64 numbers of the labels, which may be integers or strings."""
    names = checked_labels(labels, "labels")
    _require_one_per_row(names, "labels", n)
    if names.dtype.kind == "f":
        raise TypeError(f"labels must be integers or strings, got an array of {names.dtype}")
    return coded(names)[1]


def _one_per_row(values: Any, name: str, n: int) -> NDArray[Any]:
    array = np.asarray(values)
    if array.ndim != 1:
        raise ValueError(f"{name} must be one-dimensional, got shape {array.shape}")
    _require_one_per_row(array, name, n)
    return array


def _require_one_per_row(array: NDArray[Any], name: str, n: int) -> None:
    if len(array) != n:
        raise ValueError(f"{name} has {len(array)} entries and X has {n} rows; give one for each row")


def some_rows(X: Any) -> FloatArray:
    """(n, d) float32 or float64, n >= 1."""
    x = _check.embeddings(X, "X")
    if len(x) == 0:
        raise ValueError("X has no rows; the mean over none is not defined")
    return x
