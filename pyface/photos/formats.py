"""What a file is, told by its content: names lie, and a reader that guesses by itself may run what it should show."""

from __future__ import annotations

import contextlib
import io
from functools import cache
from typing import TYPE_CHECKING, Any, BinaryIO

from pyface.errors import MissingExtraError, one_line, require_extra
from pyface.photos import tiff

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

# Each format by the one class of Pillow's that reads it. Pillow's own choice tries PostScript, which it hands to
# Ghostscript, and forty others; and it knows no limit but its own, whatever memory there is.
_READERS = {
    "JPEG": ("PIL.JpegImagePlugin", "JpegImageFile"),
    "PNG": ("PIL.PngImagePlugin", "PngImageFile"),
    "WEBP": ("PIL.WebPImagePlugin", "WebPImageFile"),
    "BMP": ("PIL.BmpImagePlugin", "BmpImageFile"),
    "TIFF": ("PIL.TiffImagePlugin", "TiffImageFile"),
    "GIF": ("PIL.GifImagePlugin", "GifImageFile"),
    "JPEG2000": ("PIL.Jpeg2KImagePlugin", "Jpeg2KImageFile"),
    "AVIF": ("PIL.AvifImagePlugin", "AvifImageFile"),
    "HEIF": ("pillow_heif", "HeifImageFile"),
}
# Pillow may be built without these: what it calls the part, and what to do.
_OPTIONAL = {
    "WEBP": ("webp", "WebP needs a Pillow that is built with it"),
    "JPEG2000": ("jpg_2000", "JPEG 2000 needs a Pillow that is built with it"),
    "AVIF": ("avif", "AVIF needs Pillow 11.3 or later"),
}

_JPEG_XL = "a JPEG XL picture, which is not read; convert it to JPEG or PNG"
_POSTSCRIPT = "PostScript, which is a program and no photo"
_BEGINNINGS: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG2000"),
    (b"\xff\x4f\xff\x51", "JPEG2000"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
)
_OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"\xff\x0a", _JPEG_XL),
    (b"\0\0\0\x0cJXL \r\n\x87\n", _JPEG_XL),
    (b"FUJIFILMCCD-RAW", tiff.RAW.format("Fujifilm RAF")),
    (b"IIRO", tiff.RAW.format("Olympus ORF")),
    (b"IIRS", tiff.RAW.format("Olympus ORF")),
    (b"MMOR", tiff.RAW.format("Olympus ORF")),
    (b"IIU\0", tiff.RAW.format("Panasonic RW2")),
    (b"II\x1a\0\0\0HEAPCCDR", tiff.RAW.format("Canon CRW")),
    (b"FOVb", tiff.RAW.format("Sigma X3F")),
    (b"\0MRM", tiff.RAW.format("Minolta MRW")),
    (b"%!PS", _POSTSCRIPT),
    (b"\xc5\xd0\xd3\xc6", _POSTSCRIPT),
    (b"%PDF-", "a PDF document, not a photo"),
    (b"8BPS", "a Photoshop document, which is not read; save it as JPEG or PNG"),
    (b"\x1aE\xdf\xa3", "a video, which is not read"),
)
_HEIF_BRANDS = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"))
_AVIF_BRANDS = frozenset((b"avif", b"avis"))
_BMP_HEADERS = (12, 16, 40, 52, 56, 64, 108, 124)


def format_of(file: BinaryIO) -> str:
    """The format of a file that can be sought in, by its first bytes; of a TIFF also by its directory.

    Raises ValueError that says what else it is, and what to do.
    """
    file.seek(0)
    head = file.read(512)
    if not head:
        raise ValueError("the file is empty")
    found = next((name for beginning, name in _BEGINNINGS if head.startswith(beginning)), None)
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        found = "WEBP"
    elif head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        found = "BMP"
    elif head[4:8] == b"ftyp":
        found = _boxed_format(head)
    elif found == "TIFF":
        tiff.refuse_raw(file)
    if found is None:
        reason = next((what for beginning, what in _OTHERS if head.startswith(beginning)), None)
        if reason is None and head.lstrip(b"\xef\xbb\xbf \t\r\n")[:5].lower() in (b"<!doc", b"<html"):
            reason = "a web page, not a photo"
        raise ValueError(reason or "not an image in a format that can be read")
    return found


def _boxed_format(head: bytes) -> str:
    """Of a file made of boxes, by the brands that its first box names: the major one, then the compatible ones."""
    end = max(16, int.from_bytes(head[:4], "big"))
    brands = [head[8:12], *(head[i : i + 4] for i in range(16, min(end, len(head)), 4))]
    if brands[0] == b"crx ":
        raise ValueError(tiff.RAW.format("Canon CR3"))
    if brands[0] == b"jxl ":
        raise ValueError(_JPEG_XL)
    for brand in brands:
        if brand in _AVIF_BRANDS:
            return "AVIF"
        if brand in _HEIF_BRANDS:
            return "HEIF"
    if brands[0] in (b"mif1", b"msf1", b"mif2"):  # of the family, without a word on what it holds
        return "HEIF"
    raise ValueError("a video, which is not read")


def opened(format_: str, data: bytes) -> ImageFile:
    """The picture with its header read and no pixel decoded.

    Raises MissingExtraError for Pillow itself, ValueError for a part of it that is missing, and for a broken file
    whatever that class of Pillow's raises.
    """
    require_extra("PIL.Image")
    if format_ in _OPTIONAL:
        part, needs = _OPTIONAL[format_]
        if not _has(part):
            raise ValueError(f"{needs}: pip install --upgrade pillow")
    module, name = _READERS[format_]
    try:
        # Made directly, not by registering it for all of the program that pyface runs in.
        reader = getattr(require_extra(module), name)
    except MissingExtraError:
        if format_ != "HEIF":
            raise
        raise ValueError("HEIC needs: pip install 'pyface-toolkit[heic]'") from None
    image: ImageFile = reader(io.BytesIO(data), "")
    return image


def reason_of(error: Exception) -> str:
    """Why a picture could not be decoded, in one line."""
    if isinstance(error, require_extra("PIL.Image").DecompressionBombError):
        return "more pixels than Pillow decodes in this format (PIL.Image.MAX_IMAGE_PIXELS); save it as JPEG"
    return one_line(error)


@cache
def _has(part: str) -> bool:
    features: Any = require_extra("PIL.features")
    with contextlib.suppress(ValueError):  # the name of a part that this Pillow is too old to know
        return bool(features.check_codec(part) if part == "jpg_2000" else features.check_module(part))
    return False
