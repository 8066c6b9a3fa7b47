"""Dask's executor: workers in processes of this machine, one of which is killed; and Dask arrays as rows."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from distributed_crowds import crowd, memory_for

import pyface
from pyface import cluster, distributed

try:
    import dask.array
    from dask.distributed import Client, LocalCluster
except ImportError:
    pytest.skip("needs Dask: pip install 'pyface-toolkit[distributed]'", allow_module_level=True)

# Dask's own, when a worker goes: sockets that nobody closes any more.
pytestmark = [
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.skipif(os.name != "posix", reason="kills a process by SIGKILL"),
]

X = crowd(200)
HOW: dict[str, Any] = {"memory": memory_for(X, 50)}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Two workers of one thread, which listen on the loopback interface alone."""
    import dask

    folder = tmp_path_factory.mktemp("dask")
    # However busy the machine is.
    patience = {
        f"distributed.{name}": "600s"
        for name in ("comm.timeouts.connect", "comm.timeouts.tcp", "deploy.lost-worker-timeout")
    }
    with (
        dask.config.set({"temporary-directory": str(folder), **patience}),
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None
        ) as workers,
        Client(workers, timeout="600s") as client,
    ):
        yield client


def test_a_worker_that_is_killed_changes_nothing(client: Client, tmp_path: Path) -> None:
    """It is killed as the file of a first task has appeared; Dask starts another one, and runs its tasks again."""
    killed: list[int] = []

    def kill(stage: str, done: int, total: int) -> None:
        if stage == "pairs" and not killed:
            assert list(tmp_path.glob("dbscan/pairs-*"))
            killed.append(next(iter(client.run(os.getpid).values())))
            os.kill(killed[0], signal.SIGKILL)

    model = distributed.DBSCAN(0.12, metric="cosine")
    model.fit(X, folder=tmp_path / "dbscan", executor=client.get_executor(), progress=kill, **HOW)
    np.testing.assert_array_equal(model.labels_, cluster.DBSCAN(0.12, metric="cosine").fit(X).labels_)
    assert killed and model.totals_.tasks == 4 + 10 + 10
    assert str(os.getpid()) not in {name.rpartition("/")[2] for name in model.totals_.workers}


def test_all_that_there_is(client: Client, tmp_path: Path) -> None:
    pool = client.get_executor()
    options: dict[str, Any] = {"metric": "cosine", "linkage": "average", "distance_threshold": 0.12}
    model = distributed.AgglomerativeClustering(**options).fit(X, folder=tmp_path / "average", executor=pool, **HOW)
    np.testing.assert_array_equal(model.labels_, cluster.AgglomerativeClustering(None, **options).fit(X).labels_)
    distances, indices = distributed.nearest_neighbors(X, 4, folder=tmp_path / "nearest", executor=pool)
    expected = pyface.nearest_neighbors(X, 4)
    np.testing.assert_array_equal(distances, expected[0])
    np.testing.assert_array_equal(indices, expected[1])


@pytest.mark.parametrize("chunks", [(200, 12), (37, 5)])
def test_dask_arrays(client: Client, chunks: tuple[int, int], tmp_path: Path) -> None:
    """Also those that lie on the workers. Each chunk of rows becomes a file, by those who have it."""
    expected = pyface.neighbors_within(X, 0.12)
    rows = dask.array.from_array(X, chunks=chunks)
    for name, array in (("lazy", rows), ("kept", rows.persist())):
        folder = tmp_path / name
        graph = distributed.neighbors_within(array, 0.12, folder=folder, executor=client.get_executor())
        assert (graph.to_csr() != expected).nnz == 0 and graph.nnz == expected.nnz
        assert len(list(folder.glob("rows-*.npy"))) == -(-200 // chunks[0])
        assert distributed.neighbors_within(array, 0.12, folder=folder).totals.tasks == 0


def test_dask_arrays_that_cannot_be_used(tmp_path: Path) -> None:
    rows = dask.array.from_array(X, chunks=(50, 12))
    for array, error, words in (
        (rows[:, 0], ValueError, r"shape \(n, d\)"),
        (rows.astype(np.int64), TypeError, "float32, float64 or float16"),
        (rows[rows[:, 0] > 0], ValueError, "compute_chunk_sizes"),
    ):
        with pytest.raises(error, match=words):
            distributed.neighbors_within(array, 0.12, folder=tmp_path / "work")


def test_arrays_that_cannot_be_used_are_named_by_their_rows(tmp_path: Path) -> None:
    """Not by files of the folder, which nobody has heard of."""
    broken = X.copy()
    broken[123, 4] = np.nan
    rows = dask.array.from_array(broken, chunks=(70, 5))
    with pytest.raises(ValueError, match=r"^rows: row 123 holds nan in column 4"):
        distributed.neighbors_within(rows, 0.1, folder=tmp_path)
    whole = dask.array.from_array(X, chunks=(70, X.shape[1]))
    for other in (whole.map_blocks(lambda x: x[:-1], dtype=X.dtype, chunks=whole.chunks),
                  whole.map_blocks(lambda x: x.astype(np.float64), dtype=X.dtype)):  # fmt: skip
        with pytest.raises(ValueError, match=r"rows: the Dask array says that a chunk is \(\d0, 12\) of float32"):
            distributed.neighbors_within(other, 0.1, folder=tmp_path)
        (tmp_path / "work.json").unlink()
