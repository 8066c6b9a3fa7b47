"""Array types by role. Shapes cannot be checked statically; they are written here once.

``Image``      (h, w, 3) RGB or (h, w) grey, uint8 or float32 in [0, 255]
``Boxes``      (n, 4) float64, x1 y1 x2 y2, pixels, pixel centres at integers, origin top-left
``Points``     (k, 2) or (n, k, 2) float64, x y, pixels
``Embeddings`` (n, d) float32
``Labels``     (n,) int64
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Image = NDArray[Any]
Boxes = NDArray[np.float64]
Points = NDArray[np.float64]
Scores = NDArray[np.float32]
Embeddings = NDArray[np.float32]
Labels = NDArray[np.int64]
FloatArray = NDArray[np.floating[Any]]
