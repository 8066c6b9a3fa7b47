"""Faces of photos warped onto the mean shape, as files: what ``pyface warp`` does."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check
from pyface._typing import Image, Points
from pyface.analysis.analyzer import FaceAnalyzer
from pyface.geometry import convert_landmarks, face_mesh, frame_points, similarity_transform
from pyface.geometry.conversions import can_convert
from pyface.kernels.piecewise import LONGEST_SIDE, PiecewiseAffine, WarpReport
from pyface.photos.drawing import draw_dots, draw_lines
from pyface.pictures.face_files import FaceFiles, FacePicture, PhotoPictures, check_size, edges_of, write_faces
from pyface.types import Face

__all__ = ["FOLDED", "draw_mesh", "warp_photos"]

SCHEME, N_LANDMARKS = "dlib-68", 68
# Share of the picture that is turned over, from which on a face is named in a warning. Closed lips come to 0.002, as
# landmarks are whole pixels; of 1,076 faces on news photos 7 % have more than this.
FOLDED = 0.005
# Colours of the mesh, RGB: inside the face, from there to the rim, of triangles that are turned over; landmarks.
_FACE, _RIM, _TURNED, _POINTS = (0, 200, 0), (110, 140, 190), (255, 40, 40), (0, 220, 255)


def warp_photos(
    analyzer: FaceAnalyzer,
    paths: Iterable[Path],
    out: Path,
    *,
    size: int = 256,
    face_only: bool = False,
    antialias: bool = False,
    overlay: bool = False,
    image_format: str = "png",
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> FaceFiles:
    """Write every face of the photos, warped onto the mean shape, into ``out``, as ``<photo>-<number>.png``.

    analyzer : one with landmarks of the scheme dlib-68, or of one that can be brought to it
        (:func:`pyface.geometry.convert_landmarks`).
    size : side of the pictures; where the mean shape lies in them: :func:`pyface.geometry.face_mesh`.
    face_only : show what lies between the landmarks alone, and black around it. Else the surroundings come along.
    antialias : shrink the photo first where a face is at least twice as large in it as in its picture.
    overlay : also write ``<photo>-overlay.png``, the photo with the mesh of each face, and
        ``<photo>-<number>-mesh.png``, the picture with it: landmarks, edges inside the face in green, those to the rim
        in grey-blue, and triangles that are turned over in red.

    What lies beyond the photo is black. A face of whose picture half a percent or more is turned over, so shown
    mirrored, is named in a warning of the log: it is turned away, or its landmarks are wrong. ``summary.json`` holds
    for each face what :meth:`pyface.PiecewiseAffine.report` says. Names of files, and the folder:
    :func:`~pyface.pictures.face_files.write_faces`.
    """
    overlay = _check.flag(overlay, "overlay")
    mesh = face_mesh(SCHEME, check_size(size), face_only=face_only)
    scheme = analyzer.chain.scheme
    if scheme is None or not can_convert(scheme, SCHEME):
        raise ValueError(
            f"warping needs landmarks of the scheme {SCHEME}, got {scheme or 'none'}: give the analyzer "
            f"landmarks='{SCHEME}', the command --landmarks {SCHEME}"
        )

    def draw(image: Image, faces: list[Face]) -> PhotoPictures:
        sources = [_source(face, face_only) for face in faces]
        pictures = [_warped(mesh, image, source, antialias, overlay) for source in sources]
        return PhotoPictures(pictures, {"overlay": _overlay(mesh, image, sources)} if overlay else {})

    settings = {"size": mesh.size[0], "face_only": face_only, "antialias": antialias, "overlay": overlay}
    return write_faces(
        analyzer, paths, out, draw, command="warp", settings=settings, image_format=image_format,
        longest_side=LONGEST_SIDE, progress=progress,
    )  # fmt: skip


def draw_mesh(picture: NDArray[np.uint8], mesh: PiecewiseAffine, points: Points, is_turned: NDArray[np.bool_]) -> None:
    """Draw the mesh of a face into the RGB picture where its points (n, 2) are, and the landmarks as dots.

    is_turned : (t,), the triangles to be red, on top of the others.
    """
    landmarks = points[:N_LANDMARKS]
    width = max(1, round(np.ptp(landmarks[:, 0]) / 250))
    is_rim = (mesh.triangles >= N_LANDMARKS).any(axis=1)
    # An edge of two kinds of triangles has the colour of the later one.
    for rows, colour in ((is_rim, _RIM), (~is_rim, _FACE), (is_turned, _TURNED)):
        draw_lines(picture, points[edges_of(mesh.triangles[rows])], colour, width)
    draw_dots(picture, landmarks, _POINTS, width)


def _turned(mesh: PiecewiseAffine, source: Points) -> NDArray[np.bool_]:
    """(t,): triangles that run the other way round in the photo than in the picture, where all run clockwise."""
    corners = source[mesh.triangles]
    (ax, ay), (bx, by) = (corners[:, 1] - corners[:, 0]).T, (corners[:, 2] - corners[:, 0]).T
    is_turned: NDArray[np.bool_] = ax * by < ay * bx
    return is_turned


def _source(face: Face, face_only: bool) -> Points:
    assert face.landmarks is not None
    landmarks = convert_landmarks(face.landmarks[:, :2], str(face.scheme), SCHEME)
    return landmarks if face_only else frame_points(landmarks, SCHEME)


def _warped(mesh: PiecewiseAffine, image: Image, source: Points, antialias: bool, overlay: bool) -> FacePicture:
    picture = mesh.warp(image, source, antialias=antialias)
    report = mesh.report(source, image.shape)
    extras = {}
    if overlay:
        drawn: NDArray[np.uint8] = picture.copy()
        draw_mesh(drawn, mesh, mesh.target, _turned(mesh, source))
        extras["mesh"] = drawn
    remark = ""
    share = report.flipped_area * float(mesh.mask.mean())
    if share >= FOLDED:
        remark = f"{share:.1%} of its picture is mirrored; the face is turned away, or its landmarks are wrong"
    fit = similarity_transform(source[:N_LANDMARKS], mesh.target[:N_LANDMARKS])
    return FacePicture(picture, fit, _facts(report), extras, remark)


def _facts(report: WarpReport) -> dict[str, Any]:
    # JSON has no infinity, which is the anisotropy where all triangles are collapsed.
    values = dataclasses.asdict(report).items()
    return {name: None if value is not None and not math.isfinite(value) else value for name, value in values}


def _overlay(mesh: PiecewiseAffine, image: Image, sources: list[Points]) -> NDArray[np.uint8]:
    picture: NDArray[np.uint8] = np.array(image)
    for source in sources:
        draw_mesh(picture, mesh, source, _turned(mesh, source))
    return picture
