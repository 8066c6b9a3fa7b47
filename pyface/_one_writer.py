"""One process at a time writes to a folder: a lock that ends with its process, and that readers need not care about."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterator

from pyface.errors import OutputFolderError

# Windows locks bytes of files and no folders.
_FILE = ".pyface-writer"
_PATIENCE_SECONDS, _WAIT_SECONDS = 1.0, 0.02
_held: dict[str, tuple[int, int]] = {}  # folder -> descriptor, how often it is held
_guard = threading.Lock()


@contextlib.contextmanager
def one_writer(out: str, *, alone: bool = False) -> Iterator[None]:
    """Be the process that writes to the folder ``out``; within it this may be nested, and held by several threads.

    alone : nor may any other part of this process be doing so.

    :class:`pyface.errors.OutputFolderError` if somebody else is; another process gets a second to end. Where the file
    system has no locks every process may write, and SQLite's own locks are left.
    """
    key = os.path.realpath(out)
    if alone and key in _held:
        raise OutputFolderError(f"{out}: open in another review; close that one first")
    _take(key, out)
    try:
        yield
    finally:
        _leave(key)


def _take(key: str, out: str) -> None:
    until = time.monotonic() + _PATIENCE_SECONDS
    while True:
        with _guard:
            if key in _held:
                descriptor, times = _held[key]
                _held[key] = descriptor, times + 1
                return
            try:
                _held[key] = _locked(key), 1
                return
            except BlockingIOError as error:
                if time.monotonic() > until:
                    raise OutputFolderError(
                        f"{out}: in use by another run of pyface that writes to it; end it first, such as an open "
                        "'pyface review', or wait for its end"
                    ) from error
        time.sleep(_WAIT_SECONDS)


def _leave(key: str) -> None:
    with _guard:
        descriptor, times = _held[key]
        if times > 1:
            _held[key] = descriptor, times - 1
            return
        del _held[key]
        if descriptor >= 0:
            os.close(descriptor)


def _forget_after_fork() -> None:
    # A lock is one of all that share its descriptor: a child has no part in it.
    for descriptor, _ in _held.values():
        if descriptor >= 0:
            os.close(descriptor)
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)


if sys.platform == "win32":
    import msvcrt

    def _locked(folder: str) -> int:
        """The descriptor of the lock, -1 where there are none. BlockingIOError if another process has it."""
        try:
            descriptor = os.open(os.path.join(folder, _FILE), os.O_CREAT | os.O_RDWR, 0o600)
        except OSError:
            return -1
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            os.close(descriptor)
            raise BlockingIOError(str(error)) from error
        return descriptor

else:
    import fcntl

    def _locked(folder: str) -> int:
        """The descriptor of the lock, -1 where there are none. BlockingIOError if another process has it."""
        try:
            descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return -1
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise
        except OSError:  # NFS without a lock daemon, and other file systems
            os.close(descriptor)
            return -1
        return descriptor
