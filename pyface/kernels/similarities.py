"""Front door of the similarities between points of faces."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pyface import _core
from pyface._typing import Points

__all__ = ["fit_similarities"]


def fit_similarities(
    source: Points, target: Points, weights: NDArray[np.float64] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], int]:
    """``matrix`` (f, 2, 3), ``scale``, ``rotation`` and ``residual`` (f,) that bring source points nearest to target.

    source : (f, n, 2).      target : (f, n, 2), or (n, 2) for all faces.      All are finite, float64, in C order.
    weights : (f, n), (n,) or None.

    Last, the first face whose points are all equal, where the work has ended; -1 if there is none.
    """
    return _core.fit_similarities(
        source,
        target if target.ndim == 3 else target[None],
        weights if weights is None or weights.ndim == 2 else weights[None],
    )
