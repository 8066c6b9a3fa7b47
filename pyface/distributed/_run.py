"""From a question to the results of its tasks: what the driver does."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check, _threads
from pyface.distributed import _executors, _files
from pyface.distributed._files import Result
from pyface.distributed._sources import Source, source_of
from pyface.distributed._tasks import BLOCKS, CORE, ORDER, ORIGIN, Counts, Job
from pyface.distributed._work import WORK, begin, default_memory, folder_of
from pyface.errors import DistributedError

# Seconds until a file that a worker has written must be seen here.
_SEEN_AFTER = 60.0
# With smaller blocks, or more of them, the tasks alone take longer than the rows: 4,096 blocks make 8 million tasks.
_LEAST_ROWS, _MOST_BLOCKS = 8, 4096

Progress = Callable[[str, int, int], None]


@dataclass(slots=True)
class Totals:
    """What one call has done.

    tasks : run in this call. found : tasks whose files were there. bytes_read, bytes_written : of files, by tasks.
    pairs : of rows that were compared. workers : names of those that have run tasks, host/process.
    """

    tasks: int = 0
    found: int = 0
    bytes_read: int = 0
    bytes_written: int = 0
    pairs: int = 0
    workers: set[str] = field(default_factory=set)


class Run:
    """One call: the work of a folder, and who does it."""

    def __init__(
        self,
        rows: Any,
        ask: dict[str, Any],
        *,
        folder: Any,
        executor: Executor | None,
        n_threads: int | None,
        memory: int | None,
        progress: Progress | None,
        n_least: int = 1,
        more_per_row: int = 0,
    ) -> None:
        if executor is not None and not isinstance(executor, Executor):
            raise TypeError(
                f"executor must be a concurrent.futures.Executor or None, got {type(executor).__name__}; "
                "client.get_executor() is that of a Dask client"
            )
        if progress is not None and not callable(progress):
            raise TypeError(f"progress must be a function of (stage, done, total) or None, got {progress!r}")
        if memory is not None:
            memory = _check.integer(memory, "memory", minimum=1)
        self.n_threads = _threads.resolve(1 if n_threads is None and executor is not None else n_threads)
        self.totals = Totals()
        self._executor, self._progress = executor, progress
        self._jobs: list[Job] = []
        path = folder_of(folder)
        source = source_of(rows, path, _threads.resolve(None))
        if source.rows.n < n_least:
            raise ValueError(f"rows must be {n_least} at least, got {source.rows.n}")
        if source.rows.n >= 2**31 - 1:
            raise ValueError(f"rows must be fewer than 2**31 - 1, got {source.rows.n:,}")
        if "k" in ask:
            _check.integer(ask["k"], "k", minimum=1, maximum=source.rows.n, why=", the number of rows to choose from")
        self.memory = default_memory() if memory is None else memory
        per_row = BLOCKS * source.rows.row_bytes + more_per_row
        fits = self.memory // per_row
        least = max(min(source.rows.n, _LEAST_ROWS), -(-source.rows.n // _MOST_BLOCKS))
        if fits < least:
            raise ValueError(
                f"memory must be at least {least * per_row:,}, for blocks of {least:,} of the {source.rows.n:,} rows, "
                f"got {self.memory:,}: there would be too many tasks"
            )
        self._source = source
        self.work = begin(path, ask, source.identity, source.rows, rows_per_block=fits, is_given=memory is not None)
        if executor is not None:
            _executors.hello(executor)
        self._make(source)
        self._check_rows()

    @property
    def n(self) -> int:
        return self.work.rows.n

    def where(self, row: int) -> tuple[str, int]:
        """The file that the caller knows, or "rows" if it is none, and the number of a row there."""
        return self._source.where(row)

    def job(self, kind: str, *numbers: int, **parameters: Any) -> Job:
        name = "-".join([kind, *(f"{number:05d}" for number in numbers)])
        return Job(kind, name, str(self.work.folder), self.work.digest, self.n_threads, self.memory, parameters)

    def stage(self, name: str, jobs: list[Job]) -> Iterator[Result]:
        """Run the tasks whose files are not there; the results of all of them, in order."""
        todo = [job for job in jobs if job.result() is None]
        self._jobs += jobs
        self.totals.found += len(jobs) - len(todo)
        n_done = len(jobs) - len(todo)

        def on_done(job: Job, worker: str, counts: Counts) -> None:
            nonlocal n_done
            n_done += 1
            totals = self.totals
            totals.tasks += 1
            totals.bytes_read += counts.bytes_read
            totals.bytes_written += counts.bytes_written
            totals.pairs += counts.pairs
            totals.workers.add(worker)
            if self._progress is not None:
                self._progress(name, n_done, len(jobs))

        try:
            _executors.run_all(todo, self._executor, on_done)
        except DistributedError:
            self._source.require_unchanged()
            raise
        self._source.require_unchanged()
        return (finished(job) for job in jobs)

    def block_pairs(self, kind: str, **parameters: Any) -> list[Job]:
        """A task for each pair of blocks i <= j."""
        blocks = range(self.work.n_blocks)
        return [self.job(kind, i, j, blocks=[i, j], **parameters) for i in blocks for j in blocks if i <= j]

    def rows_of(self, job: Job, pairs: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Pairs of rows of two blocks, the second numbered behind the first, as pairs of all rows."""
        i, j = job.parameters["blocks"]
        first, last = self.work.block(i)
        after = self.work.block(j)[0] - last
        shifted = pairs + np.int32(first)
        if i != j:
            shifted[pairs >= last - first] += np.int32(after)
        return shifted[:, 0].copy(), shifted[:, 1].copy()

    def edges(self, jobs: list[Job]) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int32]]]:
        """The pairs of all rows in the results of tasks."""
        for job in jobs:
            yield self.rows_of(job, finished(job).array("edges"))

    def require_disk(self, n_bytes: int) -> None:
        _files.require_disk(self.work.folder, n_bytes, "the files of this work take")

    def write_core(self, is_core: NDArray[np.bool_]) -> None:
        _files.save(self.work.folder / CORE, is_core)

    def write_order(self, order: NDArray[np.int64]) -> None:
        _files.save(self.work.folder / ORDER, order)

    def done(self) -> Totals:
        """Take away what broken runs have left."""
        for path in self.work.folder.glob(f"*{_files.TEMPORARY}"):
            path.unlink(missing_ok=True)
        return self.totals

    def _make(self, source: Source) -> None:
        """Write the rows that are not in ``.npy`` files yet."""
        missing = source.missing()
        rows = source.rows
        self.require_disk(sum(rows.lengths[i] for i in missing) * rows.stored_bytes)
        if source.parquet:
            jobs = [
                self.job("convert", i, source=path, target=target)
                for i, (path, target) in enumerate(zip(source.parquet, rows.paths, strict=True))
            ]
            for i in missing:  # a result without its rows says nothing
                jobs[i].path.unlink(missing_ok=True)
            for result in self.stage("rows", jobs):
                if "bad" in result.header:
                    self._give_up()
                    raise ValueError(result.header["bad"])
        elif missing and source.write is not None:
            source.write(missing)

    def _check_rows(self) -> None:
        """ValueError, with file and row, for the first row that cannot be used; the origin of all."""
        jobs = [self.job("check", i, block=i) for i in range(self.work.n_blocks)]
        origin: NDArray[np.float64] | None = None
        for result in self.stage("check", jobs):
            if "bad" in result.header:
                row, why = result.header["bad"]
                path, place = self.where(row)
                self._give_up()
                raise ValueError(f"{path}: row {place} {why}")
            if self.work.ask["origin"]:
                own = result.array("origin")
                origin = own if origin is None else np.where(own != 0, origin, 0.0)
        self.has_origin = origin is not None and bool(origin.any())
        if self.has_origin:
            assert origin is not None
            _files.save(self.work.folder / ORIGIN, origin)

    def _give_up(self) -> None:
        """Leave the folder empty, so that rows which have been mended can be tried in it."""
        made = (Path(path) for path in self.work.rows.paths)
        ours = [job.path for job in self._jobs] + [path for path in made if path.parent == self.work.folder]
        for path in [*ours, self.work.folder / ORIGIN, self.work.folder / WORK]:
            path.unlink(missing_ok=True)


def finished(job: Job) -> Result:
    """The result of a task that was run."""
    until = time.monotonic() + _SEEN_AFTER
    while (found := job.result()) is None:
        # A network file system may remember for a while that the file was not there.
        os.listdir(job.folder)
        if time.monotonic() >= until:
            raise _missing(job.path)
        time.sleep(0.1)
    return found


def _missing(path: Path) -> DistributedError:
    return DistributedError(
        f"{path}: was written by a worker and is not seen here: all workers and this process need one folder under one "
        "path"
    )
