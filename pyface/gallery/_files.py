"""A gallery on disk: a folder of ``.npy`` and JSON files; ``gallery.json`` names them and is written last."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import re
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import __version__
from pyface._npy import mapped
from pyface._one_writer import one_writer
from pyface._typing import FloatArray
from pyface.album.out_folder import Data, remove_leftovers, write_files
from pyface.errors import GalleryError, OutputFolderError
from pyface.gallery._calibration import Calibration

MANIFEST = "gallery.json"
FORMAT, VERSION = "pyface gallery", 1
# What of a gallery's attributes is kept as it is.
SETTINGS = ("embedder", "embedder_digest", "metric", "dimension", "rule", "votes", "threshold", "models", "made_by")
_PARTS = {"faces": "npy", "owners": "npy", "names": "json"}
_OURS = re.compile(r"(faces|owners)-[0-9a-f]{16}\.npy|names-[0-9a-f]{16}\.json")
_AGAIN = "restore it from a copy, or enroll the photos anew"
_AT_ONCE = 1 << 22
_TRIES = 3


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """What is written and read.

    settings : of a gallery, by ``SETTINGS``. rows : (n, d) float32 or float64. owner : (n,) int64, places in ``names``.
    """

    settings: dict[str, Any]
    calibration: Calibration | None
    names: list[str]
    rows: FloatArray
    owner: NDArray[np.int64]


def write(folder: str, stored: Stored, *, expected: str | None, overwrite: bool) -> str:
    """Write a gallery, and return the digest of its manifest.

    expected : that of the gallery that is there and may be replaced; None if there must be none.
    """
    _prepare(folder)
    parts: dict[str, Data] = {
        "faces": _npy(stored.rows),
        "owners": _npy(stored.owner),
        "names": _json(stored.names),
    }
    files, described = {}, {}
    for part, data in parts.items():
        digest = _digest(data)
        name = f"{part}-{digest[:16]}.{_PARTS[part]}"
        files[name] = data
        described[part] = {"name": name, "bytes": sum(map(len, _pieces(data))), "sha256": digest}
    content = {
        "format": FORMAT, "format_version": VERSION, "generator": "pyface", "version": __version__, **stored.settings,
        "calibration": None if stored.calibration is None else asdict(stored.calibration),
        "n_names": len(stored.names), "n_faces": len(stored.owner), "files": described,
    }  # fmt: skip
    manifest = _sealed(content)
    with one_writer(folder):
        _refuse_another(folder, expected, overwrite=overwrite)
        remove_leftovers(folder)  # nobody else is writing
        try:
            write_files(folder, {**files, MANIFEST: manifest})
        except OutputFolderError:
            _remove_others(folder)
            raise
        _remove_others(folder)
    return hashlib.sha256(manifest).hexdigest()


def read(folder: str, *, check: bool) -> tuple[Stored, str]:
    """The gallery of a folder, its rows memory-mapped, and the digest of its manifest."""
    for _ in range(_TRIES - 1):
        with contextlib.suppress(_MissingError):
            return _read(folder, check=check)
    # Somebody saves all the time, or it is incomplete: the last try says what is missing.
    return _read(folder, check=check)


class _MissingError(GalleryError):
    """A file of the manifest is not there: somebody may have saved in between."""


def _read(folder: str, *, check: bool) -> tuple[Stored, str]:
    data = _manifest(folder)
    content = _content(folder, data)
    described = content["files"]
    rows = _array(folder, described["faces"], check=check)
    owner = np.asarray(_array(folder, described["owners"], check=check))
    path = os.path.join(folder, described["names"]["name"])
    names = json.loads(_bytes(path, described["names"]))
    n_names, n_faces = content["n_names"], content["n_faces"]
    fits = rows.shape == (n_faces, rows.shape[-1]) and owner.shape == (n_faces,) and len(names) == n_names
    if not fits or rows.dtype not in (np.float32, np.float64) or owner.dtype != np.int64:
        raise _damaged(os.path.join(folder, MANIFEST), "its files do not fit together")
    are_names = isinstance(names, list) and all(isinstance(name, str) for name in names) and len(set(names)) == n_names
    if not are_names or (n_faces and owner.min() < 0) or len(np.bincount(owner, minlength=1).nonzero()[0]) != n_names:
        raise _damaged(path, "its names are not those of the faces")
    calibration = content["calibration"]
    settings = {name: content[name] for name in SETTINGS}
    fitted = None if calibration is None else Calibration(**calibration)
    return Stored(settings, fitted, names, rows, owner), hashlib.sha256(data).hexdigest()


def is_gallery(folder: str | os.PathLike[str]) -> bool:
    """Whether a gallery, or what is left of one, lies in this folder."""
    return os.path.lexists(os.path.join(folder, MANIFEST))


def _prepare(folder: str) -> None:
    """A folder for a gallery alone, made for its owner."""
    if os.path.lexists(folder) and not os.path.isdir(folder):
        raise OutputFolderError(f"{folder}: exists and is not a folder; choose another one")
    try:
        os.makedirs(os.path.dirname(folder), exist_ok=True)
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder, 0o700)
        others = [name for name in os.listdir(folder) if not name.startswith(".pyface-") and not _OURS.fullmatch(name)]
    except OSError as error:
        raise OutputFolderError(
            f"{folder}: cannot be written ({error.strerror or error}); choose another folder"
        ) from error
    if others and MANIFEST not in others:
        raise OutputFolderError(f"{folder}: holds {sorted(others)[0]!r} and no gallery; choose another folder")


def _refuse_another(folder: str, expected: str | None, *, overwrite: bool) -> None:
    if overwrite or not is_gallery(folder):
        return
    if expected is None:
        raise GalleryError(
            f"{folder}: holds another gallery; load it and merge into it, or say overwrite=True; "
            "'pyface enroll' adds to what is there"
        )
    if hashlib.sha256(_manifest(folder)).hexdigest() != expected:
        raise GalleryError(
            f"{folder}: somebody has written to this gallery since it was loaded; load it and do it again, "
            "or run the command again"
        )


def _remove_others(folder: str) -> None:
    """Files of the gallery before, or of one that could not be written to the end."""
    with contextlib.suppress(GalleryError, OSError):
        described = _content(folder, _manifest(folder))["files"]
        kept = {part["name"] for part in described.values()}
        for name in os.listdir(folder):
            if _OURS.fullmatch(name) and name not in kept:
                with contextlib.suppress(OSError):  # on Windows a file that is mapped stays until the next time
                    os.remove(os.path.join(folder, name))


def _manifest(folder: str) -> bytes:
    path = os.path.join(folder, MANIFEST)
    try:
        with open(path, "rb") as file:
            return file.read()
    except (FileNotFoundError, NotADirectoryError):
        what = f"has no {MANIFEST}" if os.path.isdir(folder) else "does not exist or is no folder"
        raise GalleryError(
            f"{folder}: is not a gallery: it {what}; 'pyface enroll' and Gallery.save make one"
        ) from None
    except OSError as error:
        raise GalleryError(f"{path}: cannot be read ({error.strerror or error})") from error


def _content(folder: str, data: bytes) -> dict[str, Any]:
    """What the manifest says; it is as it was written to the byte."""
    path = os.path.join(folder, MANIFEST)
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _damaged(path, "it is not JSON") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise GalleryError(f"{folder}: is not a gallery: its {MANIFEST} is of something else, or damaged")
    version = content.get("format_version")
    if version != VERSION:
        raise GalleryError(
            f"{folder}: is a gallery of version {version!r}, and this pyface reads version {VERSION}; use the pyface "
            f"that wrote it ({content.get('version')!r}), or enroll the photos anew"
        )
    content.pop("sha256", None)
    if _sealed(content) != data:
        raise _damaged(path, "its bytes have changed since it was written")
    return content


def _array(folder: str, described: dict[str, Any], *, check: bool) -> NDArray[Any]:
    path = os.path.join(folder, described["name"])
    try:
        size = os.stat(path).st_size
        if size != described["bytes"]:
            raise _damaged(path, f"it has {size:,} bytes instead of {described['bytes']:,}")
        if check and _file_digest(path) != described["sha256"]:
            raise _damaged(path, "its bytes have changed since it was written")
        array = mapped(path)
        if size < _AT_ONCE:
            array = np.array(array)
    except FileNotFoundError:
        raise _MissingError(f"{path}: is missing; {_AGAIN}") from None
    except OSError as error:
        raise GalleryError(f"{path}: cannot be read ({error.strerror or error})") from error
    except ValueError as error:
        raise _damaged(path, "it is no .npy file") from error
    return array


def _bytes(path: str, described: dict[str, Any]) -> bytes:
    try:
        with open(path, "rb") as file:
            data = file.read()
    except FileNotFoundError:
        raise _MissingError(f"{path}: is missing; {_AGAIN}") from None
    except OSError as error:
        raise GalleryError(f"{path}: cannot be read ({error.strerror or error})") from error
    if len(data) != described["bytes"]:
        raise _damaged(path, f"it has {len(data):,} bytes instead of {described['bytes']:,}")
    if hashlib.sha256(data).hexdigest() != described["sha256"]:
        raise _damaged(path, "its bytes have changed since it was written")
    return data


def _damaged(path: str, why: str) -> GalleryError:
    return GalleryError(f"{path}: is damaged: {why}; {_AGAIN}")


def _sealed(content: dict[str, Any]) -> bytes:
    """The manifest, whose last entry is the digest of the others."""
    return _json({**content, "sha256": hashlib.sha256(_json(content)).hexdigest()})


def _json(content: Any) -> bytes:
    # ASCII: a path that is no valid UTF-8 survives as an escaped surrogate.
    return json.dumps(content, indent=1, ensure_ascii=True).encode("ascii") + b"\n"


def _npy(array: NDArray[Any]) -> Data:
    header, plain = io.BytesIO(), np.ascontiguousarray(array)
    npy = np.lib.format
    npy.write_array_header_1_0(header, npy.header_data_from_array_1_0(plain))
    return header.getvalue(), memoryview(plain.reshape(-1).view(np.uint8).data)


def _pieces(data: Data) -> tuple[bytes | memoryview, ...]:
    return (data,) if isinstance(data, bytes) else data


def _digest(data: Data) -> str:
    digest = hashlib.sha256()
    for piece in _pieces(data):
        digest.update(piece)
    return digest.hexdigest()


def _file_digest(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
