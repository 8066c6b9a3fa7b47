"""Where landmarks belong in an upright crop."""

from __future__ import annotations

from typing import Any

import numpy as np

from pyface import _check
from pyface._typing import Points
from pyface.geometry.similarity import points_of

__all__ = ["LARGEST_CROP", "TEMPLATES", "UNIT_DLIB_5", "template_points"]

LARGEST_CROP = 8192

# dlib's five points (image-right eye: outer, inner corner; image-left eye: outer, inner; base of the nose) in the unit
# square that its chips show with PADDING of its side around.
UNIT_DLIB_5 = np.array(
    [
        (0.8595674595992, 0.2134981538014), (0.6460604764104, 0.2289674387677), (0.1205750620789, 0.2137274526848),
        (0.3340850613712, 0.2290642403242), (0.4901123135679, 0.6277975316475),
    ]
)  # fmt: skip
_PADDING = 0.25

# In a crop of 112 x 112: image-left eye, image-right eye, tip of the nose, image-left, image-right corner of the mouth.
_ARCFACE = np.array(
    [(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)]
)
# Where dlib's five points of an average face lie in that crop: the mean shape that dlib publishes for its 68 points
# brought onto _ARCFACE by its eye centres, tip of the nose and corners of the mouth, and UNIT_DLIB_5 taken along.
_ARCFACE_DLIB_5 = np.array(
    [(81.2985, 51.9651), (66.6355, 53.1093), (30.5266, 52.2626), (45.2015, 53.2349), (56.0733, 80.5701)]
)
_ARCFACE_FAMILY = {"arcface": _ARCFACE, "arcface-dlib-5": _ARCFACE_DLIB_5}
TEMPLATES = (*_ARCFACE_FAMILY, "dlib-5")


def template_points(template: Any, size: int) -> Points:
    """(k, 2) points in pixels of a crop of ``size`` x ``size``; ``template`` is a name, or such points themselves.

    ``"arcface"`` : eyes, tip of the nose and corners of the mouth as ArcFace models expect them, left ones of the image
        first. ``size`` is a multiple of 112, which scales the points for 112; or of 128, which shows 8 / 128 more on
        the left and on the right and 16 / 128 more below, as these models' own code has it.
    ``"arcface-dlib-5"`` : the same crop for dlib's five points, which are others.
    ``"dlib-5"`` : dlib's five points in the frame of its face chips, any size.

    ``size`` is at least 2, and of no meaning for points of your own.
    """
    side = _check.integer(size, "size", minimum=2)
    if not isinstance(template, str):
        points = points_of(template, "template")
        if points.ndim != 2:
            raise ValueError(f"template must be a name or have shape (k, 2), got {points.shape}")
        return points
    _check.choice(template, "template", TEMPLATES)
    if template == "dlib-5":
        # dlib counts from the corner of the first pixel, pyface from its centre.
        framed: Points = np.multiply(UNIT_DLIB_5 + _PADDING, side / (1 + 2 * _PADDING)) - 0.5
        return framed
    base: Points = _ARCFACE_FAMILY[template]
    if side % 112 == 0:
        return np.multiply(base, side / 112)
    if side % 128 == 0:
        wider: Points = np.multiply(base + np.array([8.0, 0.0]), side / 128)
        return wider
    raise ValueError(
        f"size must be a multiple of 112 or 128 for template={template!r}, got {side}; other sizes need points of your "
        "own as the template"
    )
