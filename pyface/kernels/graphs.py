"""Clusters of graphs of neighbours. Numba is loaded at the first call."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pyface import _core, _memory
from pyface._typing import FloatArray, Labels
from pyface.kernels.relabeling import by_first_row

__all__ = ["Graph", "by_shared_neighbors", "by_whispers", "radius_graph", "weights"]

# Some milliseconds of work, as Ctrl-C is not seen before it is done.
STEPS_AT_ONCE = 1 << 23
_WHILE_BUILT = 14  # bytes for each entry, as the engine counts them: 28 for a pair
_COUNTS = re.compile(r"(\d+) pairs were found within the radius, about (\d+) are expected in all")


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """Rows and their neighbours within a radius, themselves included: ``indptr`` (n + 1,), and for each entry its
    column, increasing within a row, and its distance."""

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    distances: NDArray[np.float32]
    metric: str

    @property
    def n(self) -> int:
        return len(self.indptr) - 1


def radius_graph(x: FloatArray, radius: float, *, metric: str, bytes_per_entry: int, n_threads: int) -> Graph:
    """The graph of all pairs within the radius, decided in float64; under cosine zero rows are at 1 from all others.

    bytes_per_entry : what the caller takes for each entry with the graph, at least 14. A pair has two entries.
    MemoryError, with the number of pairs, as soon as they are more than there is memory for.
    """
    rows = np.require(x, requirements=["C", "A"])  # scikit-learn's checks let views through that are not aligned
    limit = _memory.limit(bytes_per_entry * len(rows) ** 2)
    try:
        indptr, indices, distances = _core.within_radius(
            rows, None, metric=metric, radius=radius, n_threads=n_threads,
            memory_limit=limit if limit < 0 else limit * _WHILE_BUILT // bytes_per_entry,
        )  # fmt: skip
    except MemoryError as error:
        counts = _COUNTS.match(str(error))
        if counts is None:
            raise
        needed = 2 * int(counts[2]) * bytes_per_entry
        raise MemoryError(
            f"{counts[0]}; with what is done with them they need {needed >> 20} MiB, and {limit >> 20} MiB are free. "
            "Choose a smaller radius or threshold, or cluster parts of the rows"
        ) from None
    return Graph(indptr.astype(np.int64, copy=False), indices.astype(np.int32, copy=False), distances, metric)


def weights(graph: Graph, temperature: float) -> NDArray[np.float64]:
    """(entries,) exp(-d^2 / temperature); d^2 under cosine is that of rows of length 1, twice the cosine distance."""
    squares = graph.distances.astype(np.float64)
    if graph.metric == "euclidean":
        squares *= squares
    squares *= (-2.0 if graph.metric == "cosine" else -1.0) / temperature
    return np.exp(squares, out=squares)


def by_shared_neighbors(graph: Graph, temperature: float, overlap: float) -> Labels:
    """Components of the pairs of neighbours whose probabilities of common neighbours sum to ``overlap`` in the mean.

    Labels are numbered by smallest rows. Time O(entries x degree) at most.
    """
    from pyface._numba import dbscan
    from pyface._numba import graph as jit

    # Of each row its own entry is exp(0), so that no sum is 0.
    probabilities = weights(graph, temperature)
    probabilities /= np.repeat(np.add.reduceat(probabilities, graph.indptr[:-1]), np.diff(graph.indptr))
    parents, labels, row = np.arange(graph.n, dtype=np.int32), np.empty(graph.n, np.int64), 0
    while row < graph.n:
        row = jit.join_shared(graph.indptr, graph.indices, probabilities, overlap, row, STEPS_AT_ONCE, parents)
    dbscan.number(parents, np.ones(graph.n, np.bool_), 0, graph.n, 0, labels)
    return labels


def by_whispers(graph: Graph, n_iterations: int, seed: int) -> Labels:
    """Labels that n_iterations x n visits leave, by smallest rows; fewer, where no visit changes anything any more."""
    from pyface._numba import graph as jit

    n = graph.n
    labels, votes = np.arange(n), np.zeros(n, np.int64)
    state = np.array([seed, 0], np.uint64)
    for _ in range(n_iterations):
        left, before = n, int(state[1])
        while left:
            left -= jit.whisper(graph.indptr, graph.indices, left, STEPS_AT_ONCE, state, labels, votes)
        if int(state[1]) == before and _is_settled(graph, labels, votes):
            break
    return by_first_row(labels)


def _is_settled(graph: Graph, labels: Labels, votes: NDArray[np.int64]) -> bool:
    from pyface._numba import graph as jit

    row, is_loose = 0, False
    while row < graph.n and not is_loose:
        row, is_loose = jit.first_unsettled(graph.indptr, graph.indices, row, STEPS_AT_ONCE, labels, votes)
    return not is_loose
