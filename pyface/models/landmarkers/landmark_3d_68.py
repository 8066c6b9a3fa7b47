"""insightface's 68 points in space: the family of its model 1k3d68."""

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

__all__ = ["Landmark3D68", "why_not"]


class Landmark3D68(InsightfaceLandmarker):
    """68 points with depth, (n, 68, 3), in the order ``insightface-68-3d``; input as that of the 106 points.

    The network gives 1,103 points of a face's surface, of which these are the last. Their order is that of
    ``dlib-68``, but they stay on the surface where the face is turned: the jaw is not the outline that is seen. Depths
    are in pixels of the image.
    """

    scheme = "insightface-68-3d"
    n_points = 68
    n_columns = 3
    count = 1103 * 3


def why_not(file: OnnxFile) -> str:
    """Why the file is none of this family, or nothing."""
    return why_no_crops(file, Landmark3D68.size, Landmark3D68.count)


def build(file: OnnxFile, open_graph: Callable[[bytes], Callable[[int | None], Session]], **about: Any) -> Landmark3D68:
    """The landmark model of a file that fits; ``open_graph`` makes sessions of a graph."""
    output = output_of(file, Landmark3D68.count)
    return Landmark3D68(open_graph(file.graph()), is_normalised=normalizes_itself(file), output=output, **about)
