"""Where rows may be: files, folders, arrays; and what is said of those that cannot be used."""

from __future__ import annotations

import os
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from distributed_crowds import crowd, memory_for, shards
from numpy.typing import NDArray

import pyface
from pyface import _memory, distributed
from pyface.distributed import _clusterers, _files
from pyface.distributed._rows import rows_of_files
from pyface.errors import DistributedError, MissingExtraError

X = crowd(130)
EXPECTED = pyface.neighbors_within(X, 0.12)


def found(rows: Any, folder: Path, **how: Any) -> Any:
    return distributed.neighbors_within(rows, 0.12, folder=folder, memory=memory_for(X, 44), **how).to_csr()


def same(graph: Any, expected: Any = EXPECTED) -> None:
    assert (graph != expected).nnz == 0 and graph.nnz == expected.nnz


def parquet(path: Path, x: NDArray, kind: str) -> Path:
    pyarrow = pytest.importorskip("pyarrow", reason="needs pyarrow: pip install 'pyface-toolkit[distributed]'")
    from pyarrow import parquet as files

    if kind == "columns":
        table = pyarrow.table({f"c{i}": x[:, i] for i in range(x.shape[1])})
    else:
        value = pyarrow.from_numpy_dtype(x.dtype)
        whole = pyarrow.list_(value, x.shape[1]) if kind == "fixed" else pyarrow.list_(value)
        table = pyarrow.table({"embedding": pyarrow.array(list(x), type=whole)})
    files.write_table(table, path, row_group_size=17)
    return path


def test_files_of_odd_lengths(tmp_path: Path) -> None:
    paths = shards(tmp_path / "rows", X, 0, 1, 60, 61)
    same(found(paths, tmp_path / "list"))
    same(found(tmp_path / "rows", tmp_path / "folder"))
    assert not list((tmp_path / "folder").glob("rows-*"))


def test_one_file_and_what_numpy_maps_of_it(tmp_path: Path) -> None:
    path = shards(tmp_path / "rows", X)[0]
    same(found(os.fspath(path), tmp_path / "file"))
    mapped = np.load(path, mmap_mode="r")
    same(found(mapped, tmp_path / "mapped"))
    assert not list((tmp_path / "mapped").glob("rows-*"))
    same(found(mapped[::-1], tmp_path / "turned"), pyface.neighbors_within(X[::-1], 0.12))
    same(found(mapped[:50], tmp_path / "part"), pyface.neighbors_within(X[:50], 0.12))
    assert list((tmp_path / "turned").glob("rows-*")) and list((tmp_path / "part").glob("rows-*"))


