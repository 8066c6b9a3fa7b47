"""Photos of a head that nobody has: the generic surface, painted, seen by a camera from any side."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface.geometry import solid_shape
from pyface.geometry.surface import _half_width, surface_depth

Array = NDArray[Any]


def rotation(yaw: float = 0, pitch: float = 0, roll: float = 0) -> Array:
    """Rz(roll) Ry(-yaw) Rx(-pitch), degrees."""
    (cy, cp, cr), (sy, sp, sr) = np.cos(np.radians([yaw, pitch, roll])), np.sin(np.radians([yaw, pitch, roll]))
    around_x = np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
    around_y = np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
    return np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]]) @ around_y @ around_x


def head() -> Array:
    """(68, 3): the landmarks on the surface."""
    points = solid_shape("dlib-68")
    points[:, 2] = surface_depth(points[:, :2])
    return points


def landmarks(turn: Array, scale: float = 40.0, middle: Any = (100.0, 90.0)) -> Array:
    """(68, 2): where a camera far away sees them."""
    return scale * (head() @ turn.T)[:, :2] + middle


def paint(x: Array, y: Array) -> Array:
    """(..., 3): smooth colours, of which the left half differs from the right one."""
    return np.stack(
        [128 + 60 * np.sin(3 * x + y), 120 + 50 * np.cos(2 * x - 2 * y), 140 + 40 * np.sin(4 * y) + 20 * x], axis=-1
    )


def photo(turn: Array, scale: float = 40.0, middle: Any = (100.0, 90.0), size: tuple[int, int] = (220, 200)) -> Array:
    """(h, w, 3) float32: the painted surface, near parts before far ones, on a grey ground."""
    step = 0.35 / scale
    x, y = np.meshgrid(np.arange(-1.2, 1.2 + step, step), np.arange(-0.95, 1.85, step))
    on = np.abs(x) <= _half_width(y[:, :1].ravel())[:, None]
    x, y = x[on], y[on]
    z = depths(x, y)
    seen = np.stack([x, y, z], axis=1) @ turn.T
    cols, rows = np.rint(scale * seen[:, :2] + middle).astype(int).T
    fits = (rows >= 0) & (rows < size[0]) & (cols >= 0) & (cols < size[1])
    order = np.flatnonzero(fits)[np.argsort(-seen[fits, 2], kind="stable")]  # the nearest last
    out = np.full((*size, 3), 90.0, np.float32)
    out[rows[order], cols[order]] = paint(x[order], y[order])
    return out


def depths(x: Array, y: Array) -> Array:
    """Of many points: from a fine grid, bilinear."""
    from pyface.geometry.surface import _radial
    from pyface.kernels.frontal import radial_surface

    axis_x, axis_y = np.linspace(-1.25, 1.25, 251), np.linspace(-1, 1.9, 291)
    grid = radial_surface(*_radial(), axis_x, axis_y)
    i, j = (y + 1) / 0.01, (x + 1.25) / 0.01
    low_i, low_j = np.minimum(i.astype(int), 289), np.minimum(j.astype(int), 249)
    way_i, way_j = i - low_i, j - low_j
    upper = grid[low_i, low_j] * (1 - way_j) + grid[low_i, low_j + 1] * way_j
    lower = grid[low_i + 1, low_j] * (1 - way_j) + grid[low_i + 1, low_j + 1] * way_j
    made: Array = upper * (1 - way_i) + lower * way_i
    return made
