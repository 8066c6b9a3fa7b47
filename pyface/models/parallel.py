"""One piece of work for each face or photo, on threads of ours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from pyface import _threads

__all__ = ["for_each", "of_each"]

T = TypeVar("T")
R = TypeVar("R")


def of_each(work: Callable[[T], R], items: Sequence[T], n_workers: int) -> list[R]:
    """``work(item)`` of each, in order, by so many threads.

    What one raises ends all of it, as Ctrl-C does, after the calls that have begun.
    """
    pool = ThreadPoolExecutor(n_workers, thread_name_prefix="pyface")
    try:
        return [done.result() for done in [pool.submit(work, item) for item in items]]
    finally:
        pool.shutdown(cancel_futures=True)


def for_each(work: Callable[[int], None], n: int, n_threads: int | None) -> None:
    """``work(i)`` for each i below n, by several threads, or where they find too little memory by one, from the first.

    What one raises ends all of it, as Ctrl-C does, after the calls that have begun.
    """
    n_workers = min(_threads.resolve(n_threads), n)
    if n_workers > 1:
        try:
            of_each(work, range(n), n_workers)
        except MemoryError:
            pass  # one by one it may do
        else:
            return
    for i in range(n):
        work(i)
