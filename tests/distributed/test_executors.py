"""Any executor; work that was broken off goes on; tasks and workers that fail are named."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from distributed_crowds import crowd, memory_for

from pyface import cluster, distributed
from pyface.distributed import _executors, _files, _rows, _run, _tasks, _work
from pyface.errors import DistributedError

X = crowd(200)
HOW: dict[str, Any] = {"memory": memory_for(X, 50)}
N_TASKS = 4 + 10 + 10  # 4 blocks: looked at, pairs of them, and those once more
MODEL = distributed.DBSCAN(0.12, metric="cosine")
LABELS = cluster.DBSCAN(0.12, metric="cosine").fit(X).labels_


def fitted(folder: Path, rows: Any = X, **how: Any) -> distributed.Totals:
    model = distributed.DBSCAN(0.12, metric="cosine").fit(rows, folder=folder, **{**HOW, **how})
    np.testing.assert_array_equal(model.labels_, LABELS)
    return model.totals_


def processes(**options: Any) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(2, mp_context=get_context("spawn"), **options)


class Here(Executor):
    """Runs what it is given at once; ``change`` may replace a task, or raise."""

    def __init__(self, change: Any = lambda job: job) -> None:
        self.change, self.n_seen = change, 0

    def submit(self, function: Any, *arguments: Any, **_: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            if isinstance(arguments[0], _tasks.Job):
                self.n_seen += 1
                arguments = (self.change(arguments[0]),)
            future.set_result(function(*arguments))
        except BaseException as error:
            future.set_exception(error)
        return future


def test_processes_and_one_that_is_killed(tmp_path: Path) -> None:
    """The kill comes when the file of a task has appeared; the same call goes on with another pool."""
    seen: list[str] = []

    def kill(stage: str, done: int, total: int) -> None:
        if stage == "pairs" and not seen:
            seen.append(stage)
            os.kill(next(iter(pool._processes)), signal.SIGKILL if os.name == "posix" else signal.SIGTERM)

    with processes() as pool, pytest.raises(DistributedError, match=r"process has died.*run again, it goes on"):
        fitted(tmp_path, executor=pool, progress=kill)
    n_files = len(list(tmp_path.glob("pairs-*"))) - len(list(tmp_path.glob("pairs-*.tmp")))
    assert n_files >= 1
    with processes() as pool:
        totals = fitted(tmp_path, executor=pool)
    assert totals.found >= 4 + n_files and totals.tasks + totals.found == N_TASKS
    assert totals.workers and not any(name.endswith(f"/{os.getpid()}") for name in totals.workers)
    assert not list(tmp_path.glob("*.tmp"))


def test_threads_do_all_that_this_process_does(tmp_path: Path) -> None:
    with ThreadPoolExecutor(3) as pool:
        there = fitted(tmp_path / "threads", executor=pool)
        average = distributed.AgglomerativeClustering(distance_threshold=0.12, metric="cosine")
        average.fit(X, folder=tmp_path / "average", executor=pool, **HOW)
        found = distributed.nearest_neighbors(X, 5, folder=tmp_path / "nearest", executor=pool)
    assert there == fitted(tmp_path / "here")
    expected = cluster.AgglomerativeClustering(None, metric="cosine", linkage="average", distance_threshold=0.12)
    np.testing.assert_array_equal(average.labels_, expected.fit(X).labels_)
    assert found[0].shape == found[1].shape == (200, 5)


def test_progress_is_told_of_each_task(tmp_path: Path) -> None:
    said: list[tuple[str, int, int]] = []
    fitted(tmp_path, progress=lambda *what: said.append(what))
    stages = [("check", 4), ("pairs", 10), ("joins", 10)]
    assert said == [(name, i + 1, n) for name, n in stages for i in range(n)]


def test_what_is_finished_is_not_made_again(tmp_path: Path) -> None:
    first = fitted(tmp_path)
    assert (first.tasks, first.found) == (N_TASKS, 0)
    again = fitted(tmp_path)
    assert (again.tasks, again.found, again.pairs, again.bytes_read) == (0, N_TASKS, 0, 0)
    fitted(tmp_path, memory=None)  # in the blocks that there are
    fitted(tmp_path, memory=1 << 30)


@pytest.mark.parametrize("harm", ["gone", "cut", "changed end", "other question"])
def test_a_file_that_is_not_whole_is_made_again(harm: str, tmp_path: Path) -> None:
    fitted(tmp_path)
    path = tmp_path / "pairs-00000-00002"
    whole = path.read_bytes()
    if harm == "gone":
        path.unlink()
    elif harm == "other question":
        shutil.copy(tmp_path / "pairs-00000-00001", path)
    else:
        path.write_bytes(whole[:-1] if harm == "cut" else whole[:-30] + b"x" + whole[-29:])
    assert fitted(tmp_path).tasks == 1
    assert path.read_bytes() == whole
    for i in range(0, len(whole), 97):  # a file cut anywhere is none
        path.write_bytes(whole[:i])
        assert _files.read(path) is None


def test_a_flipped_byte_is_told(tmp_path: Path) -> None:
    distributed.AgglomerativeClustering(distance_threshold=0.12).fit(X, folder=tmp_path, **HOW)
    path = tmp_path / "forest-00000-00000"
    content = bytearray(path.read_bytes())
    content[20] ^= 1
    path.write_bytes(content)
    with pytest.raises(DistributedError, match="forest-00000-00000: is damaged; delete it and run again"):
        distributed.AgglomerativeClustering(distance_threshold=0.12).fit(X, folder=tmp_path, **HOW)
    path.unlink()
    distributed.AgglomerativeClustering(distance_threshold=0.12).fit(X, folder=tmp_path, **HOW)


def test_another_question_is_refused(tmp_path: Path) -> None:
    fitted(tmp_path)
    for words, call in (
        ("with metric 'cosine', and not 'euclidean'", lambda: distributed.DBSCAN(0.12).fit(X, folder=tmp_path)),
        ("with radius", lambda: distributed.DBSCAN(0.1, metric="cosine").fit(X, folder=tmp_path)),
        ("with other rows", lambda: MODEL.fit(X[::-1], folder=tmp_path)),
        (
            "with operation 'DBSCAN', and not 'nearest_neighbors'",
            lambda: distributed.nearest_neighbors(X, 3, folder=tmp_path),
        ),
        ("holds work begun in blocks of 50 rows", lambda: fitted(tmp_path, memory=memory_for(X, 20))),
    ):
        with pytest.raises(DistributedError, match=words):
            call()
    (tmp_path / _work.WORK).write_text("{}")
    with pytest.raises(DistributedError, match="damaged or of something else"):
        fitted(tmp_path)
    (tmp_path / _work.WORK).unlink()
    with pytest.raises(DistributedError, match="not made for such work; choose a new folder"):
        fitted(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(DistributedError, match="cannot be used"):
        fitted(tmp_path / "file")


def test_rows_that_have_changed_are_other_rows(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    np.save(path, X)
    fitted(tmp_path / "work", path)
    np.save(path, X[:-1])
    with pytest.raises(DistributedError, match="with other rows"):
        MODEL.fit(path, folder=tmp_path / "work", **HOW)


def test_the_first_task_that_fails_ends_all_and_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class GoneError(Exception):
        pass

    def fail(*_: Any) -> Any:
        raise GoneError("no such\ndisk")

    monkeypatch.setitem(_tasks._KINDS, "pairs", fail)
    for executor in (None, Here()):
        with pytest.raises(DistributedError, match=r"task pairs-\d+-\d+ failed on worker .*: no such disk") as said:
            fitted(tmp_path, executor=executor)
        assert isinstance(said.value.__cause__, GoneError)

    def take_too_much(*_: Any) -> Any:
        raise MemoryError

    monkeypatch.setitem(_tasks._KINDS, "pairs", take_too_much)
    with pytest.raises(MemoryError, match=r"task pairs-00000-00000 on worker .*: not enough memory; give memory="):
        fitted(tmp_path)
    monkeypatch.undo()
    assert fitted(tmp_path).found == 4
    assert not list(tmp_path.glob("*.tmp"))


def test_few_tasks_wait_at_a_time_and_the_rest_is_cancelled(tmp_path: Path) -> None:
    """A pool that does nothing until it is told how many tasks have come."""
    n_running, most, gate = 0, 0, threading.Lock()

    class Counting(ThreadPoolExecutor):
        def submit(self, function: Any, *arguments: Any, **_: Any) -> Future[Any]:
            nonlocal n_running, most
            future = super().submit(function, *arguments)
            with gate:
                n_running += 1
                most = max(most, n_running)

            def ended(_: Any) -> None:
                nonlocal n_running
                with gate:
                    n_running -= 1

            future.add_done_callback(ended)
            return future

    with Counting(1) as pool:
        fitted(tmp_path / "all", executor=pool, memory=memory_for(X, 20))
        assert most <= _executors._FIRST
        futures: list[Future[Any]] = []

        def broken_off(stage: str, done: int, total: int) -> None:
            raise KeyboardInterrupt

        submit = pool.submit

        def remember(*arguments: Any) -> Future[Any]:
            futures.append(submit(*arguments))
            return futures[-1]

        pool.submit = remember  # type: ignore[method-assign]
        with pytest.raises(KeyboardInterrupt):
            fitted(tmp_path / "part", executor=pool, progress=broken_off, memory=memory_for(X, 20))
    assert any(future.cancelled() for future in futures)
    assert fitted(tmp_path / "part", memory=memory_for(X, 20)).found >= 1


def test_what_was_finished_before_ctrl_c_stays(tmp_path: Path) -> None:
    def broken_off(stage: str, done: int, total: int) -> None:
        if (stage, done) == ("pairs", 3):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fitted(tmp_path, progress=broken_off)
    assert fitted(tmp_path).found == 4 + 3


def test_workers_that_cannot_help_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Here(lambda job: replace(job, version="0.0.1"))
    with pytest.raises(DistributedError, match=r"worker .+/\d+ has pyface .*begun by 0\.0\.1: install one version"):
        fitted(tmp_path / "version", executor=other)
    elsewhere = Here(lambda job: replace(job, folder=str(tmp_path / "nowhere")))
    with pytest.raises(DistributedError, match=r"worker .+/\d+ does not see .*nowhere .*one folder under one path"):
        fitted(tmp_path / "folder", executor=elsewhere)
    _work.begin(
        _work.folder_of(tmp_path / "other"), {}, None, _rows.Rows((), (), 1, "float32"),
        rows_per_block=1, is_given=False,
    )  # fmt: skip
    elsewhere = Here(lambda job: replace(job, folder=str(tmp_path / "other")))
    with pytest.raises(DistributedError, match=r"worker .+/\d+ sees other work in .*other"):
        fitted(tmp_path / "folder", executor=elsewhere)
    monkeypatch.setattr(_run, "_SEEN_AFTER", 0.0)
    lost = Here(lambda job: replace(job, name=f"{job.name}-elsewhere"))
    with pytest.raises(DistributedError, match="was written by a worker and is not seen here"):
        fitted(tmp_path / "folder", executor=lost)


def test_a_worker_without_pyface_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forget(job: Any) -> Any:
        raise ModuleNotFoundError("No module named 'pyface'", name="pyface")

    with pytest.raises(DistributedError, match="a worker has no pyface"):
        fitted(tmp_path, executor=Here(forget))
    monkeypatch.setattr(_executors, "_HELLO", _executors._HELLO.replace("'pyface'", "'no_such_module'"))
    with pytest.raises(DistributedError, match=r"worker .+/\d+ has no pyface: install pyface-toolkit there"):
        fitted(tmp_path, executor=Here())


def test_a_pool_that_is_broken_before_it_begins(tmp_path: Path) -> None:
    def broken(*_: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_exception(BrokenExecutor("gone"))
        return future

    pool = Here()
    pool.submit = broken  # type: ignore[method-assign]
    with pytest.raises(DistributedError, match="worker process has died"):
        fitted(tmp_path, executor=pool)


def test_workers_load_little() -> None:
    """Neither what the driver needs, nor what rows may come from."""
    code = (
        "import sys, pyface.distributed._tasks\n"
        "assert not {'dask', 'distributed', 'pyarrow', 'sklearn', 'scipy', 'numba'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("harm", ["others", "fewer", "gone"])
def test_rows_that_change_meanwhile_give_no_labels(harm: str, tmp_path: Path) -> None:
    """Tasks have looked at some rows, and others would be looked at by the rest."""
    path = tmp_path / "x.npy"
    np.save(path, X)

    def change(stage: str, done: int, total: int) -> None:
        if (stage, done) == ("pairs", 2):
            path.unlink()
            if harm != "gone":
                np.save(path, X[::-1] if harm == "others" else X[:20])
                os.utime(path, ns=(1, 1))

    with pytest.raises(DistributedError, match=r"x\.npy: has changed since the work on it was begun"):
        fitted(tmp_path / "work", path, progress=change)


def test_an_executor_that_was_shut_down(tmp_path: Path) -> None:
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    with pytest.raises(DistributedError, match=r"executor takes no tasks .*shut down or closed"):
        fitted(tmp_path, executor=pool)


def test_processes_that_die_as_they_begin(tmp_path: Path) -> None:
    said = pytest.raises(DistributedError, match=r"process has died .*__main__")
    with processes(initializer=os._exit, initargs=(1,)) as pool, said:
        fitted(tmp_path, executor=pool)


def test_a_folder_that_cannot_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "write_text", refuse)
    with pytest.raises(DistributedError, match=r"cannot be written to \(Permission denied\); choose another folder"):
        fitted(tmp_path)


@pytest.mark.parametrize("n_times", [1, 2])
def test_an_answer_that_is_lost_after_the_work_was_done(n_times: int, tmp_path: Path) -> None:
    """As Dask loses it, if the worker dies while it is fetched: asked for once more, not for ever."""
    seen: list[str] = []

    def lose(job: _tasks.Job) -> _tasks.Job:
        if job.name == "pairs-00001-00002" and len(seen) < n_times:
            seen.append(job.name)
            _tasks.run(job)
            raise ValueError("not enough values to unpack (expected 3, got 2)")
        return job

    if n_times == 1:
        assert fitted(tmp_path, executor=Here(lose)).tasks == N_TASKS
    else:
        with pytest.raises(DistributedError, match="task pairs-00001-00002 failed: not enough values"):
            fitted(tmp_path, executor=Here(lose))
