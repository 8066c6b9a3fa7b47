"""Upright crops of faces, by landmarks or by a box, and photos turned until the eyes are level."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from pyface import _check
from pyface._typing import Image, Points
from pyface.geometry.similarity import FARTHEST, Similarity, eyes_of, face_prefix, fit, points_of, roll_angle
from pyface.geometry.stretching import stretch
from pyface.geometry.templates import LARGEST_CROP, template_points
from pyface.kernels.crops import FARTHEST as FARTHEST_CROP
from pyface.kernels.crops import affine_crops, far_crops, pixels_of

__all__ = ["align_face", "crop_box", "level_eyes"]

# Landmarks in an order that is not the template's: so far off (a part of the crop's side), and another template with so
# much less. Why these: docs/how-it-works/alignment.md.
_MISFIT, _CLEARLY = 0.1, 0.5
_NAMED = 5  # faces in a warning


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

    image : (h, w) or (h, w, c) with 1, 3 or 4 channels, uint8 or float32, at most 16,777,215 (2^24 - 1) pixels a side.
    five_points : (5, 2), or (f, 5, 2) for f faces of the image, x y in its pixels. For ``"arcface"``: image-left eye,
        image-right eye, tip of the nose, image-left and image-right corner of the mouth.
    template : ``"arcface"``, ``"arcface-dlib-5"`` or ``"dlib-5"``, see
        :func:`~pyface.geometry.templates.template_points`, or (k, 2) points of your own in pixels of the crop; then
        the landmarks are k, too. Landmarks in the order ``"dlib-5"``, as the default models of pyface give them, are
        not the five of ArcFace: they need ``"arcface-dlib-5"``, and a UserWarning says so where it is plain.
    antialias : where a crop pixel spans at least 1.5 image pixels, make it the mean over its area, by 4 to 16 samples
        (:func:`~pyface.kernels.crops.affine_crops`), not one sample in its middle. Off is what face embedders are
        trained on; on real faces it made their vectors neither clearly better nor much worse, so it is for crops to be
        looked at.

    Gives (size, size[, c]) or (f, size, size[, c]) in the image's dtype: the best similarity
    (:func:`~pyface.geometry.similarity_transform`), then bilinear sampling, exact, 0 (black) beyond the image. It is
    what ``cv2.warpAffine(image, matrix, (size, size))`` gives but for OpenCV's rounding of positions to 1/32 pixel. NaN
    in a float image reaches the pixels to which it contributes.

    ValueError names the face whose points are not finite, beyond 1e7 pixels or all equal. MemoryError where the crops
    take more than is free. Time about 0.05 ms for one face of 112 x 112 RGB, 0.03 ms each for many on one thread.
    """
    side = _check.integer(size, "size", minimum=2, maximum=LARGEST_CROP)
    target = template_points(template, side)
    points = points_of(five_points, "five_points")
    if points.shape[-2] != len(target):
        raise ValueError(f"five_points must have shape ({len(target)}, 2) or (f, {len(target)}, 2), got {points.shape}")
    # Fitted from the landmarks to the crop, as the residual to be least is that in the crop; sampled the other way.
    fitted = fit(points, target, name="five_points")
    try:
        crops = affine_crops(
            image, fitted.inverse_matrix().reshape(-1, 2, 3), (side, side), antialias=antialias, n_threads=n_threads,
            instead="align fewer faces at a time, or to a smaller size",
        )  # fmt: skip
    except ValueError:
        _refuse_misfit(fitted, target, side)  # in words that name template and landmarks
        raise
    if isinstance(template, str) and template == "arcface":
        _warn_of_dlibs_points(points, fitted, side)
    return crops if points.ndim == 3 else np.asarray(crops[0])


def _refuse_misfit(fitted: Similarity, target: Points, side: int) -> None:
    if not np.ptp(target, axis=0).any():
        raise ValueError("template: all points are equal")
    scale = np.atleast_1d(fitted.scale)
    wrong = np.flatnonzero(np.square(scale) == 0)
    if not wrong.size:
        wrong = far_crops(fitted.inverse_matrix().reshape(-1, 2, 3), side, side)
    if wrong.size:
        face = face_prefix(wrong[0], fitted.matrix.ndim == 3)
        raise ValueError(
            f"template: {face}five_points fit it at a scale of {scale[wrong[0]]:.3g}, where the crop reaches beyond "
            f"{FARTHEST_CROP:g} pixels of the image; both must be the same points in the same order, in pixels of the "
            "crop and of the image"
        )


