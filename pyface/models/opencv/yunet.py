"""YuNet: a small detector that looks at an image once, at its own size, and gives five points with each face."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check, _memory
from pyface._typing import Boxes, Image, Points, Scores
from pyface.kernels import faces
from pyface.kernels.boxes import nms
from pyface.models.base import Detector
from pyface.models.opencv.yunet_graph import STRIDES
from pyface.models.session import Session
from pyface.types import Detections

__all__ = ["SCHEME", "YuNet", "decoded"]

SCHEME = "arcface-5"
"""Order of the points: image-left eye, image-right eye, tip of the nose, image-left and image-right mouth corner."""

THRESHOLD = 0.68
NMS_IOU = 0.3
# The network halves the image five times.
_MULTIPLE = 32
# From corners of pixels, which is where the network counts from, to their centres. Measured on faces enlarged by whole
# factors and on mirrored photos: docs/decisions.md.
_CENTRES = -0.5
# What a search takes at least, and from which need on it is compared with what is free: systems promise memory that
# they do not have, and end the process that uses it.
_BYTES_PER_PIXEL = 45
_WORTH_REFUSING = 1 << 29


class YuNet(Detector):
    """Faces of about 20 to 450 pixels in the image as given, their boxes and five points (:data:`SCHEME`)."""

    scheme = SCHEME
    smallest_face = 20.0
    # Of 600 pixels one in ten is missed, of 700 most: docs/decisions.md.
    largest_face = 300.0
    # Measured on faces turned in steps of 10 degrees: docs/how-it-works/alignment.md.
    upright_score = 0.9

    def __init__(self, session: Session, *, name: str, family: str, digest: str) -> None:
        self.name, self.family, self.digest = name, family, digest
        self._session = session

    def detect(self, image: Any, *, threshold: float | None = None, color: str = "rgb") -> Detections:
        """The faces of one image, best first, with five points each. Boxes are not whole pixels.

        image : (h, w, 3) or grey (h, w), uint8 or float32 in 0..255; ``color`` is ``"rgb"`` or ``"bgr"``. Floats are
            rounded to bytes, halves to even. Black is added on the right and below up to a multiple of 32.
        threshold : scores, in 0..1, must be greater; ``None`` is 0.68. Lower finds more faces and more that are none.

        Of boxes that overlap by more than 0.3 (intersection over union, in float64; OpenCV cuts coordinates to whole
        pixels first) the best stays. Time about 50 ms for 1,280 x 960 on one thread; memory about 45 bytes a pixel.
        MemoryError if there is less.
        """
        least = THRESHOLD if threshold is None else _check.number(threshold, "threshold")
        pixels = _check.image(image, color=color)
        _check.warn_of_unit_range(pixels)
        rows, cols = pixels.shape[:2]
        instead = "use a smaller one"
        with _memory.told(f"to search an image of {cols} x {rows} pixels", instead):
            need = _BYTES_PER_PIXEL * rows * cols
            if need >= _WORTH_REFUSING and self._session.is_on_cpu:
                _memory.require(need, "searching it", instead)
            padded = _padded(pixels)
            cells = self._session.run(padded[None])[0]
        boxes, scores, points = decoded(cells, padded.shape[0], padded.shape[1], least)
        kept = nms(boxes, scores, NMS_IOU)
        return Detections(boxes[kept], scores[kept], points[kept])


def _padded(image: Image) -> NDArray[np.uint8]:
    """The image as bytes with black on the right and below, so that both sides are multiples of 32."""
    pixels = faces.bytes_of(image)
    rows, cols = (-(-side // _MULTIPLE) * _MULTIPLE for side in pixels.shape[:2])
    if pixels.shape == (rows, cols, 3):
        return pixels
    padded = np.zeros((rows, cols, 3), np.uint8)
    padded[: pixels.shape[0], : pixels.shape[1]] = pixels if pixels.ndim == 3 else pixels[:, :, None]
    return padded


def decoded(cells: NDArray[np.float32], rows: int, cols: int, least: float) -> tuple[Boxes, Scores, Points]:
    """Boxes (n, 4), scores (n,) and points (n, 5, 2) of the cells whose score is greater than ``least``, in order.

    cells : (m, 15), what the network gives for an image of rows x cols pixels, multiples of 32. A cell in row r and
        column c of a level of stride s means, by its numbers, a box of s * exp(b2) x s * exp(b3) pixels around
        ((c + b0) * s, (r + b1) * s) and points at ((c + k0) * s, (r + k1) * s), counted from corners of pixels.
    """
    kept = np.flatnonzero(cells[:, 0] > least)
    strides = np.array(STRIDES)
    counts = (rows // strides) * (cols // strides)
    ends = np.cumsum(counts)
    level = np.searchsorted(ends, kept, side="right")
    stride, place = strides[level], kept - (ends - counts)[level]
    cell = np.stack([place % (cols // stride), place // (cols // stride)], axis=1)
    values = cells[kept].astype(np.float64)
    middle = (values[:, 1:3] + cell) * stride[:, None] + _CENTRES
    half = np.exp(values[:, 3:5]) * stride[:, None] / 2
    points = (values[:, 5:].reshape(-1, 5, 2) + cell[:, None]) * stride[:, None, None] + _CENTRES
    return np.hstack([middle - half, middle + half]), cells[kept, 0], points
