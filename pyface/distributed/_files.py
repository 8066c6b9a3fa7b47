"""Result files: arrays one after the other, and what they are at the end. A file is there as a whole or not at all.

    b"pyface-1"  bytes of arrays  JSON  length of JSON (8)  CRC-32 of JSON (4)  b"pyface-1"

Whatever was broken off has no end, and counts as not there. Nothing is pickled. Little-endian throughout.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface.errors import DistributedError

_MAGIC = b"pyface-1"
_END = struct.Struct("<QI8s")
TEMPORARY = ".tmp"


class Writer:
    """Writes a result file under another name, and renames it when :meth:`finish` has been called."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._arrays: list[dict[str, Any]] = []
        self._temporary, self._finished = temporary(path), False

    def __enter__(self) -> Writer:
        self._file = open(self._temporary, "wb")
        self._file.write(_MAGIC)
        return self

    def add(self, name: str, array: NDArray[Any], **more: int) -> None:
        """Append an array, after others of the same name, with some numbers that go with it."""
        plain = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        content = plain.reshape(-1).view(np.uint8).data
        require_disk(self._path.parent, plain.nbytes, f"{self._path.name} takes")
        place = {"offset": self._file.tell(), "dtype": plain.dtype.str, "shape": list(plain.shape)}
        self._arrays.append({"name": name, **place, "crc": zlib.crc32(content), **more})
        self._file.write(content)

    def drop(self, name: str) -> None:
        """Take back all arrays of this name; they must be all that there is."""
        assert all(entry["name"] == name for entry in self._arrays)
        self._arrays.clear()
        self._file.seek(len(_MAGIC))
        self._file.truncate()

    def finish(self, header: dict[str, Any]) -> int:
        """Write what the file is; its size in bytes."""
        text = json.dumps({**header, "arrays": self._arrays}, sort_keys=True).encode()
        self._file.write(text + _END.pack(len(text), zlib.crc32(text), _MAGIC))
        self._file.flush()
        os.fsync(self._file.fileno())
        self._finished = True
        return self._file.tell()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()
        if self._finished and error is None:
            os.replace(self._temporary, self._path)
        else:
            with contextlib.suppress(OSError):
                self._temporary.unlink()


class Result:
    """A result file, of which nothing but the end has been read."""

    def __init__(self, path: Path, header: dict[str, Any]) -> None:
        self.path, self.header = path, header

    def array(self, name: str) -> NDArray[Any]:
        """The one array of this name."""
        return next(self.arrays(name))[1]

    def arrays(self, name: str) -> Iterator[tuple[dict[str, Any], NDArray[Any]]]:
        """All arrays of this name, in the order in which they were added, each with what goes with it.

        They are the caller's. DistributedError where bytes have changed.
        """
        with open(self.path, "rb") as file:
            for entry in self.header["arrays"]:
                if entry["name"] == name:
                    count = int(np.prod(entry["shape"], dtype=np.int64))
                    found = np.fromfile(file, entry["dtype"], count, offset=entry["offset"] - file.tell())
                    if len(found) != count or zlib.crc32(found.view(np.uint8).data) != entry["crc"]:
                        raise DistributedError(f"{self.path}: is damaged; delete it and run again, which makes it anew")
                    yield entry, found.reshape(entry["shape"])

    def n_bytes(self) -> int:
        return self.path.stat().st_size


def read(path: Path) -> Result | None:
    """The result file, or None where there is none, or none that is whole."""
    try:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            if size < len(_MAGIC) + _END.size:
                return None
            file.seek(size - _END.size)
            length, crc, magic = _END.unpack(file.read(_END.size))
            begin = size - _END.size - length
            if magic != _MAGIC or begin < len(_MAGIC):
                return None
            file.seek(begin)
            text = file.read(length)
    except FileNotFoundError:
        return None
    return Result(path, json.loads(text)) if zlib.crc32(text) == crc else None


def temporary(path: Path) -> Path:
    """A name that nobody else has: one task may run twice at a time, where a worker was thought lost."""
    return path.with_name(f"{path.name}-{secrets.token_hex(6)}{TEMPORARY}")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path to write to; what is there goes to ``path`` all at once when the block has ended well."""
    other = temporary(path)
    try:
        yield other
        with open(other, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(other, path)
    finally:
        with contextlib.suppress(OSError):
            other.unlink()


def save(path: Path, array: NDArray[Any]) -> None:
    """``array`` as a ``.npy`` file, all at once."""
    with replacing(path) as other, open(other, "wb") as file:
        np.save(file, array, allow_pickle=False)


def require_disk(folder: Path, n_bytes: int, what: str) -> None:
    """DistributedError if there is less space. ``what`` is as "the answer takes"."""
    free = shutil.disk_usage(folder).free
    if free < n_bytes:
        raise DistributedError(
            f"{what} {n_bytes / 2**20:,.0f} MiB and {free / 2**20:,.0f} MiB are free in {folder}; make room and run "
            "again, it goes on, or choose a folder on a larger disk"
        )
