"""Neighbours within a radius, and the k nearest, of more rows than fit into memory."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check, _memory
from pyface._npy import mapped
from pyface.distributed import _files
from pyface.distributed._run import Progress, Run, Totals, finished
from pyface.distributed._tasks import Job, pieces_of
from pyface.kernels.distance import METRICS

if TYPE_CHECKING:
    from scipy.sparse import csr_array

# What a row of a block takes for each of its k neighbours while those of another block are put among them.
_BYTES_PER_NEIGHBOR = 120
_ENTRY = np.dtype([("row", np.int32), ("column", np.int32), ("distance", np.float32)])


class NeighborGraph:
    """The pairs of rows within a radius, in the files of a folder: what :func:`neighbors_within` gives.

    shape : (n, n). nnz : number of entries, two for each pair and one for each row, its own neighbour at distance 0.
    totals : what the call has done.
    """

    def __init__(self, run: Run, jobs: list[Job], degrees: NDArray[np.int64], totals: Totals) -> None:
        self._run, self._jobs = run, jobs
        self.totals = totals
        self.shape = (run.n, run.n)
        self._indptr: NDArray[np.int64] = np.concatenate([[0], np.cumsum(degrees + 1)])
        self.nnz = int(self._indptr[-1])

    def __repr__(self) -> str:
        return f"NeighborGraph({self.shape[0]:,} rows, {self.nnz:,} entries, in {self._run.work.folder})"

    def degrees(self) -> NDArray[np.int64]:
        """(n,) neighbours of each row, itself among them."""
        return np.diff(self._indptr)

    def rows(self, begin: int, end: int) -> csr_array:
        """Rows [begin, end) as a ``scipy.sparse.csr_array`` (end - begin, n) of float32 distances, columns increasing.

        Time: the files of the blocks in which these rows lie are read: rows that :meth:`blocks` gives together cost as
        much as one of them. Memory about 60 bytes an entry; MemoryError if they are more than there is memory for.
        """
        begin = _check.integer(begin, "begin", minimum=0, maximum=self.shape[0])
        end = _check.integer(end, "end", minimum=begin, maximum=self.shape[0])
        n_entries = int(self._indptr[end] - self._indptr[begin])
        _memory.require(60 * n_entries, f"{n_entries:,} entries of the graph", "take fewer rows at a time")
        return self._csr(*self._entries(begin, end), self._indptr[begin : end + 1] - self._indptr[begin])

    def blocks(self) -> Iterator[tuple[int, csr_array]]:
        """All rows, some at a time: the first one's number and what :meth:`rows` gives of them."""
        for i in range(self._run.work.n_blocks):
            begin, end = self._run.work.block(i)
            yield begin, self.rows(begin, end)

    def to_csr(self) -> csr_array:
        """All of it, as :func:`pyface.neighbors_within` gives it: 8 bytes an entry.

        MemoryError, with the number of entries, before memory is taken for them, where they are too many.
        """
        work = self._run.work
        blocks = [work.block(i) for i in range(work.n_blocks)]
        widest = max((int(self._indptr[end] - self._indptr[begin]) for begin, end in blocks), default=0)
        _memory.require(
            8 * self.nnz + 60 * widest, f"a graph of {self.nnz:,} entries", "take some rows at a time, by blocks()"
        )
        columns, distances = np.empty(self.nnz, np.int32), np.empty(self.nnz, np.float32)
        for begin, end in blocks:
            place = slice(int(self._indptr[begin]), int(self._indptr[end]))
            columns[place], distances[place] = self._entries(begin, end)
        return self._csr(columns, distances, self._indptr)

    def _entries(self, begin: int, end: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        work = self._run.work
        own = np.zeros(end - begin, _ENTRY)
        own["row"] = own["column"] = np.arange(begin, end)
        parts = [own]
        for job in self._jobs:
            i, j = job.parameters["blocks"]
            spans = [work.block(i), work.block(j)]
            is_there = [first < end and begin < last for first, last in spans]
            if not any(is_there):
                continue
            for piece in pieces_of(finished(job)):
                row, column = piece.edges(0)
                row += np.int32(spans[0][0])
                column += np.int32(spans[1][0])
                for is_wanted, one, other in ((is_there[0], row, column), (is_there[1], column, row)):
                    if is_wanted:
                        inside = np.flatnonzero((one >= begin) & (one < end))
                        part = np.empty(len(inside), _ENTRY)
                        part["row"], part["column"] = one[inside], other[inside]
                        part["distance"] = piece.distances[inside]
                        parts.append(part)
        entries = np.concatenate(parts)
        order = np.lexsort((entries["column"], entries["row"]))
        return entries["column"][order], entries["distance"][order]

    def _csr(self, columns: NDArray[np.int32], distances: NDArray[np.float32], indptr: NDArray[np.int64]) -> csr_array:
        from scipy.sparse import csr_array

        graph = csr_array((distances, columns, indptr), shape=(len(indptr) - 1, self.shape[1]))
        graph.has_sorted_indices = True
        return graph


def neighbors_within(
    rows: Any,
    radius: float,
    *,
    metric: str = "cosine",
    folder: Any,
    executor: Executor | None = None,
    n_threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> NeighborGraph:
    """Pairs of rows at a distance of at most ``radius``, as :func:`pyface.neighbors_within` has them, in a folder.

    rows, folder, executor, n_threads, memory, progress : see :mod:`pyface.distributed`.
    radius : >= 0, inclusive, in the units of ``metric``: "cosine", "euclidean" or "sqeuclidean".

    Disk: 8 bytes a pair, each pair once, and 8 bytes a row for each block.
    ValueError for rows that cannot be used, with file and row; DistributedError as said there.
    """
    ask = {
        "operation": "neighbors_within",
        "metric": _check.choice(metric, "metric", METRICS),
        "radius": _check.number(radius, "radius", minimum=0),
        "nonzero": metric == "cosine",
        "origin": False,
    }
    run = Run(
        rows, ask, folder=folder, executor=executor, n_threads=n_threads, memory=memory, progress=progress, n_least=0
    )
    jobs = run.block_pairs("pairs")
    run.require_disk(8 * run.n * run.work.n_blocks)
    degrees = np.zeros(run.n, np.int64)
    for job, result in zip(jobs, run.stage("pairs", jobs), strict=True):
        add_degrees(run, job, result, degrees)
    return NeighborGraph(run, jobs, degrees, run.done())


def add_degrees(run: Run, job: Job, result: _files.Result, degrees: NDArray[Any]) -> None:
    """Add what a task has counted for the rows of its two blocks."""
    own = result.array("degrees")
    i, j = job.parameters["blocks"]
    first, last = run.work.block(i)
    degrees[first:last] += own[: last - first]
    if i != j:
        first_of_j, last_of_j = run.work.block(j)
        degrees[first_of_j:last_of_j] += own[last - first :]


def nearest_neighbors(
    rows: Any,
    k: int,
    *,
    metric: str = "cosine",
    folder: Any,
    executor: Executor | None = None,
    n_threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The ``k`` nearest rows of each row, as :func:`pyface.nearest_neighbors` has them, in a folder.

    rows, folder, executor, n_threads, memory, progress : see :mod:`pyface.distributed`.
    k : from 1 to n. metric : "cosine", "euclidean" or "sqeuclidean".

    Returns ``(distances, indices)``, (n, k) float32 and int64, mapped from ``distances.npy`` and ``indices.npy`` of the
    folder for reading only. Each row comes first in its own list; equal float64 distances by lower index.

    A task is one block against all rows. Disk: 24 bytes for each of the n k neighbours.
    ValueError for rows that cannot be used, with file and row, and a k out of range; DistributedError as said there.
    """
    count = _check.integer(k, "k", minimum=1)
    ask = {
        "operation": "nearest_neighbors",
        "metric": _check.choice(metric, "metric", METRICS),
        "k": count,
        "nonzero": metric == "cosine",
        "origin": False,
    }
    run = Run(
        rows, ask, folder=folder, executor=executor, n_threads=n_threads, memory=memory, progress=progress,
        more_per_row=_BYTES_PER_NEIGHBOR * count,
    )  # fmt: skip
    run.require_disk(24 * run.n * count)
    jobs = [run.job("nearest", i, block=i) for i in range(run.work.n_blocks)]
    results = list(run.stage("nearest", jobs))
    found = []
    for name, dtype in (("distances", np.float32), ("indices", np.int64)):
        path = run.work.folder / f"{name}.npy"
        if not path.exists():
            with _files.replacing(path) as other:
                whole = np.lib.format.open_memmap(other, "w+", dtype, (run.n, count))
                for i, result in enumerate(results):
                    begin, end = run.work.block(i)
                    whole[begin:end] = result.array(name)
                whole.flush()
                del whole
        found.append(mapped(path))
    run.done()
    return found[0], found[1]
