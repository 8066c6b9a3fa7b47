"""Pictures of the faces of photos, as files in a folder: what ``pyface align``, ``warp`` and ``frontalize`` share."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import __version__, _check, _memory
from pyface._typing import Image
from pyface.album.out_folder import SUMMARY, prepare_folder, read_summary, remove_if_empty, write_files
from pyface.analysis.analyzer import FaceAnalyzer
from pyface.analysis.files import list_files, read_photo
from pyface.errors import ImageReadError, OutputFolderError, counted, require_extra
from pyface.geometry import Similarity
from pyface.photos.finding import Skipped
from pyface.photos.names import as_utf8, shortened
from pyface.types import Face

__all__ = [
    "FORMATS", "LARGEST", "SMALLEST", "FaceFiles", "FacePicture", "PhotoPictures", "check_size", "edges_of", "encoded",
    "files_of", "remove_picture", "stem_of", "summary_bytes", "write_faces",
]  # fmt: skip

logger = logging.getLogger(__name__)

FORMATS = {"png": ".png", "jpeg": ".jpg"}
SMALLEST, LARGEST = 16, 4096  # pixels a side of a face's picture
_LONGEST_SIDES = {".png": 1_000_000, ".jpg": 65_500}  # pixels, of the libraries in OpenCV
JPEG_QUALITY = 95
_LONGEST_STEM = 200  # bytes; file systems allow 255 for a name, and ours are longer than the photo's


@dataclass(frozen=True, slots=True)
class FaceFiles:
    """What was done: photos read, faces written, and files passed over with reasons."""

    n_photos: int
    n_faces: int
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True, slots=True, eq=False)
class FacePicture:
    """What is to be written of a face: ``<photo>-<number>.png``, and ``<photo>-<number>-<key>.png`` for each extra.

    picture : None where there is none of this face; ``facts`` say why.
    fit : from the photo to the picture.
    facts : what else ``summary.json`` says of the face.
    remark : what the user should know of this face; logged as a warning.
    """

    picture: Image | None
    fit: Similarity
    facts: dict[str, Any] = field(default_factory=dict)
    extras: dict[str, Image] = field(default_factory=dict)
    remark: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class PhotoPictures:
    """The pictures of a photo: one of each face, in the order given, and ``<photo>-<key>.png`` for each extra."""

    faces: list[FacePicture]
    extras: dict[str, Image] = field(default_factory=dict)


def check_size(size: Any) -> int:
    """The side of a face's picture in pixels, from 16 to 4096."""
    return _check.integer(size, "size", minimum=SMALLEST, maximum=LARGEST)


def edges_of(triangles: NDArray[np.int32]) -> NDArray[np.int32]:
    """(e, 2): pairs of points, each edge once."""
    pairs = triangles[:, [(0, 1), (1, 2), (2, 0)]].reshape(-1, 2)
    edges: NDArray[np.int32] = np.unique(np.sort(pairs, axis=1), axis=0)
    return edges


