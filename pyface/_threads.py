"""The one place that turns ``n_threads=None`` into a number."""

from __future__ import annotations

import contextlib
import operator
import os
from collections.abc import Iterator
from contextvars import ContextVar

# More would only be refused by the operating system; results do not depend on the number.
_MOST = 1024
_default: ContextVar[int | None] = ContextVar("n_threads", default=None)


def usable_cpus() -> int:
    """CPUs this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def resolve(n_threads: int | None) -> int:
    """``None`` means ``PYFACE_NUM_THREADS`` or every usable CPU; a number means itself and must be at least 1.

    Never more than 1,024. Inside :func:`default` ``None`` means the number given there.
    """
    if n_threads is None:
        n_threads = _default.get()
    if n_threads is not None:
        try:
            count = operator.index(n_threads)
        except TypeError:
            raise TypeError(f"n_threads must be an integer or None, got {n_threads!r}") from None
        if count < 1:
            raise ValueError(f"n_threads must be at least 1, got {count}")
        return min(count, _MOST)
    setting = os.environ.get("PYFACE_NUM_THREADS", "").strip()
    if not setting:
        return usable_cpus()
    if not setting.isdecimal() or int(setting) < 1:
        raise ValueError(f"the environment variable PYFACE_NUM_THREADS must be a positive integer, got {setting!r}")
    return min(int(setting), _MOST)


@contextlib.contextmanager
def default(n_threads: int) -> Iterator[None]:
    """Let ``None`` mean ``n_threads`` in this thread: scikit-learn's estimators have no argument for it."""
    token = _default.set(n_threads)
    try:
        yield
    finally:
        _default.reset(token)
