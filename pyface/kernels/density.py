"""DBSCAN of rows of vectors, from a stream of the pairs within reach. Numba is loaded at the first call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from pyface import _core
from pyface._typing import FloatArray, Labels

Edges = tuple[NDArray[np.int32], NDArray[np.int32]]
# (n,) numbers: edges of rows that have the same one, not -1, are not asked for any more.
Settled = Callable[[], NDArray[np.int32]]

# Some milliseconds of work, as Ctrl-C is not seen before it is done, but enough that the calls themselves cost nothing.
EDGES_AT_ONCE = 1 << 18


def dbscan(
    x: FloatArray,
    radius: float,
    min_samples: int,
    *,
    metric: str,
    weights: NDArray[np.float64] | None,
    n_threads: int,
) -> tuple[Labels, NDArray[np.bool_]]:
    """DBSCAN of the rows of ``x``: ``(labels, is_core)``.

    x : (n, d) float32 or float64, finite. weights : (n,) finite, of any sign, or None for ones.
    metric : "cosine", "euclidean" or "sqeuclidean"; under cosine a row of zeros is at distance 1 from every other row.
    A row is a neighbour at a distance <= radius, decided in float64, and it is its own neighbour. It is a core row if
    it has ``min_samples`` neighbours, or if ``np.sum`` of their weights in the order of the rows reaches that number.

    labels : (n,) int64, -1 = noise, clusters numbered by smallest core row, a border row in the first of its clusters.

    Time: one sweep over all pairs, two with weights; seldom a third (border rows that lie between clusters more than
    4 n times), and a part of one for rows whose weights sum to within rounding errors of ``min_samples``. Memory: about
    50 bytes per row and a piece of the stream; without weights also up to 16 (min_samples - 2) bytes for each row that
    is not core.
    """
    rows = np.require(x, requirements=["C", "A"])  # scikit-learn's checks let views through that are not aligned

    def edges(settled: Settled | None = None) -> Iterator[Edges]:
        return _edges(rows, metric, radius, n_threads, settled)

    if weights is None:
        return _by_count(len(rows), min_samples, edges)

    def neighbors(some: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        return _core.within_radius(rows[some], rows, metric=metric, radius=radius, n_threads=n_threads)[:2]

    is_core = _core_by_weight(np.ascontiguousarray(weights, np.float64), min_samples, edges, neighbors)
    return labels_of(is_core, edges), is_core


def _edges(
    x: FloatArray, metric: str, radius: float, n_threads: int, settled: Settled | None
) -> Iterator[Edges]:  # fmt: skip
    """The pairs i < j within the radius that are asked for, each once, in pieces of arrays that are the caller's."""
    stream = _core.EdgeStream(x, metric=metric, radius=radius, n_threads=n_threads)
    numbers, n_since = None, 0
    while (found := stream.next(EDGES_AT_ONCE, numbers)) is not None:
        i, j = found
        n_since += len(i)
        for begin in range(0, len(i), EDGES_AT_ONCE):
            piece = slice(begin, begin + EDGES_AT_ONCE)
            yield i[piece], j[piece]
        if settled is not None and n_since >= len(x):  # so that asking costs no more than the edges did
            numbers, n_since = settled(), 0


def _by_count(
    n: int, min_samples: int, edges: Callable[[Settled], Iterator[Edges]]
) -> tuple[Labels, NDArray[np.bool_]]:  # fmt: skip
    """Labels and core rows of ``n`` rows without weights: each edge is looked at once, if at all."""
    from pyface._numba import dbscan as jit

    is_core = np.full(n, min_samples == 1)
    components = _Components(is_core)
    if min_samples <= n:  # otherwise no row can be core, and each edge would be kept
        counts = np.ones(n, np.int32)
        for i, j in edges(components.settled):
            jit.count(i, j, min_samples, counts, is_core)
            components.add(i, j)
    components.settle(is_final=True)
    return components.labels(), is_core


