"""Rows in groups, with equal ones among them, and how much memory makes blocks of so many rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Of each metric a radius at which groups hang together, here and there by a border row.
RADII = {"cosine": 0.12, "euclidean": 1.8, "sqeuclidean": 3.0}


def crowd(n: int, d: int = 12, seed: int = 0, dtype: Any = np.float32, *, whole: bool = False) -> NDArray[Any]:
    """(n, d) rows around some places; ``whole`` numbers make many equal distances, and every ninth row is another's."""
    rng = np.random.default_rng(seed)
    places = rng.normal(size=(max(1, n // 15), d))
    x = places[rng.integers(len(places), size=n)] + 0.5 * rng.normal(size=(n, d))
    x[::9] = x[rng.integers(n, size=len(x[::9]))] if n else x[::9]
    if whole:
        x = np.round(x)
        x[~x.any(axis=1), 0] = 1
    return x.astype(dtype)


def memory_for(x: NDArray[Any], n_rows: int, more: int = 0) -> int:
    """Memory in which tasks have blocks of ``n_rows``; ``more`` bytes are what a row takes beside its vector."""
    return n_rows * (6 * x.shape[1] * max(4, x.itemsize) + more)


def shards(folder: Path, x: NDArray[Any], *ends: int) -> list[Path]:
    """``x`` as ``.npy`` files that end at the rows ``ends``, and at the last one."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for i, (begin, end) in enumerate(zip([0, *ends], [*ends, len(x)], strict=True)):
        paths.append(folder / f"{i}.npy")
        np.save(paths[-1], x[begin:end])
    return paths
