"""Distances of pairs of rows, and where those of all pairs lie among thresholds: what verification counts.

Distances are the float64 ones of :mod:`pyface.kernels.distance`, so that a pair has the same distance, to the bit, by
whichever of the functions it is looked at, for any number of threads and on any instruction set.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check, _core, _memory
from pyface._typing import FloatArray

_BYTES_PER_PAIR = 48  # of pairs that are returned, at the most: a list that grows, then the whole, then three arrays


@dataclass(frozen=True, slots=True, eq=False)
class BinnedPairs:
    """What :func:`bin_pairs` has found.

    counts : (2, t + 1) int64, pairs of unequal and of equal labels in each bin.
    first, second : (p,) int32 rows of the pairs that were wanted, first < second. distances : (p,) float64.
    """

    counts: NDArray[np.int64]
    first: NDArray[np.int32]
    second: NDArray[np.int32]
    distances: NDArray[np.float64]


def usable_rows(X: Any, metric: str, n_threads: int, *, name: str = "X", columns: int | None = None) -> FloatArray:
    """``X`` as the functions below take it: (n, d) float32 or float64, finite, no row of zeros under cosine."""
    nonzero = metric == "cosine"
    all_usable = partial(_core.all_usable, nonzero=nonzero, n_threads=n_threads)
    return _check.embeddings(X, name, columns=columns, nonzero=nonzero, all_usable=all_usable)


def bin_pairs(
    x: FloatArray,
    labels: NDArray[np.int32],
    thresholds: NDArray[np.float64],
    wanted: NDArray[np.bool_] | None = None,
    n_wanted: int = 0,
    *,
    metric: str,
    n_threads: int,
) -> BinnedPairs:
    """The pairs of rows i < j by distance: bin b holds distances in (thresholds[b - 1], thresholds[b]].

    x : what :func:`usable_rows` gives. labels : (n,). thresholds : (t,), at least one, increasing.
    wanted : (2, t + 1) which bins' pairs to return, of unequal (0) and of equal labels (1); n_wanted : how many those
    are, for MemoryError before they are too many.

    Tiles of distances are made in float32, as :func:`pyface.cosine_distances` does it; a pair that lies too near to a
    threshold for the error of that is computed again in float64. Float64 rows under the Euclidean metrics are swept in
    float64. Time O(n^2 d), memory O(n d + t) and the pairs that are wanted.
    """
    _memory.require(_BYTES_PER_PAIR * n_wanted, f"a list of {n_wanted:,} pairs", "take some of the rows")
    mask = None if wanted is None else np.ascontiguousarray(wanted, np.uint8)
    numbers, at = np.ascontiguousarray(labels, np.int32), np.ascontiguousarray(thresholds, np.float64)
    return BinnedPairs(*_core.bin_pairs(x, numbers, at, mask, metric=metric, n_threads=n_threads))


def distances_of_pairs(
    x: FloatArray, first: NDArray[np.int32], second: NDArray[np.int32], *, metric: str, n_threads: int
) -> NDArray[np.float64]:
    """(p,) float64 distances of the rows ``first`` and ``second`` of ``x``, (p,) int32 each. O((n + p) d) time."""
    out: NDArray[np.float64] = _check.output(None, (len(first),), np.float64, instead="take some pairs at a time")
    _core.distances_of_pairs(x, first, second, out, metric=metric, n_threads=n_threads)
    return out
