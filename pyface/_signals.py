"""Ctrl-C in the middle of what must not be broken off."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def ctrl_c_waits() -> Iterator[None]:
    """Hear SIGINT when the block has ended."""
    handler = signal.getsignal(signal.SIGINT)
    pressed = False

    def remember(*_: Any) -> None:
        nonlocal pressed
        pressed = True

    try:
        if callable(handler):
            signal.signal(signal.SIGINT, remember)
    except ValueError:  # not the main thread, the only one in which handlers run
        handler = None
    try:
        yield
    finally:
        if callable(handler):
            signal.signal(signal.SIGINT, handler)
        if pressed:
            signal.raise_signal(signal.SIGINT)
