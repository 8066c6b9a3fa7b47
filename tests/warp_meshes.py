"""Meshes and points for the tests of warping."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import pyface

Floats = NDArray[np.float64]


def random_mesh(rng: np.random.Generator, size: tuple[int, int], n: int) -> tuple[Floats, NDArray[np.int32]]:
    """Points within and around an output of this size, on whole, half or any pixels, and triangles over them."""
    height, width = size
    points = rng.uniform([-3, -3], [width + 2, height + 2], (n, 2))
    kind = rng.integers(4)
    if kind == 0:
        points = np.rint(points)
    elif kind == 1:
        points = np.rint(2 * points) / 2
    elif kind == 2:
        points = np.rint(256 * points) / 256
    if rng.integers(2):  # the frame of the picture
        points[:4] = [(0, 0), (width - 1, 0), (0, height - 1), (width - 1, height - 1)]
    points = np.unique(points, axis=0)
    rng.shuffle(points)
    return points, pyface.delaunay(points)


def face_like(size: tuple[int, int], *, seed: int = 0, n: int = 68) -> tuple[Floats, Floats, NDArray[np.int32]]:
    """(target, source, triangles): n points in an ellipse and eight on the frame, and where they are in a photo
    twice as large: moved by a few per mille, the frame still inside."""
    rng, (height, width) = np.random.default_rng(seed), size
    radius, angle = np.sqrt(rng.uniform(0.02, 1, n)), rng.uniform(0, 2 * np.pi, n)
    disc = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    frame = np.array([(x, y) for y in (0, 0.5, 1) for x in (0, 0.5, 1) if (x, y) != (0.5, 0.5)])
    unit = np.concatenate([0.5 + 0.4 * disc, frame])
    target = unit * [width - 1, height - 1]
    moved = unit + rng.normal(0, 0.004, unit.shape)
    source = (0.1 + 0.8 * moved) * [2 * width - 1, 2 * height - 1]
    return target, source, pyface.delaunay(target)


def noise(*shape: int, seed: int = 0, dtype: Any = np.uint8) -> NDArray[Any]:
    return np.random.default_rng(seed).integers(0, 256, shape).astype(dtype)
