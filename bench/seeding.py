"""Which rows SuperKMeans begins at, so that it can be given rows in an order that makes it begin at others.

It shuffles the numbers of the rows with libstdc++'s ``std::shuffle`` and ``std::mt19937``, and takes the first k. The
same is done here. Whether it still is what the library does shows in the cost of its first round (``bench_kmeans.py``).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

WORD = 1 << 32


def order(n: int, wanted: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Numbers of rows, all n of them, so that ``rows[order]`` has the wanted ones where the shuffle looks first."""
    places = shuffled(n, seed)
    found = np.empty(n, np.int64)
    found[places[: len(wanted)]] = wanted
    found[places[len(wanted) :]] = np.setdiff1d(np.arange(n), wanted)
    return found


def shuffled(n: int, seed: int) -> NDArray[np.int64]:
    """0 to n - 1 as libstdc++ shuffles them: each swapped with one before it, or itself.

    One random number does for two of them where the square of n fits it.
    """
    generator = np.random.MT19937()
    generator._legacy_seeding(seed)
    words = iter(lambda: int(generator.random_raw()), -1)
    found = np.arange(n).tolist()

    def swap(i: int, j: int) -> None:
        found[i], found[j] = found[j], found[i]

    if (WORD - 1) // max(n, 1) < n:
        for i in range(1, n):
            swap(i, below(i + 1, words))
        return np.array(found, np.int64)
    i = 1
    if n % 2 == 0 and n > 0:
        swap(1, below(2, words))
        i = 2
    while i < n:
        first, second = divmod(below((i + 1) * (i + 2), words), i + 2)
        swap(i, first)
        swap(i + 1, second)
        i += 2
    return np.array(found, np.int64)


def below(bound: int, words: Iterator[int]) -> int:
    """A number from 0 to bound - 1 from words of 32 bits, each as likely (Lemire's way)."""
    product = next(words) * bound
    if product % WORD < bound:
        while product % WORD < (WORD - bound) % bound:
            product = next(words) * bound
    return product // WORD
