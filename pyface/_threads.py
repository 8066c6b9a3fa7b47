"""The one place that turns ``n_threads=None`` into a number."""

from __future__ import annotations

import operator
import os


def usable_cpus() -> int:
    """CPUs this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def resolve(n_threads: int | None) -> int:
    """``None`` means ``PYFACE_NUM_THREADS`` or every usable CPU; a number means itself and must be at least 1."""
    if n_threads is not None:
        try:
            count = operator.index(n_threads)
        except TypeError:
            raise TypeError(f"n_threads must be an integer or None, got {n_threads!r}") from None
        if count < 1:
            raise ValueError(f"n_threads must be at least 1, got {count}")
        return count
    setting = os.environ.get("PYFACE_NUM_THREADS", "").strip()
    if not setting:
        return usable_cpus()
    if not setting.isdecimal() or int(setting) < 1:
        raise ValueError(f"the environment variable PYFACE_NUM_THREADS must be a positive integer, got {setting!r}")
    return int(setting)
