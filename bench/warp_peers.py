"""The warps of others: the usual recipe with OpenCV, triangle by triangle, and scikit-image's transform.

Timed by ``warp.py``, drawn by ``docs/how-it-works/pictures/warp_seams.py``.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage import transform


def recipe(
    photo: NDArray[np.uint8],
    source: Any,
    target: Any,
    triangles: Any,
    side: int,
    border: int = cv2.BORDER_REFLECT_101,
) -> NDArray[np.float32]:
    """The usual one: per triangle the affine warp of its box, a mask, a blend.

    LINE_AA is what copies of it pass, but OpenCV smooths edges of 8-bit pictures only: this mask is 0 or 1.
    """
    out = np.zeros((side, side, 3), np.float32)
    for triangle in triangles:
        s, t = source[triangle].astype(np.float32), target[triangle].astype(np.float32)
        sx, sy, sw, sh = cv2.boundingRect(s)
        tx, ty, tw, th = cv2.boundingRect(t)
        matrix = cv2.getAffineTransform(s - np.float32([sx, sy]), t - np.float32([tx, ty]))
        part = photo[sy : sy + sh, sx : sx + sw].astype(np.float32)
        patch = cv2.warpAffine(part, matrix, (tw, th), flags=cv2.INTER_LINEAR, borderMode=border)
        mask = np.zeros((th, tw, 3), np.float32)
        cv2.fillConvexPoly(mask, np.int32(t - np.float32([tx, ty])), (1, 1, 1), cv2.LINE_AA, 0)
        place = out[ty : ty + th, tx : tx + tw]
        h, w = place.shape[:2]
        place[:] = place * (1 - mask[:h, :w]) + patch[:h, :w] * mask[:h, :w]
    return out


def fit(target: Any, source: Any) -> Any:
    """scikit-image's transform; the classmethod came with version 0.26."""
    kind = transform.PiecewiseAffineTransform
    if hasattr(kind, "from_estimate"):
        return kind.from_estimate(target, source)
    made = kind()
    made.estimate(target, source)
    return made
