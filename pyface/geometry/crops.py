"""Upright crops of faces, by landmarks or by a box, and photos turned until the eyes are level."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check
from pyface._typing import Image
from pyface.geometry.similarity import FARTHEST, eyes_of, fit, points_of, roll_angle
from pyface.geometry.templates import LARGEST_CROP, template_points
from pyface.kernels.crops import affine_crops, pixels_of

__all__ = ["align_face", "crop_box", "level_eyes"]


def align_face(
    image: Image,
    five_points: Any,
    size: int = 112,
    *,
    template: Any = "arcface",
    antialias: bool = False,
    n_threads: int | None = None,
) -> Image:
    """Upright crops of size x size pixels in which landmarks lie where ``template`` has them, as well as they can.

    image : (h, w) or (h, w, c) with 1, 3 or 4 channels, uint8 or float32.
    five_points : (5, 2), or (f, 5, 2) for f faces of the image, x y in its pixels. For ``"arcface"``: image-left eye,
        image-right eye, tip of the nose, image-left and image-right corner of the mouth.
    template : ``"arcface"``, ``"arcface-dlib-5"`` or ``"dlib-5"``, see
        :func:`~pyface.geometry.templates.template_points`, or (k, 2) points of your own in pixels of the crop; then
        the landmarks are k, too. Landmarks in the order ``"dlib-5"`` are not the five of ArcFace.
    antialias : where a crop pixel spans at least 1.5 image pixels, make it the mean over its area, by 4 to 16 samples
        (:func:`~pyface.kernels.crops.affine_crops`), not one sample in its middle. Off is what face embedders are
        trained on; on real faces it made their vectors neither clearly better nor much worse, so it is for crops to be
        looked at.

    Gives (size, size[, c]) or (f, size, size[, c]) in the image's dtype: the best similarity
    (:func:`~pyface.geometry.similarity_transform`), then bilinear sampling, exact, 0 (black) beyond the image. It is
    what ``cv2.warpAffine(image, matrix, (size, size))`` gives but for OpenCV's rounding of positions to 1/32 pixel. NaN
    in a float image reaches the pixels to which it contributes.

    ValueError names the face whose points are not finite, beyond 1e7 pixels or all equal. Time about 0.2 ms a face of
    112 x 112 RGB.
    """
    side = _check.integer(size, "size", minimum=2, maximum=LARGEST_CROP)
    target = template_points(template, side)
    points = points_of(five_points, "five_points")
    if points.shape[-2] != len(target):
        raise ValueError(f"five_points must have shape ({len(target)}, 2) or (f, {len(target)}, 2), got {points.shape}")
    faces = points if points.ndim == 3 else points[None]
    # Fitted from the landmarks to the crop, as the residual to be least is that in the crop; sampled the other way.
    matrices = fit(faces, target).inverse_matrix()
    crops = affine_crops(image, matrices, (side, side), antialias=antialias, n_threads=n_threads)
    return crops if points.ndim == 3 else np.asarray(crops[0])


def level_eyes(
    image: Image,
    left_eye: Any,
    right_eye: Any,
    *,
    border: str = "constant",
    fill: Any = 0,
    n_threads: int | None = None,
) -> Image:
    """The image turned about the point between the eyes until they are level; same size, dtype and channels.

    left_eye, right_eye : (2,) pixels, x y, left and right as seen in the image, not the subject's: swapped, the result
        is upside down.
    border, fill : what comes in from beyond the image, see :func:`pyface.kernels.crops.affine_crops`.

    Nothing is scaled, and the point between the eyes stays where it is, so corners may be cut off. Bilinear, exact.
    ValueError where both eyes are one point. Time about 20 ms a megapixel on one thread.
    """
    left, right = eyes_of(left_eye, right_eye)
    if left.ndim != 1:
        raise ValueError(f"left_eye and right_eye must have shape (2,), got {left.shape}")
    radians = np.radians(roll_angle(left, right))
    c, s = np.cos(radians), np.sin(radians)
    turn = np.array([[c, -s], [s, c]])
    middle = left + (right - left) / 2
    matrix = np.column_stack([turn, middle - turn @ middle])
    rows, cols = pixels_of(image).shape[:2]
    turned = affine_crops(image, matrix[None], (rows, cols), border=border, fill=fill, n_threads=n_threads)
    return np.asarray(turned[0])


def crop_box(image: Image, box: Any, size: int = 160, *, margin: float = 0) -> Image:
    """A face by its box alone, not turned, as FaceNet's networks take it: (size, size[, c]), or (n, size, size[, c]).

    image : (h, w) or (h, w, c) with 1, 3 or 4 channels, uint8 or float32.
    box : (4,), or (n, 4) for n faces, x1 y1 x2 y2.
    margin : pixels of the crop, both sides together, that lie around the box; less than ``size``.

    The rule of facenet-pytorch: the box grows by ``margin * side / (size - margin)`` along each axis, is cut to the
    image and to whole pixels (downwards), and what it holds is stretched to the square, whatever its shape. An axis
    that shrinks is averaged by area (``cv2.INTER_AREA``), one that grows is interpolated between pixel centres
    (``cv2.INTER_LINEAR``), in float64; uint8 is rounded, halves up; a NaN reaches the pixels to which it contributes.
    davidsandberg/facenet's margin is one of pixels of the photo: grow the box by half of it on each side, and pass
    ``margin=0``.

    ValueError names the box that shows no pixel of the image. Time about 1 ms a face.
    """
    side = _check.integer(size, "size", minimum=1, maximum=LARGEST_CROP)
    extra = _check.number(margin, "margin", minimum=0)
    if extra >= side:
        raise ValueError(f"margin must be less than size, got margin={margin} and size={size}")
    array = _check.numbers(box, "box", "(4,) or (n, 4)")
    rows = _check.boxes(array[None] if array.ndim == 1 else array, "box")
    far = np.flatnonzero((np.abs(rows) > FARTHEST).any(axis=1))
    if far.size:
        raise ValueError(f"box: row {far[0]} lies beyond {FARTHEST:g} pixels: {rows[far[0]].tolist()}")
    pixels = pixels_of(image)
    height, width = pixels.shape[:2]
    out = np.empty((len(rows), side, side, *pixels.shape[2:]), pixels.dtype)
    for i, (x1, y1, x2, y2) in enumerate(rows):
        half_x, half_y = (extra * length / (side - extra) / 2 for length in (x2 - x1, y2 - y1))
        left, right = int(max(x1 - half_x, 0)), int(min(x2 + half_x, width))
        top, bottom = int(max(y1 - half_y, 0)), int(min(y2 + half_y, height))
        if left >= right or top >= bottom:
            raise ValueError(
                f"box: row {i} shows no whole pixel of the image of {width} x {height}: {rows[i].tolist()}"
            )
        out[i] = _stretched(pixels[top:bottom, left:right], side)
    return out if array.ndim == 2 else np.asarray(out[0])


def _stretched(part: Image, side: int) -> Image:
    from scipy.sparse import csr_array  # too heavy to come with the package

    # Few of the shares are not 0: as full matrices they take ten times as long.
    (height, width), rest = part.shape[:2], part.shape[2:]
    lines = csr_array(_shares(height, side)) @ part.reshape(height, -1).astype(np.float64)
    columns = np.moveaxis(lines.reshape(side, width, -1), 1, 0).reshape(width, -1)
    values: NDArray[np.float64] = np.moveaxis((csr_array(_shares(width, side)) @ columns).reshape(side, side, -1), 1, 0)
    values = values.reshape(side, side, *rest)
    if part.dtype == np.uint8:
        return np.floor(values + 0.5).astype(np.uint8)
    return values.astype(np.float32)


def _shares(n: int, side: int) -> NDArray[np.float64]:
    """(side, n): how much each of n pixels counts for each of ``side`` new ones; rows sum to 1."""
    step = n / side
    edges = np.arange(side)[:, None] * step
    pixel = np.arange(n)
    if step >= 1:
        overlap = np.minimum(edges + step, pixel + 1) - np.maximum(edges, pixel)
        shares = np.clip(overlap, 0, None)
    else:
        # Beyond the outermost centres, the outermost pixel alone.
        centre = np.clip(edges + step / 2 - 0.5, 0, n - 1)
        shares = np.clip(1 - np.abs(centre - pixel), 0, None)
    summed: NDArray[np.float64] = shares / shares.sum(axis=1, keepdims=True)
    return summed
