"""PFLD: 68 points from a small crop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface.models.detectors.canvas import planes
from pyface.models.landmarkers.network_landmarker import NetworkLandmarker, output_of, why_no_crops
from pyface.models.onnx_file import OnnxFile
from pyface.models.session import Session

__all__ = ["Pfld", "why_not"]


class Pfld(NetworkLandmarker):
    """68 points in the plane in the order ``dlib-68``.

    The square has 1.1 times the longer side of the box and its middle. The network takes RGB / 255 and gives places in
    parts of the crop, counted from the corner of its first pixel: x * 112 - 0.5 is counted from its middle.
    """

    scheme = "dlib-68"
    size = 112
    n_points = 68
    count = 136

    # Measured: docs/decisions.md.
    side_ratio = 1.1

    def _planes(self, crop: NDArray[np.uint8]) -> NDArray[np.float32]:
        return planes(crop, (0.0, 0.0, 0.0), 1 / 255)

    def _in_crop(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        return numbers.reshape(-1, 2) * self.size - 0.5


def why_not(file: OnnxFile) -> str:
    """Why the file is none of this family, or nothing."""
    return why_no_crops(file, Pfld.size, Pfld.count)


def build(file: OnnxFile, open_graph: Callable[[bytes], Callable[[int | None], Session]], **about: Any) -> Pfld:
    """The landmark model of a file that fits; ``open_graph`` makes sessions of a graph."""
    return Pfld(open_graph(file.graph()), output=output_of(file, Pfld.count), **about)
