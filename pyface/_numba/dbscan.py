"""DBSCAN's walk over a neighbourhood graph. Self-contained on purpose: Numba's cache does not see an edit elsewhere.

The machine code is cached next to this file or, where that folder is read-only, in the user's cache folder
(``NUMBA_CACHE_DIR`` chooses another one); where no folder can be written it is compiled anew in each process.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray


def _jit(function: Callable[..., Any]) -> Any:
    try:
        return numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:  # Numba found no folder to write its cache to
        return numba.njit(nogil=True)(function)


@_jit
def pairwise_sum(values: NDArray[np.float64]) -> Any:
    """The sum with the additions in NumPy's order, so that weights reach ``min_samples`` when ``np.sum`` says so."""
    n = len(values)
    if n < 8:
        total = 0.0
        for i in range(n):
            total += values[i]
        return total
    if n <= 128:
        r0, r1, r2, r3 = values[0], values[1], values[2], values[3]
        r4, r5, r6, r7 = values[4], values[5], values[6], values[7]
        end = n - n % 8
        for i in range(8, end, 8):
            r0 += values[i]
            r1 += values[i + 1]
            r2 += values[i + 2]
            r3 += values[i + 3]
            r4 += values[i + 4]
            r5 += values[i + 5]
            r6 += values[i + 6]
            r7 += values[i + 7]
        total = ((r0 + r1) + (r2 + r3)) + ((r4 + r5) + (r6 + r7))
        for i in range(end, n):
            total += values[i]
        return total
    half = n // 2
    half -= half % 8
    return pairwise_sum(values[:half]) + pairwise_sum(values[half:])


@_jit
def neighborhood_weights(
    indptr: NDArray[np.int64], indices: NDArray[np.int32], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Sum of the weights of each row's neighbours."""
    result = np.empty(len(indptr) - 1)
    for i in range(len(result)):
        result[i] = pairwise_sum(weights[indices[indptr[i] : indptr[i + 1]]])
    return result


@_jit
def label(indptr: NDArray[np.int64], indices: NDArray[np.int32], is_core: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Labels of all rows, -1 for noise.

    Rows are visited upwards; an unlabelled core row starts the next cluster, which takes every unlabelled row that a
    chain of core rows leads to. So clusters are numbered by their smallest core row, and a border row goes to the first
    cluster that reaches it: scikit-learn's rule, on graphs that are not symmetric too.
    """
    n = len(is_core)
    labels = np.full(n, -1, np.int64)
    stack = np.empty(n, np.int64)
    n_clusters = 0
    for start in range(n):
        if labels[start] != -1 or not is_core[start]:
            continue
        labels[start] = n_clusters
        stack[0] = start
        height = 1
        while height > 0:
            height -= 1
            row = stack[height]
            if not is_core[row]:
                continue
            for place in range(indptr[row], indptr[row + 1]):
                other = indices[place]
                if labels[other] == -1:
                    labels[other] = n_clusters
                    stack[height] = other
                    height += 1
        n_clusters += 1
    return labels
