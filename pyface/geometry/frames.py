"""The mean shape laid into a square picture, and the rim of that picture found in a photo."""

from __future__ import annotations

from typing import Any

import numpy as np

from pyface import _check
from pyface._typing import Points
from pyface.geometry.schemes import mirror, symmetric_triangles, triangulation, whole_steps
from pyface.geometry.similarity import fit, points_of
from pyface.kernels.piecewise import LONGEST_SIDE, PiecewiseAffine

__all__ = ["face_mesh", "frame_points"]

# The square in tenths of the distance between the eyes, from the point between them: the jaw reaches to 12 on the sides
# and the chin to 19 below. A forehead ends at about 9 above.
_SIDE, _ABOVE, _BELOW = 31, 11, 20
_RIM = np.array([(x, y) for y in (-_ABOVE, _SIDE / 2 - _ABOVE, _BELOW) for x in (-_SIDE / 2, 0, _SIDE / 2)])
_RIM = np.delete(_RIM, 4, axis=0)  # the middle of the square
_RIM_MIRRORED = np.array([2, 1, 0, 4, 3, 7, 6, 5])


def face_mesh(scheme: str, size: int, *, face_only: bool = False) -> PiecewiseAffine:
    """The mesh that brings faces upright into pictures of size x size pixels, landmarks where the mean shape has them.

    scheme : the order of the landmarks, see :func:`~pyface.geometry.mean_shape`.      size : from 2 to 32,767.
    face_only : no mesh around the landmarks; the picture is the fill there.

    The square is 3.1 distances between the eyes wide, with the eyes 1.1 below its upper side: the face with forehead
    and chin, in the middle from left to right. Its corners and the middles of its sides are eight more points of the
    mesh, which so fills it; :func:`frame_points` finds them in a photo. The left half and the middle are triangulated
    by Delaunay's rule but for edges along the lips, the right half is its mirror image. With ``face_only`` there are
    the triangles of :func:`~pyface.geometry.triangulation` instead.

    To warp a face: ``face_mesh("dlib-68", 256).warp(image, frame_points(landmarks, "dlib-68"))``; with ``face_only``
    the landmarks go in as they are.
    """
    side = _check.integer(size, "size", minimum=2, maximum=LONGEST_SIDE)
    landmarks, steps = whole_steps(scheme)
    unit = steps // 10
    points = landmarks
    if _check.flag(face_only, "face_only"):
        triangles = triangulation(scheme)
    else:
        order = mirror(scheme)
        points = np.vstack([landmarks, _RIM * unit])
        mirrored = np.concatenate([order, len(order) + _RIM_MIRRORED])
        triangles = symmetric_triangles(points, mirrored, scheme, across=False)
    from_corner = points + np.array([_SIDE / 2, _ABOVE]) * unit
    target = from_corner * (side - 1) / (_SIDE * unit)  # products of whole numbers: the rim is exact
    return PiecewiseAffine(target, (side, side), triangles)


def frame_points(landmarks: Any, scheme: str) -> Points:
    """(k + 8, 2) or (f, k + 8, 2) float64: landmarks, then where the rim of :func:`face_mesh` lies in the photo.

    landmarks : (k, 2), or (f, k, 2) for f faces, x y in pixels of the photo.      scheme : their order.

    The rim (corners and middles of sides, row by row) goes where the similarity has it that brings the landmarks
    nearest to the mean shape: around the face, turned with it, on the photo or not. ValueError names the face whose
    landmarks are all equal, not finite or beyond 1e7 pixels.
    """
    shape, steps = whole_steps(scheme)
    points = points_of(landmarks, "landmarks")
    if points.shape[-2] != len(shape):
        raise ValueError(
            f"landmarks of {scheme} must have shape (k, 2) or (f, k, 2), k = {len(shape)}, got {points.shape}"
        )
    # Fitted in the picture, as alignment is: where a face fits badly this scale is the smaller one there, so the rim
    # comes to lie farther out in the photo, not into the face.
    rim = fit(points, shape, name="landmarks").inverse().apply(_RIM * (steps // 10))
    return np.concatenate([points, rim], axis=-2)
