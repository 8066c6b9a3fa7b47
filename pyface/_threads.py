"""The one place that turns ``n_threads=None`` into a number."""

from __future__ import annotations

import operator
import os

# More would only be refused by the operating system; results do not depend on the number.
_MOST = 1024


def usable_cpus() -> int:
    """CPUs this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def resolve(n_threads: int | None) -> int:
    """``None`` means ``PYFACE_NUM_THREADS`` or every usable CPU; a number means itself and must be at least 1.

    Never more than 1,024.
    """
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
