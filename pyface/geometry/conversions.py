"""Landmarks of one scheme brought into another: points taken over, or means of several.

docs/how-it-works/landmarks.md has the tables in words.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check
from pyface.geometry.similarity import face_prefix

__all__ = ["COUNTS", "can_convert", "convert_landmarks", "direct_points"]

COUNTS = {
    "arcface-5": 5, "dlib-5": 5, "dlib-68": 68, "insightface-68-3d": 68, "insightface-106": 106, "mediapipe-468": 468,
}  # fmt: skip
"""Points of each scheme."""

# A table has, for each point of the target, the points of the source whose mean it is; one named twice counts twice.
_Table = tuple[tuple[int, ...], ...]


def _single(*points: int) -> _Table:
    return tuple((point,) for point in points)


_SAME_68 = _single(*range(68))
# Outer corners and inner corners of the eyes, the image's right eye first; base of the nose.
_DLIB_5_OF_68 = _single(45, 42, 36, 39, 33)
# Middles of the eyes, tip of the nose, corners of the mouth.
_ARCFACE_OF_68: _Table = (tuple(range(36, 42)), tuple(range(42, 48)), (30,), (48,), (54,))
_ARCFACE_OF_106 = _single(34, 88, 86, 52, 61)
_68_OF_106: _Table = (
    # The outline has 33 points, of which every second one is a point of the jaw; upper edges of the brows.
    *_single(1, 10, 12, 14, 16, 3, 5, 7, 0, 23, 21, 19, 32, 30, 28, 26, 17),
    *_single(43, 48, 49, 51, 50, 102, 103, 104, 105, 101),
    # Bridge of the nose down to its tip; nostrils.
    *_single(72, 73, 74, 86, 78, 79, 80, 85, 84),
    # A lid has points at each quarter there and at each third here, a third of the way from a quarter to the middle.
    (35,), (41, 41, 40), (42, 42, 40), (39,), (37, 37, 33), (36, 36, 33),
    (89,), (95, 95, 94), (96, 96, 94), (93,), (91, 91, 87), (90, 90, 87),
    # Outer contour of the lips.
    *_single(52, 64, 63, 71, 67, 68, 61, 58, 59, 53, 56, 55),
    # Inner contour: between corner and middle there is one point, half as near to the middle here.
    (65,), (66, 62), (62,), (70, 62), (69,), (57, 60), (60,), (54, 60),
)  # fmt: skip
# Which vertices stand where the 68 points do was measured on photos: docs/how-it-works/landmarks.md.
_68_OF_468: _Table = (
    # The outline of the mesh, and points inside it where the cheeks' lies outside what is taken for the jaw.
    (127,), (234,), (93, 177), (58, 177), (138, 172), (136,), (149, 150), (148, 176), (152,),
    (377, 400), (378, 379), (365,), (367, 397), (288, 401), (323, 401), (454,), (356,),
    # Brows between their upper and lower edges.
    (46, 70), (53, 63), (52, 105), (65, 66), (55, 107), (285, 336), (295, 296), (282, 334), (283, 293), (276, 300),
    (6, 168), (197,), (5, 195), (4,), *_single(240, 97, 2, 326, 460),
    *_single(33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380),
    *_single(61, 39, 37, 0, 267, 269, 291, 321, 314, 17, 84, 91),
    *_single(78, 82, 13, 312, 308, 317, 14, 87),
)  # fmt: skip

_TABLES: dict[tuple[str, str], _Table] = {
    ("dlib-68", "dlib-5"): _DLIB_5_OF_68,
    ("dlib-68", "arcface-5"): _ARCFACE_OF_68,
    ("insightface-68-3d", "dlib-68"): _SAME_68,
    ("insightface-106", "dlib-68"): _68_OF_106,
    ("insightface-106", "arcface-5"): _ARCFACE_OF_106,
    ("mediapipe-468", "dlib-68"): _68_OF_468,
}
_LACKS = {
    "arcface-5": "five points are all that it has, and the target's are others",
    "dlib-5": "its points are the corners of the eyes and the base of the nose: the tip of the nose and the corners of "
    "the mouth cannot be told from them",
}


def convert_landmarks(points: Any, source: str, target: str) -> NDArray[np.float64]:
    """The landmarks of a face, or of f faces, as another scheme has them: (k', c) or (f, k', c) float64.

    points : (k, c) or (f, k, c) finite numbers, c 2 or 3, in the order ``source``; x y, and a depth that comes along.
    source, target : names of schemes. From ``"dlib-68"`` to ``"dlib-5"`` and ``"arcface-5"``; from
        ``"insightface-68-3d"``, ``"insightface-106"`` and ``"mediapipe-468"`` to ``"dlib-68"`` and what that goes to.
        From any one to itself.

    Each point is one of the source, to the bit, or the mean of several; :func:`direct_points` says which are which.

    To ``"arcface-5"`` : eyes are the means of the six points of their lids, or the eyes' centres (34 and 88) of the
        106; the others are the tip of the nose and the corners of the mouth.
    From ``"insightface-106"`` to ``"dlib-68"`` : 56 points are taken over. The 8 on the lids are at (2 q + m) / 3,
        between the quarter q and the middle m of the lid, as 68 points divide a lid in three and 106 in four; the 4 on
        the lips' inner contour beside its middle are halfway to it, which is where both mean shapes have them.
    From ``"mediapipe-468"`` to ``"dlib-68"`` : the vertices of the mesh that stand nearest, one each, but means of two
        along the brows, on the bridge of the nose and at ten points of the jaw. The jaw of a face turned away stays on
        the surface and is not what is seen.
    From ``"insightface-68-3d"`` : the same points; their jaw stays on the surface, too.

    ``"dlib-5"`` can be brought to no other scheme: the tip of the nose and the corners of the mouth cannot be told
    from corners of the eyes and the base of the nose. ValueError for such pairs, for names that are not known, and for
    points of another shape or not finite.
    """
    tables = _tables(source, target)
    array = _points_of(points, source)
    for table in tables:
        array = _converted(array, table)
    return array.copy() if not tables else array


def direct_points(source: str, target: str) -> NDArray[np.bool_]:
    """(k',) bool: which points :func:`convert_landmarks` takes over; the others are means. ValueError as there."""
    is_direct = np.ones(COUNTS[_check.choice(source, "source", tuple(COUNTS))], bool)
    for table in _tables(source, target):
        is_direct = np.array([len(of) == 1 and bool(is_direct[of[0]]) for of in table])
    return is_direct


def can_convert(source: str, target: str) -> bool:
    """Whether :func:`convert_landmarks` goes from one to the other; False for names that are not known."""
    return source in COUNTS and _path(source, target) is not None


def _tables(source: str, target: str) -> tuple[_Table, ...]:
    for name, value in (("source", source), ("target", target)):
        _check.choice(value, name, tuple(COUNTS))
    path = _path(source, target)
    if path is None:
        possible = [other for other in COUNTS if other != source and can_convert(source, other)]
        why = _LACKS.get(source) or f"they go to {' and '.join(possible)}"
        raise ValueError(f"landmarks of the scheme {source!r} cannot be brought to {target!r}: {why}")
    return path


@cache
def _path(source: str, target: str) -> tuple[_Table, ...] | None:
    """The steps from one to the other, or None."""
    if source == target:
        return ()
    if (source, target) in _TABLES:
        return (_TABLES[source, target],)
    between = "dlib-68"
    if (source, between) in _TABLES and (between, target) in _TABLES:
        return _TABLES[source, between], _TABLES[between, target]
    return None


def _points_of(points: Any, scheme: str) -> NDArray[np.float64]:
    count = COUNTS[scheme]
    shapes = f"({count}, c) or (f, {count}, c) with c 2 or 3"
    array = _check.numbers(points, "points", shapes)
    if array.ndim not in (2, 3) or array.shape[-2] != count or array.shape[-1] not in (2, 3):
        raise ValueError(f"points of {scheme} must have shape {shapes}, got {array.shape}")
    is_good = np.isfinite(array)
    if not is_good.all():
        *face, point = np.argwhere(~is_good.all(axis=-1))[0].tolist()
        where = face_prefix(face[0], True) if face else ""
        raise ValueError(f"points: {where}point {point} is not finite: {array[(*face, point)].tolist()}")
    return array


def _converted(points: NDArray[np.float64], table: _Table) -> NDArray[np.float64]:
    result = points[..., [of[0] for of in table], :]
    for i, of in enumerate(table):
        if len(of) > 1:
            result[..., i, :] = points[..., list(of), :].mean(axis=-2)
    return result
