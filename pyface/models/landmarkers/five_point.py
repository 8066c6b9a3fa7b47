"""Five points from a small crop: the family of OpenVINO's landmarks-regression-retail-0009."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface.models.detectors.canvas import planes
from pyface.models.landmarkers.network_landmarker import NetworkLandmarker, output_of, why_no_crops
from pyface.models.onnx_file import OnnxFile
from pyface.models.session import Session

__all__ = ["FivePoint", "why_not"]


class FivePoint(NetworkLandmarker):
    """Five points in the plane in the order ``arcface-5``.

    Eyes, tip of the nose and corners of the mouth, left ones of the image first. The square has 0.8 times the longer
    side of the box and its middle. The network takes BGR of 0..255 and gives places in parts of the crop, counted from
    the corner of its first pixel: x * 48 - 0.5 is counted from its middle.
    """

    scheme = "arcface-5"
    size = 48
    n_points = 5
    count = 10

    # Measured: docs/decisions.md.
    side_ratio = 0.8

    def _planes(self, crop: NDArray[np.uint8]) -> NDArray[np.float32]:
        return planes(crop, (0.0, 0.0, 0.0), 1.0, bgr=True)

    def _in_crop(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        return numbers.reshape(-1, 2) * self.size - 0.5


def why_not(file: OnnxFile) -> str:
    """Why the file is none of this family, or nothing."""
    return why_no_crops(file, FivePoint.size, FivePoint.count)


def build(file: OnnxFile, open_graph: Callable[[bytes], Callable[[int | None], Session]], **about: Any) -> FivePoint:
    """The landmark model of a file that fits; ``open_graph`` makes sessions of a graph."""
    return FivePoint(open_graph(file.graph()), output=output_of(file, FivePoint.count), **about)
