"""Running tasks: in this process, or by any ``concurrent.futures.Executor``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from pathlib import Path
from typing import Any

from pyface.distributed._tasks import Counts, Job, run
from pyface.errors import DistributedError, PyfaceError, one_line

# So many tasks wait at a worker that has been seen; so many are sent before anybody was.
_WAITING, _FIRST = 3, 16
# What a worker without pyface can answer too: its name, and whether it has it.
_HELLO = (
    "(__import__('platform').node() + '/' + str(__import__('os').getpid()),"
    " __import__('importlib.util', fromlist=['util']).find_spec('pyface') is not None)"
)
_GOES_ON = "what is finished is kept: run again, it goes on"


def hello(executor: Executor) -> None:
    """Ask whether workers have pyface. DistributedError, with the worker's name, for one that has not."""
    try:
        futures: list[Future[Any]] = [executor.submit(eval, _HELLO) for _ in range(_FIRST)]
        said = [future.result() for future in futures]
    except BrokenExecutor as error:
        raise DistributedError(
            f"a worker process has died before its first task ({one_line(error)}): it was killed, or the program "
            "makes its processes outside of if __name__ == '__main__':"
        ) from error
    except Exception as error:
        raise DistributedError(
            f"executor takes no tasks ({one_line(error)}): give one that has not been shut down or closed"
        ) from error
    for name, has_pyface in said:
        if not has_pyface:
            raise DistributedError(
                f"worker {name} has no pyface: install pyface-toolkit there, in the version that runs here"
            )


def run_all(jobs: Sequence[Job], executor: Executor | None, on_done: Callable[[Job, str, Counts], None]) -> None:
    """Run the tasks. ``on_done`` is called for each in this thread, in the order in which they end.

    The first task that fails ends all: those that have not begun are cancelled, and its error is raised. So does
    KeyboardInterrupt. What has been finished stays in its file.
    """
    if executor is None:
        for job in jobs:
            on_done(job, *run(job))
        return
    left = iter(jobs)
    running: dict[Future[Any], Job] = {}
    workers: set[str] = set()
    again: set[str] = set()
    try:
        _submit(executor, left, running, _FIRST)
        while running:
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                job = running.pop(future)
                if job.name not in again and _is_lost(future, job):
                    again.add(job.name)
                    running[executor.submit(run, job)] = job
                    continue
                name, counts = _result(future, job)
                workers.add(name)
                on_done(job, name, counts)
            _submit(executor, left, running, max(_FIRST, _WAITING * len(workers)))
    except BrokenExecutor as error:
        raise _broken(Path(jobs[0].folder), error) from error
    finally:
        for future in running:
            future.cancel()


def _submit(executor: Executor, left: Iterable[Job], running: dict[Future[Any], Job], most: int) -> None:
    while len(running) < most:
        job = next(left, None)  # type: ignore[call-overload]
        if job is None:
            return
        running[executor.submit(run, job)] = job


def _is_lost(future: Future[Any], job: Job) -> bool:
    """Whether a task has done its work, and the executor failed: Dask's own does, with a ValueError, if the worker dies
    while its answer is being fetched. Asked again, the task finds its file."""
    if future.cancelled():
        return False
    error = future.exception()
    own = (PyfaceError, MemoryError, BrokenExecutor)
    return error is not None and not isinstance(error, own) and job.result() is not None


def _result(future: Future[Any], job: Job) -> tuple[str, Counts]:
    try:
        name, counts = future.result()
    except (PyfaceError, MemoryError, BrokenExecutor):
        raise
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] == "pyface":
            said = f"a worker has no pyface ({error}): install pyface-toolkit there, in the version that runs here"
        else:
            said = one_line(error)
        raise DistributedError(f"task {job.name} failed: {said}; {_GOES_ON}") from error
    return name, counts


def _broken(folder: Path, error: BrokenExecutor) -> DistributedError:
    return DistributedError(
        f"a worker process has died ({one_line(error)}), killed or out of memory; {_GOES_ON} in {folder}"
    )
