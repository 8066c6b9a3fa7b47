"""Rates that are asked for: shares of pairs or searches."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check


def rates(value: Any, name: str) -> NDArray[np.float64]:
    """One rate in [0, 1], as an array without axes, or an array of several."""
    array = _check.numbers(value, name, "(r,), or one number")
    bad = np.flatnonzero(~((array >= 0) & (array <= 1)))
    if bad.size:
        raise ValueError(f"{name} must be from 0 to 1, got {array.ravel()[bad[0]]:g}")
    # A number on its own became an array of one entry on the way.
    return array.reshape(np.shape(value))


def shaped(values: NDArray[np.float64], like: NDArray[np.float64]) -> Any:
    """(r,) values in the shape of the rates that were asked for, a float for one."""
    return float(values[0]) if like.ndim == 0 else values.reshape(like.shape)


def most_within(rate: float, n: int) -> int:
    """The most of n that are a share of at most ``rate``, as their quotient is rounded."""
    most = min(n, int(rate * n))
    while most < n and (most + 1) / n <= rate:
        most += 1
    while most > 0 and most / n > rate:
        most -= 1
    return most
