"""The front door of linkage on condensed distances."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check, _core, _memory
from pyface._typing import FloatArray
from pyface.kernels.link_groups import cannot_links, check_agreement, check_groups, check_pairs, sets_of

# A union may come closer than its parts were: no merge is known to be the last below a height.
NOT_MONOTONE = ("centroid", "median")
SQUARED = ("ward", *NOT_MONOTONE)

_AT_ONCE = 1 << 20
_NEAR_ZERO = 2.0**-16  # as the kernel has it


def from_condensed(
    distances: FloatArray,
    method: str,
    *,
    overwrite: bool,
    n_threads: int,
    stop: float = math.inf,
    must_link_groups: NDArray[Any] | None = None,
    cannot_link_groups: NDArray[Any] | None = None,
    cannot_link: NDArray[Any] | None = None,
    name: str = "X",
) -> NDArray[np.float64]:
    """Agglomerative clustering of n rows by their n (n - 1) / 2 ``distances``, in SciPy's ``pdist`` order.

    distances : 1-D float32 or float64, worked on in the type they have; float16 becomes float32. Finite. Those below 0,
    as ``1 - X @ X.T`` has them for equal rows, are closer than 0, as in SciPy. Linkages with groups take them for 0,
    and so do "ward", "centroid" and "median", which square distances, but no farther below than 2^-16 of the largest.
    method : "single", "complete", "average", "weighted", "ward", "centroid" or "median". The last three are meant for
    Euclidean distances; a squared height that comes out negative with others is taken for 0.
    overwrite : ``distances`` may be used as scratch memory, and hold nothing of use afterwards. Without it, or where
    they are read-only, not contiguous, not aligned, or of foreign byte order, a copy is made.
    stop : merges at this height or above are left out.
    must_link_groups, cannot_link_groups : (n,) integers, -1 for no group. Rows of a must-link group are merged first,
    at height 0, in order of the rows. Clusters that hold rows of the same cannot-link group never merge.
    cannot_link : (m, 2) integers: pairs of rows whose clusters never merge.

    Returns Z (n - 1, 4) float64 in SciPy's format, or fewer rows if ``stop``, a group or a pair forbids merges; nodes
    are numbered from n on all the same. Heights do not decrease, but for centroid and median, which take neither
    ``stop`` nor groups nor pairs and whose merges are in the order of merging.

    Always the closest clusters that may merge are merged. New distances are computed in float64 and kept in the type of
    ``distances``: in float32 each merge may change a distance by a rounding, 6e-8 of it. Squared linkages on float32
    tell distances apart down to 1e-30 of the largest.

    Ties: a cluster is called by its smallest row, and merges with the closest cluster, among equally close ones with
    the lowest. Merges of equal height are in an order that depends on the distances alone; centroid and median have
    that of the lowest cluster first. "single" without groups has SciPy's order. No result depends on ``n_threads``.

    TypeError for other types; ValueError for other shapes, values that are no distances, rows that must and cannot be
    linked; MemoryError if the copy does not fit. Time O(n^2), usually also for centroid and median, whose worst case is
    O(n^3). Memory beside ``distances``: O(n) and some MB; 3 % of theirs for "single".
    """
    _check.require_array(distances, name, (np.float16, np.float32, np.float64), "float32, float64 or float16")
    if distances.ndim != 1:
        raise ValueError(
            f"{name} must have shape (n (n - 1) / 2,), got shape {distances.shape}; "
            "scipy.spatial.distance.squareform makes it of a square matrix"
        )
    n = n_rows(len(distances), name)
    must_link = check_groups(must_link_groups, "must_link_groups", n)
    cannot = cannot_links(
        n, check_groups(cannot_link_groups, "cannot_link_groups", n), check_pairs(cannot_link, "cannot_link", n)
    )
    if method in NOT_MONOTONE and (must_link is not None or cannot is not None or stop < math.inf):
        raise ValueError(
            f"method={method!r} takes neither groups, nor pairs, nor a height to stop at: its heights go up and down"
        )
    check_agreement(cannot, must_link)
    scratch = _scratch(distances, overwrite, name)
    try:
        return _core.linkage_from_condensed(
            scratch,
            n=n,
            method=method,
            stop=stop,
            must_link=must_link,
            cannot_link=sets_of(cannot),
            n_threads=n_threads,
        )
    except ValueError:  # raised before anything is written: what is wrong can still be looked for
        _refuse_no_distances(scratch, n, name, are_squared=method in SQUARED)
        raise


def n_rows(length: int, name: str = "X") -> int:
    """The n whose n (n - 1) / 2 is ``length``; ValueError, with those around it, if there is none."""
    n = (1 + math.isqrt(1 + 8 * length)) // 2
    if n * (n - 1) // 2 != length:
        raise ValueError(
            f"{name} must have n (n - 1) / 2 distances for some n, got {length}; "
            f"{n} rows have {n * (n - 1) // 2}, {n + 1} rows have {n * (n + 1) // 2}"
        )
    return n


def pair_of(index: int, n: int) -> tuple[int, int]:
    """The rows (i, j), i < j, whose distance is at ``index``."""
    after = n * (n - 1) // 2 - 1 - index
    k = (math.isqrt(8 * after + 1) - 1) // 2
    i = n - 2 - k
    return i, index - (i * (2 * n - i - 1) // 2) + i + 1


def _scratch(distances: NDArray[Any], overwrite: bool, name: str) -> FloatArray:
    dtype = np.float64 if distances.dtype.type is np.float64 else np.float32
    plain = np.asarray(distances)
    flags = plain.flags
    if overwrite and flags.writeable and flags.c_contiguous and flags.aligned and plain.dtype == dtype:
        return plain
    n_bytes = len(plain) * np.dtype(dtype).itemsize
    _memory.require(n_bytes, f"a copy of {name}", "overwrite=True works in the memory of a writable array itself")
    return np.array(plain, dtype=dtype, order="C")


def _refuse_no_distances(distances: FloatArray, n: int, name: str, *, are_squared: bool) -> None:
    least = -np.inf
    if are_squared and len(distances):
        least = -_NEAR_ZERO * float(max(distances.max(), -distances.min()))
    for begin in range(0, len(distances), _AT_ONCE):
        values = distances[begin : begin + _AT_ONCE]
        bad = np.flatnonzero(~(np.isfinite(values) & (values >= least)))
        if bad.size:
            index = begin + int(bad[0])
            i, j = pair_of(index, n)
            rule = "finite and not negative" if are_squared else "finite"
            raise ValueError(
                f"{name}: distance {index} is {distances[index]}, that of rows {i} and {j}; all must be {rule}"
            )
