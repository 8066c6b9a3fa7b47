"""The second look: five points of a face whose box is known, from an enlarged crop of it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check, _memory
from pyface._typing import Points
from pyface.geometry.similarity import FARTHEST
from pyface.kernels.boxes import nms
from pyface.kernels.crops import affine_crops
from pyface.models.base import Landmarker
from pyface.models.opencv.yunet import NMS_IOU, SCHEME, bytes_rgb, decoded
from pyface.models.session import Session
from pyface.types import Landmarks

__all__ = ["MEAN_POINTS", "YuNetPoints"]

# The crop is a square around the middle of the box, SIDE_RATIO times as wide as the longer side of the box, brought to
# NET x NET pixels, a multiple of 32: a face of 80 of them, in the middle of what the network is made for.
SIDE_RATIO = 2.0
NET = 160
# What is taken for the face of the box: the detection that overlaps it most, if by more than this.
SAME_FACE_IOU = 0.3
LEAST_SCORE = 0.3

# Where the five points lie in YuNet's boxes, in parts of width and height: the mean over 366 faces of LFW, made
# symmetric. For boxes whose crop shows no face: those of other detectors, or of somebody's own.
MEAN_POINTS = np.array([(0.28, 0.37), (0.72, 0.37), (0.50, 0.57), (0.31, 0.735), (0.69, 0.735)])


class YuNetPoints(Landmarker):
    """Points as :class:`~pyface.models.opencv.yunet.YuNet` gives them, in a crop where every face has one size.

    On faces of a few dozen pixels the points of the first look are coarse, as the network knows them to parts of a cell
    of at least 8 pixels.
    """

    scheme = SCHEME

    def __init__(self, session: Session, *, name: str, family: str, digest: str, n_threads: int | None = None) -> None:
        self.name, self.family, self.digest = name, family, digest
        self._session, self._n_threads = session, n_threads

    def locate(self, image: Any, boxes: Any, *, color: str = "rgb") -> Landmarks:
        """Points (n, 5, 2) float64 of the faces in ``boxes`` (n, 4), in the order ``arcface-5``, not rounded.

        Floats in the image are rounded to bytes, and what lies outside it is black. Every box gets points: where its
        crop shows no face that overlaps the box by more than 0.3, those of an average face in it, which
        ``Landmarks.scores`` tell: the score of the face found, 0 if there is none. The points of a face do not depend
        on the other boxes. Time about 2 ms a face on one thread.
        """
        rows = _check.boxes(boxes)
        far = np.flatnonzero((np.abs(rows) > FARTHEST).any(axis=1))
        if far.size:
            raise ValueError(f"boxes: row {far[0]} lies beyond {FARTHEST:g} pixels: {rows[far[0]].tolist()}")
        pixels = _check.image(image, color=color)
        _check.warn_of_unit_range(pixels)
        points, scores = np.empty((len(rows), 5, 2)), np.empty(len(rows), np.float32)
        if len(rows):
            rgb = bytes_rgb(pixels)
            for i, box in enumerate(rows):
                with _memory.told("to look at a face", "end what else takes memory, or use fewer threads"):
                    points[i], scores[i] = self._located(rgb, box)
        return Landmarks(points, self.scheme, scores)

    def _located(self, rgb: NDArray[np.uint8], box: NDArray[np.float64]) -> tuple[Points, float]:
        matrix = _crop_matrix(box)
        crop = affine_crops(rgb, matrix[None], (NET, NET), antialias=True, n_threads=self._n_threads)
        boxes, scores, points = decoded(self._session.run(crop)[0], NET, NET, LEAST_SCORE)
        scale, origin = matrix[0, 0], matrix[:, 2]
        kept = nms(boxes, scores, NMS_IOU)
        overlaps = _overlaps(boxes[kept].reshape(-1, 2, 2) * scale + origin, box)
        if not overlaps.size or overlaps.max() <= SAME_FACE_IOU:
            return box[:2] + MEAN_POINTS * (box[2:] - box[:2]), 0.0
        best = kept[np.argmax(overlaps)]
        return points[best] * scale + origin, float(scores[best])


def _crop_matrix(box: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2, 3): from pixels of the crop to pixels of the image. A box without extent is taken for one pixel."""
    scale = SIDE_RATIO * max((box[2:] - box[:2]).max(), 1.0) / NET
    origin = (box[:2] + box[2:]) / 2 - scale * (NET - 1) / 2
    return np.array([[scale, 0, origin[0]], [0, scale, origin[1]]])


def _overlaps(corners: NDArray[np.float64], box: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,): intersection over union of boxes (n, 2, 2) and a box (4,)."""
    inner = np.minimum(corners[:, 1], box[2:]) - np.maximum(corners[:, 0], box[:2])
    shared = np.prod(np.maximum(inner, 0), axis=1)
    union = np.prod(corners[:, 1] - corners[:, 0], axis=1) + np.prod(box[2:] - box[:2]) - shared
    return np.asarray(np.divide(shared, union, out=np.zeros(len(corners)), where=union > 0))