@pytest.mark.parametrize("change", [np.asfortranarray, lambda x: x.astype(">f4"), lambda x: x[:, ::-1][:, ::-1]])
def test_any_layout(change: Any, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", change(X))
    same(found(tmp_path / "x.npy", tmp_path / "file"))
    same(found(change(X), tmp_path / "array"))


def test_rows_are_read_and_taken_across_files(tmp_path: Path) -> None:
    rows = rows_of_files([os.fspath(path) for path in shards(tmp_path, X, 7, 7, 90)])
    np.testing.assert_array_equal(rows.read(5, 100), X[5:100])
    some = np.array([0, 6, 7, 89, 90, 129])
    np.testing.assert_array_equal(rows.take(some), X[some])
    assert [rows.where(row)[1] for row in (6, 7, 89, 90)] == [6, 0, 82, 0]


@pytest.mark.parametrize("kind", ["fixed", "lists", "columns"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_parquet(kind: str, dtype: Any, tmp_path: Path) -> None:
    (tmp_path / "rows").mkdir()
    for i, part in enumerate((X[:41], X[41:])):
        parquet(tmp_path / "rows" / f"{i}.parquet", part.astype(dtype), kind)
    graph = distributed.neighbors_within(tmp_path / "rows", 0.12, folder=tmp_path / "work")
    same(graph.to_csr(), pyface.neighbors_within(X.astype(dtype), 0.12))
    assert graph.totals.tasks == 2 + 1 + 1
    assert np.load(tmp_path / "work" / "rows-00000.npy").dtype == dtype


def test_parquet_that_cannot_be_used(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="needs pyarrow: pip install 'pyface-toolkit[distributed]'")
    from pyarrow import parquet as files

    path = tmp_path / "x.parquet"

    def said(columns: dict[str, Any], error: type[Exception], words: str) -> None:
        files.write_table(pyarrow.table(columns), path)
        with pytest.raises(error, match=words):
            distributed.neighbors_within(path, 0.1, folder=tmp_path / "work")

    lists = pyarrow.list_(pyarrow.float32())
    said({"a": pyarrow.array([[1, 2], [1, 2, 3]], type=lists)}, ValueError, r"x\.parquet: row 1 has 3 numbers")
    said({"a": pyarrow.array([[1, 2], None], type=lists)}, ValueError, "row 1 is null")
    said({"a": pyarrow.array([None, [1, 2]], type=lists)}, ValueError, "row 0 is null")
    said({"a": pyarrow.array([[1, 2], [None, 3]], type=lists)}, ValueError, "row 1 holds a null")
    said(
        {"a": pyarrow.array([[1, 2], [np.nan, 3]], type=lists)}, ValueError, r"x\.parquet: row 1 holds nan in column 0"
    )
    said({"a": pyarrow.array([], type=lists)}, ValueError, "has no rows")
    said({"a": ["x", "y"]}, TypeError, "holds string")
    said({"a": [1.0, 2.0], "b": ["x", "y"]}, TypeError, "column 'b' holds string")
    files.write_table(pyarrow.table({"a": [1.0], "b": [2.0]}), path)
    parquet(tmp_path / "y.parquet", X, "lists")
    with pytest.raises(ValueError, match=r"y\.parquet: has 12 columns"):
        distributed.neighbors_within([path, tmp_path / "y.parquet"], 0.1, folder=tmp_path / "work")
    path.write_bytes(b"no")
    with pytest.raises(ValueError, match="no Parquet file"):
        distributed.neighbors_within(path, 0.1, folder=tmp_path / "work")


def test_parquet_without_arrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.parquet").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'pyface-toolkit\[distributed\]'"):
        distributed.neighbors_within(tmp_path / "x.parquet", 0.1, folder=tmp_path / "work")


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    def said(error: type[Exception], words: str, *arrays: NDArray, metric: str = "cosine") -> None:
        paths = []
        for i, array in enumerate(arrays):
            paths.append(tmp_path / f"{i}.npy")
            np.save(paths[-1], array)
        with pytest.raises(error, match=words):
            distributed.neighbors_within(paths, 0.1, metric=metric, folder=tmp_path / "work")

    said(ValueError, r"1\.npy: has 5 columns, and .*0\.npy has 12", X, X[:, :5])
    said(TypeError, r"1\.npy: holds float64, and .*0\.npy float32", X, X.astype(np.float64))
    said(TypeError, r"0\.npy: must hold float32, float64 or float16, holds int64", np.ones((3, 2), np.int64))
    said(ValueError, r"0\.npy: must hold an array of shape \(n, d\)", np.ones(3))
    said(ValueError, r"0\.npy: must hold an array of shape \(n, d\)", np.ones((3, 0)))
    broken = X.copy()
    broken[17, 3] = np.nan
    said(ValueError, r"1\.npy: row 17 holds nan in column 3", X, broken, metric="euclidean")
    broken[5] = 0
    said(ValueError, r"1\.npy: row 5 is all zeros and has no direction", X, broken)
    same(found(tmp_path / "0.npy", tmp_path / "work"))  # nothing was left of those that were refused


def test_what_rows_may_not_be(tmp_path: Path) -> None:
    for rows, error, words in (
        (3, TypeError, "rows must be a path"),
        ([], ValueError, "rows must be one file at least"),
        ([[1.0, 2.0]], TypeError, "rows must be a path"),
        (np.ones((3, 2), np.int64), TypeError, "rows must be a NumPy array of float32"),
        (np.ones(3), ValueError, r"rows must have shape \(n, d\)"),
        (tmp_path / "none.npy", FileNotFoundError, "none.npy"),
        (tmp_path, ValueError, r"neither \.npy nor \.parquet"),
    ):
        with pytest.raises(error, match=words):
            distributed.neighbors_within(rows, 0.1, folder=tmp_path / "work")
    for name in ("a.npy", "b.parquet", "c.csv"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(ValueError, match=r"both \.npy and \.parquet"):
        distributed.neighbors_within(tmp_path, 0.1, folder=tmp_path / "work")
    with pytest.raises(ValueError, match=r"a\.npy: is no \.npy file"):
        distributed.neighbors_within(tmp_path / "a.npy", 0.1, folder=tmp_path / "work")
    for paths in ([tmp_path / "a.npy", tmp_path / "b.parquet"], [tmp_path / "c.csv"]):
        with pytest.raises(ValueError, match=r"all of one kind"):
            distributed.neighbors_within(paths, 0.1, folder=tmp_path / "work")
    with pytest.raises(ValueError, match=r"^rows: row 2 holds inf"):
        distributed.DBSCAN().fit(np.array([[1.0], [2], [np.inf]]), folder=tmp_path / "work")
    for rows, model in ((X[:0], distributed.DBSCAN()), (X[:1], distributed.AgglomerativeClustering(
        distance_threshold=1.0
    ))):  # fmt: skip
        with pytest.raises(ValueError, match=r"rows must be \d at least, got"):
            model.fit(rows, folder=tmp_path / "work")


def test_pickled_objects_are_refused_and_not_made(tmp_path: Path) -> None:
    class Harm:
        def __reduce__(self) -> Any:
            return (os.mkdir, (os.fspath(tmp_path / "harm"),))

    np.save(tmp_path / "x.npy", np.array([[Harm()]], object), allow_pickle=True)
    (tmp_path / "y.npy").write_bytes(pickle.dumps(Harm()))
    for name in ("x.npy", "y.npy"):
        with pytest.raises(ValueError, match=rf"{name}: is no \.npy file of numbers \((it holds pickled|Array can't)"):
            distributed.neighbors_within(tmp_path / name, 0.1, folder=tmp_path / "work")
    assert not (tmp_path / "harm").exists()


def test_parameters(tmp_path: Path) -> None:
    work = {"folder": tmp_path / "work"}
    for call, error, words in (
        (lambda: distributed.neighbors_within(X, -1, **work), ValueError, "radius"),
        (lambda: distributed.neighbors_within(X, 1, metric="l1", **work), ValueError, "metric"),
        (lambda: distributed.nearest_neighbors(X, 0, **work), ValueError, "k must be at least 1"),
        (lambda: distributed.nearest_neighbors(X, 131, **work), ValueError, "k must be at most 130"),
        (lambda: distributed.DBSCAN(0).fit(X, **work), ValueError, "eps"),
        (lambda: distributed.DBSCAN(min_samples=0).fit(X, **work), ValueError, "min_samples"),
        (lambda: distributed.AgglomerativeClustering().fit(X, **work), ValueError, "distance_threshold must be given"),
        (lambda: distributed.AgglomerativeClustering(distance_threshold=1, linkage="ward").fit(X, **work), ValueError,
         "linkage"),
        (lambda: distributed.neighbors_within(X, 1, memory=0, **work), ValueError, "memory must be at least 1"),
        (lambda: distributed.neighbors_within(X, 1, memory=1, **work), ValueError,
         r"memory must be at least 2,304, for blocks of 8 of the 130 rows, got 1: .*too many tasks"),
        (lambda: distributed.nearest_neighbors(X, 130, memory=9999, **work), ValueError, "blocks of 8"),
        (lambda: distributed.neighbors_within(X, 1, progress=3, **work), TypeError, "progress must be a function"),
        (lambda: distributed.neighbors_within(X, 1, n_threads=0, **work), ValueError, "n_threads"),
        (lambda: distributed.neighbors_within(X, 1, executor=map, **work), TypeError, "get_executor"),
        (lambda: distributed.neighbors_within(X, 1, folder=3), TypeError, "folder must be"),
    ):  # fmt: skip
        with pytest.raises(error, match=words):
            call()
    assert not list((tmp_path / "work").glob("*"))


def test_answers_that_do_not_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before memory or disk is taken, with numbers and the way out."""
    graph = distributed.neighbors_within(X, 0.12, folder=tmp_path / "work")
    monkeypatch.setattr(_memory, "limit", lambda _: 1 << 10)
    with pytest.raises(MemoryError, match=rf"a graph of {graph.nnz:,} entries takes .* by blocks\(\)"):
        graph.to_csr()
    with pytest.raises(MemoryError, match="take fewer rows at a time"):
        graph.rows(0, 130)
    monkeypatch.undo()
    monkeypatch.setattr(_clusterers, "LEAST_MEMORY", 1)
    model = distributed.AgglomerativeClustering(distance_threshold=0.4, metric="cosine")
    with pytest.raises(MemoryError, match=r"connect \d+ rows \(that of rows, row \d+\), .*linkage='single'"):
        model.fit(X, folder=tmp_path / "average", memory=memory_for(X, 44))
    model.fit(X, folder=tmp_path / "average", memory=1 << 20)  # goes on with more
    assert model.totals_.tasks < model.totals_.found
    monkeypatch.setattr(_files.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 100}))
    with pytest.raises(DistributedError, match="make room and run again"):
        distributed.nearest_neighbors(X, 3, folder=tmp_path / "nearest")


def test_a_header_with_a_changed_byte_is_said(tmp_path: Path) -> None:
    path = tmp_path / "rows.npy"
    np.save(path, np.ones((4, 3), np.float32))
    path.write_bytes(path.read_bytes().replace(b"}", b" ", 1))
    with pytest.raises(ValueError, match=r"rows\.npy: is no \.npy file of numbers"):
        distributed.DBSCAN().fit(str(path), folder=tmp_path / "work")