def write_faces(
    analyzer: FaceAnalyzer,
    paths: Iterable[Path],
    out: Path,
    draw: Callable[[Image, list[Face]], PhotoPictures],
    *,
    command: str,
    settings: dict[str, Any],
    image_format: str,
    longest_side: int | None = None,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> FaceFiles:
    """Find the faces of the photos, and write what ``draw`` makes of a photo and its faces into the folder ``out``.

    draw : called with the photo and those of its faces whose landmarks are not all one point, the others being named
        among the skipped.
    command : the name that ``summary.json`` carries; the folder of another one is refused.
    longest_side : pixels a side beyond which ``draw`` cannot take a photo; it is passed over, as is one for which there
        is not enough memory.

    Faces are numbered from 0, the detector's best first. Photos of one name in several folders become ``name``,
    ``name~2``, ... in the order given. ``summary.json`` lists the files with box, landmarks and what is known of the
    picture; files of an earlier run that it listed and this one did not write are removed. If no photo can be read, the
    folder stays as it was. Each file is written whole
    or not at all, mode 0600, in a folder of mode 0700; a folder that holds anything else is refused.
    """
    suffix = FORMATS[_check.choice(image_format, "image_format (--format)", tuple(FORMATS))]
    folder = os.fspath(out)
    files, skipped = list_files(paths, out=folder)
    is_new = prepare_folder(folder, command)
    before = files_of(read_summary(folder))
    summary: dict[str, Any] = {
        "generator": "pyface", "version": __version__, "command": command,
        "settings": {**settings, "format": image_format}, "models": analyzer.chain.digests(), "files": before,
        "photos": [], "skipped": [],
    }  # fmt: skip
    written: list[str] = []
    taken: set[str] = set()
    has_begun = False
    try:
        for done, path in enumerate(files):
            progress("photos", done, len(files))
            try:
                image = read_photo(path)
                if longest_side is not None and max(image.shape) > longest_side:
                    raise ImageReadError(path, f"more than {longest_side:,} pixels a side")
                faces, n_points = _with_spread(analyzer.analyze(image))
                with _memory.told("to draw its faces", "a smaller size (--size), or a smaller copy of it, needs less"):
                    pictures = draw(image, faces)
                    stem = stem_of(path, taken)
                    made, entries = _files_of_photo(stem, suffix, faces, pictures)
            except ImageReadError as error:
                skipped.append(Skipped(path, error.reason))
                continue
            except MemoryError as error:
                skipped.append(Skipped(path, _memory.reason(error)))
                continue
            if not has_begun:
                # With the first photo that could be read, and before its files: from here on the folder is known as
                # ours, however the run ends.
                write_files(folder, {SUMMARY: summary_bytes(summary)})
                has_begun = True
            if n_points:
                skipped.append(
                    Skipped(path, f"{counted(n_points, 'face has', 'faces have')} all landmarks on one point")
                )
            for i, drawn in enumerate(pictures.faces):
                if drawn.remark:
                    logger.warning("%s, face %d: %s", path, i, drawn.remark)
            written += made
            write_files(folder, made)
            height, width = image.shape[:2]
            summary["photos"].append({"photo": as_utf8(path), "width": width, "height": height, "faces": entries})
        progress("photos", len(files), len(files))
        if has_begun:
            for name in set(before) - set(written):
                remove_picture(folder, name)
            before = []
    finally:
        # After an interruption, too: the next run removes what it does not write again.
        if has_begun:
            summary["files"] = sorted({*before, *written})
            summary["skipped"] = [{"photo": as_utf8(item.photo), "reason": item.reason} for item in skipped]
            write_files(folder, {SUMMARY: summary_bytes(summary)})
        elif is_new:
            remove_if_empty(folder)
    n_faces = sum(face["file"] is not None for photo in summary["photos"] for face in photo["faces"])
    return FaceFiles(len(summary["photos"]), n_faces, tuple(skipped))


def _files_of_photo(
    stem: str, suffix: str, faces: list[Face], pictures: PhotoPictures
) -> tuple[dict[str, bytes], list[dict[str, Any]]]:
    """The files of a photo, name -> content, and what ``summary.json`` says of its faces."""
    made = {f"{stem}-{key}{suffix}": encoded(extra, suffix) for key, extra in pictures.extras.items()}
    entries = []
    for i, (face, drawn) in enumerate(zip(faces, pictures.faces, strict=True)):
        name = f"{stem}-{i}{suffix}"
        if drawn.picture is not None:
            made[name] = encoded(drawn.picture, suffix)
        for key, extra in drawn.extras.items():
            made[f"{stem}-{i}-{key}{suffix}"] = encoded(extra, suffix)
        entries.append({"file": None if drawn.picture is None else as_utf8(name), **_facts_of(face, drawn)})
    return made, entries


def _with_spread(faces: list[Face]) -> tuple[list[Face], int]:
    """The faces that can be brought anywhere, and how many cannot: their landmarks are one point."""
    good = [face for face in faces if face.landmarks is not None and np.ptp(face.landmarks, axis=0).any()]
    return good, len(faces) - len(good)


def _facts_of(face: Face, drawn: FacePicture) -> dict[str, Any]:
    assert face.landmarks is not None
    return {
        "box": np.round(face.box, 2).tolist(),
        "score": round(face.score, 4),
        "scheme": face.scheme,
        "landmarks": np.round(face.landmarks, 2).tolist(),
        "matrix": drawn.fit.matrix.tolist(),
        "scale": drawn.fit.scale,
        "rotation": drawn.fit.rotation,
        "residual": drawn.fit.residual,
        **drawn.facts,
    }


def encoded(picture: Image, suffix: str) -> bytes:
    """The bytes of a file, ``.png`` or ``.jpg``."""
    cv2 = require_extra("cv2")
    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY] if suffix == ".jpg" else []
    reason = None
    try:
        is_done, data = cv2.imencode(suffix, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), options)
    except cv2.error as error:
        if _memory.ran_out(error):
            raise
        is_done, reason = False, error
    if not is_done:  # OpenCV 5 says so without raising, and does not say why
        if max(picture.shape) <= _LONGEST_SIDES[suffix]:
            raise MemoryError
        sides = f"{picture.shape[1]} x {picture.shape[0]}"
        raise ValueError(
            f"a picture of {sides} cannot be written as {suffix}; try png as image_format (--format)"
        ) from reason
    return bytes(data)


def stem_of(path: str, taken: set[str]) -> str:
    """The photo's name without its suffix, shortened, and numbered if another photo has it."""
    name = os.path.splitext(os.path.basename(path))[0]
    name = shortened(name, _LONGEST_STEM) or "photo"
    stem, number = name, 1
    # Some file systems know no capitals.
    while stem.casefold() in taken:
        number += 1
        stem = f"{name}~{number}"
    taken.add(stem.casefold())
    return stem


def files_of(summary: dict[str, Any]) -> list[str]:
    """The names that an earlier run wrote."""
    files = summary.get("files")
    names = [name for name in files if isinstance(name, str)] if isinstance(files, list) else []
    return [os.fsdecode(name.encode("utf-8", "surrogateescape")) for name in names]


def remove_picture(folder: str, name: str) -> None:
    """Remove a file that an earlier run wrote; a name that leads elsewhere is left alone."""
    if name == os.path.basename(name) and not name.startswith(".") and name.endswith(tuple(FORMATS.values())):
        try:
            os.remove(os.path.join(folder, name))
        except FileNotFoundError:
            pass
        except OSError as error:
            raise OutputFolderError(f"{folder}: {name} cannot be removed ({error.strerror or error})") from error


def summary_bytes(summary: dict[str, Any]) -> bytes:
    """``summary.json``, whose ``files`` are names of files."""
    named = {**summary, "files": [as_utf8(name) for name in summary["files"]]}
    return json.dumps(named, indent=1, ensure_ascii=True).encode("ascii") + b"\n"
