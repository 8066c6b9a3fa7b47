"""How loops are compiled, and how Ctrl-C gets past a compiler that would swallow it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numba

from pyface._signals import ctrl_c_waits


def jit(function: Callable[..., Any]) -> Any:
    """``numba.njit`` without the GIL, kept on disk where Numba finds a folder that can be written."""
    try:
        return numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:  # there is none
        return numba.njit(nogil=True)(function)


def entry(function: Callable[..., Any]) -> Any:
    """A loop that Python calls: :func:`jit`, with Ctrl-C held back during the first call.

    That call compiles the loop or loads it, about a second at most. ``.loop`` is Numba's own function.
    """
    loop = jit(function)
    if loop is function:  # NUMBA_DISABLE_JIT
        return function

    @functools.wraps(function)
    def call(*arguments: Any) -> Any:
        if loop.signatures:
            return loop(*arguments)
        # LLVM calls Python back while it compiles. A KeyboardInterrupt that is raised there is printed ("Exception
        # ignored on calling ctypes callback") and lost, and the person has to press again, at a luckier moment.
        with ctrl_c_waits():
            return loop(*arguments)

    call.loop = loop  # type: ignore[attr-defined]
    return call