def essential_pairs(is_core: NDArray[np.bool_], edges: Iterable[Edges]) -> NDArray[np.int32]:
    """Pairs (m, 2) that say as much of :func:`labels_of` as these edges, together with any others.

    Of the pairs of core rows a spanning forest; of each other row one core row in each of the trees it is near to. The
    arrays of ``edges`` are written to. With all rows core these are at most n - 1 pairs, which connect what edges do.
    """
    components = _Components(is_core)
    for i, j in edges:
        for begin in range(0, len(i), EDGES_AT_ONCE):
            piece = slice(begin, begin + EDGES_AT_ONCE)
            components.add(i[piece], j[piece], is_final=True)
    components.settle(is_final=True)
    return components.essential()


def labels_of(is_core: NDArray[np.bool_], edges: Callable[[Settled], Iterator[Edges]]) -> Labels:
    """Labels where the core rows are known: memory O(n), as only edges to a border row's further clusters are kept.

    Each edge that is asked for has to come once at least, in either order of its rows, in arrays that are written to.
    """
    components = _Components(is_core)
    if not is_core.any():
        return components.labels()
    is_complete = True
    for i, j in edges(components.settled):
        components.add(i, j, is_final=True)
        if components.n_kept > EDGES_AT_ONCE + 4 * len(is_core):
            components.forget()
            is_complete = False
    labels = components.labels()
    if not is_complete:
        for i, j in edges(components.settled):
            at_border = is_core[i] != is_core[j]
            a, b = i[at_border], j[at_border]
            _lower(labels, np.where(is_core[a], a, b), np.where(is_core[a], b, a))
    return labels


class _Components:
    """Trees of core rows, and the edges that may still matter.

    The edges come in any order. Kept are those between two rows that are not core so far, for they may become it, and
    those between a core row and a row that is not core but has a core neighbour in another tree. Each row that is not
    core has at most ``min_samples - 2`` others around it, which bounds them; they are gone through again when they are
    twice as many as the last time, which costs no more than taking them in.
    """

    def __init__(self, is_core: NDArray[np.bool_]) -> None:
        n = len(is_core)
        self.n_kept = 0
        self._is_core = is_core
        self._parents = np.arange(n, dtype=np.int32)
        self._anchors = np.full(n, -1, np.int32)
        self._kept: list[Edges] = []
        self._limit = EDGES_AT_ONCE

    def add(self, i: NDArray[np.int32], j: NDArray[np.int32], *, is_final: bool = False) -> None:
        """Take in edges; ``i`` and ``j`` are written to. ``is_final`` : no more rows will become core."""
        self._take(i, j, is_final)
        if self.n_kept > self._limit:
            self.settle(is_final=is_final)

    def settle(self, *, is_final: bool) -> None:
        """Drop the edges that no longer matter, now that more rows are core and fewer trees are apart."""
        # Rows that had an anchor before they became core.
        rows = np.flatnonzero(self._is_core & (self._anchors >= 0)).astype(np.int32)
        for begin in range(0, len(rows), EDGES_AT_ONCE):
            some = rows[begin : begin + EDGES_AT_ONCE]
            self._take(some, self._anchors[some], is_final)
        kept = self.forget()
        while kept:
            self._take(*kept.pop(), is_final)
        self._limit = max(EDGES_AT_ONCE, 2 * self.n_kept)

    def forget(self) -> list[Edges]:
        """Drop the kept edges, and return them."""
        kept, self._kept, self.n_kept = self._kept, [], 0
        return kept

    def settled(self) -> NDArray[np.int32]:
        """The root of each core row, -1 of others: an edge inside of a tree of core rows says nothing more."""
        from pyface._numba import dbscan as jit

        roots = np.full(len(self._is_core), -1, np.int32)
        for begin in range(0, len(roots), EDGES_AT_ONCE):
            jit.put_roots(self._parents, self._is_core, begin, min(len(roots), begin + EDGES_AT_ONCE), roots)
        return roots

    def essential(self) -> NDArray[np.int32]:
        """The pairs (m, 2) that the trees, the anchors and what is kept are made of."""
        rows = np.arange(len(self._is_core), dtype=np.int32)
        child = rows[self._parents != rows]
        border = rows[~self._is_core & (self._anchors >= 0)]
        pairs = [(self._parents[child], child), (self._anchors[border], border), *self._kept]
        return np.concatenate([np.column_stack(pair) for pair in pairs])

    def labels(self) -> Labels:
        """Labels of all rows, once no row can become core and nothing but borders is kept."""
        from pyface._numba import dbscan as jit

        n = len(self._is_core)
        labels = np.full(n, -1, np.int64)
        n_clusters = 0
        for begin in range(0, n, EDGES_AT_ONCE):
            end = min(n, begin + EDGES_AT_ONCE)
            n_clusters = jit.number(self._parents, self._is_core, begin, end, n_clusters, labels)
        border = np.flatnonzero(~self._is_core & (self._anchors >= 0))
        labels[border] = labels[self._anchors[border]]
        for core, other in self._kept:
            _lower(labels, core, other)
        return labels

    def _take(self, i: NDArray[np.int32], j: NDArray[np.int32], is_final: bool) -> None:
        from pyface._numba import dbscan as jit

        n_kept = jit.join(i, j, self._is_core, is_final, self._parents, self._anchors)
        if n_kept:
            self._kept.append((i[:n_kept].copy(), j[:n_kept].copy()))
            self.n_kept += n_kept


