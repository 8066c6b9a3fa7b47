"""TIFF: which of its many kinds are read, as what, and which are RAW photos of cameras."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

RAW = "a RAW photo ({}), which is not read; develop it to JPEG or TIFF first"

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER = 256, 257, 258, 259, 262, 266
_STRIPS, _ORIENTATION, _CHANNELS, _STRIP_ROWS, _PLANAR, _PALETTE = 273, 274, 277, 278, 284, 320
_TILE_WIDTH, _TILE_HEIGHT, _TILES, _SUB_DIRECTORIES, _INKS, _EXTRA, _SAMPLE_FORMAT = 322, 323, 324, 330, 332, 338, 339
_SUBSAMPLING, _DNG_VERSION, _SUBFILE_TYPE = 530, 50706, 254
_NEXT = -1  # no tag: where the next directory begins, 0 if there is none
_RELEVANT = frozenset(
    (
        _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER, _STRIPS, _ORIENTATION, _CHANNELS, _STRIP_ROWS,
        _PLANAR, _PALETTE, _TILE_WIDTH, _TILE_HEIGHT, _TILES, _SUB_DIRECTORIES, _INKS, _EXTRA, _SAMPLE_FORMAT,
        _SUBSAMPLING, _DNG_VERSION, _SUBFILE_TYPE,
    )
)  # fmt: skip
_TYPES = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
# More values than a picture of any size has strips or tiles, and a palette colours: a broken directory.
_MOST_PLACES, _MOST_VALUES = 1 << 22, 1 << 18

_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTED, _CMYK, _YCBCR = 0, 1, 2, 3, 5, 6
_MOSAIC = (32803, 34892)  # CFA, LinearRaw: what a sensor saw
_COLOURS = {
    _WHITE_IS_ZERO: "grey", _BLACK_IS_ZERO: "grey", _RGB: "RGB", _PALETTED: "a palette", _CMYK: "CMYK",
    _YCBCR: "YCbCr", 8: "Lab", 9: "Lab", 10: "Lab",
}  # fmt: skip
_PREMULTIPLIED = 1  # what ExtraSamples says of colours that were multiplied by their alpha
_UNSIGNED, _SIGNED, _FLOAT = 1, 2, 3
_NUMBERS = {_UNSIGNED: "whole numbers", _SIGNED: "signed whole numbers", _FLOAT: "floating-point numbers"}

_Tags = dict[int, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Kind:
    """How the samples that Pillow gives of a TIFF are to be taken."""

    bits: int
    is_unsigned: bool
    is_white_zero: bool
    """Grey of more than 8 bits whose zero is white. Pillow turns over those of up to 8 bits itself."""
    palette: bytes | None
    """R G B of each colour, where it is given in bytes though the format wants 16 bits."""
    is_apart: bool
    """Channels of 16 bits, each by itself and uncompressed, which Pillow takes for bytes."""
    refusal: str
    """What it is, for the case that Pillow does not open it."""


def refuse_raw(file: BinaryIO) -> None:
    """ValueError if the TIFF is a camera's RAW: what comes first in it is a small picture, or a mosaic of colours."""
    try:
        _, directories = _directories(file)
    except (struct.error, ValueError, IndexError, OverflowError):
        return  # broken: Pillow says how
    file.seek(8)
    behind_header = file.read(4)
    if behind_header[:2] == b"CR":
        raise ValueError(RAW.format("Canon CR2"))
    if behind_header in (b"IIII", b"MMMM"):
        raise ValueError(RAW.format("Phase One IIQ"))
    if _DNG_VERSION in directories[0]:
        raise ValueError(RAW.format("DNG"))
    if any(tags.get(_PHOTOMETRIC, (None,))[0] in _MOSAIC for tags in directories):
        raise ValueError(RAW.format("of a camera, made like a TIFF"))
    first = directories[0]
    if _first(first, _SUBFILE_TYPE, 0) & 1 and (len(directories) > 1 or _first(first, _NEXT, 0)):
        raise ValueError("a TIFF that begins with a preview, as RAW photos do; save or develop it as JPEG")


def kind_of(file: BinaryIO) -> Kind:
    """The kind of the first picture of a TIFF. Raises ValueError if it is not read, with what it is.

    Taken is what was compared with other readers, sample by sample. Pillow opens more, and gets some of it wrong.
    """
    try:
        order, directories = _directories(file)
    except (struct.error, ValueError, IndexError, OverflowError):
        raise ValueError("a TIFF whose directory is damaged, or missing as in a file that is truncated") from None
    tags = directories[0]
    photometric = _first(tags, _PHOTOMETRIC, _WHITE_IS_ZERO)
    bits, number = _first(tags, _BITS, 1), _first(tags, _SAMPLE_FORMAT, _UNSIGNED)
    colours = _COLOURS.get(photometric, f"colours of kind {photometric}")
    numbers = _NUMBERS.get(number, "numbers of another kind")
    refusal = f"a TIFF of {colours} in {bits}-bit {numbers} in a layout that is not read; save it as RGB of 8 bits"
    if not _is_read(tags, order, photometric, bits, number):
        raise ValueError(refusal)
    values = tags.get(_PALETTE, ())
    return Kind(
        bits=bits,
        is_unsigned=number == _UNSIGNED,
        is_white_zero=photometric == _WHITE_IS_ZERO and bits > 8,
        palette=bytes(np.array(values).reshape(3, -1).T.ravel().tolist()) if 0 < max(values, default=0) < 256 else None,
        is_apart=photometric == _RGB and bits == 16 and _is_planar(tags) and not _is_compressed(tags),
        refusal=refusal,
    )


