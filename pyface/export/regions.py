"""Faces as regions of the picture that is stored, as the Metadata Working Group has them.

Its *Guidelines for Handling Image Metadata* 2.0 (November 2010), 5.9: "Region metadata is applied to the stored
image"; whoever turns the picture by its EXIF Orientation turns the regions, too. An area has its centre, width and
height as shares of the stored width and height.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# From a place (u, v) in the upright picture to the one in the stored picture, by EXIF Orientation: whether u and v
# are exchanged, and which of the two is then counted from the other side.
_TURNS = {
    1: (False, False, False),
    2: (False, True, False),
    3: (False, True, True),
    4: (False, False, True),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}


@dataclass(frozen=True, slots=True)
class Area:
    """Centre, width and height of a rectangle as shares of a picture's width and height."""

    x: float
    y: float
    w: float
    h: float

    def overlap(self, other: Area) -> float:
        """Intersection over union."""
        width = min(self.x + self.w / 2, other.x + other.w / 2) - max(self.x - self.w / 2, other.x - other.w / 2)
        height = min(self.y + self.h / 2, other.y + other.h / 2) - max(self.y - self.h / 2, other.y - other.h / 2)
        shared = max(0.0, width) * max(0.0, height)
        union = self.w * self.h + other.w * other.h - shared
        return shared / union if union > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Region:
    """A face in a stored picture; ``name`` is "" for somebody without one."""

    area: Area
    name: str = ""


def relative_box(box: NDArray[np.float64], width: int, height: int) -> tuple[float, float, float, float]:
    """x1, y1, x2, y2 as shares of the picture, which begins half a pixel before the centre of its first pixel, at 0."""
    x1, y1, x2, y2 = (float(value) + 0.5 for value in box)
    return x1 / width, y1 / height, x2 / width, y2 / height


def stored_area(box: NDArray[np.float64], width: int, height: int, orientation: int) -> Area | None:
    """The area, in the picture as it is stored, of a box in the upright one of this size; None if it lies outside.

    What sticks out of the picture is cut off.       orientation : EXIF's, 1 to 8.
    """
    u1, v1, u2, v2 = (min(1.0, max(0.0, value)) for value in relative_box(box, width, height))
    if u2 <= u1 or v2 <= v1:
        return None
    is_exchanged, x_from_right, y_from_below = _TURNS[orientation]
    x, y, w, h = (u1 + u2) / 2, (v1 + v2) / 2, u2 - u1, v2 - v1
    if is_exchanged:
        x, y, w, h = y, x, h, w
    return Area(1 - x if x_from_right else x, 1 - y if y_from_below else y, w, h)


def stored_size(width: int, height: int, orientation: int) -> tuple[int, int]:
    """Width and height of the picture as it is stored, of those of the upright one."""
    return (height, width) if _TURNS[orientation][0] else (width, height)
