"""dlib's detector: a small network over an image pyramid, trained by max-margin object detection."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check, _memory
from pyface.kernels import faces
from pyface.models.base import Detector
from pyface.models.session import Session
from pyface.types import Detections

__all__ = ["DlibMmod"]


# Each thread keeps its canvas for the next image: fresh memory costs more than what is written to it.
_KEPT_BYTES = 96 << 20
# What a search takes at least, and from which need on it is compared with what is free: systems promise memory that
# they do not have, and end the process that uses it. Below, most of it is held already from the searches before.
_BYTES_PER_PIXEL = 150
_WORTH_REFUSING = 1 << 29


class DlibMmod(Detector):
    """dlib's CNN face detector. Its window is 80 pixels: smaller faces are found only down to about 70."""

    smallest_face = 70.0

    def __init__(
        self,
        session: Session,
        *,
        name: str,
        family: str,
        digest: str,
        mean: tuple[float, float, float],
        nms_overlap: float,
    ) -> None:
        self.name, self.family, self.digest = name, family, digest
        self._session, self._mean, self._nms_overlap = session, mean, nms_overlap
        self._kept = threading.local()

    def detect(
        self, image: Any, *, threshold: float | None = None, color: str = "rgb", upsample: int = 0
    ) -> Detections:
        """The faces of one image, best first. Boxes are whole pixels: left, top, right, bottom, ends inside.

        image : (h, w, 3) or grey (h, w), uint8 or float32 in 0..255; ``color`` is ``"rgb"`` or ``"bgr"``.
            An image with a side below 10 pixels holds no face.
        threshold : scores must be greater; ``None`` is 0. Lower finds more faces and more that are none.
        upsample : how often the image is doubled first (0 to 4). Each time halves the smallest face that is found
            and takes four times the time and memory. Floats are rounded to bytes then.

        Memory is about 150 bytes per pixel of the (enlarged) image; each thread keeps up to 96 MiB for its next one.
        MemoryError if there is less.
        """
        least = 0.0 if threshold is None else _check.number(threshold, "threshold")
        upsample = _check.integer(upsample, "upsample", minimum=0, maximum=4)
        pixels = _check.image(image, color=color)
        _check.warn_of_unit_range(pixels)
        if min(pixels.shape[:2]) < faces.SMALLEST_SIDE:
            return Detections(np.empty((0, 4)), np.empty(0, np.float32))
        rows, cols = pixels.shape[:2]
        larger = f" at {2**upsample} times its size" if upsample else ""
        instead = "use a smaller one" + (" or less upsample" if upsample else "")
        with _memory.told(f"to search an image of {cols} x {rows} pixels{larger}", instead):
            need = _BYTES_PER_PIXEL * rows * cols * 4**upsample
            if need >= _WORTH_REFUSING and self._session.is_on_cpu:
                _memory.require(need, "searching it", instead)
            boxes, found = self._search(pixels, least, upsample)
        return Detections(_in_original(boxes.astype(np.float64), upsample), found)

    def _search(self, pixels: NDArray[Any], least: float, upsample: int) -> tuple[NDArray[Any], NDArray[np.float32]]:
        """Boxes in the enlarged image, and their scores, best first."""
        if upsample:
            pixels = faces.upsample(faces.bytes_of(pixels), upsample)
        rows, cols = pixels.shape[:2]
        # Taken away while it is in use: a signal handler that detects would write into it otherwise.
        canvas = faces.mmod_canvas(pixels, self._mean, buffer=self._kept.__dict__.pop("buffer", None))
        scores = self._session.run(canvas[None])[0, 0]
        if canvas.nbytes <= _KEPT_BYTES:
            self._kept.buffer = canvas.base
        boxes, found = faces.mmod_decode(scores, rows, cols, least)
        kept = faces.mmod_nms(boxes, found, self._nms_overlap)
        return boxes[kept], found[kept]


def _in_original(boxes: Any, upsample: int) -> Any:
    """Boxes of the enlarged image in the original, rounded once, half away from zero."""
    if not upsample:
        return boxes
    for _ in range(upsample):
        boxes = boxes / 2 - np.array([1.25, 0.75, 1.25, 0.75])
    # Halves and quarters are exact in float64, so adding a half cannot round up by itself.
    return np.copysign(np.floor(np.abs(boxes) + 0.5), boxes) + 0.0
