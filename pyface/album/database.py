"""What the SQLite files of OUT have in common: errors in words, modes, and copies before a change of layout."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from pyface.errors import OutputFolderError

# Whoever holds a file for longer than this holds it for long; this is for one that is just ending.
PATIENCE_SECONDS = 1.0


@contextlib.contextmanager
def in_words(path: str | None, damaged: str) -> Iterator[None]:
    """Turn what SQLite and the disk say into an OutputFolderError.

    damaged : what a file is that is neither locked, full nor read-only, and the way out; ``{}`` is the reason.
    """
    try:
        yield
    except (sqlite3.Error, OSError, ValueError) as error:  # ValueError: a value of a wrong length
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            text = "in use by another run of pyface; wait for its end, or choose another folder"
        elif code == sqlite3.SQLITE_FULL or getattr(error, "errno", None) == errno.ENOSPC:
            text = "the disk is full; the same command goes on when there is space"
        elif _is_read_only(error):
            text = f"cannot be written ({error}); choose another folder"
        else:
            text = damaged.format(error)
        raise OutputFolderError(f"{path}: {text}") from error


def is_read_only(error: OutputFolderError) -> bool:
    """Whether this comes from a folder or disk on which nothing can be written, as :func:`in_words` tells it."""
    return error.__cause__ is not None and _is_read_only(error.__cause__)


def _is_read_only(error: BaseException) -> bool:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    is_disk = isinstance(error, OSError) and error.errno == errno.EROFS
    return code == sqlite3.SQLITE_READONLY or is_disk or isinstance(error, PermissionError)


def create_private(path: str) -> None:
    """Make an empty file of mode 0600: SQLite gives its journal the same, so both are the owner's from the start."""
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def open_snapshot(path: str, version: int) -> sqlite3.Connection | None:
    """The database as it is now, to be read whatever others write to it later; None if its layout is another one."""
    # What a run that was killed left half done is rolled back by whoever may write.
    mode = "rw" if os.access(path, os.W_OK) else "ro"
    address = f"{Path(path).absolute().as_uri()}?mode={mode}"
    db = sqlite3.connect(address, uri=True, timeout=PATIENCE_SECONDS, check_same_thread=False)
    try:
        db.execute("BEGIN")
        (found,) = db.execute("PRAGMA user_version").fetchone()
    except BaseException:
        db.close()
        raise
    if found == version:
        return db
    db.close()
    return None


def keep_copy(db: sqlite3.Connection, path: str, version: int) -> None:
    """Leave a copy of the database at ``path`` beside it, as ``path.v2`` say: whole or not at all."""
    copy = f"{path}.v{version}"
    temporary = f"{copy}.writing"
    try:
        with contextlib.suppress(FileNotFoundError):
            os.remove(temporary)
        create_private(temporary)
        with contextlib.closing(sqlite3.connect(temporary)) as target:
            db.backup(target)
        os.replace(temporary, copy)
    finally:
        with contextlib.suppress(OSError):
            os.remove(temporary)


def has_application_id(path: str, application_id: int) -> bool:
    """Whether this file is an SQLite database of that kind (it need not be intact), or was just being made."""
    try:
        with open(path, "rb") as file:
            header = file.read(72)
    except OSError:
        return False
    if not header:  # killed between creating the file and writing its first page
        return True
    return header[:15] == b"SQLite format 3" and header[68:72] == application_id.to_bytes(4, "big")
