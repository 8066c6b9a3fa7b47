"""Landmark schemes: a mean shape of a frontal face, flat and in space, which points are mirror images, one mesh."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pyface import _check
from pyface.kernels.delaunay import delaunay

__all__ = ["mean_shape", "mirror", "solid_shape", "triangulation"]


@dataclass(frozen=True, slots=True)
class _Scheme:
    """A mean shape as whole numbers, so that a mirrored mesh is one to the bit.

    steps : so many of them are the distance between the eyes.
    lines : points in lines across the face, each its own mirror image read backwards, and x y z of its left half with
        the middle, z growing away from the camera. Written by hand, inside the spread of published shapes
        (THIRD_PARTY.md).
    across : the one triangle across the middle, from brow to brow to the root of the nose.
    joined : edges of the left half that Delaunay's rule would miss, along the inner contour of the lips. Without them
        triangles reach from lip to lip, and an open mouth is drawn into both.
    """

    steps: int
    lines: tuple[tuple[Sequence[int], tuple[tuple[int, int, int], ...]], ...]
    across: tuple[int, int, int]
    joined: tuple[tuple[int, int], ...]


_DLIB_68 = _Scheme(
    steps=20,
    lines=(
        # jaw, from ear to ear; brows
        (
            range(17),
            (
                (-24, 0, 20), (-24, 6, 20), (-23, 14, 19), (-22, 20, 19), (-19, 25, 16), (-15, 30, 12), (-11, 33, 10),
                (-6, 36, 3), (0, 37, -1),
            ),
        ),
        (range(17, 27), ((-18, -5, 3), (-15, -6, -1), (-12, -7, -3), (-8, -7, -4), (-4, -6, -5))),
        # bridge of the nose, down to the tip; nostrils
        ((27,), ((0, -1, -5),)), ((28,), ((0, 3, -8),)), ((29,), ((0, 7, -10),)), ((30,), ((0, 10, -12),)),
        (range(31, 36), ((-5, 14, -5), (-2, 15, -7), (0, 15, -8))),
        # upper lids with the corners of the eyes; lower ones
        ((*range(36, 40), *range(42, 46)), ((-14, 0, 1), (-11, -1, 0), (-9, -1, 0), (-6, 0, 0))),
        ((41, 40, 47, 46), ((-11, 1, 0), (-9, 1, -1))),
        # outer contour of the lips with the corners of the mouth, upper and lower; inner contour
        (range(48, 55), ((-8, 22, -1), (-5, 20, -5), (-2, 19, -7), (0, 20, -7))),
        (range(59, 54, -1), ((-5, 24, -4), (-2, 25, -6), (0, 25, -6))),
        (range(60, 65), ((-7, 22, -2), (-2, 21, -5), (0, 21, -6))),
        ((67, 66, 65), ((-2, 22, -5), (0, 22, -6))),
    ),
    across=(21, 22, 27),
    joined=((60, 61), (60, 67)),
)  # fmt: skip

_INSIGHTFACE_106 = _Scheme(
    steps=40,
    lines=(
        # contour, from ear to ear
        (
            (1, *range(9, 17), *range(2, 9), 0, *range(24, 17, -1), *range(32, 24, -1), 17),
            (
                (-46, 0, 40), (-46, 6, 40), (-46, 12, 40), (-46, 18, 39), (-45, 25, 38), (-44, 31, 38), (-43, 37, 37),
                (-41, 43, 35), (-38, 49, 32), (-35, 54, 28), (-31, 59, 24), (-27, 63, 21), (-23, 67, 18),
                (-18, 70, 12), (-12, 73, 6), (-6, 75, 2), (0, 75, -2),
            ),
        ),
        # upper edge of the brows with their outer ends; lower edge
        (
            (43, 48, 49, 51, 50, 102, 103, 104, 105, 101),
            ((-36, -10, 6), (-31, -13, -1), (-24, -15, -6), (-16, -15, -9), (-8, -12, -10)),
        ),
        ((44, 45, 47, 46, 97, 98, 99, 100), ((-30, -10, -1), (-23, -11, -4), (-16, -10, -5), (-9, -8, -6))),
        # bridge of the nose, down to the tip; sides and wings of the nose, round below it
        ((72,), ((0, -2, -10),)), ((73,), ((0, 6, -16),)), ((74,), ((0, 14, -20),)), ((86,), ((0, 20, -24),)),
        (
            (*range(75, 81), *range(85, 80, -1)),
            ((-6, 1, -7), (-9, 18, -11), (-12, 25, -8), (-9, 28, -11), (-4, 29, -14), (0, 30, -16)),
        ),
        # upper lids with the corners of the eyes; lower ones; the eyes' centres, and the pupils at the same place
        (
            (35, 41, 40, 42, 39, 89, 95, 94, 96, 93),
            ((-28, 0, 2), (-25, -2, 1), (-20, -3, 0), (-15, -2, 0), (-12, 0, 0)),
        ),
        ((36, 33, 37, 90, 87, 91), ((-25, 2, 1), (-20, 3, -1), (-15, 2, -1))),
        ((34, 88), ((-20, -1, 0),)), ((38, 92), ((-20, -1, 0),)),
        # outer contour of the lips with the corners of the mouth, upper and lower; inner contour
        ((52, 64, 63, 71, 67, 68, 61), ((-17, 43, -1), (-11, 40, -9), (-4, 38, -14), (0, 39, -14))),
        ((55, 56, 53, 59, 58), ((-12, 46, -6), (-7, 49, -10), (0, 50, -12))),
        ((65, 66, 62, 70, 69), ((-14, 43, -4), (-8, 42, -9), (0, 42, -12))),
        ((54, 60, 57), ((-8, 44, -9), (0, 44, -12))),
    ),
    across=(50, 102, 72),
    joined=((65, 66),),
)  # fmt: skip

_SCHEMES = {"dlib-68": _DLIB_68, "insightface-106": _INSIGHTFACE_106}


def mirror(scheme: str) -> NDArray[np.int64]:
    """(k,) int64: the point that each one becomes when the image is mirrored.

    scheme : ``"dlib-68"``, or ``"insightface-106"``, the order of insightface's model 2d106det. Other orders of 106
        points are in use; they are other schemes.
    """
    lines = _of(scheme).lines
    order = np.empty(sum(len(points) for points, _ in lines), np.int64)
    for points, _ in lines:
        order[np.array(points)] = points[::-1]
    return order


def mean_shape(scheme: str) -> NDArray[np.float64]:
    """(k, 2) float64: landmarks of a frontal face, x to the right and y down, symmetric to the bit.

    The unit is the distance between the eyes, each the mean of its landmarks on the lids; the origin is the point
    between them. Coordinates are multiples of 0.05, of 0.025 for ``"insightface-106"``; published models differ by
    about 0.05 (0.1 at the jaw). To lay it into an image, multiply it by pixels between the eyes and add their middle.

    The 34 and 38 of ``"insightface-106"``, centre and pupil of an eye, are one point, as are 88 and 92.
    """
    points, steps = whole_steps(scheme)
    return points / steps


def solid_shape(scheme: str) -> NDArray[np.float64]:
    """(k, 3) float64: the face of :func:`mean_shape` in space, x to the right, y down, z away from the camera.

    scheme : ``"dlib-68"`` or ``"insightface-106"``.

    x and y are those of the mean shape, so that this face, seen from far away and straight ahead, is that one; z is 0
    where the eyes are, and less than that for what is nearer, as the tip of the nose (-0.6). Symmetric to the bit.
    Published models of heads differ by about 0.04 in z, 0.2 at the jaw.
    """
    points, steps = _solid_steps(scheme)
    return points / steps


def triangulation(scheme: str) -> NDArray[np.int32]:
    """(t, 3) int32: a mesh of the mean shape that is its own mirror image, for every face of the scheme.

    Rows are as those of :func:`pyface.delaunay`. The left half with the middle is triangulated by Delaunay's rule, but
    for edges along the lips; the right one is its mirror image, and one triangle joins the brows to the nose. The flat
    strip above it, between the highest points of the brows, is left out: its four corners lie across the middle, and
    either diagonal would be lopsided. Pupils are in no triangle, so that a glance moves no pixel around the eye.
    """
    points, _ = whole_steps(scheme)
    return symmetric_triangles(points, mirror(scheme), scheme, across=True)


def symmetric_triangles(
    points: NDArray[np.float64], order: NDArray[np.int64], scheme: str, *, across: bool
) -> NDArray[np.int32]:
    """(t, 3) int32: the triangles of the points with x <= 0, and their mirror images by ``order``.

    points : (n, 2) whole numbers, those of the scheme first. Its edges are kept; ``across`` adds its triangle across
        the middle.
    """
    half = np.flatnonzero(points[:, 0] <= 0)
    left = _with_edges(half[delaunay(points[half])], points, _of(scheme).joined)
    right = order[left][:, ::-1]  # mirroring turns triangles over
    triangles = np.vstack([left, right, *([[_of(scheme).across]] if across else [])])
    first = np.argmin(triangles, axis=1)[:, None]
    triangles = np.take_along_axis(triangles, (first + np.arange(3)) % 3, axis=1)
    return triangles[np.lexsort(triangles.T[::-1])].astype(np.int32)


def _of(scheme: str) -> _Scheme:
    _check.choice(scheme, "scheme", tuple(_SCHEMES))
    return _SCHEMES[scheme]


def whole_steps(scheme: str) -> tuple[NDArray[np.float64], int]:
    """(k, 2) float64, the mean shape in whole steps, and how many of them are the distance between the eyes."""
    points, steps = _solid_steps(scheme)
    return np.ascontiguousarray(points[:, :2]), steps


def _solid_steps(scheme: str) -> tuple[NDArray[np.float64], int]:
    points = np.empty((len(mirror(scheme)), 3))
    for line, left in _of(scheme).lines:
        half = np.array(left)
        points[np.array(line[::-1][: len(left)])] = half * [-1, 1, 1]
        points[np.array(line[: len(left)])] = half
    return points + 0.0, _of(scheme).steps  # no -0 in the middle


def _with_edges(
    triangles: NDArray[np.int64], points: NDArray[np.float64], joined: tuple[tuple[int, int], ...]
) -> NDArray[np.int64]:
    """The mesh with the edges ``joined``: those that cross them are flipped (Sloan 1993). Exact on whole numbers."""

    def side(a: int, b: int, c: int) -> float:
        (ax, ay), (bx, by), (cx, cy) = points[[a, b, c]].tolist()
        return float((bx - ax) * (cy - ay) - (by - ay) * (cx - ax))

    def cross(a: int, b: int, u: int, v: int) -> bool:
        return side(a, b, u) * side(a, b, v) < 0 and side(u, v, a) * side(u, v, b) < 0

    third = {(t[i - 2], t[i - 1]): t[i] for t in triangles.tolist() for i in range(3)}
    for a, b in joined:
        crossing = deque((u, v) for u, v in third if u < v and (v, u) in third and cross(a, b, u, v))
        while crossing:
            u, v = crossing.popleft()
            w, x = third[u, v], third[v, u]
            if side(u, x, w) <= 0 or side(x, v, w) <= 0:
                crossing.append((u, v))  # not the diagonal of a convex quadrangle yet
                continue
            del third[u, v], third[v, u]
            third |= {(u, x): w, (x, w): u, (w, u): x, (x, v): w, (v, w): x, (w, x): v}
            if cross(a, b, w, x):
                crossing.append((w, x))
    return np.array([(u, v, w) for (u, v), w in third.items() if u < v and u < w])
