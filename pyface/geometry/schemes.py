"""Landmark schemes: a mean shape of a frontal face, which points are mirror images, and one mesh for every face."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pyface import _check
from pyface.kernels.delaunay import delaunay

__all__ = ["mean_shape", "mirror", "triangulation"]

SCHEMES = ("dlib-68",)

# Points of the left of the image and of the middle, in twentieths of the distance between the eyes. Written by hand,
# inside the spread of published models (THIRD_PARTY.md); whole numbers, so that a mirrored mesh is one to the bit.
_TWENTIETHS = {
    # jaw, from the ear to the chin
    0: (-25, 0), 1: (-24, 6), 2: (-23, 14), 3: (-22, 20), 4: (-19, 25), 5: (-15, 30), 6: (-11, 33), 7: (-6, 36),
    8: (0, 37),
    # brow
    17: (-18, -5), 18: (-15, -6), 19: (-12, -7), 20: (-8, -7), 21: (-4, -6),
    # nose: bridge, then nostrils
    27: (0, -1), 28: (0, 3), 29: (0, 7), 30: (0, 10), 31: (-5, 14), 32: (-2, 15), 33: (0, 15),
    # eye
    36: (-14, 0), 37: (-11, -1), 38: (-9, -1), 39: (-6, 0), 40: (-9, 1), 41: (-11, 1),
    # lips: outer contour, then inner one
    48: (-8, 22), 49: (-5, 20), 50: (-2, 19), 51: (0, 20), 57: (0, 25), 58: (-2, 25), 59: (-5, 24),
    60: (-7, 22), 61: (-2, 21), 62: (0, 21), 66: (0, 22), 67: (-2, 22),
}  # fmt: skip

# First and last of a run of points that are mirrored onto each other in reverse order.
_RUNS = (
    (0, 16), (17, 26), (27, 27), (28, 28), (29, 29), (30, 30), (31, 35), (36, 39, 42, 45), (40, 41, 46, 47), (48, 54),
    (55, 59), (60, 64), (65, 67),
)  # fmt: skip

# The one triangle across the middle: from brow to brow to the root of the nose.
ACROSS = (21, 22, 27)


def mirror(scheme: str) -> NDArray[np.int64]:
    """(k,) int64: the point that each one becomes when the image is mirrored. ``scheme`` is "dlib-68"."""
    _check.choice(scheme, "scheme", SCHEMES)
    order = np.empty(68, np.int64)
    for run in _RUNS:
        points = [i for first, last in zip(run[::2], run[1::2], strict=True) for i in range(first, last + 1)]
        order[points] = points[::-1]
    return order


def mean_shape(scheme: str) -> NDArray[np.float64]:
    """(k, 2) float64: landmarks of a frontal face, x to the right and y down, symmetric to the bit.

    The unit is the distance between the eyes, the mean of each eye's landmarks; the origin is the point between them.
    Coordinates are multiples of 0.05, which is about as far as published models differ (0.1 at the jaw). To lay it into
    an image, multiply it by pixels between the eyes and add their middle.
    """
    return twentieths(scheme) / 20


def triangulation(scheme: str) -> NDArray[np.int32]:
    """(t, 3) int32: a mesh of the mean shape that is its own mirror image, for every face of the scheme.

    Rows are as those of :func:`pyface.delaunay`. The left half with the middle is triangulated by Delaunay's rule, the
    right one is its mirror image, and one triangle joins the brows to the nose. The flat strip above it, between the
    points 20 to 23, is left out: its four corners lie across the middle, and either diagonal would be lopsided.
    """
    return symmetric_triangles(twentieths(scheme), mirror(scheme), across=(ACROSS,))


def symmetric_triangles(
    points: NDArray[np.float64], order: NDArray[np.int64], across: tuple[tuple[int, int, int], ...] = ()
) -> NDArray[np.int32]:
    """(t, 3) int32: Delaunay triangles of the points with x <= 0, their mirror images by ``order``, those ``across``.

    Rows are as those of :func:`pyface.delaunay`.
    """
    half = np.flatnonzero(points[:, 0] <= 0)
    left = half[delaunay(points[half])]
    right = order[left][:, ::-1]  # mirroring turns triangles over
    triangles = np.vstack([left, right, *(np.array([row]) for row in across)])
    first = np.argmin(triangles, axis=1)[:, None]
    triangles = np.take_along_axis(triangles, (first + np.arange(3)) % 3, axis=1)
    return triangles[np.lexsort(triangles.T[::-1])].astype(np.int32)


def twentieths(scheme: str) -> NDArray[np.float64]:
    """(k, 2) float64, whole numbers: the mean shape in twentieths of the distance between the eyes."""
    order = mirror(scheme)
    points = np.empty((len(order), 2))
    for i, (x, y) in _TWENTIETHS.items():
        points[order[i]] = -x, y
        points[i] = x, y
    return points + 0.0  # no -0 in the middle
