"""The output folder: made for its owner only, written whole or not at all, and never over somebody else's files."""

from __future__ import annotations

import contextlib
import errno
import glob
import json
import os
import stat
import tempfile
import time
from collections.abc import Mapping
from typing import Any

from pyface.album.facts import FILE_NAME as FACTS_FILE
from pyface.album.facts import is_facts_file
from pyface.album.work import FILE_NAME, is_work_file
from pyface.errors import OutputFolderError

SUMMARY = "summary.json"
# What is made of the records, from which it can be made again.
MADE = ("faces.csv", "embeddings.npy", SUMMARY, "report.html")

_TEMPORARY = ".pyface-writing"
# What a run that was killed left behind is removed when it is certain that no run is still at it.
_LEFTOVER_SECONDS = 3600
_AT_ONCE = 1 << 20


def prepare_folder(out: str, command: str | None = None) -> bool:
    """Make ``out`` ready to write to, or raise :class:`OutputFolderError`, before any work is done.

    A folder that exists must be empty or written by pyface, as an album or by the ``command`` given. A new one is its
    owner's alone (mode 0700). Returns whether it is new.
    """
    is_new = False
    if os.path.lexists(out) and not os.path.isdir(out):
        raise OutputFolderError(f"{out}: exists and is not a folder; choose another one")
    try:
        os.makedirs(os.path.dirname(os.path.abspath(out)), exist_ok=True)
        with contextlib.suppress(FileExistsError):
            os.mkdir(out, 0o700)
            is_new = True
        remove_leftovers(out, _LEFTOVER_SECONDS)
        names = [name for name in os.listdir(out) if not name.startswith(_TEMPORARY)]
        if names and not is_ours(out, command):
            by = "pyface" if command is None else f"pyface {command}"
            raise OutputFolderError(
                f"{out}: exists and was not written by {by}; choose another folder or empty this one"
            )
        descriptor, probe = tempfile.mkstemp(prefix=_TEMPORARY, dir=out)
        os.close(descriptor)
        os.remove(probe)
    except OSError as error:
        raise _cannot_be_written(out, error) from error
    return is_new


def _cannot_be_written(out: str, error: OSError) -> OutputFolderError:
    if error.errno == errno.ENOSPC:
        return OutputFolderError(f"{out}: the disk is full; make space first, or choose another folder")
    return OutputFolderError(f"{out}: cannot be written ({error.strerror or error}); choose another folder")


def remove_if_empty(out: str) -> None:
    """Take away a folder that was made for results which did not come."""
    with contextlib.suppress(OSError):
        os.rmdir(out)


def remove_leftovers(out: str, seconds: float = 0.0) -> None:
    """Remove what runs that were killed so long ago were writing."""
    with contextlib.suppress(OSError), os.scandir(out) as entries:
        for entry in entries:
            if entry.name.startswith(_TEMPORARY) and time.time() - entry.stat().st_mtime >= seconds:
                os.remove(entry.path)


def remove_made(out: str) -> None:
    """Remove the files that were made of the records: they can be made again. Copies of the records go, too, that moves
    to newer layouts or a run that was killed left."""
    remove_leftovers(out)
    records = [glob.escape(os.path.join(out, record)) for record in (FILE_NAME, FACTS_FILE)]
    copies = [copy for record in records for pattern in (".v*", "-wal") for copy in glob.glob(record + pattern)]
    for path in [*copies, *(os.path.join(out, name) for name in MADE)]:
        with contextlib.suppress(FileNotFoundError):
            os.remove(path)


def is_ours(out: str, command: str | None = None) -> bool:
    """Whether pyface wrote this folder: it holds the record of work of an album, one of facts, or a summary.

    With a ``command``: whether that one did, whose summary names it.
    """
    if is_work_file(os.path.join(out, FILE_NAME)) or is_facts_file(os.path.join(out, FACTS_FILE)):
        return command is None
    summary = read_summary(out)
    return summary.get("generator") == "pyface" and summary.get("command") == command


def read_summary(out: str) -> dict[str, Any]:
    """What ``summary.json`` says; nothing if there is none that can be read."""
    try:
        with open(os.path.join(out, SUMMARY), encoding="utf-8") as file:
            summary = json.load(file)
    except (OSError, ValueError):
        return {}
    return summary if isinstance(summary, dict) else {}


# The bytes of a file, in one part or several.
Data = bytes | tuple[bytes | memoryview, ...]


def write_files(out: str, files: Mapping[str, Data]) -> None:
    """Write all of these files into ``out`` under temporary names, then give them their own.

    Mode 0600. If anything fails before the last one is written, the folder is as it was. A file that is there with
    these bytes already stays: vectors are what takes long to write, and only other photos change them.
    """
    temporary: dict[str, str] = {}
    try:
        files = {name: data for name, data in files.items() if not _holds(os.path.join(out, name), data)}
        for name, data in files.items():
            # A name of its own for each run: two that write at once leave the files of one or the other, all whole.
            descriptor, temporary[name] = tempfile.mkstemp(prefix=f"{_TEMPORARY}-", dir=out)
            with open(descriptor, "wb") as file:
                for part in _parts(data):
                    file.write(part)
                file.flush()
                os.fsync(file.fileno())
        for name in files:
            os.replace(temporary[name], os.path.join(out, name))
    except OSError as error:
        raise _cannot_be_written(out, error) from error
    finally:
        for path in temporary.values():
            with contextlib.suppress(OSError):
                os.remove(path)


def _parts(data: Data) -> tuple[bytes | memoryview, ...]:
    return (data,) if isinstance(data, bytes) else data


def _holds(path: str, data: Data) -> bool:
    """Whether this is a file of ours (mode 0600) that holds these bytes."""
    try:
        status = os.lstat(path)
        size = sum(map(len, _parts(data)))
        if not stat.S_ISREG(status.st_mode) or status.st_mode & 0o077 or status.st_size != size:
            return False
        with open(path, "rb") as file:
            for part in _parts(data):
                for begin in range(0, len(part), _AT_ONCE):
                    some = bytes(part[begin : begin + _AT_ONCE])
                    if file.read(len(some)) != some:
                        return False
        return True
    except OSError:
        return False
