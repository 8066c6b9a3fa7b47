"""Block against block beside one machine: DBSCAN and average linkage at 0.6, in this process, by processes and by Dask.

    python bench/out_of_core.py [--rows 200000] [--workers 4] [--memory BYTES] [--no-dask] [--folder FOLDER]

Made rows of 512, in a .npy file. Workers have one thread each, and are started before anything is timed; one machine
uses all cores. Labels must be equal. With Dask one worker is killed once, as the file of a first task has appeared.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from common import machine
from data import synthetic

from pyface import cluster, distributed

RADIUS = 0.6


def questions() -> dict[str, tuple[Any, Any]]:
    """Of each question the class of one machine and that of many."""
    average = {"metric": "cosine", "linkage": "average", "distance_threshold": RADIUS}
    return {
        "DBSCAN": (cluster.DBSCAN(RADIUS, metric="cosine"), distributed.DBSCAN(RADIUS, metric="cosine")),
        "average linkage": (
            cluster.AgglomerativeClustering(None, **average),
            distributed.AgglomerativeClustering(**average),
        ),
    }


@contextmanager
def processes(n: int) -> Iterator[Executor]:
    with ProcessPoolExecutor(n, mp_context=get_context("spawn")) as pool:
        yield pool


@contextmanager
def dask_workers(n: int, clients: list[Any]) -> Iterator[Executor]:
    from dask.distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=n, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None
        ) as workers,
        Client(workers) as client,
    ):
        clients.append(client)
        yield client.get_executor()


def warm(pool: Executor, folder: Path) -> None:
    """Let every worker load what tasks load."""
    rows = synthetic(400, 32).X
    for i, (_, model) in enumerate(questions().values()):
        model.fit(rows, folder=folder / str(i), executor=pool, memory=32 * 4 * 6 * 40)


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    since = time.perf_counter()
    result = call()
    return time.perf_counter() - since, result


def on_one_machine(x: np.ndarray) -> dict[str, tuple[float, Any]]:
    """Seconds and the model of each question."""
    found = {}
    for question, (model, _) in questions().items():
        model.fit(x[:1000])  # compiled, or loaded, before it is timed
        found[question] = timed(lambda model=model: model.fit(x))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--memory", type=int)
    parser.add_argument("--no-dask", action="store_true")
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    print(machine())
    print(f"\n{asked.rows:,} x 512, cosine {RADIUS}, {asked.workers} workers of one thread\n")
    with tempfile.TemporaryDirectory(dir=asked.folder) as name:
        folder = Path(name)
        path = folder / "rows.npy"
        np.save(path, synthetic(asked.rows).X)
        one = on_one_machine(np.load(path))
        print("| question | run by | s | of one machine | tasks | GB read | GB written | pairs | workers |")
        print("|---|---|---|---|---|---|---|---|---|")
        for question, (seconds, _) in one.items():
            print(f"| {question} | one machine | {seconds:.2f} | 1.00 | | | | | |")

        def run(by: str, pool: Executor | None, progress: Any = None) -> None:
            for i, (question, (_, model)) in enumerate(questions().items()):
                work = folder / f"{by}-{i}".replace(" ", "-")
                seconds, found = timed(
                    lambda model=model, work=work: model.fit(
                        path, folder=work, executor=pool, memory=asked.memory, progress=progress
                    )
                )
                np.testing.assert_array_equal(found.labels_, one[question][1].labels_)
                t = found.totals_
                print(f"| {question} | {by} | {seconds:.2f} | {seconds / one[question][0]:.2f} | {t.tasks} | "
                      f"{t.bytes_read / 1e9:.2f} | {t.bytes_written / 1e9:.3f} | {t.pairs:.3g} | {len(t.workers)} |",
                      flush=True)  # fmt: skip
                shutil.rmtree(work)

        run("this process", None)
        with processes(asked.workers) as pool:
            warm(pool, folder / "warm-processes")
            run("processes", pool)
        if asked.no_dask:
            return
        clients: list[Any] = []
        with dask_workers(asked.workers, clients) as pool:
            warm(pool, folder / "warm-dask")
            run("Dask", pool)
            killed: list[int] = []

            def kill(stage: str, done: int, total: int) -> None:
                if stage in ("pairs", "forest") and not killed:
                    killed.append(next(iter(clients[0].run(os.getpid).values())))
                    os.kill(killed[0], signal.SIGKILL)

            run("Dask, one worker killed", pool, kill)
            assert killed


if __name__ == "__main__":
    main()
