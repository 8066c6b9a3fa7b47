"""Alignment: similarities between landmarks, upright crops, level eyes.

Points are x y in pixels, pixel centres at whole numbers, origin top-left, y down.
"""

from __future__ import annotations

from pyface.geometry.crops import align_face, crop_box, level_eyes
from pyface.geometry.similarity import Similarity, roll_angle, similarity_transform
from pyface.geometry.templates import template_points

__all__ = [
    "Similarity",
    "align_face",
    "crop_box",
    "level_eyes",
    "roll_angle",
    "similarity_transform",
    "template_points",
]
