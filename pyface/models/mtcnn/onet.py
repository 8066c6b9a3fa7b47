"""O-Net: the five points of a face whose box is known."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check, _memory
from pyface.kernels import faces
from pyface.kernels.crops import affine_crops
from pyface.models.base import Landmarker
from pyface.models.mtcnn.onet_graph import N_POINTS, SIZE
from pyface.models.session import Session
from pyface.types import Landmarks

__all__ = ["ONet"]

# The square that is looked at, in parts of the longer side of a box of YuNet's: docs/decisions.md.
SIDE_RATIO = 0.9


class ONet(Landmarker):
    """MTCNN's last network on the boxes of another detector, which should reach from the brows to the chin."""

    scheme = "arcface-5"

    def __init__(self, session: Session, *, name: str, family: str, digest: str, n_threads: int | None = None) -> None:
        self.name, self.family, self.digest = name, family, digest
        self._session, self._n_threads = session, n_threads

    def locate(self, image: Any, boxes: Any, *, color: str = "rgb") -> Landmarks:
        """Points (n, 5, 2) float64 of the faces in ``boxes`` (n, 4), in the order ``arcface-5``, not rounded.

        Each is looked at in a square around the middle of its box, of 0.9 times its longer side, brought to 48 x 48
        pixels; what lies outside the image is black, floats are rounded to bytes. ``Landmarks.scores`` say how surely
        there is a face. The points of a face do not depend on the other boxes. Time about 1 ms a face on one thread.
        """
        rows = _check.boxes(boxes)
        pixels = _check.image(image, color=color)
        _check.warn_of_unit_range(pixels)
        found = np.empty((len(rows), 2 * N_POINTS + 1))
        if len(rows) == 0:
            return Landmarks(np.empty((0, N_POINTS, 2)), self.scheme, np.empty(0, np.float32))
        pixels = faces.rgb_bytes_of(pixels)
        matrices = _crop_matrices(rows)
        with _memory.told("to look at faces", "end what else takes memory, or use fewer threads"):
            crops = affine_crops(pixels, matrices, (SIZE, SIZE), antialias=True, n_threads=self._n_threads)
            for i in range(len(crops)):  # one by one: the last bits of a batch depend on its size
                found[i] = self._session.run(crops[i : i + 1])[0]
        # The network counts from the corner of the first pixel.
        in_crop = found[:, :-1].reshape(-1, 2, N_POINTS).transpose(0, 2, 1) * SIZE - 0.5
        points = in_crop * matrices[:, None, [0, 1], [0, 1]] + matrices[:, None, :, 2]
        return Landmarks(points, self.scheme, found[:, -1].astype(np.float32))


def _crop_matrices(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 2, 3): from pixels of each crop to pixels of the image. A box without extent is taken for one pixel."""
    scale = SIDE_RATIO * np.maximum((boxes[:, 2:] - boxes[:, :2]).max(axis=1), 1.0) / SIZE
    matrices = np.zeros((len(boxes), 2, 3))
    matrices[:, 0, 0] = matrices[:, 1, 1] = scale
    matrices[:, :, 2] = (boxes[:, :2] + boxes[:, 2:]) / 2 - scale[:, None] * (SIZE - 1) / 2
    return matrices
