"""Loops over rows of vectors that belong to clusters; ``pyface.kernels.clustered`` checks what they are given."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pyface._numba.compiling import entry, jit

# Squared lengths whose roots and quotients are as exact as any.
_LEAST, _MOST = 1e-250, 1e250
_KEPT = 15  # rows of a cluster, which are mostly small


@jit
def _square(row: Any) -> Any:
    """Squared length, in eight sums: one would wait for each addition, and the order must not depend on the machine."""
    s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = 0.0
    whole = len(row) // 8 * 8
    for j in range(0, whole, 8):
        s0 += row[j] * row[j]
        s1 += row[j + 1] * row[j + 1]
        s2 += row[j + 2] * row[j + 2]
        s3 += row[j + 3] * row[j + 3]
        s4 += row[j + 4] * row[j + 4]
        s5 += row[j + 5] * row[j + 5]
        s6 += row[j + 6] * row[j + 6]
        s7 += row[j + 7] * row[j + 7]
    for j in range(whole, len(row)):
        s0 += row[j] * row[j]
    return ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7))


@jit
def _load(x: Any, i: Any, unit: Any, row: Any) -> None:
    """row = row i of x; csrc/distance/other_means.cpp must give the same bits."""
    for j in range(len(row)):
        row[j] = x[i, j]
    if not unit:
        return
    square = _square(row)
    if not _LEAST < square < _MOST:
        largest = 0.0
        for j in range(len(row)):
            largest = max(largest, abs(row[j]))
        for j in range(len(row)):
            row[j] /= largest
        square = _square(row)
    length = math.sqrt(square)
    for j in range(len(row)):
        row[j] /= length


@entry
def fill_rows(x: Any, which: Any, unit: Any, out: Any, begin: Any, end: Any) -> None:
    """out[i, :d] = row which[i] of x, for begin <= i < end."""
    d = x.shape[1]
    for i in range(begin, end):
        _load(x, which[i], unit, out[i, :d])


@entry
def moments(
    x: Any, order: Any, starts: Any, sizes: Any, unit: Any, means: Any, within: Any, first: Any, last: Any
) -> None:
    """Means of clusters first .. last - 1, squared distances of their rows to them.

    Differences from the first row are summed up: sums far from zero would lose digits.
    """
    d = x.shape[1]
    head, shift = means[0].copy(), means[0].copy()
    # The first rows of a cluster, and one place for all others, which are made anew.
    kept = np.empty((_KEPT + 1, d))
    for c in range(first, last):
        begin, end = starts[c], starts[c] + sizes[c]
        _load(x, order[begin], unit, kept[0])
        head[:] = kept[0]
        shift[:] = 0.0
        for i in range(begin + 1, end):
            row = kept[min(i - begin, _KEPT)]
            _load(x, order[i], unit, row)
            for j in range(d):
                shift[j] += row[j] - head[j]
        for j in range(d):
            shift[j] /= sizes[c]
            means[c, j] = head[j] + shift[j]
        for i in range(begin, end):
            row = kept[min(i - begin, _KEPT)]
            if i - begin >= _KEPT:
                _load(x, order[i], unit, row)
            for j in range(d):
                row[j] = (row[j] - head[j]) - shift[j]
            within[i] = _square(row)
