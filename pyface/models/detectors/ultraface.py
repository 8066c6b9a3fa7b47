"""UltraFace (Ultra-Light-Fast-Generic-Face-Detector): boxes alone, on very small pictures.

Contract: Linzaer/Ultra-Light-Fast-Generic-Face-Detector-1MB, run_video_face_detect_onnx.py, vision/ssd/config and
vision/utils/box_utils_numpy.py. RGB, (x - 127) / 128, brought to the size of the picture without its proportions.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface.errors import ModelFileError
from pyface.models.detectors.byte_graph import taking_bytes
from pyface.models.detectors.canvas import Canvas, stretched
from pyface.models.detectors.network_detector import (
    Candidates,
    NetworkDetector,
    centred,
    misfit,
    picture_size,
    takes_no_picture,
)
from pyface.models.detectors.priors import face_chances, priors, shifted_boxes, tables
from pyface.models.onnx_file import OnnxFile
from pyface.models.session import Session

__all__ = ["UltraFace", "why_not"]

# Of no face and face, and a box.
_WIDTHS = (2, 4)
_STRIDES = (8, 16, 32, 64)
_SIDES = ((10, 16, 24), (32, 48), (64, 96), (128, 192, 256))
_DEFAULT_SIZE = (320, 240)
_MULTIPLE = 1


def why_not(file: OnnxFile) -> str:
    """Why the file is none of this family, or nothing."""
    return takes_no_picture(file) or misfit(file, (3,), -1, _WIDTHS)


class UltraFace(NetworkDetector):
    """Boxes; a picture of 320 x 240, or what the file fixes.

    The image is brought to that size whatever its proportions, as its makers do. Scores must be greater than 0.7; of
    boxes that overlap by more than 0.3 the best stays. Files of its makers give boxes, or (``simplified``,
    ``without_postprocessing``) distances from prior boxes under the same names and in the same shapes: no
    exponential is among the steps that make those, and they are decoded here.
    """

    smallest_face = 16.0
    largest_face = None
    mean = (127.0, 127.0, 127.0)
    scale = 1 / 128
    threshold = 0.7
    nms_iou = 0.3

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
        # They are cut off at the picture, which only the largest feel.
        self._priors = np.minimum(self._priors, np.array([*input_size, *input_size], np.float64))

    def _canvas(self, pixels: NDArray[np.uint8]) -> Canvas:
        return stretched(pixels, *self._size)

    def _candidates(self, outputs: Sequence[NDArray[np.float32]], rows: int, cols: int, least: float) -> Candidates:
        try:
            places = tables(outputs, len(self._priors), _WIDTHS)
        except ValueError as error:
            raise ModelFileError(f"{self.name} gives {error}: it is not of the family {self.family!r}") from None
        chances, values = (outputs[place] for place in places)
        of_chances, of_boxes = (self._steps[place] for place in places)
        chance = face_chances(chances, of_chances)
        kept = np.flatnonzero(chance > least)
        boxes = values[kept].astype(np.float64)
        if "Exp" in of_boxes:
            boxes *= (cols, rows, cols, rows)
        else:
            boxes = centred(shifted_boxes(boxes, self._priors[kept]))
        return Candidates(boxes, chance[kept], None)


def build(file: OnnxFile, open_graph: Callable[[bytes], Callable[[int | None], Session]], **about: Any) -> UltraFace:
    """The detector of a file that fits; ``open_graph`` makes sessions of a graph."""
    size = picture_size(file, about.pop("input_size"), _DEFAULT_SIZE, _MULTIPLE)
    steps = [file.steps_before(port.name) for port in file.outputs]
    graph = taking_bytes(file.with_free(0), UltraFace.mean, UltraFace.scale)
    return UltraFace(open_graph(graph), input_size=size, steps=steps, **about)
