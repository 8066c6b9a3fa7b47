"""Distance matrices, radius graphs and nearest neighbours of rows of vectors.

Cosine distance is ``1 - <x, y> / sqrt(|x|^2 |y|^2)``, Euclidean distance the root of the sum of squared differences.
Decisions (within a radius, nearest) are those of that value in float64 on the rows as given, although most pairs are
ruled out with fewer bits; distances that come with them are that value rounded. They are the same, to the bit, for any
number of threads, memory layout and instruction set. Matrices are computed in float32: the same to the bit for any
number of threads and layout, and within their stated error on any instruction set. Identical rows are at a distance of
exactly 0. How it works, and why it is exact: docs/how-it-works/sweep.md.

float64 itself sets one limit, on float64 rows only: squares of differences above about 1e154 are infinite and those
below 1e-162 zero. Euclidean distances out there are equal; rows that a screen can still tell apart are kept apart.
Cosine has no limit.

Time is O(n m d). Beside the result, a matrix takes the memory of its rows in float32 once more; searches take half of
that or less, for codes, about twice as much where a few axes tell most rows apart, and some megabytes per thread.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check, _core, _memory, _threads
from pyface._typing import FloatArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

METRICS = ("cosine", "euclidean", "sqeuclidean")

# What to do where all distances are too many.
_INSTEAD = (
    "use neighbors_within or nearest_neighbors, which keep only what you need, or take some rows at a time with Y="
)
BYTES_PER_ENTRY = 20  # what neighbors_within takes while the graph is built


def _rows(X: Any, Y: Any, metric: str, n_threads: int) -> tuple[FloatArray, FloatArray | None]:
    nonzero = metric == "cosine"
    all_usable = partial(_core.all_usable, nonzero=nonzero, n_threads=n_threads)
    x = _check.embeddings(X, "X", nonzero=nonzero, all_usable=all_usable)
    y = None
    if Y is not None:
        y = _check.embeddings(Y, "Y", columns=x.shape[1], nonzero=nonzero, all_usable=all_usable)
    return _check.same_dtype(x, y)


def _dense(X: Any, Y: Any, metric: str, out: Any, n_threads: int | None) -> NDArray[np.float32]:
    threads = _threads.resolve(n_threads)
    x, y = _rows(X, Y, metric, threads)
    result = _check.output(out, (len(x), len(x if y is None else y)), np.float32, instead=_INSTEAD)
    _check.no_overlap(result, x, y)
    _core.distances_dense(x, y, result, metric=metric, n_threads=threads)
    return result


def cosine_distances(
    X: FloatArray, Y: FloatArray | None = None, *, out: NDArray[np.float32] | None = None, n_threads: int | None = None
) -> NDArray[np.float32]:
    """Cosine distance of every row of ``X`` to every row of ``Y``.

    X : (n, d) float32, float64 or float16; Y : (m, d), or None for ``X`` itself, at half the work.
    out : (n, m) float32, C order, to write into. n_threads : None = all usable CPUs.

    Returns (n, m) float32 in [0, 2]; without ``Y`` exactly symmetric with a diagonal of exactly 0. Computed in float32
    with an error of at most 1e-6 up to 1,024 columns (typically 1e-7); distances below 0.001 are computed in float64
    and rounded. Rows need not be of unit length.

    TypeError for anything that is not an array of those dtypes; ValueError for NaN, infinity, a row of zeros (it has no
    direction), a wrong shape; MemoryError for a result larger than the memory that is left. n = 0 and m = 0 give empty
    results. Equivalent to::

        x = X / np.linalg.norm(X, axis=1, keepdims=True)
        1 - x @ x.T
    """
    return _dense(X, Y, "cosine", out, n_threads)


def euclidean_distances(
    X: FloatArray,
    Y: FloatArray | None = None,
    *,
    squared: bool = False,
    out: NDArray[np.float32] | None = None,
    n_threads: int | None = None,
) -> NDArray[np.float32]:
    """Euclidean distance, or its square, of every row of ``X`` to every row of ``Y``.

    X : (n, d) float32, float64 or float16; Y : (m, d), or None for ``X`` itself, at half the work.
    squared : return squared distances. out : (n, m) float32, C order, to write into.

    Returns (n, m) float32, not negative; without ``Y`` exactly symmetric with a diagonal of exactly 0. Computed from
    differences, in float32 for float32 rows and in float64 for others: near duplicates keep their relative precision,
    1e-6 of the value up to 1,024 columns. Values beyond float32's range become infinite.

    Errors as in :func:`cosine_distances`, except that rows of zeros are fine.
    """
    return _dense(X, Y, "sqeuclidean" if squared else "euclidean", out, n_threads)


def cosine_condensed(
    X: FloatArray, *, out: NDArray[np.float32] | None = None, n_threads: int | None = None
) -> NDArray[np.float32]:
    """Cosine distances of all pairs of rows of ``X``, in the order of :func:`scipy.spatial.distance.pdist`.

    X : (n, d) float32, float64 or float16. out : (n (n - 1) / 2,) float32 to write into.

    Returns (n (n - 1) / 2,) float32 in [0, 2]: d(0, 1), d(0, 2), ..., d(n-2, n-1). Empty for n = 0 and n = 1.
    Values and errors are those of :func:`cosine_distances`.
    """
    threads = _threads.resolve(n_threads)
    x, _ = _rows(X, None, "cosine", threads)
    result = _check.output(out, (len(x) * (len(x) - 1) // 2,), np.float32, instead=_INSTEAD)
    _check.no_overlap(result, x)
    _core.distances_condensed(x, result, metric="cosine", n_threads=threads)
    return result


def dense_float64(x: FloatArray, y: FloatArray, metric: str, n_threads: int) -> NDArray[np.float64]:
    """Distances (n, m) of all rows of ``x`` to all of ``y`` without rounding. Both have been checked."""
    result = np.empty((len(x), len(y)))
    _core.distances_dense(x, y, result, metric=metric, n_threads=n_threads)
    return result


def condensed_float64(x: FloatArray, metric: str, n_threads: int) -> NDArray[np.float64]:
    """Distances of all pairs without rounding: what SciPy's linkage takes. ``x`` has been checked."""
    result = np.empty(len(x) * (len(x) - 1) // 2)
    _core.distances_condensed(x, result, metric=metric, n_threads=n_threads)
    return result


def condensed_float32(x: FloatArray, metric: str, n_threads: int) -> NDArray[np.float32]:
    """The same within 1e-6 (:func:`cosine_distances`), in half the memory."""
    result = np.empty(len(x) * (len(x) - 1) // 2, np.float32)
    _core.distances_condensed(x, result, metric=metric, n_threads=n_threads)
    return result


def neighbors_within(
    X: FloatArray,
    radius: float,
    Y: FloatArray | None = None,
    *,
    metric: str = "cosine",
    n_threads: int | None = None,
) -> csr_array:
    """Pairs of rows at a distance of at most ``radius``, as a sparse matrix of distances.

    X : (n, d) float32, float64 or float16; Y : (m, d), or None for ``X`` itself, at half the work.
    radius : >= 0, inclusive, in the units of ``metric``: "cosine", "euclidean" or "sqeuclidean".

    Returns a ``scipy.sparse.csr_array`` (n, m) of float32 distances. Row i holds its neighbours in increasing order;
    without ``Y`` it is symmetric and each row is its own neighbour, at distance 0. Distances of 0 are stored entries.
    Whether a pair is in is decided on the float64 distance, before rounding.

    TypeError and ValueError as in :func:`cosine_distances`; ValueError for a negative radius. MemoryError, with the
    number of pairs, as soon as they are more than there is memory for.
    Memory O(pairs): 14 bytes per entry while it is built (20 with ``Y``), 8 when done.
    """
    from scipy.sparse import csr_array

    _check.choice(metric, "metric", METRICS)
    limit = _check.number(radius, "radius", minimum=0)
    threads = _threads.resolve(n_threads)
    x, y = _rows(X, Y, metric, threads)
    shape = (len(x), len(x if y is None else y))
    memory = _memory.limit(BYTES_PER_ENTRY * shape[0] * shape[1])
    indptr, indices, distances = pairs_within(x, y, limit, metric=metric, memory_limit=memory, n_threads=threads)
    graph = csr_array((distances, indices, indptr), shape=shape)
    graph.has_sorted_indices = True
    return graph


def pairs_within(
    x: FloatArray, y: FloatArray | None, radius: float, *, metric: str, memory_limit: int, n_threads: int
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]:
    """What :func:`neighbors_within` puts into its matrix, ``(indptr, indices, distances)``, of rows that were checked.

    Under cosine rows of zeros are at distance 1 from all others. MemoryError as soon as what has been found takes more
    than ``memory_limit`` bytes; -1 is no limit.
    """
    return _core.within_radius(x, y, metric=metric, radius=radius, memory_limit=memory_limit, n_threads=n_threads)


def nearest_neighbors(
    X: FloatArray, k: int, Y: FloatArray | None = None, *, metric: str = "cosine", n_threads: int | None = None
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The ``k`` nearest rows of ``Y`` for each row of ``X``.

    X : (n, d) float32, float64 or float16; Y : (m, d), or None for ``X`` itself.
    k : from 1 to the number of rows searched. metric : "cosine", "euclidean" or "sqeuclidean".

    Returns ``(distances, indices)``, (n, k) float32 and (n, k) int64, nearest first; equal float64 distances are
    ordered by lower index. Without ``Y`` each row comes first in its own list, before any duplicate of it.

    TypeError and ValueError as in :func:`cosine_distances`; ValueError for a k outside its range; MemoryError for a
    result larger than the memory that is left.
    Memory O(n (d + k)): codes of rows, a byte a number (five without VNNI), and, of ``X`` itself, the candidates of all
    rows, 1.8 to 5.4 KB each for k = 10 (unless 1.8 are more than ``X`` and 256 MB). Time O(n m d / threads), half of
    it without ``Y``. How: `docs/how-it-works/sweep.md`.
    """
    _check.choice(metric, "metric", METRICS)
    threads = _threads.resolve(n_threads)
    x, y = _rows(X, Y, metric, threads)
    n_candidates = len(x if y is None else y)
    # Of no rows at all none is missing, so that any k is in order there.
    most = None if y is None and n_candidates == 0 else n_candidates
    count = _check.integer(k, "k", minimum=1, maximum=most, why=", the number of rows to choose from")
    shape = (len(x), count)
    _memory.require(
        12 * len(x) * count, f"a result of shape {shape}", "choose a smaller k, or take some rows at a time"
    )
    distances, indices = np.empty(shape, np.float32), np.empty(shape, np.int64)
    if len(x) == 0:
        return distances, indices
    _core.nearest(x, y, distances, indices, metric=metric, n_threads=threads)
    return distances, indices


def debug_counters(*, reset: bool = False) -> dict[str, int]:
    """How pairs of rows have been decided since the process began, or since the last reset.

    ``pairs_along_axes`` were looked at along the few directions in which the rows differ most, which saved
    ``products_saved`` multiplications of codes (less than none if it cost more). ``pairs_in_codes`` were looked at with
    codes of a few bits: what the axes left, or everything where they do not pay. ``pairs_in_float32`` were looked at
    in float32, after codes left too many in doubt or instead of them (few rows, few columns, near duplicates). These
    count work: a pair may count once, or for each of its rows. ``pairs_in_float64`` were decided on the rows as given,
    or had their distance computed there; ``pairs_accepted`` were proved to be within the radius without that. The rest
    was proved to be out of reach.
    ``linkage_rounds`` of merges were made from vectors, ``linkage_searches`` times a cluster was compared with all
    others for them, and ``linkage_recalls`` distances were measured to clusters that it had found near before.

    reset : set all counters to 0 after reading. Counts of calls that run at the same time are added up.
    """
    counters = _core.debug_counters()
    if reset:
        _core.reset_debug_counters()
    return counters
