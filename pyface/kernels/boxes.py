"""Box suppression."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check, _core

__all__ = ["nms"]


def nms(boxes: Any, scores: Any, iou_threshold: float) -> NDArray[np.int64]:
    """Greedy non-maximum suppression: the best box stays, what overlaps it too much goes, and so on down.

    boxes : (n, 4) numbers, x1 y1 x2 y2 in any unit, x1 <= x2 and y1 <= y2, finite.
    scores : (n,) numbers, not NaN. Equal scores keep the lower index first.
    iou_threshold : in [0, 1]. A box is dropped if its intersection over union with a kept box is greater than this;
        areas are (x2 - x1)(y2 - y1), and two boxes without area never drop each other.

    Returns the indices of the kept boxes, (kept,) int64, best first. Wrong types are a TypeError, wrong values a
    ValueError. Evaluated in float64; time O(n log n + n * kept), memory O(n).
    """
    rows = _check.boxes(boxes)
    try:
        values = np.ascontiguousarray(scores, dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"scores must be numbers of shape (n,), got {type(scores).__name__}") from None
    if values.shape != (len(rows),):
        raise ValueError(f"scores must have shape ({len(rows)},) like boxes, got {values.shape}")
    nan = np.flatnonzero(np.isnan(values))
    if nan.size:
        raise ValueError(f"scores: entry {nan[0]} is NaN")
    try:
        threshold = float(iou_threshold)
    except (TypeError, ValueError):
        raise TypeError(f"iou_threshold must be a number, got {type(iou_threshold).__name__}") from None
    if not 0.0 <= threshold <= 1.0:
        raise ValueError(f"iou_threshold must be in [0, 1], got {iou_threshold}")
    return _core.nms(rows, values, threshold)
