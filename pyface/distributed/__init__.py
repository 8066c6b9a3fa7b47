"""Neighbours and clusters of more rows than one memory, or one machine, holds: the same answers, label for label.

The rows are cut into blocks, and each pair of blocks is a task: it reads its rows, sweeps them, and writes one file
into ``folder``. Any ``concurrent.futures.Executor`` runs the tasks, or this process. Arguments of all
functions and of ``fit``:

rows : a ``.npy`` file, a Parquet file (one column of lists of one length, or columns of numbers alone), a folder of
    either, in the order of names, or a list of them, in its order; a NumPy array, or a Dask array. float32, float64
    or float16, finite. ``.npy`` files are read where they are; all else is first written into ``folder``.
folder : a folder for this one question, made if it is not there. Work that was broken off goes on there when the same
    is asked again, and finished files are not made again; anything else is a DistributedError. All workers need it, and
    the files of the rows, under one path. One call at a time. It may be deleted when the results are not
    needed any more.
executor : None is this process. Otherwise one that is running: ``ProcessPoolExecutor``, ``ThreadPoolExecutor``, that
    of Dask (``client.get_executor()``), ... A worker that dies fails its task: Dask runs it again; with others, ask
    again.
n_threads : of each task. None: all usable CPUs without an executor, 1 with one.
memory : bytes that a task may take beside what Python takes. None: 1 GiB, or a quarter of what is free if that is less.
    A block has at most memory / (6 d itemsize) rows: two blocks with their codes are half of it. Of small data there
    are 8 blocks, down to 4,096 rows. ValueError if it is for fewer than 8 rows, or more than 4,096 blocks. The
    results do not depend on it.
progress : called as progress(stage, done, total) in this process when a task has ended.

DistributedError names the task or worker that failed; what is finished is kept. docs/how-it-works/distributed.md has
the plan, the files and what it costs.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyface.distributed._clusterers import DBSCAN, AgglomerativeClustering
    from pyface.distributed._graph import NeighborGraph, nearest_neighbors, neighbors_within
    from pyface.distributed._run import Totals

__all__ = [
    "DBSCAN",
    "AgglomerativeClustering",
    "NeighborGraph",
    "Totals",
    "nearest_neighbors",
    "neighbors_within",
]

# Loaded when first used: workers need nothing but the tasks, and those neither scikit-learn nor SciPy.
_HOMES = {
    "DBSCAN": "_clusterers",
    "AgglomerativeClustering": "_clusterers",
    "NeighborGraph": "_graph",
    "Totals": "_run",
    "nearest_neighbors": "_graph",
    "neighbors_within": "_graph",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'pyface.distributed' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"pyface.distributed.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
