"""An index on disk: a folder of ``.npy`` files and ``index.json``, which names them and is written last."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _threads
from pyface._npy import mapped
from pyface._one_writer import one_writer
from pyface.errors import IndexFileError, OutputFolderError
from pyface.kernels import search
from pyface.kernels.fingerprint import fingerprint

INDEX = "index.json"
FORMAT, VERSION = "pyface search index", 1
_ARRAYS = ("rows", "codes", "bounds", "squares")
_OURS = re.compile(r"(rows|codes|bounds|squares|centre)-[0-9a-f]{16}\.npy|index-[0-9a-f]{16}\.tmp")
_AT_ONCE = 1 << 26
_TRIES = 3
_saving = threading.Lock()  # what keeps other processes out lets threads of this one in


def write(path: str, index: search.RowIndex, settings: dict[str, Any], n_threads: int) -> None:
    """All files under new names, then ``index.json`` by a rename, then those of the index that was there go."""
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _saving, one_writer(path):
            _write(folder, index, settings, n_threads)
    except OutputFolderError as error:
        raise IndexFileError(f"{path}: another process is saving to it; wait for its end") from error
    except OSError as error:
        raise IndexFileError(f"{path}: cannot be written ({error.strerror or error}); choose another folder") from error


def _write(folder: Path, index: search.RowIndex, settings: dict[str, Any], n_threads: int) -> None:
    names = [name for name in os.listdir(folder) if not name.startswith(".pyface-")]  # the lock, on Windows
    others = [name for name in names if name != INDEX and not _OURS.fullmatch(name)]
    if others:
        raise IndexFileError(f"{folder}: holds {others[0]!r}, which is no part of an index; choose another folder")
    stamp = secrets.token_hex(8)
    parts = {name: [getattr(segment, name) for segment in index.segments] for name in _ARRAYS}
    if index.frame.centre is not None:
        parts["centre"] = [index.frame.centre]
    written: list[Path] = []
    try:
        files = {}
        for name, arrays in parts.items():
            file = folder / f"{name}-{stamp}.npy"
            written.append(file)
            _write_array(file, arrays)
            files[name] = _described(file, n_threads)
        written.append(folder / f"index-{stamp}.tmp")
        content = {
            "format": FORMAT,
            "version": VERSION,
            "files": files,
            "metric": index.frame.metric,
            "scale": index.frame.scale,
            "longest": index.longest,
            "any_scaled": index.any_scaled,
            "framed_at": index.framed_at,
            **settings,
        }
        written[-1].write_text(_text({**content, "sha256": _digest(content)}), encoding="utf-8")
        _flush(written[-1])
        os.replace(written[-1], folder / INDEX)
    except BaseException:
        _remove(written)
        raise
    _remove(folder / name for name in names if _OURS.fullmatch(name))


def read(path: str, check: bool) -> tuple[search.RowIndex, dict[str, Any]]:
    """The index of a folder, memory-mapped, and its settings."""
    for _ in range(_TRIES - 1):
        with contextlib.suppress(_MissingError):
            return _read(Path(path), check)
    # Somebody saves all the time, or it is incomplete: the last try says what is missing.
    return _read(Path(path), check)


class _MissingError(IndexFileError):
    """A file that ``index.json`` names is not there: somebody may have saved in between."""


def _read(folder: Path, check: bool) -> tuple[search.RowIndex, dict[str, Any]]:
    content = _content(folder)
    arrays = {name: _mapped(folder, name, content, check) for name in content["files"]}
    rows, codes, bounds, squares = (arrays[name] for name in _ARRAYS)
    centre = arrays.get("centre")
    segment = search.Segment(rows, codes, bounds, squares)
    frame = search.Frame(content["metric"], content["scale"], None if centre is None else np.array(centre))
    index = search.RowIndex(frame, (segment,), content["longest"], content["any_scaled"], content["framed_at"])
    return index, {name: content[name] for name in ("parameters", "feature_names")}


def _content(folder: Path) -> dict[str, Any]:
    try:
        content = json.loads((folder / INDEX).read_bytes())
    except FileNotFoundError:
        raise IndexFileError(
            f"{folder}: is not a search index, as it has no {INDEX}; NearestNeighbors.save writes one"
        ) from None
    except OSError as error:
        raise IndexFileError(f"{folder / INDEX}: cannot be read ({error.strerror or error})") from error
    except ValueError as error:
        raise _damaged(folder / INDEX, "it is not JSON") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise IndexFileError(f"{folder}: is not a search index: its {INDEX} is of something else")
    if content.get("version") != VERSION:
        raise IndexFileError(
            f"{folder}: is a search index of version {content.get('version')}, this pyface reads version {VERSION}: "
            "use the pyface that wrote it, or fit and save it again"
        )
    digest = content.pop("sha256", None)
    if digest != _digest(content):
        raise _damaged(folder / INDEX, "its bytes have changed since it was written")
    return content


def _mapped(folder: Path, name: str, content: dict[str, Any], check: bool) -> NDArray[Any]:
    described = content["files"][name]
    file = folder / described["name"]
    try:
        size = file.stat().st_size
        if size != described["bytes"]:
            raise _damaged(file, f"it has {size:,} bytes instead of {described['bytes']:,}")
        array = mapped(file)
    except FileNotFoundError:
        raise _MissingError(f"{file}: is missing; bring it back, or fit and save the index again") from None
    except OSError as error:
        raise IndexFileError(f"{file}: cannot be read ({error.strerror or error})") from error
    except ValueError as error:
        raise _damaged(file, "it has no header of NumPy's") from error
    if [array.dtype.str, list(array.shape)] != [described["dtype"], described["shape"]] or not array.dtype.isnative:
        raise _damaged(file, f"it holds {array.dtype} of shape {array.shape}")
    if not array.flags.c_contiguous:
        raise _damaged(file, "it is in another order")
    if check and _fingerprint(array, _threads.resolve(None)) != described["fingerprint"]:
        raise _damaged(file, "its bytes have changed since it was written")
    return array


def _damaged(file: Path, why: str) -> IndexFileError:
    return IndexFileError(f"{file}: is damaged: {why}; fit and save the index again")


def _write_array(file: Path, parts: list[NDArray[Any]]) -> None:
    first = parts[0]
    header = {
        "descr": np.lib.format.dtype_to_descr(first.dtype),
        "fortran_order": False,
        "shape": (sum(map(len, parts)), *first.shape[1:]),
    }
    with open(file, "wb") as out:
        np.lib.format.write_array_header_2_0(out, header)
        for part in parts:
            whole = np.ascontiguousarray(part).reshape(-1).view(np.uint8)
            for begin in range(0, len(whole), _AT_ONCE):
                out.write(whole[begin : begin + _AT_ONCE].data)


def _described(file: Path, n_threads: int) -> dict[str, Any]:
    _flush(file)
    array = np.load(file, mmap_mode="r", allow_pickle=False)
    return {
        "name": file.name,
        "bytes": file.stat().st_size,
        "dtype": array.dtype.str,
        "shape": list(array.shape),
        "fingerprint": _fingerprint(array, n_threads),
    }


def _fingerprint(array: NDArray[Any], n_threads: int) -> str:
    plain = np.asarray(array).reshape(len(array), -1)
    if plain.dtype == np.uint8:
        plain = plain.view(np.float32)  # whatever they are, these are the bytes
    return f"{fingerprint(plain, n_threads=n_threads):016x}"


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(_text(content).encode()).hexdigest()


def _text(content: dict[str, Any]) -> str:
    return json.dumps(content, sort_keys=True, indent=1, default=lambda number: number.item())  # NumPy's


def _flush(file: Path) -> None:
    with open(file, "rb+") as out:
        os.fsync(out.fileno())


def _remove(files: Iterable[Path]) -> None:
    for file in files:
        with contextlib.suppress(OSError):  # on Windows a file that is mapped stays until the next time
            file.unlink()
