"""The axes of a head drawn into a photo."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pyface.geometry.pose import HeadPose
from pyface.photos.drawing import draw_lines

__all__ = ["draw_axes"]

# To the head's left as seen (image right), down, and out of the face: red, green, blue, as head poses are mostly drawn.
_AXES = np.array([(1.0, 0, 0), (0, 1, 0), (0, 0, -1)])
_COLOURS = ((255, 60, 60), (40, 200, 40), (60, 110, 255))
_LENGTH = 0.8  # distances between the eyes


def draw_axes(picture: NDArray[np.uint8], pose: HeadPose, width: int) -> None:
    """Draw the axes of one head into the RGB picture, from between its eyes: right red, down green, ahead blue.

    The blue one points where the face looks, and is drawn last, being nearest; a face that looks into the camera shows
    it as a dot. Lengths are 0.8 distances between the eyes, foreshortened.
    """
    origin, *ends = pose.project(np.vstack([np.zeros(3), _LENGTH * _AXES]))
    for end, colour in zip(ends, _COLOURS, strict=True):
        draw_lines(picture, np.array([[origin, end]]), colour, width)
