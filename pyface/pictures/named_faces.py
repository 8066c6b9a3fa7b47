"""Copies of photos in which faces have a box and a name: what ``pyface identify --overlay`` does."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import __version__, _check
from pyface._typing import Image
from pyface.album.out_folder import SUMMARY, prepare_folder, read_summary, remove_if_empty, write_files
from pyface.analysis.analyzer import FaceAnalyzer
from pyface.errors import require_extra
from pyface.gallery import Gallery, IdentifiedPhoto, identify_photos
from pyface.photos.drawing import draw_lines
from pyface.photos.finding import Skipped
from pyface.photos.names import as_utf8
from pyface.pictures.face_files import FORMATS, encoded, files_of, remove_picture, stem_of, summary_bytes

__all__ = ["draw_names", "needs_font", "overlay_of"]

UNKNOWN = "unknown"
_COMMAND = "identify"
_KNOWN_COLOUR, _UNKNOWN_COLOUR, _INK = (0, 150, 60), (200, 90, 0), (255, 255, 255)  # RGB
_SMALLEST_TEXT, _LARGEST_TEXT = 12, 96  # pixels


def draw_names(
    gallery: Gallery,
    analyzer: FaceAnalyzer,
    photos: Iterable[str | os.PathLike[str]],
    out: str | os.PathLike[str],
    *,
    threshold: float | None = None,
    image_format: str = "png",
    font: str | os.PathLike[str] | None = None,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> tuple[list[IdentifiedPhoto], list[Skipped]]:
    """What :func:`pyface.gallery.identify_photos` does, and a copy of each photo in ``out`` as ``<photo>-names.png``.

    out : made for its owner alone; one that exists must be empty, or of this kind: its pictures are replaced, and those
        that this run does not write are removed, unless no photo can be read.
    image_format : ``"png"`` or ``"jpeg"``. font : a TrueType or OpenType file; None is Pillow's own font, which has the
        letters of ASCII: accents are left out, and what it lacks is a question mark.
    """
    folder = _Folder(out, image_format, font)
    skipped: list[Skipped] = []
    try:
        found, skipped = identify_photos(
            gallery, analyzer, photos, threshold=threshold, draw=folder.draw, out=folder.path, progress=progress
        )
        folder.remove_others()
    finally:
        # After an interruption, too: the next run removes what it does not write again.
        folder.finish(skipped)
    return found, skipped


class _Folder:
    """The folder of the pictures, and the summary in it, which lists them."""

    def __init__(self, out: str | os.PathLike[str], image_format: str, font: str | os.PathLike[str] | None) -> None:
        self._suffix = FORMATS[_check.choice(image_format, "image_format (--format)", tuple(FORMATS))]
        self._font = None if font is None else os.fspath(font)
        _font(self._font, _SMALLEST_TEXT)  # before any work is done for it
        self.path = os.fspath(out)
        self._is_new = prepare_folder(self.path, _COMMAND)
        self._before = files_of(read_summary(self.path))
        self._photos: list[dict[str, Any]] = []
        self._written: list[str] = []
        self._taken: set[str] = set()

    def draw(self, path: str, image: Image, photo: IdentifiedPhoto) -> None:
        name = f"{stem_of(path, self._taken)}-names{self._suffix}"
        data = encoded(overlay_of(image, photo, font=self._font), self._suffix)
        if not self._written:
            self._write_summary(())  # from here on the folder is known as ours, however the run ends
        self._written.append(name)
        write_files(self.path, {name: data})
        self._photos.append({"photo": as_utf8(path), "file": as_utf8(name)})

    def remove_others(self) -> None:
        if self._written:
            for name in set(self._before) - set(self._written):
                remove_picture(self.path, name)
            self._before = []

    def finish(self, skipped: Sequence[Skipped]) -> None:
        if self._written:
            self._write_summary(skipped)
        elif self._is_new:
            remove_if_empty(self.path)

    def _write_summary(self, skipped: Sequence[Skipped]) -> None:
        summary = {
            "generator": "pyface", "version": __version__, "command": _COMMAND,
            "files": sorted({*self._before, *self._written}), "photos": self._photos,
            "skipped": [{"photo": as_utf8(item.photo), "reason": item.reason} for item in skipped],
        }  # fmt: skip
        write_files(self.path, {SUMMARY: summary_bytes(summary)})


def overlay_of(image: Image, photo: IdentifiedPhoto, *, font: str | None = None) -> NDArray[np.uint8]:
    """A copy of the photo, RGB uint8, with a box about each face and its name above, or below if there is no room."""
    picture: NDArray[np.uint8] = np.array(image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2))
    width = max(1, round(max(image.shape[:2]) / 400))
    colours = [_UNKNOWN_COLOUR if name is None else _KNOWN_COLOUR for name in photo.found.names]
    for face, colour in zip(photo.faces, colours, strict=True):
        x1, y1, x2, y2 = face.box
        corners = np.array([(x1, y1), (x2, y1), (x2, y2), (x1, y2)])
        draw_lines(picture, corners[[(0, 1), (1, 2), (2, 3), (3, 0)]], colour, width)
    # Names last, and of these "unknown" first: a face in front may lie over another, and should not hide its name.
    labels = zip(photo.faces, photo.found.names, colours, strict=True)
    for face, name, colour in sorted(labels, key=lambda label: label[1] is not None):
        _write_name(picture, face.box, UNKNOWN if name is None else name, colour, font)
    return picture


def needs_font(name: str) -> bool:
    """Whether Pillow's own font lacks letters of a name, for which question marks are drawn."""
    return _in_ascii(name).count("?") > name.count("?")


def _write_name(
    picture: NDArray[np.uint8], box: NDArray[np.float64], name: str, colour: tuple[int, int, int], font: str | None
) -> None:
    drawing, pil = require_extra("PIL.ImageDraw"), require_extra("PIL.Image")
    height, width = picture.shape[:2]
    size = int(np.clip(round((box[2] - box[0]) / 6), _SMALLEST_TEXT, _LARGEST_TEXT))
    letters, text = _font(font, size), name if font else _in_ascii(name)
    left, top, right, bottom = letters.getbbox(text)
    pad = max(2, size // 5)
    wide, high = round(right - left) + 2 * pad, round(bottom - top) + 2 * pad
    label = pil.new("RGB", (wide, high), colour)
    drawing.Draw(label).text((pad - left, pad - top), text, font=letters, fill=_INK)
    x = int(np.clip(round(box[0]), 0, max(0, width - wide)))
    above, below = round(box[1]) - high, round(box[3])
    y = above if above >= 0 else min(below, max(0, height - high))
    part = np.asarray(label)[: max(0, height - max(y, 0)), : width - x]
    y = max(y, 0)
    picture[y : y + part.shape[0], x : x + part.shape[1]] = part


def _font(font: str | None, size: int) -> Any:
    fonts = require_extra("PIL.ImageFont")
    if font is None:
        return fonts.load_default(size)
    try:
        return fonts.truetype(font, size)
    except OSError as error:
        raise ValueError(f"font (--font): {font} is no TrueType or OpenType file that can be read") from error


def _in_ascii(name: str) -> str:
    """The letters that Pillow's font has, accents left out; others are question marks."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    return plain.encode("ascii", "replace").decode("ascii")
