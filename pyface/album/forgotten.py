"""What may not come back: photos and faces that people had forgotten, whatever they are called now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pyface.album.links import SAME_FACE_IOU
from pyface.kernels.boxes import iou

REASON = "forgotten; --allow-again takes it back"


class Forgotten:
    """Tombstones by the SHA-256 of the photo: boxes of faces, None for the whole photo."""

    def __init__(self, tombstones: Mapping[bytes, Sequence[tuple[float, ...] | None]]) -> None:
        self._tombstones = tombstones

    def has_photo(self, digest: bytes) -> bool:
        """Whether the whole photo is forgotten."""
        return None in self._tombstones.get(digest, ())

    def has_faces(self, digest: bytes) -> bool:
        """Whether faces of the photo are forgotten, or all of it."""
        return digest in self._tombstones

    def kept(self, digest: bytes, boxes: NDArray[np.float64]) -> NDArray[np.bool_]:
        """(n,) which of these faces of a photo are not forgotten, boxes (n, 4).

        A face is if its box overlaps a forgotten one by an IoU of 0.5 or more: another model draws it a little
        differently.
        """
        gone = [box for box in self._tombstones.get(digest, ()) if box is not None]
        if not gone or not len(boxes):
            return np.ones(len(boxes), np.bool_)
        return (iou(boxes, np.array(gone)) < SAME_FACE_IOU).all(axis=1)


NOTHING = Forgotten({})
