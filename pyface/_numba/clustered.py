"""Loops over rows of vectors that belong to clusters; ``pyface.kernels.clustered`` checks what they are given."""

from __future__ import annotations

import math
from typing import Any

from pyface._numba.compiling import entry, jit

# Squared lengths whose roots and quotients are as exact as any.
_LEAST, _MOST = 1e-250, 1e250


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
    x: Any, order: Any, starts: Any, sizes: Any, unit: Any, means: Any, within: Any, kept: Any, first: Any, last: Any
) -> None:
    """Means of clusters first .. last - 1, squared distances of their rows to them; the rows go to kept if it is one.

    Differences from the first row are summed up: sums far from zero would lose digits.
    """
    d = x.shape[1]
    head, shift, row = means[0].copy(), means[0].copy(), means[0].copy()
    for c in range(first, last):
        begin, end = starts[c], starts[c] + sizes[c]
        _load(x, order[begin], unit, head)
        shift[:] = 0.0
        for i in range(begin, end):
            _load(x, order[i], unit, row)
            for j in range(d):
                shift[j] += row[j] - head[j]
            if len(kept):
                kept[i, :d] = row
        for j in range(d):
            shift[j] /= sizes[c]
            means[c, j] = head[j] + shift[j]
        for i in range(begin, end):
            if len(kept):
                row[:] = kept[i, :d]
            else:
                _load(x, order[i], unit, row)
            for j in range(d):
                row[j] = (row[j] - head[j]) - shift[j]
            within[i] = _square(row)


@entry
def squares_to(rows: Any, points: Any, which: Any, out: Any, begin: Any, end: Any) -> None:
    """out[i] = squared distance of rows[i, :d] to points[which[i]], for begin <= i < end."""
    d = points.shape[1]
    row = points[0].copy()
    for i in range(begin, end):
        for j in range(d):
            row[j] = rows[i, j] - points[which[i], j]
        out[i] = _square(row)
