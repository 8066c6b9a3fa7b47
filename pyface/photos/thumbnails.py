"""Small pictures of faces for the report, cut while a photo is decoded so that no photo is read twice."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from pyface.errors import require_extra

# Raise it when the same face would give another picture than before: kept thumbnails are then made anew.
THUMBNAIL_VERSION = 1
# What is around a detector's box (hair, chin, ears) is what people recognise each other by.
GROW = 1.35
# About 4 kB for 112 pixels: two thousand faces make a page of 10 MB.
JPEG_QUALITY = 82
# Behind faces that reach over the edge of their photo; calm on a light and on a dark page.
PAD_GREY = 128


def thumbnail(image: npt.NDArray[Any], box: npt.ArrayLike, size: int = 112) -> bytes:
    """Cut a square around a face and encode it as a JPEG of ``size`` x ``size`` pixels.

    The square has 1.35 times the longer side of the box. Near the border of the photo it is moved inside; where the
    photo is too small for it, it is reduced to the box; what then still lies outside is filled with grey. A box that
    is empty or wholly outside gives the nearest part of the photo. Equal input gives equal bytes.

    Parameters
    ----------
    image : (H, W, 3) RGB or (H, W) grey, uint8 or floating point in 0..255. Only read.
    box : (4,) x1, y1, x2, y2 in pixels.
    size : side of the thumbnail in pixels, at least 1.

    Returns
    -------
    bytes of a JPEG file, RGB (grey photos give a grey file), without metadata.

    Raises
    ------
    TypeError
        The image has another dtype.
    ValueError
        The image is empty or of another shape, the box is not four finite numbers, or the size is below 1.
    MissingExtraError
        OpenCV is not installed.
    """
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] != 3) or image.size == 0:
        raise ValueError(f"image: expected (H, W, 3) or (H, W) with at least one pixel, got shape {image.shape}")
    if image.dtype != np.uint8 and not np.issubdtype(image.dtype, np.floating):
        raise TypeError(f"image: expected uint8 or floating point, got {image.dtype}")
    corners = np.asarray(box, dtype=np.float64)
    if corners.shape != (4,) or not np.isfinite(corners).all():
        raise ValueError(f"box: expected four finite numbers x1, y1, x2, y2, got {box!r}")
    if size < 1:
        raise ValueError(f"size: expected at least 1 pixel, got {size}")
    cv2 = require_extra("cv2")

    left, top, side = _square(corners, image.shape[0], image.shape[1])
    face = _resized(_cut(image, left, top, side), size, cv2)
    if face.dtype != np.uint8:
        face = np.rint(np.clip(np.nan_to_num(face), 0, 255)).astype(np.uint8)
    if face.ndim == 3:
        face = cv2.cvtColor(face, cv2.COLOR_RGB2BGR)
    is_done, encoded = cv2.imencode(".jpg", face, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not is_done:  # OpenCV 5 does not say why; nothing else can be wrong with so small a picture
        raise MemoryError
    return bytes(encoded)


def _square(corners: npt.NDArray[np.float64], height: int, width: int) -> tuple[int, int, int]:
    """Left, top and side, in whole pixels, of the square to show; it overlaps the image in at least one pixel."""
    x1, x2 = np.clip(corners[[0, 2]], 0, width)
    y1, y2 = np.clip(corners[[1, 3]], 0, height)
    face = max(x2 - x1, y2 - y1, 1.0)
    # Less surroundings, rather than a grey bar, where the photo is only a little larger than the face.
    side = max(math.ceil(face), min(round(GROW * face), height, width))
    left, top = round((x1 + x2 - side) / 2), round((y1 + y2 - side) / 2)
    return _inside(left, side, width), _inside(top, side, height), side


def _inside(begin: int, side: int, length: int) -> int:
    """Move ``begin .. begin + side`` into ``0 .. length``, or centre it where it is too long for that."""
    return min(max(begin, 0), length - side) if side <= length else (length - side) // 2


def _cut(image: npt.NDArray[Any], left: int, top: int, side: int) -> npt.NDArray[Any]:
    height, width = image.shape[:2]
    rows = slice(max(top, 0), min(top + side, height))
    columns = slice(max(left, 0), min(left + side, width))
    part = image[rows, columns]
    if part.dtype != np.uint8:
        with np.errstate(over="ignore"):  # clipped to white later
            part = part.astype(np.float32)  # OpenCV knows no half precision
    if part.shape[:2] == (side, side):
        return part
    padded = np.full((side, side, *image.shape[2:]), PAD_GREY, dtype=part.dtype)
    padded[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left] = part
    return padded


def _resized(face: npt.NDArray[Any], size: int, cv2: ModuleType) -> npt.NDArray[Any]:
    side = len(face)
    if side <= size:
        # Area averaging is right for shrinking only; enlarged by it, a small face becomes a mosaic.
        enlarged: npt.NDArray[Any] = cv2.resize(face, (size, size), interpolation=cv2.INTER_CUBIC)
        return enlarged
    # Averaging over whole pixels is four times as fast as over parts of pixels: the large step is taken that way, at
    # the price of the last side % factor rows and columns.
    factor = side // size
    middle = side // factor
    face = face[: middle * factor, : middle * factor]
    for length in (middle, size):
        face = cv2.resize(face, (length, length), interpolation=cv2.INTER_AREA)
    return face