def _warn_of_dlibs_points(points: Points, fitted: Similarity, side: int) -> None:
    """Called by align_face alone: the warning points at its caller."""
    limit = _MISFIT * side
    residual = np.atleast_1d(fitted.residual)
    if not (residual > limit).any():
        return
    bad = np.flatnonzero(residual > limit)
    faces = points if points.ndim == 3 else points[None]
    by_dlib = np.asarray(fit(faces[bad], template_points("arcface-dlib-5", side)).residual)
    is_dlib = by_dlib < _CLEARLY * residual[bad]
    which = bad[is_dlib]
    if not which.size:
        return
    words = "the face"
    if points.ndim == 3:
        words = f"face{'s' if which.size > 1 else ''} {', '.join(map(str, which[:_NAMED]))}"
        words += f" and {which.size - _NAMED} more" if which.size > _NAMED else ""
    warnings.warn(
        f"five_points: {words} would be turned: on average the points miss those of template='arcface' by "
        f"{residual[which[0]]:.0f} pixels, and those of 'arcface-dlib-5' by {by_dlib[is_dlib][0]:.0f}; they seem to be "
        "dlib's five: pass template='arcface-dlib-5'",
        stacklevel=3,
    )


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

    image : (h, w) or (h, w, c) with 1, 3 or 4 channels, uint8 or float32, at most 16,777,215 (2^24 - 1) pixels a side.
    left_eye, right_eye : (2,) pixels, x y, left and right as seen in the image, not the subject's: swapped, the result
        is upside down.
    border, fill : what comes in from beyond the image, see :func:`pyface.kernels.crops.affine_crops`.

    Nothing is scaled, and the point between the eyes stays where it is, so corners may be cut off. Bilinear, exact.
    ValueError where both eyes are one point. Time about 4 ms a megapixel on one thread.
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
    turned = affine_crops(
        image, matrix[None], (rows, cols), border=border, fill=fill, n_threads=n_threads, instead="take a smaller image"
    )
    return np.asarray(turned[0])


def crop_box(image: Image, box: Any, size: int = 160, *, margin: float = 0) -> Image:
    """A face by its box alone, not turned, as FaceNet's networks take it: (size, size[, c]), or (n, size, size[, c]).

    image : (h, w) or (h, w, c) with 1, 3 or 4 channels, uint8 or float32, at most 16,777,215 (2^24 - 1) pixels a side.
    box : (4,), or (n, 4) for n faces, x1 y1 x2 y2; an empty list is no box.
    margin : pixels of the crop, both sides together, that lie around the box; less than ``size``.

    The rule of facenet-pytorch for images that are arrays: the box grows by ``margin * side / (size - margin)`` along
    each axis, is cut to the image and to whole pixels (downwards), and what it holds is stretched to the square,
    whatever its shape, as ``cv2.resize(..., interpolation=cv2.INTER_AREA)`` does it: each new pixel is the mean over
    its area, so that a small face comes out blocky; where one axis grows and the other shrinks, the latter is blended
    from two neighbours instead. In float64; uint8 is rounded, halves up, within one level of OpenCV; a NaN reaches the
    pixels to which it contributes. An image of Pillow goes through ``Image.BILINEAR`` there, which is another result.
    davidsandberg/facenet's margin is one of pixels of the photo: grow the box by half of it on each side, and pass
    ``margin=0``.

    ValueError names the box that shows no pixel of the image, MemoryError says so where more than is free would be
    taken. Time about 1 ms a face of 200 x 200 pixels.
    """
    side = _check.integer(size, "size", minimum=1, maximum=LARGEST_CROP)
    extra = _check.number(margin, "margin", minimum=0)
    if extra >= side:
        raise ValueError(f"margin must be less than size, got margin={margin} and size={size}")
    array = _check.numbers(box, "box", "(4,) or (n, 4)")
    if array.shape != (0,) and (array.ndim not in (1, 2) or array.shape[-1] != 4):
        raise ValueError(f"box must have shape (4,) or (n, 4), got {array.shape}")
    is_one = array.shape == (4,)
    rows = _check.boxes(array[None] if is_one else array, "box")
    far = np.flatnonzero((np.abs(rows) > FARTHEST).any(axis=1))
    if far.size:
        raise ValueError(f"box: row {far[0]} lies beyond {FARTHEST:g} pixels: {rows[far[0]].tolist()}")
    pixels = pixels_of(image)
    height, width = pixels.shape[:2]
    shape = (len(rows), side, side, *pixels.shape[2:])
    out = _check.output(None, shape, pixels.dtype.type, instead="crop fewer boxes at a time, or to a smaller size")
    for i, (x1, y1, x2, y2) in enumerate(rows):
        half_x, half_y = (extra * length / (side - extra) / 2 for length in (x2 - x1, y2 - y1))
        left, right = int(max(x1 - half_x, 0)), int(min(x2 + half_x, width))
        top, bottom = int(max(y1 - half_y, 0)), int(min(y2 + half_y, height))
        if left >= right or top >= bottom:
            raise ValueError(
                f"box: row {i} shows no whole pixel of the image of {width} x {height}: {rows[i].tolist()}"
            )
        stretch(pixels[top:bottom, left:right], out[i])
    return np.asarray(out[0]) if is_one else out
