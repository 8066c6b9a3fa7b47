"""RetinaFace as it is in Pytorch_Retinaface: three tables, a row for each prior box.

Contract: biubug6/Pytorch_Retinaface, data/config.py, layers/functions/prior_box.py, utils/box_utils.py, detect.py.
BGR, 0..255 minus (104, 117, 123).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface.errors import ModelFileError
from pyface.models.detectors.canvas import Canvas, letterboxed
from pyface.models.detectors.network_detector import (
    SCHEME,
    Candidates,
    NetworkDetector,
    centred,
    misfit,
    picture_size,
    takes_no_picture,
)
from pyface.models.detectors.priors import CENTRE_VARIANCE, face_chances, priors, shifted_boxes, tables
from pyface.models.onnx_file import OnnxFile
from pyface.models.session import Session

__all__ = ["PytorchRetinaFace", "why_not"]

# Of a box, no face and face, and five points.
_WIDTHS = (4, 2, 10)
_STRIDES, _SIDES = (8, 16, 32), ((16, 32), (64, 128), (256, 512))
_MEAN = (104.0, 117.0, 123.0)
_DEFAULT_SIZE = (640, 640)
_MULTIPLE = 32


def why_not(file: OnnxFile) -> str:
    """Why the file is none of this family, or nothing."""
    reason = takes_no_picture(file) or misfit(file, (3,), -1, _WIDTHS)
    is_decoded = any(port.shape[-1:] == (4,) and "Exp" in file.steps_before(port.name) for port in file.outputs)
    return reason or ("its boxes are decoded in the file" if is_decoded else "")


class PytorchRetinaFace(NetworkDetector):
    """Boxes and five points (``arcface-5``); a picture of 640 x 640 unless told or fixed by the file.

    The image is enlarged or shrunk to fit into that picture, in its upper left corner. Scores must be greater than
    0.5; of boxes that overlap by more than 0.4, both edges counted, the best stays.
    """

    scheme = SCHEME
    smallest_face = 16.0
    largest_face = None
    mean = _MEAN
    bgr = True
    threshold = 0.5
    nms_iou = 0.4
    inclusive = True

    def __init__(
        self,
        open_session: Callable[[int | None], Session],
        *,
        input_size: tuple[int, int],
        steps: Sequence[Collection[str]],
        **about: Any,
    ) -> None:
        super().__init__(open_session, input_size=input_size, **about)
        self._size, self._steps = input_size, steps
        self._priors = priors(input_size[1], input_size[0], _STRIDES, _SIDES)

    def _canvas(self, pixels: NDArray[np.uint8]) -> Canvas:
        return letterboxed(pixels, *self._size)

    def _candidates(self, outputs: Sequence[NDArray[np.float32]], rows: int, cols: int, least: float) -> Candidates:
        try:
            places = tables(outputs, len(self._priors), _WIDTHS)
        except ValueError as error:
            raise ModelFileError(f"{self.name} gives {error}: it is not of the family {self.family!r}") from None
        values, chances, shifts = (outputs[place] for place in places)
        chance = face_chances(chances, self._steps[places[1]])
        kept = np.flatnonzero(chance > least)
        own = self._priors[kept]
        boxes = centred(shifted_boxes(values[kept].astype(np.float64), own))
        shift = shifts[kept].astype(np.float64).reshape(-1, 5, 2)
        points = own[:, None, :2] + shift * CENTRE_VARIANCE * own[:, None, 2:]
        return Candidates(boxes, chance[kept], points)


def build(
    file: OnnxFile, open_graph: Callable[[bytes], Callable[[int | None], Session]], **about: Any
) -> PytorchRetinaFace:
    """The detector of a file that fits; ``open_graph`` makes sessions of a graph."""
    size = picture_size(file, about.pop("input_size"), _DEFAULT_SIZE, _MULTIPLE)
    steps = [file.steps_before(port.name) for port in file.outputs]
    return PytorchRetinaFace(open_graph(file.with_free(0)), input_size=size, steps=steps, **about)
