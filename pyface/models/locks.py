"""One process at a time, and one thread of it."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

__all__ = ["held"]

log = logging.getLogger(__name__)
_WAITS = "another process brings weights; waiting until it is done"


@contextlib.contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold this lock during the block; whoever comes second waits for the end of it, or of the process.

    The file stays: to remove one that another process has just opened would let two of them in.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        _take(file.fileno())
        yield  # closing it, as the end of a process does, gives the lock back


if sys.platform == "win32":
    import msvcrt

    def _take(descriptor: int) -> None:
        kind = msvcrt.LK_NBLCK
        while True:
            try:
                msvcrt.locking(descriptor, kind, 1)
                return
            except OSError:  # held; or the system, which waits ten seconds at a time, gave up
                if kind == msvcrt.LK_NBLCK:
                    log.warning(_WAITS)
                kind = msvcrt.LK_LOCK

else:
    import fcntl

    def _take(descriptor: int) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log.warning(_WAITS)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
