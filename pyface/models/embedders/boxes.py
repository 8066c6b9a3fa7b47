"""Where five points lie in a detector's box: for networks that were trained on boxes, and get points here."""

from __future__ import annotations

import numpy as np

from pyface._typing import Points

__all__ = ["BOX_ASPECT", "points_in_box"]

# MTCNN's boxes and SCRFD's points on 105 photos of LFW: medians of width by height, means in parts of width and height,
# left and right made alike. SCRFD's own boxes are narrower by 0.02.
BOX_ASPECT = 0.733
_IN_BOX = np.array([(0.275, 0.39), (0.725, 0.39), (0.5, 0.587), (0.308, 0.75), (0.692, 0.75)])


def points_in_box(size: int, height: float) -> Points:
    """(5, 2) pixels of a crop of ``size`` x ``size`` that has a box of this height, and its own width, in its middle.

    In the order ``arcface-5``.
    """
    extent = np.array([BOX_ASPECT * height, height])
    placed: Points = (_IN_BOX - 0.5) * extent + (size - 1) / 2
    return placed
