"""Where the photos of an album are now: by their path in the folders given, or else by their bytes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pyface.album.build import record_of
from pyface.photos.finding import find_photos


@dataclass(frozen=True, slots=True)
class Original:
    """A photo of an album as a file: its name in the album, its absolute path, and that in the folder, with ``/``."""

    name: str
    path: str
    relative: str


@dataclass(frozen=True, slots=True)
class _Known:
    digest: bytes
    size: int | None
    mtime_ns: int | None


def known_photos(out: str) -> dict[str, _Known]:
    """What the record of an OUT knows of the files of its photos."""
    with record_of(out, reading=True) as (work, _, info, _):
        times = work.known(info.analysis)
        return {
            name: _Known(digest, *times.get(name, (None, None))[:2])
            for name, _, _, error, digest in work.photos()
            if error is None
        }


def find_originals(
    known: dict[str, _Known], names: Iterable[str], folders: Sequence[str]
) -> tuple[dict[str, Original], dict[str, str]]:
    """The files of these photos, and of the others why there is none.

    A file is a photo's if it has its bytes (SHA-256), or if its size and time are those of the record. It is looked
    for at its path in each folder, then among all photos in them: photos that ``--add`` brought, or that were moved,
    are there by other names.
    """
    found: dict[str, Original] = {}
    reasons: dict[str, str] = {}
    for name in names:
        for folder in folders:
            path = os.path.abspath(os.path.join(folder, *name.split("/")))
            try:
                if _is_it(path, known[name]):
                    found[name] = Original(name, path, name)
                    break
                reasons[name] = "the file has changed since it was analysed; run 'pyface cluster' on it again"
            except OSError as error:
                is_gone = isinstance(error, FileNotFoundError | NotADirectoryError)
                reasons.setdefault(name, "not in the folder of photos any more" if is_gone else str(error.strerror))
    missing = [name for name in reasons if name not in found]
    if missing:
        _look_everywhere(known, missing, folders, found)
    return found, {name: reasons[name] for name in missing if name not in found}


def _look_everywhere(
    known: dict[str, _Known], missing: Sequence[str], folders: Sequence[str], found: dict[str, Original]
) -> None:
    wanted: dict[bytes, list[str]] = {}
    for name in missing:
        if known[name].digest:
            wanted.setdefault(known[name].digest, []).append(name)
    sizes = {known[name].size for name in missing}
    taken = {original.path for original in found.values()}
    for folder in folders:
        for file in find_photos(folder).photos:
            path = os.path.abspath(file.path)
            if path in taken or (None not in sizes and file.size not in sizes):
                continue
            try:
                names = wanted.get(_digest(path), [])
            except OSError:
                continue
            if names:
                name = names.pop(0)
                found[name] = Original(name, path, file.name)


def _is_it(path: str, known: _Known) -> bool:
    status = os.stat(path)
    if known.size is not None:
        if status.st_size != known.size:
            return False
        if status.st_mtime_ns == known.mtime_ns:
            return True
    return _digest(path) == known.digest


def _digest(path: str) -> bytes:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
