"""Weights out of zips: one named file each, in bounds, checked before it gets its name."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from pyface.errors import DownloadError

__all__ = ["LARGEST_FILE", "copy_checked", "member", "opened"]

LARGEST_FILE = 1 << 30
"""Bytes of a weight file whose size is not known beforehand, at most."""
_CHUNK = 1 << 20
_ENCRYPTED = 0x1


@contextlib.contextmanager
def opened(file: IO[bytes], what: str) -> Iterator[zipfile.ZipFile]:
    """A zip that holds nothing but plain files with names inside of it. DownloadError for any other, also later.

    what : for messages.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            for info in archive.infolist():
                reason = _why_refused(info)
                if reason:
                    raise DownloadError(f"{what}: {info.filename!r} in it {reason}; nothing was taken from it")
            yield archive
    except OSError as error:
        if error.errno != errno.EINVAL:  # of a file that says that its parts lie before its beginning
            raise
        raise DownloadError(f"{what} is no zip that can be read: it is damaged") from error
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError, NotImplementedError) as error:
        raise DownloadError(f"{what} is no zip that can be read: {error}") from error


def _why_refused(info: zipfile.ZipInfo) -> str:
    name = info.orig_filename
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if "\0" in name or ":" in name or name.startswith(("/", "\\")) or ".." in parts:
        return "would lie outside"
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is no plain file"
    return "is encrypted" if info.flag_bits & _ENCRYPTED else ""


def member(archive: zipfile.ZipFile, file: str, limit: int, what: str) -> zipfile.ZipInfo:
    """The one entry of this name, in whatever folder of the zip. DownloadError if there is none, are several, or if it
    says that it holds more than ``limit`` bytes.
    """
    found = [info for info in archive.infolist() if not info.is_dir() and PurePosixPath(info.filename).name == file]
    if len(found) != 1:
        raise DownloadError(f"{what} holds {len(found) or 'no'} files named {file}, expected one")
    if found[0].file_size > limit:
        raise DownloadError(f"{what}: {file} in it takes {found[0].file_size:,} bytes, expected {limit:,} at most")
    return found[0]


def copy_checked(
    source: IO[bytes], target: Path, sha256: str, limit: int, what: str, seal: Callable[[str], None]
) -> None:
    """Copy a file, and give it its name once its SHA-256 is the one expected; an empty one is not looked at.

    seal : called with the digest before the file has its name.       what : for messages.

    DownloadError for another digest, or more than ``limit`` bytes. Whatever goes wrong leaves nothing behind.
    """
    digest, done, temporary = hashlib.sha256(), 0, None
    try:
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as file:
            temporary = Path(file.name)
            while chunk := source.read(_CHUNK):
                done += len(chunk)
                if done > limit:
                    raise DownloadError(f"{what} holds more than {limit:,} bytes")
                digest.update(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        if sha256 and digest.hexdigest() != sha256:
            raise DownloadError(f"{what} has the SHA-256 {digest.hexdigest()}, expected {sha256}")
        seal(digest.hexdigest())
        os.replace(temporary, target)
        temporary = None
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
