"""The rows that the benchmarks of the engine work on: made ones of any number, and real ones where they are at hand.

All rows are of unit length, so that peers which know only inner products or Euclidean distances answer the
same question.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from common import SHARED
from numpy.typing import NDArray

SIMILARITY = 0.55  # expected cosine of two rows of one person
CHUNK = 8192


class DataMissingError(Exception):
    """The data is not on this machine; says where it was looked for."""


@dataclass(frozen=True, eq=False)
class Data:
    """``X`` (n, d) float32 unit rows, ``people`` (n,) whose they are, and a cosine distance that tells people apart.

    ``thresholds`` are such distances for each linkage.
    """

    name: str
    X: NDArray[np.float32]
    people: NDArray[np.int64]
    radius: float
    thresholds: Mapping[str, float]

    @property
    def n_clusters(self) -> int:
        """About as many as there are people in made data, at most 2,000."""
        return max(1, min(len(self.X) // 10, 2_000))

    def head(self, n: int) -> Data:
        """The first ``n`` rows."""
        return replace(self, X=self.X[:n], people=self.people[:n])

    def halves(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The rows as two sets of the same size."""
        half = len(self.X) // 2
        return self.X[:half], self.X[half : 2 * half]


def synthetic(n: int, d: int = 512, seed: int = 0) -> Data:
    """``n`` rows of about n / 10 people; two rows of one person have a cosine of about 0.55, others of about 0.

    Made in pieces: beside X (n, d) only the people's centres are held, a tenth of it.
    """
    rng = np.random.default_rng(seed)
    n_people = max(1, n // 10)
    people = rng.integers(n_people, size=n)
    centres = unit(rng.standard_normal((n_people, d), np.float32))
    x = np.empty((n, d), np.float32)
    for begin in range(0, n, CHUNK):
        own = people[begin : begin + CHUNK]
        noise = unit(rng.standard_normal((len(own), d), np.float32))
        x[begin : begin + CHUNK] = unit(SIMILARITY**0.5 * centres[own] + (1 - SIMILARITY) ** 0.5 * noise)
    return Data("synthetic", x, people, radius=0.6, thresholds={"average": 0.6, "complete": 0.7, "single": 0.6})


def lfw(n: int) -> Data:
    """The first ``n`` of the 13,233 embeddings of Labeled Faces in the Wild, 128-d."""
    folder = SHARED / "embeddings"
    if not (folder / "lfw_128.npy").is_file():
        raise DataMissingError(
            f"{folder / 'lfw_128.npy'} is not there; PYFACE_SHARED names the folder of the shared data"
        )
    names = [line.split("/")[0] for line in (folder / "lfw_128_files.txt").read_text().splitlines()]
    _, people = np.unique(names, return_inverse=True)
    thresholds = {"average": 0.55, "complete": 0.7, "single": 0.35}
    x = unit(np.load(folder / "lfw_128.npy"))
    return Data("lfw", x, people.astype(np.int64), radius=0.35, thresholds=thresholds).head(n)


def lfw_again(n: int) -> Data:
    """Those, again and again up to ``n``, each time with other noise: a cosine of about 0.94 to what they were."""
    real = lfw(n)
    place = np.arange(n) % len(real.X)
    rng = np.random.default_rng(0)
    x = real.X[place] + 0.35 * unit(rng.standard_normal((n, real.X.shape[1]), np.float32))
    return replace(real, name="lfw-again", X=unit(x), people=real.people[place])


def lfw_mixed(n: int) -> Data:
    """Those, and up to ``n`` mixtures of two rows of one person, with noise of a tenth of their length.

    Their spectrum is that of real rows, and people are as unequal as they are there.
    """
    real = lfw(n)
    n_made = n - len(real.X)
    rng = np.random.default_rng(0)
    order = np.argsort(real.people, kind="stable")
    counts = np.bincount(real.people)
    starts = np.cumsum(counts) - counts
    first = rng.integers(len(real.X), size=n_made)
    people = real.people[first]
    second = order[starts[people] + rng.integers(counts[people])]
    share = rng.random((n_made, 1), np.float32)
    x = unit(share * real.X[first] + (1 - share) * real.X[second])
    x += 0.1 * unit(rng.standard_normal(x.shape, np.float32))
    everyone = np.concatenate([real.people, people])
    return replace(real, name="lfw-mixed", X=np.concatenate([real.X, unit(x)]), people=everyone)


def unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Divides ``rows`` by their lengths, in place."""
    rows /= np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
    return rows


@lru_cache(maxsize=1)
def load(name: str, n: int) -> Data:
    """``n`` rows of "synthetic", "lfw" (or as many as there are), "lfw-again" or "lfw-mixed"."""
    return {"synthetic": synthetic, "lfw": lfw, "lfw-again": lfw_again, "lfw-mixed": lfw_mixed}[name](n)
