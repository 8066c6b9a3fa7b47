"""The photos in a folder: which files are looked at, and what could not be."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass

# The suffix decides which files are looked at, their content how they are read. Photos that cannot be read are looked
# at too, so that they are listed with the reason: nobody should wonder where they are.
_RAW_SUFFIXES = (
    ".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".iiq", ".kdc", ".mef", ".mos", ".mrw",
    ".nef", ".nrw", ".orf", ".pef", ".raf", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f",
)  # fmt: skip
SUFFIXES = frozenset(
    (
        ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp", ".bmp", ".dib", ".tif", ".tiff", ".gif",
        ".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx", ".avif", ".heic", ".heif", ".hif", ".jxl", *_RAW_SUFFIXES,
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that was passed over. ``photo`` is its path relative to the folder, with ``/``."""

    photo: str
    reason: str


@dataclass(frozen=True, slots=True)
class PhotoFile:
    """A photo found in a folder: its path, its name in the results, and what tells whether it has changed."""

    path: str
    name: str
    size: int
    mtime_ns: int


def find_photos(folder: str, exclude: str | None = None) -> tuple[list[PhotoFile], list[Skipped]]:
    """Photos below ``folder`` in byte order of their relative path, and what could not be looked at.

    A photo is a regular file with a known suffix. Names that begin with a dot are left alone, as is the folder
    ``exclude``. Links to folders are followed; a folder that was seen before (a loop) is reported, not entered.
    """
    photos: list[PhotoFile] = []
    skipped: list[Skipped] = []
    seen: set[tuple[int, int]] = set()
    excluded = _identity(exclude) if exclude is not None and os.path.isdir(exclude) else None

    def entries_of(path: str, prefix: str) -> list[os.DirEntry[str]]:
        identity = _identity(path)
        if identity == excluded:
            return []
        if identity in seen:
            skipped.append(Skipped(prefix.rstrip("/"), "a link to a folder that is already included"))
            return []
        seen.add(identity)
        with os.scandir(path) as entries:
            # Real folders before links to folders: whichever way a folder can be reached, its own path names it.
            return sorted(entries, key=lambda e: (e.is_symlink() and _is_folder(e), os.fsencode(e.name)))

    # A list of open folders, not a recursion: folders may lie deeper in each other than Python's stack reaches.
    opened = [("", iter(entries_of(folder, "")))]
    while opened:
        prefix, entries = opened[-1]
        entry = next(entries, None)
        if entry is None:
            opened.pop()
            continue
        if entry.name.startswith("."):
            continue
        name = prefix + entry.name
        try:
            if entry.is_dir():
                opened.append((f"{name}/", iter(entries_of(entry.path, f"{name}/"))))
            elif os.path.splitext(entry.name)[1].lower() in SUFFIXES:
                status = entry.stat()
                if stat.S_ISREG(status.st_mode):
                    photos.append(PhotoFile(entry.path, name, status.st_size, status.st_mtime_ns))
                else:
                    skipped.append(Skipped(name, "not a regular file"))
        except OSError as error:
            skipped.append(Skipped(name, error.strerror or str(error)))
    photos.sort(key=lambda photo: os.fsencode(photo.name))
    return photos, skipped


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _identity(path: str) -> tuple[int, int]:
    status = os.stat(path)
    return status.st_dev, status.st_ino
