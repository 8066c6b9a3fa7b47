"""MediaPipe's mesh of a face: 468 points with depth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface.models.detectors.canvas import planes
from pyface.models.landmarkers.network_landmarker import NetworkLandmarker, output_of, why_no_crops
from pyface.models.onnx_file import OnnxFile
from pyface.models.session import Session

__all__ = ["Mesh468", "why_not"]


class Mesh468(NetworkLandmarker):
    """468 points with depth, (n, 468, 3), in the order ``mediapipe-468``.

    The square has 1.5 times the longer side of the box and its middle; MediaPipe's own also turns it until the eyes are
    level. The network takes RGB / 127.5 - 1 and gives pixels of the crop, counted from the corner of the first one:
    x - 0.5 is counted from its middle. Depths are in pixels of the image, 0 at the head's middle, smaller ones nearer.
    ``Landmarks.scores`` are how surely there is a face, in 0..1, where the file has that output.
    """

    scheme = "mediapipe-468"
    size = 192
    n_points = 468
    n_columns = 3
    count = 468 * 3
    side_ratio = 1.5

    def _planes(self, crop: NDArray[np.uint8]) -> NDArray[np.float32]:
        return planes(crop, (127.5, 127.5, 127.5), 1 / 127.5)

    def _in_crop(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        return numbers.reshape(-1, 3) - (0.5, 0.5, 0.0)


def why_not(file: OnnxFile) -> str:
    """Why the file is none of this family, or nothing."""
    return why_no_crops(file, Mesh468.size, Mesh468.count)


def build(file: OnnxFile, open_graph: Callable[[bytes], Callable[[int | None], Session]], **about: Any) -> Mesh468:
    """The landmark model of a file that fits; ``open_graph`` makes sessions of a graph."""
    flag = output_of(file, 1) if len(file.outputs) > 1 else -1
    output = output_of(file, Mesh468.count)
    return Mesh468(open_graph(file.graph()), flag=flag if flag >= 0 else None, output=output, **about)