def _is_read(tags: _Tags, order: str, photometric: int, bits: int, number: int) -> bool:
    extra = tags.get(_EXTRA, ())
    if len(set(tags.get(_BITS, ()))) > 1 or (_first(tags, _FILL_ORDER, 1) != 1 and bits > 8):
        return False
    if photometric == _BLACK_IS_ZERO and (number, bits) in ((_SIGNED, 32), (_FLOAT, 32)):
        # Pillow turns the bytes of compressed samples round once more than needed.
        return order == "<" or not _is_compressed(tags)
    if number != _UNSIGNED:
        return False
    if photometric in (_WHITE_IS_ZERO, _BLACK_IS_ZERO):
        is_wide = photometric == _BLACK_IS_ZERO and bits == 32
        return (bits in (1, 2, 4, 8, 12, 16) or is_wide) and not (_is_planar(tags) and extra)
    if photometric == _RGB:
        return bits in (8, 16) and not (_is_planar(tags) and _PREMULTIPLIED in extra)
    if photometric == _PALETTED:
        return bits in (1, 2, 4, 8) and not (_is_planar(tags) and extra)
    if photometric == _CMYK:
        return (bits == 8 or (bits == 16 and not _is_planar(tags))) and _first(tags, _INKS, 1) == 1
    if photometric == _YCBCR:
        is_full = tags.get(_SUBSAMPLING, (2, 2)) == (1, 1)
        return bits == 8 and not _is_planar(tags) and (is_full or _is_compressed(tags))
    return False


def _is_planar(tags: _Tags) -> bool:
    return _first(tags, _PLANAR, 1) == 2 and _first(tags, _CHANNELS, 1) > 1


def _is_compressed(tags: _Tags) -> bool:
    return _first(tags, _COMPRESSION, 1) != 1


def planes(file: BinaryIO) -> tuple[NDArray[np.uint8], int]:
    """(h, w, 3) of a TIFF that is ``is_apart``, cut to 8 bits, and its EXIF orientation. ValueError if cut short."""
    order, directories = _directories(file)
    tags = directories[0]
    width, height = _first(tags, _WIDTH, 0), _first(tags, _HEIGHT, 0)
    if _TILES in tags:
        offsets, across, down = tags[_TILES], _first(tags, _TILE_WIDTH, width), _first(tags, _TILE_HEIGHT, height)
    else:
        offsets, across, down = tags[_STRIPS], width, min(height, _first(tags, _STRIP_ROWS, height))
    places = [(y, x, channel) for channel in range(3) for y in range(0, height, down) for x in range(0, width, across)]
    samples = np.empty((height, width, 3), np.uint8)
    for i, (y, x, channel) in enumerate(places):
        # The last strip of a channel may be shorter than the others; a tile is always whole.
        rows = down if _TILES in tags else min(down, height - y)
        file.seek(offsets[i])
        data = file.read(2 * rows * across)
        if len(data) < 2 * rows * across:
            raise ValueError("image file is truncated")
        block = np.frombuffer(data, f"{order}u2").reshape(rows, across)[: height - y, : width - x]
        samples[y : y + rows, x : x + across, channel] = block >> 8
    return samples, _first(tags, _ORIENTATION, 1)


def _first(tags: _Tags, tag: int, default: int) -> int:
    return tags.get(tag, (default,))[0]


def _directories(file: BinaryIO) -> tuple[str, list[_Tags]]:
    """The byte order, and the first directory with those that it points to as parts of the same picture."""
    file.seek(0)
    head = file.read(16)
    order = "<" if head[:2] == b"II" else ">"
    is_big = head[2:4] in (b"+\0", b"\0+")
    (offset,) = struct.unpack_from(f"{order}Q", head, 8) if is_big else struct.unpack_from(f"{order}I", head, 4)
    first = _tags(file, offset, order, is_big)
    return order, [first, *(_tags(file, part, order, is_big) for part in first.get(_SUB_DIRECTORIES, ())[:8])]


def _tags(file: BinaryIO, offset: int, order: str, is_big: bool) -> _Tags:
    count, entry, word = ("Q", "HHQ8s", "Q") if is_big else ("H", "HHI4s", "I")
    file.seek(offset)
    (n_tags,) = struct.unpack(order + count, file.read(struct.calcsize(order + count)))
    size = struct.calcsize(order + entry)
    entries = file.read(size * min(n_tags, 4096))
    if len(entries) < size * n_tags:
        raise ValueError("the file ends in the directory, or it has more entries than there are tags")
    tags: _Tags = {}
    for tag, type_, n_values, place in struct.iter_unpack(order + entry, entries):
        most = _MOST_PLACES if tag in (_STRIPS, _TILES) else _MOST_VALUES
        if tag not in _RELEVANT or type_ not in _TYPES or not 0 < n_values <= most:
            continue
        code = f"{order}{n_values}{_TYPES[type_]}"
        length = struct.calcsize(code)
        if length > len(place):
            file.seek(struct.unpack(order + word, place)[0])
            place = file.read(length)  # noqa: PLW2901
        values: tuple[Any, ...] = struct.unpack(code, place[:length])
        tags[tag] = values
    file.seek(offset + struct.calcsize(order + count) + size * n_tags)
    following = file.read(struct.calcsize(order + word))
    tags[_NEXT] = struct.unpack(order + word, following) if following else (0,)
    return tags
