"""What is moved and how many tasks there are: the formulas of docs/how-it-works/distributed.md, for any workers."""

from __future__ import annotations

from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from distributed_crowds import crowd, memory_for

from pyface import distributed
from pyface.distributed import _files, _work
from pyface.distributed._rows import Rows

N, D, B = 210, 12, 5
X = crowd(N, D)
ROW = 4 * D
HOW: dict[str, Any] = {"memory": memory_for(X, 42)}


@pytest.fixture(params=[0, 1, 2, 4], ids=lambda n: f"{n} workers")
def executor(request: pytest.FixtureRequest) -> Any:
    with ExitStack() as stack:
        pool: Executor | None = stack.enter_context(ThreadPoolExecutor(request.param)) if request.param else None
        yield pool


def sizes(folder: Path, kind: str) -> int:
    """Bytes of the result files of a kind."""
    return sum(path.stat().st_size for path in folder.glob(f"{kind}-*"))


def test_dbscan(executor: Executor | None, tmp_path: Path) -> None:
    model = distributed.DBSCAN(0.12, metric="cosine").fit(X, folder=tmp_path, executor=executor, **HOW)
    totals, blocks, pairs = model.totals_, B, B * (B + 1) // 2
    assert totals.tasks == blocks + 2 * pairs
    assert totals.pairs == N * (N - 1) // 2
    assert totals.bytes_read == (1 + B) * N * ROW + sizes(tmp_path, "pairs")
    assert totals.bytes_written == sum(sizes(tmp_path, kind) for kind in ("check", "pairs", "joins"))


def test_linkage(executor: Executor | None, tmp_path: Path) -> None:
    model = distributed.AgglomerativeClustering(distance_threshold=0.12, metric="cosine")
    model.fit(X, folder=tmp_path, executor=executor, **HOW)
    gathered = sum(1 for _ in tmp_path.glob("batch-*"))
    assert gathered == 1
    (batch,) = (_files.read(path) for path in tmp_path.glob("batch-*"))
    assert batch is not None
    rows = len(batch.array("rows"))
    assert model.totals_.tasks == B + B * (B + 1) // 2 + 1
    assert model.totals_.pairs == N * (N - 1) // 2 + rows * (rows - 1) // 2
    assert model.totals_.bytes_read == (1 + B) * N * ROW + rows * ROW


def test_neighbors(executor: Executor | None, tmp_path: Path) -> None:
    graph = distributed.neighbors_within(X, 0.12, folder=tmp_path / "within", executor=executor, **HOW)
    assert graph.totals.tasks == B + B * (B + 1) // 2
    assert graph.totals.bytes_read == (1 + B) * N * ROW
    kept = 8 * (graph.nnz - N) // 2  # column and distance
    assert 0 < sizes(tmp_path / "within", "pairs") - kept < 4 * (2 * B * N) + 4096 * B * B
    folder = tmp_path / "nearest"
    distributed.nearest_neighbors(X, 3, folder=folder, executor=executor, memory=42 * (6 * ROW + 3 * 120))
    assert len(list(folder.glob("nearest-*"))) == B
    assert (folder / "distances.npy").stat().st_size == 128 + 4 * 3 * N


def test_blocks_follow_from_memory(tmp_path: Path) -> None:
    """memory / (6 d itemsize) rows at most, all blocks alike; 8 blocks of large data, and no small ones."""

    def rows_per_block(n: int, at_most: int) -> int:
        folder = _work.folder_of(tmp_path / f"{n}-{at_most}")
        rows = Rows(("x.npy",), (n,), D, "float32")
        return _work.begin(folder, {}, None, rows, rows_per_block=at_most, is_given=True).rows_per_block

    assert [rows_per_block(n, 10**9) for n in (1, 4096, 4097, 40_000, 10**7)] == [1, 4096, 2049, 5000, 1_250_000]
    assert rows_per_block(10**7, 87_381) == 86_957 and rows_per_block(10, 3) == 3
    graph = distributed.neighbors_within(X, 0.1, folder=tmp_path / "work", memory=6 * ROW * 42)
    assert graph._run.work.rows_per_block == 42
