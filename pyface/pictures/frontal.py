"""Faces of photos as they would look from the front, as files: what ``pyface frontalize`` does."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check
from pyface._typing import Image
from pyface.analysis.analyzer import FaceAnalyzer
from pyface.geometry import (
    Frontal,
    HeadPose,
    convert_landmarks,
    frontalize,
    similarity_transform,
    solid_shape,
    triangulation,
)
from pyface.geometry.conversions import can_convert
from pyface.geometry.frames import face_mesh
from pyface.kernels.piecewise import LONGEST_SIDE
from pyface.photos.drawing import draw_dots, draw_lines
from pyface.pictures.face_files import FaceFiles, FacePicture, PhotoPictures, check_size, edges_of, write_faces
from pyface.pictures.pose_axes import draw_axes
from pyface.types import Face

__all__ = ["frontalize_photos"]

_SCHEME, _N_LANDMARKS = "dlib-68", 68
_MESH, _POINTS = (110, 140, 190), (0, 220, 255)
_SEEN, _HIDDEN = np.array([0.0, 200, 0]), np.array([255.0, 40, 40])


def frontalize_photos(
    analyzer: FaceAnalyzer,
    paths: Iterable[Path],
    out: Path,
    *,
    size: int = 224,
    method: str = "surface",
    symmetry: str = "soft",
    max_yaw: float = 60,
    antialias: bool = False,
    overlay: bool = False,
    image_format: str = "png",
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> FaceFiles:
    """Write every face of the photos, turned to the front, into ``out``, as ``<photo>-<number>.png``.

    analyzer : one with landmarks of the scheme dlib-68, or of one that can be brought to it
        (:func:`pyface.geometry.convert_landmarks`).
    size : side of the pictures.
    method, symmetry, max_yaw, antialias : see :func:`pyface.geometry.frontalize`.
    overlay : also write ``<photo>-overlay.png``, the photo with the generic head's mesh, the landmarks and the axes of
        each head, and ``<photo>-<number>-visibility.png``, the picture coloured from green, what the photo shows well,
        to red, what it hides.

    Black is what lies outside the face. A face that is refused, being turned too far, has no picture; its number stays
    free, ``summary.json`` says why, as ``refused``, and a warning of the log names it. For the others it has ``pose``
    (degrees), ``mirrored_share`` and ``visibility`` (the mean over the face). Names of files, and the folder:
    :func:`~pyface.pictures.face_files.write_faces`.
    """
    overlay = _check.flag(overlay, "overlay")
    side = check_size(size)
    options: dict[str, Any] = {
        "method": method, "size": side, "symmetry": symmetry, "max_yaw": max_yaw,
        "antialias": _check.flag(antialias, "antialias"),
    }  # fmt: skip
    frontalize(np.zeros((1, 1), np.uint8), 9.0 * solid_shape(_SCHEME), _SCHEME, **options)  # refuses wrong options
    scheme = analyzer.chain.scheme
    if scheme is None or not can_convert(scheme, _SCHEME):
        raise ValueError(
            f"frontalizing needs landmarks of the scheme {_SCHEME}, got {scheme or 'none'}: give the analyzer "
            f"landmarks='{_SCHEME}', the command --landmarks {_SCHEME}"
        )
    target = face_mesh(_SCHEME, side).target[:_N_LANDMARKS]

    def draw(image: Image, faces: list[Face]) -> PhotoPictures:
        pictures, poses = [], []
        for face in faces:
            assert face.landmarks is not None
            made = frontalize(image, face.landmarks, str(face.scheme), **options)
            points = convert_landmarks(face.landmarks[:, :2], str(face.scheme), _SCHEME)
            fit = similarity_transform(points, target)
            remark = f"not turned to the front: {made.refused}" if made.refused else ""
            extras = {"visibility": _coloured(made)} if overlay and made.image is not None else {}
            poses.append(made.pose)
            pictures.append(FacePicture(made.image, fit, _facts(made), extras, remark))
        return PhotoPictures(pictures, {"overlay": _overlay(image, faces, poses)} if overlay else {})

    return write_faces(
        analyzer, paths, out, draw, command="frontalize", settings={**options, "overlay": overlay},
        image_format=image_format, longest_side=LONGEST_SIDE, progress=progress,
    )  # fmt: skip


def _facts(made: Frontal) -> dict[str, Any]:
    angles = {name: round(float(getattr(made.pose, name)), 2) for name in ("pitch", "yaw", "roll")}
    if made.mask is None or made.visibility is None:
        return {"pose": angles, "refused": made.refused}
    seen = float(made.visibility[made.mask].mean()) if made.mask.any() else 0.0
    return {"pose": angles, "mirrored_share": round(made.mirrored_share, 4), "visibility": round(seen, 4)}


def _coloured(made: Frontal) -> NDArray[np.uint8]:
    """The picture under its visibility, half and half."""
    assert made.image is not None and made.visibility is not None and made.mask is not None
    colours = _HIDDEN + made.visibility[..., None] * (_SEEN - _HIDDEN)
    mixed = np.where(made.mask[..., None], (made.image.astype(float) + colours) / 2, made.image)
    return np.asarray(np.rint(mixed), np.uint8)


def _overlay(image: Image, faces: list[Face], poses: list[HeadPose]) -> NDArray[np.uint8]:
    picture: NDArray[np.uint8] = np.array(image)
    lines = edges_of(triangulation(_SCHEME))
    for face, pose in zip(faces, poses, strict=True):
        assert face.landmarks is not None
        width = max(1, round(pose.scale / 80))
        draw_lines(picture, pose.project(solid_shape(_SCHEME))[lines], _MESH, width)
        draw_axes(picture, pose, 2 * width)
        draw_dots(picture, face.landmarks[:, :2], _POINTS, width)
    return picture
