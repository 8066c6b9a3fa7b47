"""How much memory is left, so that a result too large for it is an error before the machine begins to swap."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterator

from pyface import _cgroups
from pyface.errors import PyfaceError

# Asking takes about as long as filling this much.
_WORTH_ASKING = 1 << 24
# OpenCV's code of cv2.error, and what ONNX Runtime and the providers in it say; they have no exception for it.
_CV2_NO_MEMORY = -4
_NOT_ENOUGH = "not enough memory"
_NO_MEMORY = re.compile(r"bad_alloc|bad allocation|failed to allocate|out of memory|ALLOC_FAILED", re.IGNORECASE)
_WANTED = re.compile(r"(?:buffer of size|allocate) (\d+(?:\.\d*)?) ?(KiB|MiB|GiB|TiB)?")
_REFUSED = re.compile(r"takes [\d.]+ [MG]iB and [\d.]+ [MG]iB are free")
_UNITS = {"": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}


def available() -> int | None:
    """Bytes that this process may still take without swapping, or None where nobody can tell. Takes less than 1 ms.

    Linux: the least of what the machine has left, caches of files counted in, what each control group above the process
    leaves (v1 and v2), and what RLIMIT_AS and RLIMIT_DATA leave. Windows: the free physical memory, or what is left of
    the address space if that is less. Elsewhere: the free physical memory, or all of it where only that is known.
    """
    return min((max(0, room) for room in _limits("/")), default=None)


def limit(at_most: int) -> int:
    """What a kernel may take that would take ``at_most`` bytes: what is available, or -1 if there is no need to ask."""
    free = available() if at_most >= _WORTH_ASKING else None
    return -1 if free is None else free


def require(n_bytes: int, what: str, instead: str) -> None:
    """MemoryError if so many bytes are not available. ``what`` takes them; ``instead`` says what the caller can do."""
    free = limit(n_bytes)
    if 0 <= free < n_bytes:
        raise MemoryError(f"{what} takes {_in_words(n_bytes)} and {_in_words(free)} are free; {instead}")


def ran_out(error: BaseException) -> bool:
    """Whether an exception says that memory ran out: Python's, OpenCV's or ONNX Runtime's."""
    source = type(error).__module__.partition(".")[0]
    return (
        isinstance(error, MemoryError)
        or (source == "cv2" and getattr(error, "code", None) == _CV2_NO_MEMORY)
        or (source == "onnxruntime" and _NO_MEMORY.search(str(error)) is not None)
    )


@contextlib.contextmanager
def told(what: str, instead: str) -> Iterator[None]:
    """Turns what :func:`ran_out` in the block into a MemoryError that says for ``what``, and what to do ``instead``.

    Blocks may lie in each other: the outermost knows best what the user asked for. What :func:`require` said is kept.
    """
    try:
        yield
    except Exception as error:
        if not ran_out(error) or isinstance(error, PyfaceError):  # which says so in our words already
            raise
        said = str(error)
        if type(error) is MemoryError and said and not said.startswith(_NOT_ENOUGH) and not _NO_MEMORY.search(said):
            raise MemoryError(f"{_NOT_ENOUGH} {what}: {said}") from error
        raise MemoryError(f"{_NOT_ENOUGH} {what}{_wanted(error)}; {instead}") from error


def reason(error: MemoryError) -> str:
    """What a MemoryError says; most of Python's own say nothing."""
    return str(error) or _NOT_ENOUGH


def _wanted(error: BaseException | None) -> str:
    """How much was asked for when there was no more, as far as somebody said so."""
    while error is not None:
        refused = _REFUSED.search(str(error))
        if refused is not None:
            return f" (it {refused[0]})"
        found = _WANTED.search(str(error))
        if found is not None:
            return f" ({_in_words(int(float(found[1]) * _UNITS[found[2] or '']))} more at once)"
        error = error.__cause__
    return ""


def _in_words(n_bytes: int) -> str:
    mebibytes = n_bytes / 2**20
    return f"{mebibytes:.0f} MiB" if mebibytes < 1024 else f"{mebibytes / 1024:.1f} GiB"


def _limits(root: str) -> Iterator[int]:
    """All limits that are known. ``root`` is where the files of the system begin."""
    if sys.platform == "linux":
        yield from _machine(root)
        yield from _control_groups(root)
        yield from _resource_limits(root)
    elif sys.platform == "win32":
        yield from _windows()
    else:
        yield from _pages()


def _machine(root: str) -> Iterator[int]:
    for line in _cgroups.lines(root, "proc/meminfo"):
        if line.startswith("MemAvailable:"):
            yield int(line.split()[1]) << 10
            return


def _control_groups(root: str) -> Iterator[int]:
    for version, group in _cgroups.folders(root, "memory"):
        if version == 2:
            yield from _left(root, group, ("memory.max", "memory.high"), "memory.current", "inactive_file")
        else:
            yield from _left(root, group, ("memory.limit_in_bytes",), "memory.usage_in_bytes", "total_inactive_file")


def _left(root: str, group: str, limits: tuple[str, ...], usage: str, reclaimable: str) -> Iterator[int]:
    numbers = [_cgroups.number(root, f"{group}/{name}") for name in limits]
    most = min((number for number in numbers if number is not None), default=None)
    used = _cgroups.number(root, f"{group}/{usage}")
    if most is None or used is None:
        return
    for line in _cgroups.lines(root, f"{group}/memory.stat"):
        kind, _, size = line.partition(" ")
        if kind == reclaimable:  # caches of files that nobody has used lately go before anybody swaps
            used -= int(size)
    yield most - used


def _resource_limits(root: str) -> list[int]:
    limits: list[int] = []
    if sys.platform != "win32":
        import resource

        # In pages: the whole address space, ..., data and stack, ...
        fields = [field for line in _cgroups.lines(root, "proc/self/statm") for field in line.split()]
        for kind, place in ((resource.RLIMIT_AS, 0), (resource.RLIMIT_DATA, 5)):
            most, _ = resource.getrlimit(kind)
            if most != resource.RLIM_INFINITY and place < len(fields):
                limits.append(most - int(fields[place]) * resource.getpagesize())
    return limits


def _pages() -> list[int]:
    if sys.platform != "win32":
        for name in ("SC_AVPHYS_PAGES", "SC_PHYS_PAGES"):
            if name in os.sysconf_names:
                return [os.sysconf(name) * os.sysconf("SC_PAGE_SIZE")]
    return []


def _windows() -> list[int]:
    if sys.platform == "win32":
        import ctypes

        class MemoryStatus(ctypes.Structure):
            """MEMORYSTATUSEX."""

            _fields_ = (
                ("length", ctypes.c_uint32),
                ("load", ctypes.c_uint32),
                ("total_physical", ctypes.c_uint64),
                ("available_physical", ctypes.c_uint64),
                ("total_page_file", ctypes.c_uint64),
                ("available_page_file", ctypes.c_uint64),
                ("total_virtual", ctypes.c_uint64),
                ("available_virtual", ctypes.c_uint64),
                ("available_extended_virtual", ctypes.c_uint64),
            )

        status = MemoryStatus(length=ctypes.sizeof(MemoryStatus))
        if ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
            return [min(status.available_physical, status.available_virtual)]
    return []
