"""What may not come back: photos and faces that were forgotten, whatever their files are called now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pyface.album.links import SAME_FACE_IOU
from pyface.kernels.boxes import iou
from pyface.types import Detections

FORGOTTEN = "forgotten; --allow-again takes it back"


class Tombstones:
    """By the SHA-256 of a photo: boxes of its faces that are forgotten, None for all of it.

    A face is a forgotten one if the boxes overlap by an IoU of 0.5 or more: another model draws them a little
    differently.
    """

    def __init__(self, boxes: Mapping[bytes, Sequence[tuple[float, ...] | None]]) -> None:
        self._boxes = boxes

    def __bool__(self) -> bool:
        return bool(self._boxes)

    def has_photo(self, digest: bytes) -> bool:
        """Whether the whole photo is forgotten."""
        return None in self._boxes.get(digest, ())

    def has_faces(self, digest: bytes) -> bool:
        """Whether faces of the photo are forgotten, or all of it."""
        return digest in self._boxes

    def forgotten(self, digest: bytes, boxes: NDArray[np.float64]) -> NDArray[np.bool_]:
        """(n,) which of these faces of a photo are forgotten, boxes (n, 4)."""
        gone = [box for box in self._boxes.get(digest, ()) if box is not None]
        if self.has_photo(digest) or not gone or not len(boxes):
            return np.full(len(boxes), self.has_photo(digest))
        are_forgotten: NDArray[np.bool_] = np.any(iou(boxes, np.array(gone)) >= SAME_FACE_IOU, axis=1)
        return are_forgotten

    def without(self, digest: bytes, detections: Detections) -> Detections:
        """The faces that were found in a photo without those that are forgotten."""
        kept = ~self.forgotten(digest, detections.boxes)
        landmarks = None if detections.landmarks is None else detections.landmarks[kept]
        return Detections(detections.boxes[kept], detections.scores[kept], landmarks)


NONE = Tombstones({})
