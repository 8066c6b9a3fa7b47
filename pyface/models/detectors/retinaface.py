"""RetinaFace as insightface first published it, for MXNet: maps of three strides, two anchors a cell.

Contract: insightface, detection/retinaface/retinaface.py, as it is used from ONNX files by InsightFace-REST. RGB,
0..255 as it is. Sizes are whole pixels, both edges counted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface.errors import ModelFileError
from pyface.models.detectors.byte_graph import taking_bytes
from pyface.models.detectors.canvas import Canvas, letterboxed
from pyface.models.detectors.network_detector import (
    SCHEME,
    Candidates,
    NetworkDetector,
    misfit,
    picture_size,
    takes_no_picture,
)
from pyface.models.onnx_file import OnnxFile
from pyface.models.session import Session

__all__ = ["RetinaFace", "why_not"]

# Sides of the anchors of a cell, by stride; the finest first. Their centre is that of the pixels 0 to 15.
_ANCHORS = {8: (32.0, 16.0), 16: (128.0, 64.0), 32: (512.0, 256.0)}
_MIDDLE = 7.5
# Channels of a level: probabilities (no face, then face), boxes, points, and of some files whether a mask is worn.
_PROBABILITIES, _BOXES, _POINTS, _MASKS = 4, 8, 20, 6
_DEFAULT_SIZE = (640, 640)
_MULTIPLE = 32
# Some were trained on distances five times as long. The points of a face reach over 0.27 to 0.61 of its box, by three
# detectors; with such distances over 1.35 to 3.05 of it.
_POINT_SCALE = 0.2
_FURTHEST = 0.9


def why_not(file: OnnxFile) -> str:
    """Why the file is none of this family, or nothing."""
    kinds = [_PROBABILITIES, _BOXES, _POINTS]
    if len(file.outputs) not in (9, 12):
        return f"it has {len(file.outputs)} outputs, expected 9, or 12 with masks"
    if len(file.outputs) == 12:
        kinds.append(_MASKS)
    return takes_no_picture(file) or misfit(file, (4,), 1, kinds * len(_ANCHORS))


class RetinaFace(NetworkDetector):
    """Boxes and five points (``arcface-5``); a picture of 640 x 640 unless told.

    The image is enlarged or shrunk to fit into that picture, in its upper left corner. Scores must be greater than
    0.5; of boxes that overlap by more than 0.4, both edges counted, the best stays. Files that know masks, and some
    others (``net3l``), give distances of points times five: known by the masks, else seen in each face.
    """

    scheme = SCHEME
    # As those of its kin: no file of it was at hand to measure.
    smallest_face = 16.0
    largest_face = None
    threshold = 0.5
    nms_iou = 0.4
    inclusive = True

    def __init__(
        self, open_session: Callable[[int | None], Session], *, input_size: tuple[int, int], **about: Any
    ) -> None:
        super().__init__(open_session, input_size=input_size, **about)
        self._size = input_size

    def _canvas(self, pixels: NDArray[np.uint8]) -> Canvas:
        return letterboxed(pixels, *self._size)

    def _candidates(self, outputs: Sequence[NDArray[np.float32]], rows: int, cols: int, least: float) -> Candidates:
        # By what they hold and then by level, the finest first, whatever their order and names.
        by_kind: dict[int, list[NDArray[np.float32]]] = {}
        for output in sorted(outputs, key=np.size, reverse=True):
            by_kind.setdefault(len(output), []).append(output)
        boxes, scores, points = [], [], []
        for level, (stride, sides) in enumerate(_ANCHORS.items()):
            wanted = -(-rows // stride), -(-cols // stride)
            maps = [by_kind.get(kind, [])[level : level + 1] for kind in (_PROBABILITIES, _BOXES, _POINTS)]
            if any(not one or one[0].shape[1:] != wanted for one in maps):
                raise ModelFileError(
                    f"{self.name} gives maps of {[o.shape for o in outputs]} for {cols} x {rows} pixels: it is not "
                    f"of the family {self.family!r}"
                )
            chances, shifts, places = (one[0] for one in maps)
            # Row by row, cell by cell, anchor by anchor.
            chance = chances[len(sides) :].transpose(1, 2, 0)
            row, col, anchor = np.nonzero(chance > least)
            side = np.array(sides)[anchor, None]
            middle = np.stack([col, row], axis=1) * float(stride) + _MIDDLE
            shift = shifts.reshape(-1, 4, *wanted)[anchor, :, row, col].astype(np.float64)
            centre, size = middle + shift[:, :2] * side, side * np.exp(shift[:, 2:])
            boxes.append(np.hstack([centre - (size - 1) / 2, centre + (size - 1) / 2]))
            scores.append(chance[row, col, anchor])
            place = places.reshape(-1, 5, 2, *wanted)[anchor, :, :, row, col].astype(np.float64)
            points.append(self._points(place * side[:, None], boxes[-1], has_masks=_MASKS in by_kind) + middle[:, None])
        return Candidates(np.concatenate(boxes), np.concatenate(scores), np.concatenate(points))

    @staticmethod
    def _points(away: NDArray[np.float64], boxes: NDArray[np.float64], *, has_masks: bool) -> NDArray[np.float64]:
        """Distances (n, 5, 2) from the centres of the anchors in pixels."""
        if has_masks:
            return away * _POINT_SCALE
        apart = (away.max(axis=1, initial=-np.inf) - away.min(axis=1, initial=np.inf)).max(axis=1, initial=0)
        length = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0)
        return np.where((apart > _FURTHEST * length)[:, None, None], away * _POINT_SCALE, away)


def build(file: OnnxFile, open_graph: Callable[[bytes], Callable[[int | None], Session]], **about: Any) -> RetinaFace:
    """The detector of a file that fits; ``open_graph`` makes sessions of a graph."""
    size = picture_size(file, about.pop("input_size"), _DEFAULT_SIZE, _MULTIPLE)
    graph = taking_bytes(file.with_free(0), RetinaFace.mean, RetinaFace.scale)
    return RetinaFace(open_graph(graph), input_size=size, **about)
