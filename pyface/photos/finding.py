"""The photos in a folder: which files are looked at, and what could not be."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass

from pyface.photos.globs import Glob

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

# What other programs keep beside photos, by the folder's name in lower case; such folders are left out at any depth.
# Case does not count, as it does not where most of them come from.
_NAS, _BIN, _SMALL = "a folder of the NAS or the disk", "a recycle bin", "thumbnails"
_NOT_FOR_PEOPLE = {
    "@eadir": "thumbnails of a NAS",  # Synology
    ".@__thumb": "thumbnails of a NAS",  # QNAP
    "#recycle": _BIN,  # Synology
    "@recycle": _BIN,  # QNAP
    "$recycle.bin": _BIN,
    "recycler": _BIN,
    "#snapshot": _NAS,  # Synology
    "@recently-snapshot": _NAS,  # QNAP
    "~snapshot": _NAS,  # NetApp
    "lost+found": _NAS,
    "system volume information": _NAS,
    "thumbs": _SMALL,
    "thumbnails": _SMALL,
    ".thumbs": _SMALL,
    ".thumbnails": _SMALL,
    ".picasaoriginals": "photos as they were before they were edited",
}
_BIN_PREFIX = ".trash"
_HIDDEN = "its name begins with a dot"


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that was passed over. ``photo`` is its path relative to the folder, with ``/``."""

    photo: str
    reason: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A folder, whose path then ends with ``/``, or a photo that was not looked at since it was not meant to be.

    ``path`` is relative to the folder, with ``/``.
    """

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class PhotoFile:
    """A photo found in a folder: its path, its name in the results, and what tells whether it has changed."""

    path: str
    name: str
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class FoundPhotos:
    """What is in a folder: its photos, in byte order of their name; what could not be looked at; what is left out."""

    photos: list[PhotoFile]
    skipped: list[Skipped]
    left_out: list[LeftOut]


def find_photos(folder: str, *, out: str | None = None, exclude: Sequence[Glob] = ()) -> FoundPhotos:
    """Photos below ``folder``. A photo is a regular file with a known suffix.

    Files whose name begins with a dot are left alone, as is the folder ``out``. Folders whose name begins with a dot
    are left out and listed, as are those in which systems keep thumbnails and deleted files, and what ``exclude``
    matches. What a folder that is left out holds is not looked at. ``folder`` itself may have any name. Links to
    folders are followed; a folder that was seen before (a loop) is reported, not entered.
    """
    photos: list[PhotoFile] = []
    skipped: list[Skipped] = []
    left_out: list[LeftOut] = []
    seen: set[tuple[int, int]] = set()
    own = _identity(out) if out is not None and os.path.isdir(out) else None

    def entries_of(path: str, prefix: str) -> list[os.DirEntry[str]]:
        identity = _identity(path)
        if identity == own:
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
        name = prefix + entry.name
        is_photo = os.path.splitext(entry.name)[1].lower() in SUFFIXES
        try:
            is_folder = _is_folder(entry) if entry.name.startswith(".") else entry.is_dir()
            reason = _why_not(name, entry.name, exclude, is_folder=is_folder)
            if reason is not None:
                if _identity(entry.path) != own if is_folder else is_photo and reason != _HIDDEN:
                    left_out.append(LeftOut(f"{name}/" if is_folder else name, reason))
            elif is_folder:
                opened.append((f"{name}/", iter(entries_of(entry.path, f"{name}/"))))
            elif is_photo:
                status = entry.stat()
                if stat.S_ISREG(status.st_mode):
                    photos.append(PhotoFile(entry.path, name, status.st_size, status.st_mtime_ns))
                else:
                    skipped.append(Skipped(name, "not a regular file"))
        except OSError as error:
            skipped.append(Skipped(name, error.strerror or str(error)))
    photos.sort(key=lambda photo: os.fsencode(photo.name))
    left_out.sort(key=lambda item: os.fsencode(item.path))
    return FoundPhotos(photos, skipped, left_out)


def _why_not(path: str, name: str, exclude: Sequence[Glob], *, is_folder: bool) -> str | None:
    """Why a file or folder is not looked at; None if it is."""
    if is_folder:
        lower = name.lower()
        if lower in _NOT_FOR_PEOPLE:
            return f"{name}: {_NOT_FOR_PEOPLE[lower]}"
        if lower.startswith(_BIN_PREFIX):
            return f"{name}: {_BIN}"
    if name.startswith("."):
        return _HIDDEN
    for glob in exclude:
        if glob.matches(path, name, is_folder=is_folder):
            return f"--exclude {glob.text}"
    return None


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _identity(path: str) -> tuple[int, int]:
    status = os.stat(path)
    return status.st_dev, status.st_ino
