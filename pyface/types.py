"""Results: small, frozen, with misspelt fields an AttributeError and absent parts None."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pyface._typing import Boxes, Points, Scores

if TYPE_CHECKING:
    from pyface.geometry.pose import HeadPose


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """Faces found in one image, best first, in the pixels of that image.

    boxes : (n, 4) float64, x1 y1 x2 y2. They may reach beyond the image.
    scores : (n,) float32. The scale is the detector's own.
    landmarks : (n, 5, 2) float64, or None if the detector gives none.
    """

    boxes: Boxes
    scores: Scores
    landmarks: Points | None = None

    def __len__(self) -> int:
        return len(self.boxes)


@dataclass(frozen=True, slots=True, eq=False)
class Landmarks:
    """Landmarks of n faces: ``points`` (n, k, 2 or 3) float64, ``scheme`` names their order, ``scores`` (n,)."""

    points: Points
    scheme: str
    scores: Scores | None = None

    def __len__(self) -> int:
        return len(self.points)


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One face of an image. Coordinates are pixels of the image given, x right, y down, pixel centres at integers.

    box : (4,) float64, x1 y1 x2 y2.          score : the detector's.
    landmarks : (k, 2) float64, (k, 3) where they have depths, or None.
    scheme : name of the landmark order, e.g. ``"dlib-5"``, or None.
    embedding : (d,) float32 or None, as the network gives it.
    pose : which way the face looks (:class:`pyface.geometry.HeadPose`), or None.
    """

    box: NDArray[np.float64]
    score: float
    landmarks: Points | None = None
    scheme: str | None = None
    embedding: NDArray[np.float32] | None = None
    pose: HeadPose | None = None
