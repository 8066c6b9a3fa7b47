"""Memory that ends, or begins, where no memory is: a kernel that reads or writes one byte too far ends its process.

The process that may end is a child, so that what fails is a test.
"""

from __future__ import annotations

import ctypes
import math
import mmap
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

MISSING = "needs mprotect, as Linux and macOS have it" if sys.platform not in ("linux", "darwin") else ""
NO_RESERVE = 0x4000 if sys.platform == "linux" else 0x40  # mmap.MAP_NORESERVE, which Python 3.11 does not name
PROT_NONE = 0


class Room:
    """Whole pages for at least n_bytes between two pages that nobody may touch."""

    def __init__(self, n_bytes: int) -> None:
        page = mmap.PAGESIZE
        size = -(-n_bytes // page) * page
        memory = np.frombuffer(mmap.mmap(-1, size + 2 * page), np.uint8)
        self.bytes = memory[page:-page]
        protect = ctypes.CDLL(None, use_errno=True).mprotect
        protect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
        for address in (memory.ctypes.data, memory.ctypes.data + page + size):
            if protect(address, page, PROT_NONE) != 0:
                raise OSError(ctypes.get_errno(), "mprotect")

    def array(self, shape: tuple[int, ...], dtype: Any, *, at_end: bool) -> NDArray[Any]:
        """An array whose last byte is the last of the room, or whose first is the first."""
        n_bytes = math.prod(shape) * np.dtype(dtype).itemsize
        part = self.bytes[len(self.bytes) - n_bytes :] if at_end else self.bytes[:n_bytes]
        return np.frombuffer(part, dtype).reshape(shape)

    def copy(self, values: NDArray[Any], *, at_end: bool) -> NDArray[Any]:
        made = self.array(values.shape, values.dtype, at_end=at_end)
        made[...] = values
        return made


def overrun(*, at_end: bool) -> None:
    """Reads the byte behind an array, or before one: nobody comes back from here."""
    array = Room(1).array((1,), np.uint8, at_end=at_end)
    ctypes.string_at(array.ctypes.data + (1 if at_end else -1), 1)


def sparse(*shape: int) -> NDArray[np.uint8]:
    """Zeros that take no memory before they are written to. OSError where the system does not promise that much."""
    n_bytes = math.prod(shape)
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | NO_RESERVE
    return np.frombuffer(mmap.mmap(-1, n_bytes, flags=flags), np.uint8).reshape(shape)


def run(call: str) -> subprocess.CompletedProcess[str]:
    """Runs e.g. ``"guarded_warps.crops()"`` in a child; where that crashes stderr says in which line of Python."""
    module = call.split(".", maxsplit=1)[0]
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import {module}; {call}"
    command = [sys.executable, "-X", "faulthandler", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
