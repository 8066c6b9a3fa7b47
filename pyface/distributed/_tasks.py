"""The tasks: each a function of a folder and some numbers, which reads blocks of rows and writes one result file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import pyface
from pyface._memory import reason
from pyface._npy import mapped
from pyface._typing import FloatArray
from pyface.distributed import _files, _parquet
from pyface.distributed._files import Result, Writer
from pyface.distributed._work import Work, load, worker_name
from pyface.errors import DistributedError, one_line
from pyface.kernels import density, distance
from pyface.kernels.linkage_below import edge_limit, forest_labels, joints_below, near_graph
from pyface.kernels.origin import kept_origin
from pyface.kernels.pairs import distances_of_pairs, usable_rows

CORE, ORDER, ORIGIN = "core.npy", "order.npy", "origin.npy"

# Of a task's memory the rows of two blocks and their codes, half as large, take a half; what the engine has found a
# quarter; copies of that, and the numbers of a row, the rest.
BLOCKS, FOUND = 6, 4
# So much is there anyway, beside what Python takes.
LEAST_MEMORY = 1 << 26


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker is sent.

    name : of the result file. digest : of the :class:`Work` of the folder. memory : bytes that the task may take; no
    result depends on it.
    """

    kind: str
    name: str
    folder: str
    digest: str
    n_threads: int
    memory: int
    parameters: dict[str, Any] = field(default_factory=dict)
    version: str = pyface.__version__

    @property
    def path(self) -> Path:
        return Path(self.folder) / self.name

    def question(self) -> str:
        """A digest of all that the result depends on."""
        text = json.dumps([self.digest, self.kind, self.name, self.parameters], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def result(self) -> Result | None:
        """The result file, or None where there is none, or that of another question."""
        found = _files.read(self.path)
        return found if found is not None and found.header["question"] == self.question() else None


@dataclass(slots=True)
class Counts:
    """What a task has moved: bytes of files read and written, and pairs of rows that were compared."""

    bytes_read: int = 0
    bytes_written: int = 0
    pairs: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Near pairs of some rows: ``counts`` (m,) pairs of each of the rows from ``row`` on, ``columns`` and
    ``distances`` of all of them; rows and columns are counted from the begin of their blocks."""

    row: int
    counts: NDArray[np.int32]
    columns: NDArray[np.int32]
    distances: NDArray[np.float32]

    def edges(self, before: int) -> density.Edges:
        """Pairs of rows where those of the second block are numbered behind ``before`` others; new arrays."""
        rows = np.arange(self.row, self.row + len(self.counts), dtype=np.int32)
        return np.repeat(rows, self.counts), self.columns + np.int32(before)


def run(job: Job) -> tuple[str, Counts]:
    """Run a task, unless its result is there by now; the name of this worker, and what was moved."""
    if job.version != pyface.__version__:
        raise DistributedError(
            f"worker {worker_name()} has pyface {pyface.__version__}, and the work was begun by {job.version}: install "
            "one version everywhere"
        )
    work = load(job.folder, job.digest)
    counts = Counts()
    if job.result() is None:
        try:
            with Writer(job.path) as out:
                header = _KINDS[job.kind](work, job, out, counts)
                counts.bytes_written += out.finish({**header, "question": job.question()})
        except DistributedError:
            raise
        except MemoryError as error:
            raise MemoryError(
                f"task {job.name} on worker {worker_name()}: {reason(error)}; give memory=, or run fewer tasks at "
                "a time"
            ) from error
        except Exception as error:
            raise DistributedError(
                f"task {job.name} failed on worker {worker_name()}: {one_line(error)}; when that is mended run again, "
                "it goes on"
            ) from error
    return worker_name(), counts


def _read(work: Work, i: int, counts: Counts, out: FloatArray | None = None) -> FloatArray:
    begin, end = work.block(i)
    counts.bytes_read += (end - begin) * work.rows.stored_bytes
    return work.rows.read(begin, end, out)


def _convert(work: Work, job: Job, out: Writer, counts: Counts) -> dict[str, Any]:
    """A Parquet file as a ``.npy`` file."""
    source, target = job.parameters["source"], Path(job.parameters["target"])
    try:
        with _files.replacing(target) as other:
            _parquet.write(source, other, work.rows.d, work.rows.stored)
    except ValueError as error:
        return {"bad": str(error)}
    counts.bytes_read += Path(source).stat().st_size
    counts.bytes_written += target.stat().st_size
    return {}


def _check(work: Work, job: Job, out: Writer, counts: Counts) -> dict[str, Any]:
    """The first row of a block that cannot be used, if any, and which columns of the origin the rows keep."""
    i = job.parameters["block"]
    x = _read(work, i, counts)
    nonzero = work.ask["nonzero"]
    if work.ask["origin"]:
        first = work.rows.read(0, 1)[0].astype(np.float64)
        out.add("origin", kept_origin(first, x))
    try:
        usable_rows(x, "cosine" if nonzero else "euclidean", job.n_threads)
    except ValueError:
        is_bad = ~np.isfinite(x).all(axis=1)
        if nonzero:
            is_bad |= ~x.any(axis=1)
        row = int(np.flatnonzero(is_bad)[0])
        column = np.flatnonzero(~np.isfinite(x[row]))
        why = f"holds {x[row, column[0]]} in column {column[0]}; all entries must be finite" if column.size else (
            "is all zeros and has no direction; remove it or use metric='euclidean'"
        )  # fmt: skip
        return {"bad": [work.block(i)[0] + row, why]}
    return {}


def _near(work: Work, job: Job, x: FloatArray, y: FloatArray | None, row: int = 0, column: int = 0) -> Iterator[Piece]:
    """The pairs within the radius, each once, in pieces that fit the memory that there is for what is found.

    Where the engine finds more, it looks at a half of the rows at a time: in the end at one row.
    """
    try:
        indptr, columns, distances = distance.pairs_within(
            x, y, work.ask["radius"], metric=work.ask["metric"], memory_limit=job.memory // FOUND,
            n_threads=job.n_threads,
        )  # fmt: skip
    except MemoryError:
        half = len(x) // 2
        if half == 0 and (y is None or len(y) < 2):
            raise
        if y is None:
            yield from _near(work, job, x[:half], None, row, column)
            yield from _near(work, job, x[:half], x[half:], row, column + half)
            yield from _near(work, job, x[half:], None, row + half, column + half)
        elif half:
            yield from _near(work, job, x[:half], y, row, column)
            yield from _near(work, job, x[half:], y, row + half, column)
        else:
            half = len(y) // 2
            yield from _near(work, job, x, y[:half], row, column)
            yield from _near(work, job, x, y[half:], row, column + half)
        return
    counts = np.diff(indptr).astype(np.int32)
    if y is None:
        rows = np.repeat(np.arange(len(x), dtype=np.int32), counts)
        is_above = columns > rows
        counts = np.bincount(rows[is_above], minlength=len(x)).astype(np.int32)
        columns, distances = columns[is_above], distances[is_above]
    columns += np.int32(column)
    yield Piece(row, counts, columns, distances)


def _blocks_of(work: Work, job: Job, counts: Counts) -> tuple[FloatArray, FloatArray | None]:
    i, j = job.parameters["blocks"]
    x = _read(work, i, counts)
    y = None if i == j else _read(work, j, counts)
    counts.pairs += len(x) * (len(x) - 1) // 2 if y is None else len(x) * len(y)
    return x, y


def _pairs(work: Work, job: Job, out: Writer, counts: Counts) -> dict[str, Any]:
    """The pairs of two blocks: with distances for a graph, and for DBSCAN unless they are too many to be kept."""
    x, y = _blocks_of(work, job, counts)
    is_graph = work.ask["operation"] == "neighbors_within"
    most = edge_limit(2 * x.nbytes)
    n_found, is_kept, n_x = 0, True, len(x)
    degrees = np.zeros(n_x + (0 if y is None else len(y)), np.int32)
    for piece in _near(work, job, x, y):
        n_found += len(piece.columns)
        degrees[piece.row : piece.row + len(piece.counts)] += piece.counts
        degrees += np.bincount(piece.columns + (0 if y is None else n_x), minlength=len(degrees)).astype(np.int32)
        if is_kept and not is_graph and n_found > most:
            out.drop("pairs")
            is_kept = False
        if is_kept and len(piece.columns):
            out.add("pairs", piece.counts, row=piece.row)
            out.add("pairs", piece.columns)
            if is_graph:
                out.add("pairs", piece.distances)
    out.add("degrees", degrees)
    return {"n_pairs": n_found, "is_kept": is_kept, "has_distances": is_graph}


def pieces_of(result: Result) -> Iterator[Piece]:
    """The pairs of a file, as they were found."""
    arrays = result.arrays("pairs")
    for entry, counts in arrays:
        columns = next(arrays)[1]
        distances = next(arrays)[1] if result.header["has_distances"] else np.empty(0, np.float32)
        yield Piece(entry["row"], counts, columns, distances)


def _forest(work: Work, job: Job, out: Writer, counts: Counts) -> dict[str, Any]:
    """What connects the rows of two blocks: a spanning forest of the pairs within the radius."""
    x, y = _blocks_of(work, job, counts)
    before = 0 if y is None else len(x)
    is_core = np.ones(len(x) + (0 if y is None else len(y)), np.bool_)
    edges = (piece.edges(before) for piece in _near(work, job, x, y))
    out.add("edges", density.essential_pairs(is_core, edges))
    return {}


def _joins(work: Work, job: Job, out: Writer, counts: Counts) -> dict[str, Any]:
    """What connects the core rows of two blocks, and them with others; from the file of the pairs if it has them."""
    blocks = [work.block(i) for i in sorted(set(job.parameters["blocks"]))]
    core = mapped(work.folder / CORE)
    is_core = np.concatenate([core[begin:end] for begin, end in blocks])
    before = 0 if len(blocks) == 1 else blocks[0][1] - blocks[0][0]
    found = _files.read(work.folder / job.parameters["pairs"])
    if found is None:
        raise DistributedError(f"{work.folder / job.parameters['pairs']}: is missing or damaged; run again")
    if found.header["is_kept"]:
        counts.bytes_read += found.n_bytes()
        pieces = pieces_of(found)
    else:
        x, y = _blocks_of(work, job, counts)
        pieces = _near(work, job, x, y)
    out.add("edges", density.essential_pairs(is_core, (piece.edges(before) for piece in pieces)))
    return {}


def _nearest(work: Work, job: Job, out: Writer, counts: Counts) -> dict[str, Any]:
    """The k nearest rows of each row of a block, block by block: by float64 distance, ties by lower row."""
    own, k, metric = job.parameters["block"], work.ask["k"], work.ask["metric"]
    begin, end = work.block(own)
    m = end - begin
    both: FloatArray = np.empty((m + work.rows_per_block, work.rows.d), work.rows.dtype)
    x = _read(work, own, counts, both[:m])
    distances, indices = np.empty((m, 0)), np.empty((m, 0), np.int64)
    for j in [own, *(other for other in range(work.n_blocks) if other != own)]:
        first, last = work.block(j)
        if j == own:
            found = distance.nearest_neighbors(x, min(k, m), metric=metric, n_threads=job.n_threads)[1]
            second = found
        else:
            y = _read(work, j, counts, both[m : m + last - first])
            found = distance.nearest_neighbors(x, min(k, len(y)), y, metric=metric, n_threads=job.n_threads)[1]
            second = found + m
        pairs = np.repeat(np.arange(m, dtype=np.int32), found.shape[1]), second.ravel().astype(np.int32)
        exact = distances_of_pairs(both, *pairs, metric=metric, n_threads=job.n_threads).reshape(found.shape)
        if j == own:
            exact[:, 0] = -1.0  # the row itself, which comes before all that are equal to it
        distances, indices = np.hstack([distances, exact]), np.hstack([indices, found + first])
        order = np.lexsort((indices, distances), axis=-1)[:, :k]
        distances, indices = np.take_along_axis(distances, order, 1), np.take_along_axis(indices, order, 1)
        counts.pairs += m * (last - first)
    distances[:, 0] = 0.0
    with np.errstate(over="ignore"):
        out.add("distances", distances.astype(np.float32))
    out.add("indices", indices)
    return {}


def _batch(work: Work, job: Job, out: Writer, counts: Counts) -> dict[str, Any]:
    """Some components, clustered as one machine does it: of each row the first row of its cluster."""
    begin, end = job.parameters["rows"]
    rows = np.sort(mapped(work.folder / ORDER)[begin:end])
    x = work.rows.take(rows)
    counts.bytes_read += len(rows) * work.rows.stored_bytes
    counts.pairs += len(rows) * (len(rows) - 1) // 2
    method, metric, threshold = work.ask["linkage"], work.ask["metric"], work.ask["threshold"]
    graph = near_graph(x, method, metric, threshold, has_cannot_link=False, n_threads=job.n_threads)
    origin = np.load(work.folder / ORIGIN) if job.parameters["has_origin"] else None
    joints = joints_below(
        x, graph, method, metric, threshold, origin=origin, memory_limit=max(job.memory, LEAST_MEMORY),
        n_threads=job.n_threads,
    )  # fmt: skip
    labels = forest_labels(joints.tree(len(x)), len(x))
    out.add("rows", rows)
    out.add("first", rows[np.unique(labels, return_index=True)[1]][labels])
    return {}


_KINDS: dict[str, Callable[[Work, Job, Writer, Counts], dict[str, Any]]] = {
    "convert": _convert,
    "check": _check,
    "pairs": _pairs,
    "forest": _forest,
    "joins": _joins,
    "nearest": _nearest,
    "batch": _batch,
}
