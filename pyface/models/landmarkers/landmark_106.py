"""insightface's 106 points: the family of its model 2d106det."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyface.models.landmarkers.network_landmarker import (
    InsightfaceLandmarker,
    normalizes_itself,
    output_of,
    why_no_crops,
)
from pyface.models.onnx_file import OnnxFile
from pyface.models.session import Session

__all__ = ["Landmark106", "why_not"]


class Landmark106(InsightfaceLandmarker):
    """106 points in the plane in the order ``insightface-106``; see :class:`InsightfaceLandmarker` for its square.

    The network takes RGB, 0..255 where the file begins with its own normalisation, (x - 127.5) / 128 where it does not;
    :attr:`is_normalised` says which.
    """

    scheme = "insightface-106"
    n_points = 106
    count = 212


def why_not(file: OnnxFile) -> str:
    """Why the file is none of this family, or nothing."""
    return why_no_crops(file, Landmark106.size, Landmark106.count)


def build(file: OnnxFile, open_graph: Callable[[bytes], Callable[[int | None], Session]], **about: Any) -> Landmark106:
    """The landmark model of a file that fits; ``open_graph`` makes sessions of a graph."""
    output = output_of(file, Landmark106.count)
    return Landmark106(open_graph(file.graph()), is_normalised=normalizes_itself(file), output=output, **about)