def _lower(labels: Labels, core: NDArray[np.int32], border: NDArray[np.int32]) -> None:
    """Give border rows the smallest label among their core neighbours."""
    np.minimum.at(labels, border, labels[core])


def _core_by_weight(
    weights: NDArray[np.float64],
    min_samples: int,
    edges: Callable[[], Iterator[Edges]],
    neighbors: Callable[[NDArray[np.int64]], tuple[NDArray[np.int64], NDArray[np.int32]]],
) -> NDArray[np.bool_]:
    """Rows whose neighbours' weights sum to ``min_samples``, exactly when ``np.sum`` says so.

    The sums of the stream have another order of additions. Both differ from the true sum by at most (k - 1) u sum|w|
    and terms in u^2, for k weights and u = 2^-53; rows for which that leaves a doubt are added up again with
    ``np.sum``. Weights that are multiples of a common power of two, such as integers, leave none: their sums are exact.
    """
    from pyface._numba import dbscan as jit

    counts = np.ones(len(weights), np.int32)
    sums, magnitudes = weights.copy(), np.abs(weights)
    for i, j in edges():
        jit.weigh(i, j, weights, counts, sums, magnitudes)
    is_core = sums >= min_samples
    # Twice the two errors; not written as <= because infinite weights make NaN.
    is_sure = np.abs(sums - min_samples) > 4 * 2.0**-53 * counts * magnitudes
    is_exact = magnitudes / 2.0**52 <= _common_power_of_two(weights)
    doubtful = np.flatnonzero(~(is_sure | is_exact))
    # Few rows at a time, as their vectors are copied, and with few neighbours in all.
    cost = np.cumsum(counts[doubtful] + EDGES_AT_ONCE // 4096, dtype=np.int64)
    begin = 0
    while begin < len(doubtful):
        end = begin + 1 + int(np.searchsorted(cost[begin + 1 :] - cost[begin], EDGES_AT_ONCE))
        indptr, indices = neighbors(doubtful[begin:end])
        for k, row in enumerate(doubtful[begin:end]):
            # A row of zeros is its own neighbour, though not by its cosine.
            around = np.union1d(indices[indptr[k] : indptr[k + 1]], row)
            is_core[row] = np.sum(weights[around]) >= min_samples
        begin = end
    return is_core


def _common_power_of_two(weights: NDArray[np.float64]) -> float:
    """The largest power of two of which all weights are multiples; infinite if all are 0."""
    mantissas, exponents = np.frexp(weights[weights != 0])
    digits = (mantissas * 2.0**53).astype(np.int64)
    return float(np.ldexp((digits & -digits).astype(np.float64), exponents - 53).min(initial=np.inf))
