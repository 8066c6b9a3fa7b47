"""People as vectors, and galleries of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface.gallery import Gallery


def crowd(
    n_people: int, n_faces: int, dimension: int = 8, seed: int = 0, dtype: Any = np.float32
) -> dict[str, NDArray[Any]]:
    """Up to ``n_faces`` rows of each of so many people."""
    random = np.random.default_rng(seed)
    people = {}
    for i in range(n_people):
        n = random.integers(1, n_faces + 1)
        rows = random.normal(size=dimension) + 0.7 * random.normal(size=(n, dimension))
        people[f"p{i}"] = rows.astype(dtype)
    return people


def of(people: dict[str, NDArray[Any]], **options: Any) -> Gallery:
    """A gallery of these people."""
    gallery = Gallery("made-up", **{"metric": "cosine", "threshold": 0.5, **options})
    for name, rows in people.items():
        gallery.enroll(name, rows)
    return gallery
