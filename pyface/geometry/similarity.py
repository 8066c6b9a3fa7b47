"""The best similarity between points, in closed form and for many faces at once; the angle between two eyes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check
from pyface._typing import Points
from pyface.kernels.similarities import fit_similarities

__all__ = ["FARTHEST", "Similarity", "face_prefix", "fit", "points_of", "roll_angle", "similarity_transform"]

FARTHEST = 1e7  # pixels; beyond this float64 no longer resolves parts of a pixel well


@dataclass(frozen=True, slots=True, eq=False)
class Similarity:
    """One similarity (turn, uniform scale, shift; no reflection), or one for each of f faces.

    matrix : (2, 3) or (f, 2, 3) float64; (x, y) goes to matrix[:, :2] @ (x, y) + matrix[:, 2].
    scale : target pixels per source pixel, float or (f,).
    rotation : degrees in (-180, 180], float or (f,); positive turns clockwise as seen in the image (y down).
    residual : root mean square distance, weighted, between mapped and target points, in target pixels, float or (f,).
    """

    matrix: NDArray[np.float64]
    scale: Any
    rotation: Any
    residual: Any

    def apply(self, points: Any) -> Points:
        """The points mapped: (m, 2), for all faces alike, or (f, m, 2). Gives (m, 2) or (f, m, 2) float64."""
        array = _check.numbers(points, "points", "(m, 2) or (f, m, 2)")
        f = len(self.matrix) if self.matrix.ndim == 3 else None
        if (
            array.ndim not in ((2,) if f is None else (2, 3))
            or array.shape[-1] != 2
            or array.shape[:-2] not in ((), (f,))
        ):
            allowed = "(m, 2)" if f is None else f"(m, 2) or ({f}, m, 2)"
            raise ValueError(f"points must have shape {allowed}, got {array.shape}")
        return array @ self.matrix[..., :2].swapaxes(-1, -2) + self.matrix[..., None, :, 2]

    def inverse(self) -> Similarity:
        """From target to source; its ``residual`` is the same distance in source pixels.

        ValueError where the scale is 0, or its square, as it is if all target points of a face are equal.
        """
        matrix = self.inverse_matrix()
        a, b = matrix[..., 0, 0], matrix[..., 1, 0]
        scale, rotation = np.hypot(a, b), np.degrees(np.arctan2(b + 0.0, a))
        residual = np.asarray(self.residual) / self.scale
        if matrix.ndim == 2:
            return Similarity(matrix, float(scale), float(rotation), float(residual))
        return Similarity(matrix, scale, rotation, residual)

    def inverse_matrix(self) -> NDArray[np.float64]:
        """The ``matrix`` of :meth:`inverse`."""
        square = np.square(self.scale)
        wrong = np.flatnonzero(square == 0)
        if wrong.size:
            face = face_prefix(wrong[0], self.matrix.ndim == 3)
            scale = np.atleast_1d(self.scale)[wrong[0]]
            raise ValueError(f"{face}the scale is {scale:g}, and nothing leads back from one point")
        a, b = self.matrix[..., 0, 0] / square, self.matrix[..., 1, 0] / square
        tx, ty = self.matrix[..., 0, 2], self.matrix[..., 1, 2]
        made = np.empty_like(self.matrix)
        made[..., 0, 0] = made[..., 1, 1] = a
        made[..., 0, 1], made[..., 1, 0] = b, -b
        made[..., 0, 2], made[..., 1, 2] = -(a * tx + b * ty), -(a * ty - b * tx)
        return made


def similarity_transform(source: Any, target: Any, *, weights: Any = None) -> Similarity:
    """The similarity that brings ``source`` nearest to ``target`` in the least-squares sense.

    source : (n, 2), or (f, n, 2) for f faces; n >= 2 points, x y, within +-1e7.
    target : (n, 2), the same for all faces, or (f, n, 2).
    weights : (n,) or (f, n), at least 0 and not all 0; None weighs all points alike.

    Closed form of Umeyama's method in the plane, float64. With centred points s, d and S = sum |s|^2,
    a = sum (sx dx + sy dy) / S and b = sum (sx dy - sy dx) / S::

        matrix = [[a, -b, tx], [b, a, ty]],   (tx, ty) = mean(d) - [[a, -b], [b, a]] @ mean(s)

    Raises TypeError for what are no numbers, ValueError for shapes that do not fit, NaN, and source points that are
    all equal (those of weight 0 aside) or so nearly that the squares of their distances are 0, naming the face. Time
    about 0.1 microsecond a face where there are many, memory that of the result.
    """
    s = points_of(source, "source")
    d = points_of(target, "target")
    if d.shape[-2] != s.shape[-2] or (d.ndim == 3 and s.ndim == 3 and len(d) != len(s)):
        raise ValueError(f"source and target must have the same points, got shapes {s.shape} and {d.shape}")
    if d.ndim == 3 and s.ndim == 2:
        raise ValueError(f"target is of {len(d)} faces and source of one; give (f, n, 2) for both")
    return fit(s, d, _weights(weights, s))


def fit(
    source: Points, target: Points, weights: NDArray[np.float64] | None = None, *, name: str = "source"
) -> Similarity:
    """:func:`similarity_transform` of what has been checked; ``name`` is what the caller calls the source."""
    is_batch = source.ndim == 3
    faces = source if is_batch else source[None]
    matrix, scale, rotation, residual, wrong = fit_similarities(faces, target, weights)
    if wrong >= 0:
        raise ValueError(
            f"{name}: {face_prefix(wrong, is_batch)}all points are equal, or so near to each other that the squares of "
            "their distances are 0, so neither scale nor angle is defined"
        )
    if is_batch:
        return Similarity(matrix, scale, rotation, residual)
    return Similarity(matrix[0], float(scale[0]), float(rotation[0]), float(residual[0]))


def roll_angle(left_eye: Any, right_eye: Any) -> Any:
    """The angle of the line from the eye on the left of the image to the one on its right, in degrees.

    left_eye, right_eye : (2,) or (f, 2) pixels, x y; left and right as seen in the image, not the subject's.

    In (-180, 180]: 0 is level, positive is turned clockwise as seen (the right one is lower, y points down). Turning
    the image by minus this angle levels the eyes. A float, or (f,) float64. ValueError, naming the face, where both
    eyes are one point.
    """
    a, b = eyes_of(left_eye, right_eye)
    across = b - a
    wrong = np.flatnonzero(~across.any(axis=-1))
    if wrong.size:
        raise ValueError(f"{face_prefix(wrong[0], across.ndim == 2)}left_eye and right_eye are the same point")
    # Adding 0 turns a minus zero, whose angle is -180 degrees, into zero.
    angle = np.degrees(np.arctan2(across[..., 1] + 0.0, across[..., 0]))
    return float(angle) if angle.ndim == 0 else angle


def eyes_of(left_eye: Any, right_eye: Any) -> tuple[Points, Points]:
    """Both as (2,) or (f, 2) float64, checked."""
    eyes = []
    for value, name in ((left_eye, "left_eye"), (right_eye, "right_eye")):
        array = _check.numbers(value, name, "(2,) or (f, 2)")
        if array.ndim not in (1, 2) or array.shape[-1] != 2:
            raise ValueError(f"{name} must have shape (2,) or (f, 2), got {array.shape}")
        _refuse_far(array[..., None, :], name)
        eyes.append(array)
    if eyes[0].shape != eyes[1].shape:
        raise ValueError(f"left_eye and right_eye must have the same shape, got {eyes[0].shape} and {eyes[1].shape}")
    return eyes[0], eyes[1]


def points_of(value: Any, name: str) -> Points:
    """(n, 2) or (f, n, 2) float64, at least two points, within +-1e7."""
    array = _check.numbers(value, name, "(n, 2) or (f, n, 2)")
    if array.ndim not in (2, 3) or array.shape[-1] != 2:
        raise ValueError(f"{name} must have shape (n, 2) or (f, n, 2), got {array.shape}")
    if array.shape[-2] < 2:
        raise ValueError(f"{name} must have at least 2 points a face, got shape {array.shape}")
    _refuse_far(array, name)
    return array


def _refuse_far(array: Points, name: str) -> None:
    """array : (n, 2), or (f, n, 2), the last axis but one of length 1 where a face has one point."""
    is_near = np.abs(array) <= FARTHEST
    if not is_near.all():
        *face, point = np.argwhere(~is_near.all(axis=-1))[0].tolist()
        which = f"point {point}" if array.shape[-2] > 1 else "the point"
        where = face_prefix(face[0], True) if face else ""
        xy = array[(*face, point)].tolist()
        raise ValueError(f"{name}: {where}{which} is not finite or beyond {FARTHEST:g} pixels: {xy}")


def _weights(weights: Any, source: Points) -> NDArray[np.float64] | None:
    if weights is None:
        return None
    w = _check.numbers(weights, "weights", "(n,) or (f, n)")
    if w.shape not in (source.shape[-2:-1], source.shape[:-1]):
        raise ValueError(f"weights must have one number a point, got shape {w.shape} for source {source.shape}")
    wrong = np.flatnonzero(~(np.isfinite(w) & (w >= 0)).all(axis=-1) | ~(w > 0).any(axis=-1))
    if wrong.size:
        raise ValueError(f"weights: {face_prefix(wrong[0], w.ndim == 2)}must be finite, at least 0 and not all 0")
    # By the largest: sums of huge weights would overflow, those of tiny ones vanish.
    scaled: NDArray[np.float64] = np.ascontiguousarray(w / w.max(axis=-1, keepdims=True))
    return scaled


def face_prefix(index: Any, is_batch: bool) -> str:
    """For messages: which face, where there are several."""
    return f"face {index}: " if is_batch else ""
