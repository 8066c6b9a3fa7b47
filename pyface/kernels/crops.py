"""Front doors of crops through affine maps, and of rectangles by area."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check, _core, _threads
from pyface._typing import Image

__all__ = ["BORDERS", "FARTHEST", "affine_crops", "area_crops", "far_crops", "pixels_of"]

BORDERS = ("constant", "replicate", "reflect")
FARTHEST = 1e9  # pixels; crops that reach farther are refused
LARGEST_SIDE = 2**24 - 1


def pixels_of(image: Any) -> Image:
    """(h, w) or (h, w, c) uint8 or float32, C order, c one of 1, 3, 4, not empty. NaN is let through."""
    return _check.pixels(image, longest=LARGEST_SIDE)


def affine_crops(
    image: Any,
    matrices: NDArray[np.float64],
    size: tuple[int, int],
    *,
    border: str = "constant",
    fill: Any = 0,
    antialias: bool = False,
    n_threads: int | None = None,
    instead: str = "take fewer or smaller crops",
) -> Image:
    """Crops (n, rows, columns[, c]) of one image through n affine maps, in the image's dtype.

    image : (h, w) or (h, w, c), uint8 or float32, 1, 3 or 4 channels.
    matrices : (n, 2, 3) float64 from crop pixels (u, v, 1) to image pixels (x, y), within +-1e9.
    size : rows and columns of a crop.
    border : what lies beyond the image: ``"constant"`` (``fill``), ``"replicate"`` (the nearest pixel) or ``"reflect"``
        (mirrored about the outermost pixels, which are not repeated).
    fill : a number, or one a channel; for uint8 whole numbers from 0 to 255.
    antialias : where a crop pixel spans s >= 1.5 image pixels (s = sqrt(|det|)), make it the mean over its area: of
        g x g samples spread evenly over it, g = min(r, 4) for r = floor(s + 0.5), of blocks of k x k image pixels,
        k = max(1, (r + 1) // 4). For the border ``"constant"`` only.
    instead : what the caller's caller can do where the result takes more memory than is free; for the message.

    Bilinear, exact: positions in float64, values in float32, uint8 rounded to the nearest, halves to even, at most
    0.501 from the value in float64; the sampler is that of :class:`pyface.PiecewiseAffine`. NaN and infinities reach
    the crop pixels to which they contribute. Neither threads nor the other crops of a call change a crop. Time about
    0.05 ms for 112 x 112 RGB, with ``antialias`` g x g times that, and that of reading the covered part of the image;
    memory that of the result, and with ``antialias`` up to some 20 MB a thread.
    """
    pixels = pixels_of(image)
    _check.choice(border, "border", BORDERS)
    averages = _check.flag(antialias, "antialias")
    if averages and border != "constant":
        raise ValueError(f"antialias=True needs border='constant', got {border!r}")
    rows, cols = size
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    values = _check.colour(fill, pixels)
    maps = np.ascontiguousarray(matrices, dtype=np.float64)
    crops = _check.output(None, (len(maps), rows, cols, channels), pixels.dtype.type, instead=instead)
    try:
        _core.affine_crops(
            pixels, maps, crops, border=border, fill=values, antialias=averages, n_threads=_threads.resolve(n_threads)
        )
    except ValueError:
        far = far_crops(maps, rows, cols)
        if far.size:  # in words that name the face
            raise ValueError(
                f"face {far[0]}: its crop reaches beyond {FARTHEST:g} pixels, or its matrix is not finite"
            ) from None
        raise
    return crops if pixels.ndim == 3 else crops[..., 0]


def far_crops(maps: NDArray[np.float64], rows: int, cols: int) -> NDArray[np.int64]:
    """The crops that are refused because they reach too far, by number."""
    corners = np.array([(0, 0, 1), (cols - 1, 0, 1), (0, rows - 1, 1), (cols - 1, rows - 1, 1)], dtype=np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        is_near = (np.abs(maps @ corners.T) <= FARTHEST).all(axis=(1, 2)) & (np.abs(maps) <= FARTHEST).all(axis=(1, 2))
    return np.flatnonzero(~is_near)


def area_crops(
    image: Any,
    boxes: NDArray[np.int64],
    size: tuple[int, int],
    *,
    n_threads: int | None = None,
    instead: str = "take fewer or smaller crops",
) -> NDArray[np.uint8]:
    """Crops (n, rows, columns[, c]) uint8 of rectangles of whole pixels of one image, by area.

    image : (h, w) or (h, w, c) uint8, 1, 3 or 4 channels.
    boxes : (n, 4) int64, x1 y1 x2 y2, the last pixels inside; x1 <= x2, y1 <= y2, within +-1e9, sides of at most
        4,194,304 pixels. They may reach beyond the image, which is black there.
    size : rows and columns of a crop, 1 to 1,024 each.
    instead : what the caller's caller can do where the result takes more memory than is free; for the message.

    A crop pixel is the mean of the image over its share of the rectangle, parts of pixels counted as such, also where
    the rectangle is the smaller of the two: OpenCV's ``INTER_AREA``. Exact: sums are whole numbers, and the mean is
    rounded to the nearest, halves to even. Neither threads nor the other crops of a call change a crop. Time about that
    of reading the rectangles. The same, with ``patch`` a rectangle in which black stands outside the image::

        by_area = np.repeat(np.repeat(patch.astype(float), rows, 0), columns, 1)
        crop = np.rint(by_area.reshape(rows, height, columns, width, -1).mean(axis=(1, 3)))
    """
    pixels = pixels_of(image)
    if pixels.dtype != np.uint8:
        raise TypeError(f"image must be uint8, got {pixels.dtype}")
    _check.require_array(boxes, "boxes", (np.int64,), "int64")
    rectangles = np.ascontiguousarray(boxes)
    if rectangles.ndim != 2 or rectangles.shape[1] != 4:
        raise ValueError(f"boxes must have shape (n, 4), got {rectangles.shape}")
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    crops: NDArray[np.uint8] = _check.output(None, (len(rectangles), *size, channels), np.uint8, instead=instead)
    _core.area_crops(pixels, rectangles, crops, n_threads=_threads.resolve(n_threads))
    return crops if pixels.ndim == 3 else crops[..., 0]
