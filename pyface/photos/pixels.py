"""From a decoded picture of any mode to upright RGB bytes: right, or refused, but never a guess."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pyface.photos.tiff import Kind

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage

__all__ = ["RGB", "is_orientation", "upright"]

RGB = NDArray[np.uint8]

# Pixels that go from Pillow to NumPy at a time: all at once would take their memory twice more.
_STRIP_PIXELS = 1 << 18
# A range is taken for the one meant if a sixteenth of it is used: less would be a picture all but black.
_LEAST_SHARE = 16

_TURNS: dict[int, Callable[[NDArray[Any]], NDArray[Any]]] = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a, 1),
}
_BACK = {6: 8, 8: 6}  # the others undo themselves


def is_orientation(value: object) -> bool:
    """Whether EXIF knows an orientation of this number."""
    return isinstance(value, int) and value in _TURNS


def upright(image: PillowImage, orientation: int = 1, kind: Kind | None = None) -> RGB:
    """(h, w, 3) RGB uint8, turned as its EXIF ``orientation`` says; ``kind`` is that of a TIFF.

    Beside the image it takes the memory of the result. ValueError for values whose range is not known.
    """
    width, height = image.size
    to_bytes = _converter(image, kind)
    pixels = np.empty((width, height, 3) if orientation >= 5 else (height, width, 3), np.uint8)
    stored = _TURNS[_BACK.get(orientation, orientation)](pixels)
    for y, strip in _strips(image):
        rows = to_bytes(strip)
        stored[y : y + len(rows)] = rows
    return pixels


def _strips(image: PillowImage) -> Iterator[tuple[int, PillowImage]]:
    rows = max(1, _STRIP_PIXELS // image.width)
    for y in range(0, image.height, rows):
        yield y, image.crop((0, y, image.width, min(y + rows, image.height)))


def _converter(image: PillowImage, kind: Kind | None) -> Callable[[PillowImage], NDArray[Any]]:
    """What makes (rows, w, 3) or (rows, w, 1) bytes of a strip of this image."""
    mode = image.mode
    if mode == "RGB":
        return np.asarray
    if mode == "L":
        return lambda strip: np.asarray(strip)[:, :, None]
    if mode.startswith("I;16"):
        bits = 16 if kind is None else kind.bits
        turned_over = (1 << bits) - 1 if kind is not None and kind.is_white_zero else 0
        return lambda strip: ((np.asarray(strip)[:, :, None] ^ turned_over) >> (bits - 8)).astype(np.uint8)
    if mode == "I":
        dtype = np.dtype(np.uint32 if kind is not None and kind.is_unsigned else np.int32)
        shift = _shift_of(*_range_of(image, dtype), dtype)
        return lambda strip: (np.asarray(strip).view(dtype)[:, :, None] >> shift).astype(np.uint8)
    if mode == "F":
        scale = _scale_of(*_range_of(image, np.dtype(np.float32)))
        return lambda strip: np.rint(np.clip(np.asarray(strip)[:, :, None] * scale, 0, 255)).astype(np.uint8)
    if mode in ("P", "PA"):  # the direct way warns about palettes with transparency
        return lambda strip: np.asarray(strip.convert("RGBA").convert("RGB"))
    if mode == "La":
        return lambda strip: np.asarray(strip.convert("LA").convert("RGB"))
    return lambda strip: np.asarray(strip.convert("RGB"))


def _range_of(image: PillowImage, dtype: np.dtype[Any]) -> tuple[float, float]:
    """The least and the greatest sample; both NaN if one is."""
    parts = (np.asarray(strip).view(dtype) for _, strip in _strips(image))
    ranges = np.array([(part.min(), part.max()) for part in parts], np.float64)
    return float(ranges[:, 0].min()), float(ranges[:, 1].max())


def _shift_of(low: float, high: float, dtype: np.dtype[Any]) -> int:
    """Bits below the eight that are kept, of whole numbers of 32 bits."""
    if low >= 0 and high <= 0xFFFF and (high == 0 or high * _LEAST_SHARE > 0xFFFF):
        return 8  # 16 bits, in the only type of Pillow's that holds them with a sign
    if dtype == np.uint32 and high * _LEAST_SHARE > 1 << 32:
        return 24
    raise ValueError(f"whole numbers from {low:.0f} to {high:.0f}: which range is black to white is not known")


def _scale_of(low: float, high: float) -> float:
    """What brings floating-point numbers to 0..255: of those of 0..1, 0..255 or 0..65535."""
    if not np.isfinite([low, high]).all():
        raise ValueError("the picture holds NaN or infinite values")
    if low >= 0:
        for white in (1, 255, 65535):
            if high <= white and (white == 1 or high * _LEAST_SHARE >= white):
                return 255 / white
    raise ValueError(f"floating-point numbers from {low:g} to {high:g}: neither 0..1 nor 0..255 nor 0..65535")
