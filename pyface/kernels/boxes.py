"""Box suppression and overlap."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check, _core
from pyface._typing import Boxes

__all__ = ["iou", "nms", "nms_of_smaller"]


def nms(boxes: Any, scores: Any, iou_threshold: float) -> NDArray[np.int64]:
    """Greedy non-maximum suppression: the best box stays, what overlaps it too much goes, and so on down.

    boxes : (n, 4) numbers, x1 y1 x2 y2 in any unit, x1 <= x2 and y1 <= y2, finite.
    scores : (n,) numbers, not NaN. Equal scores keep the lower index first.
    iou_threshold : in [0, 1]. A box is dropped if its intersection over union with a kept box is greater than this;
        areas are (x2 - x1)(y2 - y1), and two boxes without area never drop each other.

    Returns the indices of the kept boxes, (kept,) int64, best first. Wrong types are a TypeError, wrong values a
    ValueError. Evaluated in float64; time O(n log n + n * kept), memory O(n).
    """
    rows, values = _scored(boxes, scores)
    return _core.nms(rows, values, _check.number(iou_threshold, "iou_threshold", minimum=0, maximum=1))


def nms_of_smaller(boxes: Any, scores: Any, overlap_threshold: float) -> NDArray[np.int64]:
    """As :func:`nms`, but the overlap of two boxes is their intersection over the area of the smaller: a box inside a
    kept one is dropped however small it is. MTCNN's "Min".
    """
    rows, values = _scored(boxes, scores)
    return _core.nms_of_smaller(
        rows, values, _check.number(overlap_threshold, "overlap_threshold", minimum=0, maximum=1)
    )


def iou(a: Any, b: Any) -> NDArray[np.float64]:
    """Intersection over union of all pairs of boxes.

    a, b : (n, 4) and (m, 4) numbers, x1 y1 x2 y2 in one unit, x1 <= x2 and y1 <= y2, finite.

    Returns (n, m) float64 in [0, 1]; two boxes without area overlap by 0. Wrong types are a TypeError, wrong values a
    ValueError. Time and memory O(n m).
    """
    first, second = _check.boxes(a), _check.boxes(b)
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    common = np.prod(np.maximum(high - low, 0), axis=2)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (first, second)]
    union = areas[0][:, None] + areas[1][None, :] - common
    overlap: NDArray[np.float64] = np.divide(common, union, out=np.zeros_like(common), where=union > 0)
    return overlap


def _scored(boxes: Any, scores: Any) -> tuple[Boxes, NDArray[np.float64]]:
    rows = _check.boxes(boxes)
    values = _check.numbers(scores, "scores", "(n,)")
    if values.shape != (len(rows),):
        raise ValueError(f"scores must have shape ({len(rows)},) like boxes, got {values.shape}")
    nan = np.flatnonzero(np.isnan(values))
    if nan.size:
        raise ValueError(f"scores: entry {nan[0]} is NaN")
    return rows, values
