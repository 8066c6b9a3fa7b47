"""Upright crops of the faces of photos, as files: what ``pyface align`` does."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pyface import _check
from pyface._typing import Image, Points
from pyface.analysis.analyzer import FaceAnalyzer
from pyface.geometry import align_face, convert_landmarks, similarity_transform, template_points
from pyface.geometry.conversions import can_convert
from pyface.photos.drawing import draw_dots, draw_lines
from pyface.pictures.face_files import LARGEST, SMALLEST, FaceFiles, FacePicture, PhotoPictures, check_size, write_faces
from pyface.pictures.pose_axes import draw_axes
from pyface.types import Face

__all__ = ["TEMPLATES", "align_photos", "overlay_of"]

TEMPLATES = ("arcface", "dlib-5")
_SCHEMES = {"arcface": "arcface-5", "dlib-5": "dlib-5"}  # orders of the points of the templates
_SIDES, _TOP, _POINTS = (0, 200, 0), (255, 150, 0), (0, 220, 255)  # colours of the overlay, RGB


def align_photos(
    analyzer: FaceAnalyzer,
    paths: Iterable[Path],
    out: Path,
    *,
    size: int = 112,
    template: str = "arcface",
    antialias: bool = False,
    overlay: bool = False,
    image_format: str = "png",
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> FaceFiles:
    """Write an upright crop of every face of the photos into the folder ``out``, as ``<photo>-<number>.png``.

    analyzer : one with landmarks of the scheme arcface-5 or dlib-5, or of one that can be brought to arcface-5
        (:func:`pyface.geometry.convert_landmarks`).
    size : side of a crop in pixels, from 16 to 4096; for ``"arcface"`` a multiple of 112 or 128.
    template : ``"arcface"`` or ``"dlib-5"``, the frame of the crops; landmarks are brought into it by their scheme.
        ``"dlib-5"`` has corners of the eyes, which landmarks of the scheme arcface-5 lack.
    overlay : also write ``<photo>-overlay.png``: the photo with landmarks, crop outlines, the crop's top in orange, and
        the axes of heads.

    Names of files, ``summary.json`` and the folder: see :func:`~pyface.pictures.face_files.write_faces`.
    """
    overlay = _check.flag(overlay, "overlay")
    _check.choice(template, "template", TEMPLATES)
    size = check_size(size)
    if template == "arcface" and size % 112 and size % 128:
        raise ValueError(
            f"size must be a multiple of 112 or 128 for the template 'arcface', up to {LARGEST}, got {size}; the "
            f"template 'dlib-5' takes any size from {SMALLEST} to {LARGEST}"
        )
    scheme = analyzer.chain.scheme
    if scheme is None or not (scheme == "dlib-5" or can_convert(scheme, "arcface-5")):
        raise ValueError(
            "faces are aligned by landmarks of the scheme arcface-5 or dlib-5, or of one that can be brought to "
            f"arcface-5, such as dlib-68, got {scheme}"
        )
    if not can_convert(scheme, _SCHEMES[template]) and template == "dlib-5":
        raise ValueError(
            "the template 'dlib-5' needs dlib's landmarks: choose landmarks='dlib-5' (--landmarks dlib-5) or "
            "template='arcface'"
        )

    def draw(image: Image, faces: list[Face]) -> PhotoPictures:
        extras = {"overlay": overlay_of(image, faces, size, template)} if overlay else {}
        return PhotoPictures(_crops(image, faces, size, template, antialias), extras)

    settings = {"size": size, "template": template, "antialias": antialias, "overlay": overlay}
    return write_faces(
        analyzer, paths, out, draw, command="align", settings=settings, image_format=image_format, progress=progress
    )


def overlay_of(image: Image, faces: list[Face], size: int, template: str) -> NDArray[np.uint8]:
    """A copy of the photo with the landmarks of its faces, the outlines of their crops, and the axes of their heads."""
    picture: NDArray[np.uint8] = np.array(image)
    if not faces:
        return picture
    width = max(1, round(max(image.shape[:2]) / 400))
    points, name = _points_for(faces, template)
    lower, upper = -0.5, size - 0.5
    square = np.array([(lower, lower), (upper, lower), (upper, upper), (lower, upper)])
    corners = similarity_transform(points, template_points(name, size)).inverse().apply(square)
    for face, outline in zip(faces, corners, strict=True):
        assert face.landmarks is not None
        draw_lines(picture, outline[[(1, 2), (2, 3), (3, 0)]], _SIDES, width)
        draw_lines(picture, outline[[(0, 1)]], _TOP, width)
        if face.pose is not None:
            draw_axes(picture, face.pose, width)
        draw_dots(picture, face.landmarks[:, :2], _POINTS, width + 1)
    return picture


def _points_for(faces: list[Face], template: str) -> tuple[Points, str]:
    """Landmarks (f, 5, 2) of faces, and the template that fits them in the frame named."""
    points = np.stack([face.landmarks for face in faces if face.landmarks is not None])
    scheme = str(faces[0].scheme)
    if scheme == "dlib-5" and template == "arcface":
        return points, "arcface-dlib-5"
    return convert_landmarks(points[:, :, :2], scheme, _SCHEMES[template]), template


def _crops(image: Image, faces: list[Face], size: int, template: str, antialias: bool) -> list[FacePicture]:
    if not faces:
        return []
    points, name = _points_for(faces, template)
    target = template_points(name, size)
    return [
        FacePicture(
            align_face(image, five, size, template=name, antialias=antialias), similarity_transform(five, target)
        )
        for five in points
    ]
