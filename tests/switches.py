"""The faster ways of the engine switched on wherever they can be, or off, and back again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pyface import _core


@contextmanager
def floats_used(use: str) -> Iterator[None]:
    """All with all in float32, where codes might do."""
    _core.use_floats(use)
    try:
        yield
    finally:
        _core.use_floats("where_they_pay")


@contextmanager
def axes_used(use: str) -> Iterator[None]:
    """A first stage. Whatever the rows are, they are not compared all with all in float32, which needs none."""
    _core.use_axes(use)
    try:
        with floats_used("never"):
            yield
    finally:
        _core.use_axes("where_they_pay")
