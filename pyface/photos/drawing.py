"""Lines and dots on a copy of a photo, at fractions of a pixel."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface._typing import Points
from pyface.errors import require_extra

__all__ = ["Colour", "draw_dots", "draw_lines"]

Colour = tuple[int, int, int]
_SHIFT = 4  # OpenCV draws at 1/16 pixel


def draw_lines(picture: NDArray[np.uint8], ends: Any, colour: Colour, width: int) -> None:
    """Draw lines (n, 2, 2), from x y to x y, into the RGB picture."""
    cv2 = require_extra("cv2")
    for begin, end in _place(ends).tolist():
        cv2.line(picture, begin, end, colour, width, cv2.LINE_AA, _SHIFT)


def draw_dots(picture: NDArray[np.uint8], centres: Points, colour: Colour, radius: int) -> None:
    """Draw discs about the points (n, 2) into the RGB picture."""
    cv2 = require_extra("cv2")
    for centre in _place(centres).tolist():
        cv2.circle(picture, centre, radius * 2**_SHIFT, colour, -1, cv2.LINE_AA, _SHIFT)


def _place(points: Any) -> NDArray[np.int32]:
    # OpenCV's own limit; what lies beyond is not in the picture.
    placed: NDArray[np.int32] = np.rint(np.clip(points, -30_000, 30_000) * 2**_SHIFT).astype(np.int32)
    return placed
