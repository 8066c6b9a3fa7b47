"""Upright crops of the faces of photos, as files: what ``pyface align`` does."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import __version__, _check
from pyface._typing import Image, Points
from pyface.errors import ImageReadError, OutputFolderError, require_extra
from pyface.geometry import align_face, similarity_transform, template_points
from pyface.pipeline.analyzer import FaceAnalyzer
from pyface.pipeline.files import list_files
from pyface.pipeline.out_folder import SUMMARY, prepare_folder, read_summary, write_files
from pyface.pipeline.photos import Skipped, quiet_pillow, read_image
from pyface.types import Face

__all__ = ["FORMATS", "TEMPLATES", "AlignedPhotos", "align_photos", "overlay_of"]

TEMPLATES = ("arcface", "dlib-5")
FORMATS = {"png": ".png", "jpeg": ".jpg"}
JPEG_QUALITY = 95
_LONGEST_STEM = 200  # bytes; file systems allow 255 for a name, and ours are longer than the photo's
_COMMAND = "align"
# Of dlib's 68 points: those that its five-point scheme has, in its order.
_DLIB_5_OF_68 = (45, 42, 36, 39, 33)
_SIDES, _TOP, _POINTS = (0, 200, 0), (255, 150, 0), (0, 220, 255)  # colours of the overlay, RGB


@dataclass(frozen=True, slots=True)
class AlignedPhotos:
    """What was done: photos read, crops written, and files passed over with reasons."""

    n_photos: int
    n_faces: int
    skipped: tuple[Skipped, ...]


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
) -> AlignedPhotos:
    """Write an upright crop of every face of the photos into the folder ``out``, as ``<photo>-<number>.png``.

    analyzer : one with landmarks of the scheme dlib-5 or dlib-68.
    template : ``"arcface"`` or ``"dlib-5"``, the frame of the crops; landmarks are brought into it by their scheme.
    overlay : also write ``<photo>-overlay.png``: the photo with landmarks and crop outlines, the crop's top in orange.

    Faces are numbered from 0, the detector's best first. Photos of one name in several folders become ``name``,
    ``name~2``, ... in the order given. ``summary.json`` lists the files with box, landmarks, scale and rotation; files
    of an earlier run that it listed and this one did not write are removed. Each file is written whole or not at all,
    mode 0600, in a folder of mode 0700; a folder that holds anything else is refused.
    """
    _check.choice(template, "template", TEMPLATES)
    _check.choice(image_format, "image_format", tuple(FORMATS))
    size = _check.integer(size, "size", minimum=16, maximum=4096)
    template_points(template, size)  # refuses a size that does not fit, before any work
    scheme = None if analyzer.chain.landmarks is None else analyzer.chain.landmarks.scheme
    if scheme not in ("dlib-5", "dlib-68"):
        raise ValueError(f"faces are aligned by landmarks of the scheme dlib-5 or dlib-68, got {scheme}")
    folder = os.fspath(out)
    files, skipped = list_files(paths, exclude=folder)
    prepare_folder(folder, _COMMAND)
    before = _files_of(read_summary(folder))
    settings = {
        "size": size, "template": template, "antialias": antialias, "overlay": overlay, "format": image_format,
    }  # fmt: skip
    summary: dict[str, Any] = {
        "generator": "pyface", "version": __version__, "command": _COMMAND, "settings": settings,
        "models": analyzer.chain.digests(), "files": before, "photos": [], "skipped": [],
    }  # fmt: skip
    # First of all: from here on the folder is known as ours, however the run ends.
    write_files(folder, {SUMMARY: _json(summary)})
    written: list[str] = []
    taken: set[str] = set()
    try:
        for done, path in enumerate(files):
            progress("photos", done, len(files))
            try:
                with quiet_pillow():
                    image = read_image(path)
            except ImageReadError as error:
                skipped.append(Skipped(path, error.reason))
                continue
            faces, n_points = _with_spread(analyzer.analyze(image))
            if n_points:
                skipped.append(Skipped(path, f"{n_points} of its faces have all landmarks on one point"))
            stem = _stem(path, taken)
            made, entry = _crops(image, faces, stem, size, template, antialias, FORMATS[image_format])
            if overlay:
                picture = overlay_of(image, faces, size, template)
                made[f"{stem}-overlay{FORMATS[image_format]}"] = _encoded(picture, FORMATS[image_format])
            written += made
            write_files(folder, made)
            height, width = image.shape[:2]
            summary["photos"].append({"photo": _as_utf8(path), "width": width, "height": height, "faces": entry})
        progress("photos", len(files), len(files))
        for name in set(before) - set(written):
            _remove(folder, name)
        before = []
    finally:
        # After an interruption, too: the next run removes what it does not write again.
        summary["files"] = sorted({*before, *written})
        summary["skipped"] = [{"photo": _as_utf8(item.photo), "reason": item.reason} for item in skipped]
        write_files(folder, {SUMMARY: _json(summary)})
    n_faces = sum(len(photo["faces"]) for photo in summary["photos"])
    return AlignedPhotos(len(summary["photos"]), n_faces, tuple(skipped))


def overlay_of(image: Image, faces: list[Face], size: int, template: str) -> NDArray[np.uint8]:
    """A copy of the photo with the landmarks of its faces and the outlines of their crops."""
    cv2 = require_extra("cv2")
    picture: NDArray[np.uint8] = np.array(image)
    if not faces:
        return picture
    width = max(1, round(max(image.shape[:2]) / 400))
    shift = 4  # OpenCV draws at 1/16 pixel

    def place(points: Points) -> NDArray[np.int32]:
        # OpenCV's own limit; what lies beyond is not in the picture.
        placed: NDArray[np.int32] = np.rint(np.clip(points, -30_000, 30_000) * 2**shift).astype(np.int32)
        return placed

    points, name = _points_for(faces, template)
    lower, upper = -0.5, size - 0.5
    square = np.array([(lower, lower), (upper, lower), (upper, upper), (lower, upper)])
    corners = similarity_transform(points, template_points(name, size)).inverse().apply(square)
    for face, outline in zip(faces, corners, strict=True):
        assert face.landmarks is not None
        for a, b, colour in ((1, 2, _SIDES), (2, 3, _SIDES), (3, 0, _SIDES), (0, 1, _TOP)):
            begin, end = place(outline[[a, b]]).tolist()
            cv2.line(picture, begin, end, colour, width, cv2.LINE_AA, shift)
        for centre in place(face.landmarks).tolist():
            cv2.circle(picture, centre, (width + 1) * 2**shift, _POINTS, -1, cv2.LINE_AA, shift)
    return picture


def _points_for(faces: list[Face], template: str) -> tuple[Points, str]:
    """Landmarks (f, 5, 2) of faces, and the template that fits them in the frame named."""
    points = np.stack([face.landmarks for face in faces if face.landmarks is not None])
    if faces[0].scheme == "dlib-5":
        return points, "arcface-dlib-5" if template == "arcface" else "dlib-5"
    if template == "dlib-5":
        return points[:, _DLIB_5_OF_68], "dlib-5"
    eyes = [points[:, begin : begin + 6].mean(axis=1) for begin in (36, 42)]
    return np.stack([*eyes, points[:, 30], points[:, 48], points[:, 54]], axis=1), "arcface"


def _with_spread(faces: list[Face]) -> tuple[list[Face], int]:
    """The faces that can be aligned, and how many cannot: their landmarks are one point."""
    good = [face for face in faces if face.landmarks is not None and np.ptp(face.landmarks, axis=0).any()]
    return good, len(faces) - len(good)


def _crops(
    image: Image, faces: list[Face], stem: str, size: int, template: str, antialias: bool, suffix: str
) -> tuple[dict[str, bytes], list[dict[str, Any]]]:
    if not faces:
        return {}, []
    points, name = _points_for(faces, template)
    fit = similarity_transform(points, template_points(name, size))
    files, entry = {}, []
    for i, face in enumerate(faces):
        assert face.landmarks is not None
        file = f"{stem}-{i}{suffix}"
        files[file] = _encoded(align_face(image, points[i], size, template=name, antialias=antialias), suffix)
        entry.append(
            {
                "file": _as_utf8(file),
                "box": np.round(face.box, 2).tolist(),
                "score": round(face.score, 4),
                "scheme": face.scheme,
                "landmarks": np.round(face.landmarks, 2).tolist(),
                "matrix": fit.matrix[i].tolist(),
                "scale": float(fit.scale[i]),
                "rotation": float(fit.rotation[i]),
                "residual": float(fit.residual[i]),
            }
        )
    return files, entry


def _encoded(picture: NDArray[Any], suffix: str) -> bytes:
    cv2 = require_extra("cv2")
    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY] if suffix == ".jpg" else []
    try:
        _, data = cv2.imencode(suffix, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), options)
    except cv2.error as error:
        sides = f"{picture.shape[1]} x {picture.shape[0]}"
        raise ValueError(f"a picture of {sides} cannot be written as {suffix}; try --format png") from error
    return bytes(data)


def _stem(path: str, taken: set[str]) -> str:
    """The photo's name without its suffix, shortened, and numbered if another photo has it."""
    name = os.path.splitext(os.path.basename(path))[0]
    name = os.fsdecode(os.fsencode(name)[:_LONGEST_STEM]) or "photo"
    stem, number = name, 1
    # Some file systems know no capitals.
    while stem.casefold() in taken:
        number += 1
        stem = f"{name}~{number}"
    taken.add(stem.casefold())
    return stem


def _files_of(summary: dict[str, Any]) -> list[str]:
    """The names that an earlier run wrote."""
    files = summary.get("files")
    names = [name for name in files if isinstance(name, str)] if isinstance(files, list) else []
    return [os.fsdecode(name.encode("utf-8", "surrogateescape")) for name in names]


def _remove(folder: str, name: str) -> None:
    """Remove a file that an earlier run wrote; a name that leads elsewhere is left alone."""
    if name == os.path.basename(name) and not name.startswith(".") and name.endswith(tuple(FORMATS.values())):
        try:
            os.remove(os.path.join(folder, name))
        except FileNotFoundError:
            pass
        except OSError as error:
            raise OutputFolderError(f"{folder}: {name} cannot be removed ({error.strerror or error})") from error


def _as_utf8(name: str) -> str:
    return os.fsencode(name).decode("utf-8", "surrogateescape")


def _json(summary: dict[str, Any]) -> bytes:
    named = {**summary, "files": [_as_utf8(name) for name in summary["files"]]}
    return json.dumps(named, indent=1, ensure_ascii=True).encode("ascii") + b"\n"
