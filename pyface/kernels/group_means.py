"""Means of groups of rows, and mean squared distances of rows to the rows of a group, by way of its mean.

With m the mean of some rows y, mean |x - y|^2 = |x|^2 + mean |y|^2 - 2 <x, m>. All in float64, whatever the rows are.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pyface import _check, _core
from pyface._typing import FloatArray

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


def group_sums(
    x: FloatArray, order: Indices, begins: Indices, *, origin: Floats | None, n_threads: int
) -> tuple[Floats, Floats]:
    """(k, d) the sum of the rows of each group, and (k,) of their squared lengths.

    x : (n, d) float32 or float64 in C order; no row of zeros if ``origin`` is None.
    order, begins : group g is the rows ``order[begins[g]:begins[g + 1]]``, which are added up in this order.
    origin : (d,), taken from each row before; None: each row is divided by its length instead.

    The same bits for any ``n_threads``. Time O(d) for each row of ``order``.
    """
    shape = (len(begins) - 1, x.shape[1])
    sums = _check.output(None, shape, np.float64, instead="take some groups at a time")
    squares = np.empty(len(begins) - 1)
    order, begins = (np.ascontiguousarray(indices, np.int64) for indices in (order, begins))
    _core.group_sums(x, origin, order, begins, sums, squares, n_threads=n_threads)
    return sums, squares


def squared_to_means(
    x: FloatArray, rows: Indices, places: Indices, means: Floats, squares: Floats, *, origin: Floats | None,
    n_threads: int,
) -> Floats:  # fmt: skip
    """(m,) mean squared distance of the row ``rows[p]`` of ``x`` to the rows of the group at ``places[p]``.

    means, squares : (k, d), (k,) the sums of :func:`group_sums` divided by the numbers of rows. x, origin : as there.

    Rounding: some units in the last place of the squared lengths. Time O(d) each.
    """
    out = np.empty(len(rows))
    rows, places = (np.ascontiguousarray(indices, np.int64) for indices in (rows, places))
    means = np.ascontiguousarray(means)
    _core.squared_to_means(x, origin, rows, places, means, squares, out, n_threads=n_threads)
    return out
