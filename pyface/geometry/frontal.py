"""Faces as they would look from the front: posed on a generic surface, what is hidden taken from the other half."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check
from pyface._typing import Image, Points
from pyface.geometry.conversions import COUNTS, can_convert, convert_landmarks
from pyface.geometry.pose import HeadPose, head_pose
from pyface.geometry.surface import METHODS, face_surface
from pyface.kernels.frontal import Fronts
from pyface.kernels.piecewise import LONGEST_SIDE

__all__ = ["Frontal", "frontalize", "frontalize_many"]

Floats = NDArray[np.float64]

LARGEST_SIZE = 4096
_SYMMETRIES = ("soft", "none")
_MOST_YAW = 80.0  # beyond, half of the face is a line in the photo
_MOST_PITCH = 60.0
_MISFIT = 0.3  # residual in distances between the eyes; of real faces it is 0.06, and below 0.15
_SCHEMES = tuple(name for name in COUNTS if can_convert(name, "dlib-68"))
# Detectors of these move the outline of a turned head with what is seen of it; others keep it on the surface.
_SEEN_OUTLINE = ("dlib-68", "insightface-106")


@dataclass(frozen=True, slots=True, eq=False)
class Frontal:
    """One face from the front, or why there is none.

    image : (h, w) or (h, w, c) in the photo's dtype, 0 outside the mask; None where refused.
    mask : (h, w) bool, the pixels of the face that the photo has, or that were filled; None where refused.
    visibility : (h, w) float32 from 0 to 1, how well the photo shows each pixel, before anything was filled: the area
        that a small piece of the face has in the photo, over that from the front, 0 where something of the face, the
        photo's border or the face's outline is in between. None where refused.
    mirrored_share : the share of the mask that was taken from the other half, 0 to 1.
    pose : the :class:`~pyface.geometry.HeadPose` in the photo.
    refused : None, or the reason in words.
    """

    image: Image | None
    mask: NDArray[np.bool_] | None
    visibility: NDArray[np.float32] | None
    mirrored_share: float
    pose: HeadPose
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class _Options:
    method: str
    size: tuple[int, int]
    is_symmetric: bool
    max_yaw: float
    antialias: bool


def frontalize(
    image: Image,
    landmarks: Any,
    scheme: str,
    *,
    method: str = "surface",
    size: Any = 224,
    symmetry: str = "soft",
    max_yaw: float = 60,
    antialias: bool = False,
) -> Frontal:
    """The face as it would look from the front, in the frame of :func:`~pyface.geometry.face_mesh`.

    image : (H, W) or (H, W, c) with c one of 1, 3, 4, uint8 or float32, from 1 to 32,767 pixels a side.
    landmarks : (k, 2) numbers, x y in pixels of the image; a third column is not used.
    scheme : their order: ``"dlib-68"``, ``"insightface-68-3d"``, ``"insightface-106"`` or ``"mediapipe-468"``. Five
        points say too little.
    method : ``"surface"`` is a generic height field through 68 landmarks and 17 points of cheeks and forehead, posed
        in the photo (:func:`~pyface.geometry.head_pose`); what landmarks differ from it by is spread over the face by
        the triangles of :func:`~pyface.geometry.face_mesh`, so that they come to lie where the mean shape has them.
        ``"mesh"`` is linear in each triangle of the 68 landmarks, and ends at the brows (DeepFace's way).
    size : of the picture, a number or (h, w), from 8 to 4,096 a side. In (h, w) the square is centred.
    symmetry : ``"soft"`` takes what the photo hardly shows from the other half, where that is seen better: mirrored,
        with the difference of both halves in light spread into it, fading in; eyes and mouth stay their own. ``"none"``
        leaves everything as it is, smeared where it is hidden.
    max_yaw : degrees, 0 to 80; a face turned further is refused, as there is too little of it to be seen.
    antialias : average the photo first where a pixel of the picture spans 2 or more of its pixels, as
        :meth:`pyface.PiecewiseAffine.warp` does.

    Gives a :class:`Frontal`. Refused, which is no error, are faces beyond ``max_yaw`` or 60 degrees of pitch, landmarks
    that are none of a face (on average 0.3 distances between the eyes beside it), and faces outside the photo.

    The jaw of ``"dlib-68"`` and ``"insightface-106"`` follows the outline that is seen: the more the head is turned,
    the less these points move the surface. What lies beyond the jaw of the side turned away counts as hidden. The
    result is a likeness: depth is everybody's, the shape becomes the mean one, and the far half is a copy where it was
    hidden.
    Networks for recognition do not gain: all that were tried read plain crops better, however far the head is turned
    (docs/how-it-works/frontalization.md).

    Pixels are sampled as by :class:`pyface.PiecewiseAffine`: exact bilinear blends, the same bits on every machine for
    the same pose. Scaling the photo changes nothing but the sampling. NaN in a float image comes to pixels that it has
    a weight in. TypeError and ValueError name the argument: an unknown scheme, points of another count, not finite,
    beyond 1e7 pixels or on one line. One thread. Time about 0.4 ms for 224 x 224. A new size or
    method takes 10 ms more there, and the more the more pixels it has: 2 s for 4,096 x 4,096. The last four are kept,
    at 5 to 9 bytes a pixel. Memory 10 bytes per pixel of the picture.
    """
    options = _options(method, size, symmetry, max_yaw, antialias)
    checked = _check.pixels(image, longest=LONGEST_SIDE)
    points = _check.numbers(landmarks, "landmarks", "(k, 2)")
    if points.ndim != 2:
        raise ValueError(f"landmarks must have shape (k, 2), got {points.shape}; frontalize_many takes several faces")
    return _frontals([checked], points[None], scheme, options, 1, is_batch=False)[0]


def frontalize_many(
    images: Any,
    landmarks: Any,
    scheme: str,
    *,
    method: str = "surface",
    size: Any = 224,
    symmetry: str = "soft",
    max_yaw: float = 60,
    antialias: bool = False,
    n_threads: int | None = None,
) -> list[Frontal]:
    """:func:`frontalize` of f faces, on several threads: a list in order, of the same bits as one by one.

    images : one image for all faces, or a list, tuple or (f, H, W, c) array of one for each, of any sizes and dtypes.
    landmarks : (f, k, 2); no faces are fine, and give an empty list.

    Pictures are parts of one array. An error names the face; a refusal keeps its place. Ctrl-C ends it within about
    0.1 s. The other arguments are those of :func:`frontalize`.
    """
    options = _options(method, size, symmetry, max_yaw, antialias)
    points = _check.numbers(landmarks, "landmarks", "(f, k, 2)")
    if points.size == 0 and points.ndim == 1:
        points = np.empty((0, COUNTS[_scheme(scheme)], 2))
    if points.ndim != 3:
        raise ValueError(f"landmarks must have shape (f, k, 2), got {points.shape}; frontalize takes one face")
    checked = _images(images, len(points))
    return _frontals(checked, points, scheme, options, n_threads, is_batch=True)


def _options(method: Any, size: Any, symmetry: Any, max_yaw: Any, antialias: Any) -> _Options:
    return _Options(
        _check.choice(method, "method", METHODS),
        _size(size),
        _check.choice(symmetry, "symmetry", _SYMMETRIES) == "soft",
        _check.number(max_yaw, "max_yaw", minimum=0, maximum=_MOST_YAW),
        _check.flag(antialias, "antialias"),
    )


def _size(value: Any) -> tuple[int, int]:
    if isinstance(value, np.ndarray) and value.ndim == 1:
        value = value.tolist()
    sides = value if isinstance(value, Sequence) and not isinstance(value, str) else (value, value)
    if len(sides) != 2:
        raise TypeError(f"size must be a number or (height, width), got {value!r}")
    height, width = (_check.integer(side, "size", minimum=8, maximum=LARGEST_SIZE, why=" a side") for side in sides)
    return height, width


def _scheme(scheme: Any) -> str:
    _check.choice(scheme, "scheme", tuple(COUNTS))
    if scheme not in _SCHEMES:
        raise ValueError(
            f"scheme {scheme!r} has too few landmarks to frontalize a face by; schemes that do: {', '.join(_SCHEMES)}"
        )
    return str(scheme)


def _images(images: Any, n: int) -> list[Image]:
    """One image, or one for each face."""
    if isinstance(images, np.ndarray) and images.ndim != 4:
        return [_check.pixels(images, "images", longest=LONGEST_SIDE)]
    if not isinstance(images, np.ndarray | Sequence):
        raise TypeError(f"images must be an array or a list of arrays, got {type(images).__name__}")
    if len(images) != n:
        raise ValueError(
            f"images must be one for all, or one for each of the {n} faces of landmarks, got {len(images)}"
        )
    return [_check.pixels(image, f"images[{i}]", longest=LONGEST_SIDE) for i, image in enumerate(images)]


def _frontals(
    images: list[Image], landmarks: Points, scheme: str, options: _Options, n_threads: int | None, *, is_batch: bool
) -> list[Frontal]:
    _scheme(scheme)
    # Checks the landmarks, too.
    poses = head_pose(landmarks if is_batch else landmarks[0], scheme)
    each = [poses[i] for i in range(len(landmarks))] if is_batch else [poses]
    results = [Frontal(None, None, None, 0.0, pose, _refusal(pose, options.max_yaw)) for pose in each]
    taken = [i for i, result in enumerate(results) if result.refused is None]
    if not taken:
        return results
    relief = face_surface(options.method, options.size)
    for group in [taken] if len(images) == 1 else _alike(images, taken):
        points = (landmarks[group] if is_batch else landmarks)[..., :2]
        made = relief.frontalize(
            images if len(images) == 1 else [images[i] for i in group],
            np.ascontiguousarray(points if scheme == "dlib-68" else convert_landmarks(points, scheme, "dlib-68")),
            poses.rotation[group] if is_batch else poses.rotation[None],
            poses.translation[group] if is_batch else poses.translation[None],
            poses.scale[group] if is_batch else np.array([poses.scale]),
            outline_is_seen=scheme in _SEEN_OUTLINE,
            symmetric=options.is_symmetric,
            antialias=options.antialias,
            n_threads=n_threads,
        )
        for k, i in enumerate(group):
            results[i] = _frontal(made, k, each[i])
    return results


def _alike(images: list[Image], faces: list[int]) -> list[list[int]]:
    """The faces whose images have one dtype and number of channels."""
    groups: dict[Any, list[int]] = {}
    for i in faces:
        groups.setdefault((images[i].dtype.type, images[i].shape[2:]), []).append(i)
    return list(groups.values())


def _refusal(pose: HeadPose, max_yaw: float) -> str | None:
    if pose.residual > _MISFIT * pose.scale:
        away = pose.residual / pose.scale
        return f"the landmarks are none of a face: they miss it by {away:.2f} distances between the eyes"
    if abs(pose.yaw) > max_yaw:
        return f"the face is turned by {_above(abs(pose.yaw), max_yaw)} degrees, more than max_yaw = {max_yaw:g}"
    if abs(pose.pitch) > _MOST_PITCH:
        way = "up" if pose.pitch > 0 else "down"
        return f"the face looks {way} by {_above(abs(pose.pitch), _MOST_PITCH)} degrees, more than {_MOST_PITCH:g}"
    return None


def _above(angle: float, limit: float) -> str:
    """Whole degrees, or as many digits as show that it is above the limit."""
    shown = (f"{angle:.{digits}f}" for digits in range(17))
    return next((text for text in shown if float(text) > limit), repr(angle))


def _frontal(made: Fronts, k: int, pose: HeadPose) -> Frontal:
    share = float(made.mirrored[k])
    if np.isnan(share):
        return Frontal(None, None, None, 0.0, pose, "no part of the face lies in the photo")
    return Frontal(made.pictures[k], made.masks[k], made.visibility[k], share, pose)
