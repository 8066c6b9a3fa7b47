"""Whether rows are still what they were, without a copy of them."""

from __future__ import annotations

from pyface import _core
from pyface._typing import FloatArray


def fingerprint(x: FloatArray, *, n_threads: int) -> int:
    """64 bits of the bytes of ``x``, (n, d) float32 or float64 in C order, and of their order.

    One changed entry always changes them; several do, but for a chance of about 2^-64. Somebody who means to can find
    other rows of the same bits. No result depends on ``n_threads``. Time: one pass at the speed of memory.
    """
    return _core.fingerprint(x, n_threads=n_threads)
