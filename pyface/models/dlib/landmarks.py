"""dlib's landmarks: five points or 68, by an ensemble of regression trees."""

from __future__ import annotations

from typing import Any

from pyface import _check
from pyface.kernels import faces
from pyface.models.base import Landmarker
from pyface.types import Landmarks

__all__ = ["SCHEMES", "DlibLandmarks"]

SCHEMES = {5: "dlib-5", 68: "dlib-68"}


class DlibLandmarks(Landmarker):
    """``dlib-5``: outer and inner corner of the subject's left eye (right in the image), outer and inner corner of the
    right eye, base of the nose. ``dlib-68``: the iBUG order.
    """

    def __init__(
        self, trees: faces.RegressionTrees, *, name: str, family: str, digest: str, n_threads: int | None = None
    ) -> None:
        self.name, self.family, self.digest = name, family, digest
        self.scheme = SCHEMES[trees.n_points]
        self._trees, self._n_threads = trees, n_threads

    def locate(self, image: Any, boxes: Any, *, color: str = "rgb") -> Landmarks:
        """Points (n, k, 2) float64, whole pixels, of the faces in ``boxes`` (n, 4).

        Boxes are rounded to whole pixels, half away from zero, and not clipped: what lies outside the image counts as
        black. Floats in the image are rounded to bytes. Every box gets points, a face or not.
        """
        rows = _check.boxes(boxes)
        pixels = _check.image(image, color=color)
        _check.warn_of_unit_range(pixels)
        points = self._trees.locate(faces.bytes_of(pixels), rows, n_threads=self._n_threads)
        return Landmarks(points, self.scheme)
