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
    """The usual one, tightened: per triangle the affine warp of its box, a mask, a blend in one expression.

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


def usual_recipe(photo: NDArray[np.uint8], source: Any, target: Any, triangles: Any, side: int) -> NDArray[np.uint8]:
    """The same pixels by the steps of published copies.

    Corners are moved one by one in lists, each box is blended in three passes, the photo is float32 throughout.
    """
    floats, out = np.float32(photo), np.zeros((side, side, 3), np.float32)
    for triangle in triangles:
        s, t = [tuple(source[i]) for i in triangle], [tuple(target[i]) for i in triangle]
        sx, sy, sw, sh = cv2.boundingRect(np.float32([s]))
        tx, ty, tw, th = cv2.boundingRect(np.float32([t]))
        from_corners, to_corners, whole_corners = [], [], []
        for (x, y), (u, v) in zip(s, t, strict=True):
            from_corners.append((x - sx, y - sy))
            to_corners.append((u - tx, v - ty))
            whole_corners.append((int(u - tx), int(v - ty)))
        mask = np.zeros((th, tw, 3), np.float32)
        cv2.fillConvexPoly(mask, np.int32(whole_corners), (1, 1, 1), cv2.LINE_AA, 0)
        matrix = cv2.getAffineTransform(np.float32(from_corners), np.float32(to_corners))
        part = floats[sy : sy + sh, sx : sx + sw]
        patch = cv2.warpAffine(part, matrix, (tw, th), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
        patch = patch * mask
        rows, columns = slice(ty, min(ty + th, side)), slice(tx, min(tx + tw, side))
        h, w = out[rows, columns].shape[:2]
        out[rows, columns] = out[rows, columns] * ((1.0, 1.0, 1.0) - mask[:h, :w])
        out[rows, columns] = out[rows, columns] + patch[:h, :w]
    return np.uint8(out)


def fit(target: Any, source: Any) -> Any:
    """scikit-image's transform; the classmethod came with version 0.26."""
    kind = transform.PiecewiseAffineTransform
    if hasattr(kind, "from_estimate"):
        return kind.from_estimate(target, source)
    made = kind()
    made.estimate(target, source)
    return made
