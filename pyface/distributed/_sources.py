"""What callers may pass as rows, and what has to be written into the folder of the work before tasks can read it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pyface import _check
from pyface.distributed import _files, _parquet
from pyface.distributed._rows import Rows, rows_of_files
from pyface.errors import DistributedError, require_extra
from pyface.kernels.fingerprint import fingerprint


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """Rows, and how to make the files of them that are not there yet.

    identity : for JSON; equal where the rows are. parquet : for each shard the file that it is made of, or none.
    write : writes the shards of which it is given the numbers, where this process does it. files : whose stamps are the
    identity.
    """

    rows: Rows
    identity: Any
    parquet: tuple[str, ...] = ()
    write: Callable[[list[int]], None] | None = None
    files: tuple[str, ...] = ()

    def where(self, row: int) -> tuple[str, int]:
        """The file that the caller knows, or "rows" if it is none, and the number of a row there."""
        path, place = self.rows.where(row)
        if self.parquet:
            return self.parquet[self.rows.paths.index(path)], place
        return (path, place) if self.write is None else ("rows", row)

    def require_unchanged(self) -> None:
        """DistributedError if a file of the rows is not what it was, or not there: results would be of both."""
        for path, stamp in zip(self.files, self.identity if self.files else (), strict=True):
            try:
                is_same = _stamps([path]) == [stamp]
            except OSError:
                is_same = False
            if not is_same:
                raise DistributedError(
                    f"{path}: has changed since the work on it was begun; delete the folder of the work, or choose "
                    "another one, and run again"
                )

    def missing(self) -> list[int]:
        """The shards that are still to be made, of those that are."""
        if not self.parquet and self.write is None:
            return []
        return [i for i, path in enumerate(self.rows.paths) if not os.path.exists(path)]


def source_of(value: Any, folder: Path, n_threads: int) -> Source:
    """The rows of what a caller passes: see :mod:`pyface.distributed`. Errors name the file that cannot be used."""
    if isinstance(value, np.memmap) and _is_whole_file(value):
        return _of_files([os.fspath(value.filename)])  # type: ignore[arg-type]
    if isinstance(value, np.ndarray):
        return _of_array(value, folder, n_threads)
    if type(value).__module__.partition(".")[0] == "dask" and hasattr(value, "chunks"):
        return _of_dask(value, folder)
    if isinstance(value, str | os.PathLike):
        return _of_path(Path(_check.path_text(value, "rows")), folder)
    if isinstance(value, Sequence) and value and all(isinstance(path, str | os.PathLike) for path in value):
        return _of_paths([_check.path_text(path, "rows") for path in value], folder)
    if isinstance(value, list | tuple) and not value:
        raise ValueError("rows must be one file at least, got an empty list")
    raise TypeError(
        "rows must be a path of .npy or Parquet files or of a folder of them, a list of such files, a NumPy array or a "
        f"Dask array, got {type(value).__name__}"
    )


def _of_path(path: Path, folder: Path) -> Source:
    if not path.is_dir():
        return _of_paths([os.fspath(path)], folder)
    kinds = {end: sorted(path.glob(f"*{end}")) for end in (".npy", ".parquet")}
    found = [files for files in kinds.values() if files]
    if len(found) != 1:
        what = "both .npy and .parquet files" if found else "neither .npy nor .parquet files"
        raise ValueError(f"{path}: holds {what}; give a list of those that are meant, in their order")
    return _of_paths([os.fspath(file) for file in found[0]], folder)


def _of_paths(paths: list[str], folder: Path) -> Source:
    paths = [os.path.abspath(path) for path in paths]
    for path in paths:
        if not os.path.isfile(path):
            raise FileNotFoundError(f"{path}: is no file")
    ends = {Path(path).suffix for path in paths}
    if ends == {".npy"}:
        return _of_files(paths)
    if ends != {".parquet"}:
        raise ValueError(f"rows must be .npy files or .parquet files, all of one kind, got {', '.join(sorted(ends))!r}")
    shapes = [_parquet.shape_of(path) for path in paths]
    for path, shape in zip(paths, shapes, strict=True):
        if shape[1:] != shapes[0][1:]:
            raise ValueError(
                f"{path}: has {shape[1]} columns of {shape[2]}, and {paths[0]} has {shapes[0][1]} of {shapes[0][2]}"
            )
    rows = Rows(_shards(folder, len(paths)), tuple(n for n, _, _ in shapes), *shapes[0][1:])
    return Source(rows, _stamps(paths), parquet=tuple(paths), files=tuple(paths))


def _of_files(paths: list[str]) -> Source:
    paths = [os.path.abspath(path) for path in paths]
    return Source(rows_of_files(paths), _stamps(paths), files=tuple(paths))


def _of_array(value: Any, folder: Path, n_threads: int) -> Source:
    x = _check.embeddings(value, "rows", all_usable=lambda _: True)  # all rows are looked at later
    rows = Rows(_shards(folder, 1), (len(x),), x.shape[1], x.dtype.name)
    identity = ["array", list(x.shape), x.dtype.name, f"{fingerprint(x, n_threads=n_threads):016x}"]
    return Source(rows, identity, write=lambda _: _files.save(Path(rows.paths[0]), x))


def _of_dask(value: Any, folder: Path) -> Source:
    dask = require_extra("dask", "distributed")
    if value.ndim != 2 or value.shape[1] == 0:
        raise ValueError(f"rows must have shape (n, d), got {value.shape}")
    if value.dtype.type not in (np.float16, np.float32, np.float64):
        raise TypeError(f"rows must hold float32, float64 or float16, got an array of {value.dtype}")
    if any(np.isnan(length) for length in value.chunks[0]):
        raise ValueError("rows has chunks of unknown lengths; rows.compute_chunk_sizes() makes them known")
    identity = ["dask", value.name, [list(map(int, chunks)) for chunks in value.chunks]]
    whole = value.rechunk({1: -1})
    lengths = tuple(int(length) for length in whole.chunks[0])
    rows = Rows(_shards(folder, len(lengths)), lengths, int(value.shape[1]), value.dtype.name)

    def write(shards: list[int]) -> None:
        blocks = whole.to_delayed()[:, 0]
        save = dask.delayed(_save_block, pure=False)
        dask.compute(*[save(rows.paths[i], blocks[i], (lengths[i], rows.d), rows.stored) for i in shards])

    return Source(rows, identity, write=write)


def _save_block(path: str, block: Any, shape: tuple[int, int], stored: str) -> None:
    array = np.asarray(block)
    if array.shape != shape or array.dtype.name != stored:
        raise ValueError(
            f"rows: the Dask array says that a chunk is {shape} of {stored}, and it is {array.shape} of {array.dtype}"
        )
    _files.save(Path(path), array)


def _shards(folder: Path, n: int) -> tuple[str, ...]:
    return tuple(os.fspath(folder / f"rows-{i:05d}.npy") for i in range(n))


def _stamps(paths: list[str]) -> list[list[Any]]:
    """What tells that a file is still the same, short of reading it."""
    found = [os.stat(path) for path in paths]
    return [[path, stat.st_size, stat.st_mtime_ns] for path, stat in zip(paths, found, strict=True)]


def _is_whole_file(value: np.memmap[Any, Any]) -> bool:
    """Whether an array is all of a ``.npy`` file, unchanged: what np.load(path, mmap_mode="r") gives."""
    path = value.filename
    if path is None or value.mode not in ("r", "r+") or not os.fspath(path).endswith(".npy"):
        return False
    file = np.load(path, mmap_mode="r", allow_pickle=False)
    return (
        (file.shape, file.strides, file.dtype) == (value.shape, value.strides, value.dtype)
        and value.offset == file.offset
        and value.base is not None
        and not isinstance(value.base, np.ndarray)
    )
