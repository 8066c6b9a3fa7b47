"""Delaunay triangles beside SciPy's, on points of several kinds; both on one thread.

    python bench/delaunay.py

On random points the triangles must be the same. Where four or more points lie on one circle both cut its polygon their
own way, so that only their number is compared; there, and where points are almost on one circle, Qhull may also leave
points out, which the table says.
"""

from __future__ import annotations

import numpy as np
import scipy
from common import least, machine
from numpy.typing import NDArray
from scipy import spatial

import pyface

BAR = 1 / 3  # SciPy's time to pyface's, on 10,000 random points
SIZES = (76, 1_000, 10_000, 100_000)


def random_points(n: int) -> NDArray[np.float64]:
    return np.random.default_rng(n).random((n, 2))


def grid(n: int) -> NDArray[np.float64]:
    side = round(n**0.5)
    return np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1).reshape(-1, 2).astype(float)


def circle(n: int) -> NDArray[np.float64]:
    angles = 2 * np.pi * np.arange(n) / n
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def as_set(triangles: NDArray[np.int32]) -> set[tuple[int, ...]]:
    return set(map(tuple, np.sort(triangles, axis=1).tolist()))


def main() -> None:
    kinds = {
        "random": random_points,
        "grid of whole numbers": grid,
        "grid of tenths": lambda n: grid(n) / 10,
        "circle": circle,
    }
    print(f"{machine()}, SciPy {scipy.__version__}")
    print("\n| points | n | pyface, ms | SciPy, ms | ratio | asked for | triangles |\n|---|---|---|---|---|---|---|")
    for kind, make in kinds.items():
        for n in SIZES[:2] if kind == "circle" else SIZES:  # Qhull takes seconds on 10,000 points of one
            points = make(n)
            rounds = max(3, 100_000 // n)
            own, ours = least(lambda points=points: pyface.delaunay(points), min(rounds, 50))
            peer, theirs = least(lambda points=points: spatial.Delaunay(points), min(rounds, 10))
            if kind == "random":
                assert as_set(ours) == as_set(theirs.simplices)
            asked = f"≥ {BAR:.2f}" if (kind, n) == ("random", 10_000) else ""
            left_out = f", SciPy leaves out {len(theirs.coplanar)} points" if len(theirs.coplanar) else ""
            print(
                f"| {kind} | {len(points):,} | {1e3 * own:.3g} | {1e3 * peer:.3g} | {peer / own:.3g} | {asked} | "
                f"{len(ours):,}{left_out} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
