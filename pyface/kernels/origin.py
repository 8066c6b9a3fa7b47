"""A place near all rows to count from: means of rows far away from 0 lose the digits in which the rows differ."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pyface._typing import FloatArray

Origin = NDArray[np.float64] | None

# Differences from a number are exact for all within half of it (Sterbenz); a 64th leaves digits worth the trouble.
_SHARE = 1 / 64
_FIRST, _AT_ONCE = 16, 4096


def common_origin(x: FloatArray) -> Origin:
    """What can be subtracted from the rows of ``x`` without rounding, (d,); None where there is nothing to gain.

    A column whose entries are all within a 64th of the first one has that one, the others have 0. So differences of
    rows stay the same to the bit. Time: a look at the first rows, unless there is such a column; then one pass.
    """
    if len(x) == 0:
        return None
    origin: NDArray[np.float64] = x[0].astype(np.float64)
    begin, step = 0, _FIRST
    while begin < len(x):
        if not origin.any():
            return None
        origin = kept_origin(origin, x[begin : begin + step])
        begin, step = begin + step, _AT_ONCE
    return origin if origin.any() else None


def kept_origin(origin: NDArray[np.float64], more: FloatArray) -> NDArray[np.float64]:
    """What :func:`common_origin` gives once these rows follow those it was made of."""
    columns = np.flatnonzero(origin)
    from_here = origin[columns]
    with np.errstate(over="ignore"):
        is_near = (np.abs(more[:, columns] - from_here) <= _SHARE * np.abs(from_here)).all(axis=0)
    kept = np.zeros_like(origin)
    kept[columns[is_near]] = from_here[is_near]
    return kept
