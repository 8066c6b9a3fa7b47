"""Several looks at one photo, at other sizes or at parts of it, taken together."""

from __future__ import annotations

import numpy as np

from pyface.kernels.boxes import nms
from pyface.types import Detections

__all__ = ["merged"]

# One face found at two sizes or in two tiles: the field's usual overlap for one and the same face.
_SAME_FACE_IOU = 0.4


def merged(looks: list[Detections]) -> Detections:
    """The faces of at least one look, in the pixels of the photo: of a face that several have found the best stays."""
    if len(looks) == 1:
        return looks[0]
    boxes = np.concatenate([look.boxes for look in looks])
    scores = np.concatenate([look.scores for look in looks])
    points = [look.landmarks for look in looks if look.landmarks is not None]
    kept = nms(boxes, scores, _SAME_FACE_IOU)
    landmarks = np.concatenate(points)[kept] if len(points) == len(looks) else None
    return Detections(boxes[kept], scores[kept], landmarks)
