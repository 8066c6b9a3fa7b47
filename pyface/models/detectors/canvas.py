"""How a photo comes into the picture that a network sees, and coordinates back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pyface.errors import require_extra

__all__ = ["Canvas", "letterboxed", "padded", "planes", "stretched"]


_BILINEAR = 1  # cv2.INTER_LINEAR, which is not imported before it is needed


@dataclass(frozen=True, slots=True, eq=False)
class Canvas:
    """A picture (rows, cols, 3) uint8 with the photo in its upper left corner, and its pixels a pixel of the photo."""

    pixels: NDArray[np.uint8]
    x_scale: float = 1.0
    y_scale: float = 1.0

    def in_photo(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points (..., 2) of the picture in the photo, divided as the makers do, without a shift of half a pixel."""
        if self.x_scale == self.y_scale == 1.0:
            return points
        mapped: NDArray[np.float64] = points / (self.x_scale, self.y_scale)
        return mapped


def letterboxed(pixels: NDArray[np.uint8], width: int, height: int) -> Canvas:
    """As large as fits with its proportions, bilinear, black on the right or below: insightface's way.

    The shorter side is rounded down, so the two scales differ a little. insightface divides both axes by that of the
    height: for a photo of 1,000 x 10 pixels that is 6 % off. Here each axis has its own.
    """
    rows, cols = pixels.shape[:2]
    # One photo is wider than the picture, one is higher.
    if rows * width > height * cols:
        new_rows, new_cols = height, max(1, int(height / (rows / cols)))
    else:
        new_rows, new_cols = max(1, int(width * (rows / cols))), width
    if (new_rows, new_cols) == (height, width) == (rows, cols):
        return Canvas(pixels)
    canvas = np.zeros((height, width, 3), np.uint8)
    corner = canvas[:new_rows, :new_cols]
    if corner.flags.c_contiguous and pixels.shape[:2] != (new_rows, new_cols):
        # Written there at once.
        require_extra("cv2").resize(pixels, (new_cols, new_rows), dst=corner, interpolation=_BILINEAR)
    else:
        corner[:] = _resized(pixels, new_cols, new_rows)
    return Canvas(canvas, new_cols / cols, new_rows / rows)


def padded(pixels: NDArray[np.uint8], multiple: int) -> Canvas:
    """At its own size, with black on the right and below up to a multiple."""
    rows, cols = pixels.shape[:2]
    height, width = (-(-side // multiple) * multiple for side in (rows, cols))
    if (height, width) == (rows, cols):
        return Canvas(pixels)
    canvas = np.zeros((height, width, 3), np.uint8)
    canvas[:rows, :cols] = pixels
    return Canvas(canvas)


def stretched(pixels: NDArray[np.uint8], width: int, height: int) -> Canvas:
    """Brought to that size without regard to its proportions, bilinear."""
    rows, cols = pixels.shape[:2]
    return Canvas(_resized(pixels, width, height), width / cols, height / rows)


def planes(
    pixels: NDArray[np.uint8], mean: tuple[float, float, float], scale: float, *, bgr: bool = False
) -> NDArray[np.float32]:
    """(3, rows, cols) float32 of an RGB picture: (value - mean) * scale. ``mean`` is in the order of the planes."""
    cv2 = require_extra("cv2")
    channels = cv2.split(pixels)  # a third of the time of strided reading
    result = np.empty((3, *pixels.shape[:2]), np.float32)
    for plane, channel, offset in zip(result, channels[::-1] if bgr else channels, mean, strict=True):
        np.subtract(channel, np.float32(offset), out=plane, dtype=np.float32)
    if scale != 1.0:
        result *= np.float32(scale)
    return result


def _resized(pixels: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    if pixels.shape[:2] == (height, width):
        return pixels
    cv2 = require_extra("cv2")
    resized: NDArray[np.uint8] = cv2.resize(pixels, (width, height), interpolation=_BILINEAR)
    return resized
