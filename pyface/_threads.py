"""The one place that turns ``n_threads=None`` into a number."""

from __future__ import annotations

import contextlib
import functools
import operator
import os
import sys
from collections.abc import Iterator
from contextvars import ContextVar

from pyface import _cgroups

# More would only be refused by the operating system; results do not depend on the number.
_MOST = 1024
_default: ContextVar[int | None] = ContextVar("n_threads", default=None)


def usable_cpus() -> int:
    """CPUs that this process may keep busy, at least 1, counted as joblib counts them: the least of all limits.

    They are the machine's CPUs, the process's affinity (on Python 3.13 and later also ``PYTHON_CPU_COUNT``), the quotas
    of the control groups above it, as containers have them (rounded up: half a CPU is 1), and ``LOKY_MAX_CPU_COUNT``.
    """
    # The affinity has the machine's CPUs at most, and is asked for in a tenth of the time.
    counts = [len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1]
    if hasattr(os, "process_cpu_count"):  # Python 3.13
        counts.append(os.process_cpu_count() or 1)
    quota = _quota("/")
    if quota is not None:
        counts.append(quota)
    setting = os.environ.get("LOKY_MAX_CPU_COUNT", "").strip()
    if setting.isdecimal():  # joblib itself complains of anything else
        counts.append(int(setting))
    return max(1, min(counts))


@functools.cache  # kernels ask before each call, and reading the files takes about as long as a small kernel
def _quota(root: str) -> int | None:
    """CPUs that the control groups above this process leave it, rounded up; files are looked for below ``root``."""
    if sys.platform != "linux":
        return None
    counts = []
    for version, group in _cgroups.folders(root, "cpu"):
        if version == 2:
            quota, _, period = "".join(_cgroups.lines(root, f"{group}/cpu.max")).partition(" ")
        else:
            quota, period = (
                "".join(_cgroups.lines(root, f"{group}/cpu.cfs_{name}_us")) for name in ("quota", "period")
            )
        # "max" and -1 are no quota.
        if quota.isdecimal() and period.isdecimal() and int(period) > 0:
            counts.append(-(-int(quota) // int(period)))
    return min(counts, default=None)


def resolve(n_threads: int | None) -> int:
    """``None`` means ``PYFACE_NUM_THREADS`` or every usable CPU; a number means itself and must be at least 1.

    Never more than 1,024. Inside :func:`default` ``None`` means the number given there.
    """
    if n_threads is None:
        n_threads = _default.get()
    if n_threads is not None:
        try:
            if isinstance(n_threads, bool):  # counts as 0 or 1 in Python, as it does nowhere here
                raise TypeError
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
