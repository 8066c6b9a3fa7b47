"""One piece of work for each face, on threads of ours."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from pyface import _threads

__all__ = ["for_each"]


def for_each(work: Callable[[int], None], n: int, n_threads: int | None) -> None:
    """``work(i)`` for each i below n, by several threads, or where they find too little memory by one, from the first.

    What one raises ends all of it, as Ctrl-C does, after the calls that have begun.
    """
    n_workers = min(_threads.resolve(n_threads), n)
    if n_workers < 2 or not _in_parallel(work, n, n_workers):
        for i in range(n):
            work(i)


def _in_parallel(work: Callable[[int], None], n: int, n_workers: int) -> bool:
    """Whether there was enough memory."""
    pool = ThreadPoolExecutor(n_workers, thread_name_prefix="pyface")
    try:
        for done in [pool.submit(work, i) for i in range(n)]:
            done.result()
    except MemoryError:
        return False
    finally:
        pool.shutdown(cancel_futures=True)
    return True
