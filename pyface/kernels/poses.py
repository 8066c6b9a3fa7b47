"""Front door of the head poses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pyface import _core
from pyface._typing import Points

__all__ = ["fit_poses"]

Floats = NDArray[np.float64]


def fit_poses(
    landmarks: Points,
    head: Floats,
    *,
    is_contour: NDArray[np.bool_] | None = None,
    weights: Floats | None = None,
    camera: tuple[float, float, float] | None = None,
    refined: bool = True,
    n_threads: int = 1,
) -> tuple[Floats, Floats, Floats, Floats, Floats, Floats, int, bool]:
    """Angles (f, 3), rotations (f, 3, 3), translations (f, 3), scales, residuals (f,), errors of the angles (f, 3).

    landmarks : (f, k, 2).      head : (k, 3), x right, y down, z away.      All are finite, float64, in C order.
    is_contour : (k,), points that count less the more a head is turned.
    weights : (f, k) or (k,) from 0 to 1, the largest of a face 1; None weighs all alike.
    camera : focal length and principal point in pixels; None is scaled orthography.
    refined : False gives the closed form, of orthography and without the contour.

    Last, the first face that has no pose, of which others are left out, -1 if there is none; and whether that is
    because the head's points of weight, not the face's, lie on one line.
    """
    return _core.head_poses(
        landmarks, head, is_contour, weights if weights is None or weights.ndim == 2 else weights[None], camera,
        refined=refined, n_threads=n_threads,
    )  # fmt: skip
