"""SCRFD, and insightface's newer files of RetinaFace, which are decoded alike.

Contract: insightface, python-package/insightface/model_zoo/scrfd.py. RGB, (x - 127.5) / 128, letterboxed.
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

__all__ = ["Scrfd", "why_not"]

_STRIDES = {6: (8, 16, 32), 9: (8, 16, 32), 10: (8, 16, 32, 64, 128), 15: (8, 16, 32, 64, 128)}
# Of a score, a box and five points.
_WIDTHS = (1, 4, 10)
_DEFAULT_SIZE = (640, 640)
_MULTIPLE = 32


def why_not(file: OnnxFile) -> str:
    """Why the file is none of this family, or nothing."""
    if len(file.outputs) not in _STRIDES:
        return f"it has {len(file.outputs)} outputs, expected 6, 9, 10 or 15"
    levels = len(_STRIDES[len(file.outputs)])
    widths = _WIDTHS[: len(file.outputs) // levels]
    return takes_no_picture(file) or misfit(file, (2, 3), -1, widths * levels)


class Scrfd(NetworkDetector):
    """Boxes and, where the file has them, five points (``arcface-5``); a picture of 640 x 640 unless told.

    The image is enlarged or shrunk to fit into that picture, as insightface does, in its upper left corner. Scores
    must be greater than 0.5; of boxes that overlap by more than 0.4, both edges counted, the best stays.
    """

    smallest_face = 16.0
    # Of 416 pixels in a picture of 640 all are found, of 512 nearly none.
    largest_face = 400.0
    mean = (127.5, 127.5, 127.5)
    scale = 1 / 128
    threshold = 0.5
    nms_iou = 0.4
    inclusive = True

    _orders = ("by picture", "by place")

    def __init__(
        self,
        open_session: Callable[[int | None], Session],
        *,
        input_size: tuple[int, int],
        strides: tuple[int, ...],
        has_points: bool,
        **about: Any,
    ) -> None:
        super().__init__(open_session, input_size=input_size, **about)
        self._size, self._strides, self._has_points = input_size, strides, has_points
        self.scheme = SCHEME if has_points else None

    def _canvas(self, pixels: NDArray[np.uint8]) -> Canvas:
        return letterboxed(pixels, *self._size)

    def _of_each(self, outputs: Sequence[NDArray[np.float32]], count: int) -> list[list[NDArray[np.float32]]]:
        parted = []
        for output in outputs:
            width = output.shape[-1]
            if output.ndim == 3 and len(output) != count:
                raise ValueError(f"an output of {output.shape} for {count} pictures")
            if output.ndim == 3 or self._order == "by picture":
                parted.append(output.reshape(count, -1, width))
            else:
                # Rows are cells, then pictures, then anchors; five levels have one anchor, three have two.
                anchors = 1 if len(self._strides) == 5 else 2
                parted.append(output.reshape(-1, count, anchors, width).swapaxes(0, 1).reshape(count, -1, width))
        return [[output[i] for output in parted] for i in range(count)]

    def _candidates(self, outputs: Sequence[NDArray[np.float32]], rows: int, cols: int, least: float) -> Candidates:
        # By what they hold and then by level, the finest first, whatever their order and names.
        by_width = {
            width: sorted((o for o in outputs if o.shape[1] == width), key=len, reverse=True) for width in _WIDTHS
        }
        n_levels = len(self._strides)
        if [len(by_width[width]) for width in _WIDTHS] != [n_levels, n_levels, n_levels * self._has_points]:
            raise ModelFileError(f"{self.name} gives tables of {[o.shape for o in outputs]}: it is no SCRFD")
        boxes, scores, points = [], [], []
        for level, stride in enumerate(self._strides):
            found = by_width[1][level][:, 0]
            n_cells = -(-rows // stride) * -(-cols // stride)
            anchors = len(found) // n_cells if n_cells else 0
            if anchors < 1 or anchors * n_cells != len(found):
                raise ModelFileError(
                    f"{self.name} gives {len(found)} scores for {n_cells} cells of {stride} pixels: it is no SCRFD"
                )
            kept = np.flatnonzero(found > least)
            cell = kept // anchors
            centre = np.stack([cell % -(-cols // stride), cell // -(-cols // stride)], axis=1) * float(stride)
            away = by_width[4][level][kept].astype(np.float64) * stride
            boxes.append(np.hstack([centre - away[:, :2], centre + away[:, 2:]]))
            scores.append(found[kept])
            if self._has_points:
                shift = by_width[10][level][kept].astype(np.float64).reshape(-1, 5, 2) * stride
                points.append(centre[:, None] + shift)
        return Candidates(
            np.concatenate(boxes), np.concatenate(scores), np.concatenate(points) if self._has_points else None
        )


def build(file: OnnxFile, open_graph: Callable[[bytes], Callable[[int | None], Session]], **about: Any) -> Scrfd:
    """The detector of a file that fits; ``open_graph`` makes sessions of a graph."""
    size = picture_size(file, about.pop("input_size"), _DEFAULT_SIZE, _MULTIPLE)
    strides = _STRIDES[len(file.outputs)]
    has_points = len(file.outputs) == 3 * len(strides)
    graph = taking_bytes(file.with_free(0), Scrfd.mean, Scrfd.scale)
    return Scrfd(open_graph(graph), input_size=size, strides=strides, has_points=has_points, **about)
