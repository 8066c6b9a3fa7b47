"""A writer of TIFF files of any kind, for tests: others write few kinds, and the readers are what is tested."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

NONE, LZW, DEFLATE, PACKBITS = 1, 5, 8, 32773
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, YCBCR, LAB, CFA = 0, 1, 2, 3, 5, 6, 8, 32803

_TYPES = {"B": 1, "H": 3, "I": 4, "Q": 16}


def tiff_bytes(
    samples: NDArray[Any],
    photometric: int,
    *,
    bits: int | None = None,
    order: str = "<",
    compression: int = NONE,
    planar: bool = False,
    tile: int | None = None,
    rows: int | None = None,
    extra: tuple[int, ...] = (),
    palette: NDArray[np.uint16] | None = None,
    big: bool = False,
    more: dict[int, tuple[str, list[int]]] | None = None,
) -> bytes:
    """A TIFF of the samples (h, w) or (h, w, c), stored in their own type or in ``bits`` each.

    order : ``"<"`` or ``">"``. planar : each channel by itself. tile : side of square tiles. rows : rows of a strip.
    extra : what ExtraSamples says of the channels beyond those of the colour. more : tag -> (type, values).
    """
    values = samples if samples.ndim == 3 else samples[:, :, None]
    height, width, channels = values.shape
    n_bits = bits or 8 * values.dtype.itemsize
    parts = [values[:, :, i : i + 1] for i in range(channels)] if planar else [values]
    if tile is None:
        step = rows or height
        blocks = [part[y : y + step] for part in parts for y in range(0, height, step)]
    else:
        blocks = [_padded(part[y : y + tile, x : x + tile], tile)
                  for part in parts for y in range(0, height, tile) for x in range(0, width, tile)]  # fmt: skip
    data = [_compressed(_packed(block, n_bits, order), compression) for block in blocks]

    kind = {"u": 1, "i": 2, "f": 3}[values.dtype.kind]
    where = "Q" if big else "I"
    tags: dict[int, tuple[str, list[int]]] = {
        256: ("I", [width]), 257: ("I", [height]), 258: ("H", [n_bits] * channels), 259: ("H", [compression]),
        262: ("H", [photometric]), 277: ("H", [channels]), 284: ("H", [2 if planar else 1]),
        339: ("H", [kind] * channels),
    }  # fmt: skip
    if extra:
        tags[338] = ("H", list(extra))
    if palette is not None:
        tags[320] = ("H", palette.T.ravel().tolist())
    offsets, counts = (273, 279) if tile is None else (324, 325)
    if tile is None:
        tags[278] = ("I", [rows or height])
    else:
        tags |= {322: ("I", [tile]), 323: ("I", [tile])}
    tags |= {offsets: (where, [0] * len(data)), counts: (where, [len(block) for block in data])} | (more or {})
    # The pixels come last, as the place where they begin is known once the tags are written.
    begin = len(_directory(tags, order, big))
    at = begin + np.cumsum([0, *map(len, data)])[:-1]
    tags[offsets] = (where, at.tolist())
    return _directory(tags, order, big) + b"".join(data)


def _directory(tags: dict[int, tuple[str, list[int]]], order: str, big: bool) -> bytes:
    """The header, the list of tags and the values that do not fit into it."""
    word, room = ("Q", 8) if big else ("I", 4)
    magic = b"II" if order == "<" else b"MM"
    head = magic + (struct.pack(order + "HHHQ", 43, 8, 0, 16) if big else struct.pack(order + "HI", 42, 8))
    entries, values = b"", b""
    size = len(head) + (8 if big else 2) + len(tags) * (12 + 2 * (room - 4)) + room
    for tag, (kind, items) in sorted(tags.items()):
        data = struct.pack(f"{order}{len(items)}{kind}", *items)
        if len(data) > room:
            place = struct.pack(order + word, size + len(values))
            values += data + b"\0" * (len(data) % 2)
        else:
            place = data.ljust(room, b"\0")
        entries += struct.pack(f"{order}HH{word}", tag, _TYPES[kind], len(items)) + place
    return head + struct.pack(order + ("Q" if big else "H"), len(tags)) + entries + bytes(room) + values


def _padded(block: NDArray[Any], side: int) -> NDArray[Any]:
    return np.pad(block, ((0, side - block.shape[0]), (0, side - block.shape[1]), (0, 0)))


def _packed(block: NDArray[Any], bits: int, order: str) -> bytes:
    """The samples row by row, the high bit first; each row begins with a new byte."""
    if bits == 8 * block.dtype.itemsize:
        return block.astype(block.dtype.newbyteorder(order)).tobytes()
    flat = block.reshape(len(block), -1).astype(np.uint32)
    shifts = np.arange(bits - 1, -1, -1, dtype=np.uint32)
    spread = (flat[:, :, None] >> shifts & 1).astype(np.uint8)
    return np.packbits(spread.reshape(len(block), -1), axis=1).tobytes()


def _compressed(data: bytes, compression: int) -> bytes:
    if compression == DEFLATE:
        return zlib.compress(data)
    if compression == PACKBITS:
        return b"".join(bytes([len(data[i : i + 128]) - 1]) + data[i : i + 128] for i in range(0, len(data), 128))
    if compression == LZW:
        return _lzw(data)
    return data


def _lzw(data: bytes) -> bytes:
    """Codes of 9 to 12 bits, the high bit first; the width grows one code early, as TIFF has it."""
    codes = ["100000000"]
    table = {bytes([i]): i for i in range(256)}
    width, following, word = 9, 258, b""
    for i in range(len(data)):
        longer = word + data[i : i + 1]
        if longer in table:
            word = longer
            continue
        codes.append(f"{table[word]:0{width}b}")
        table[longer] = following
        following += 1
        word = data[i : i + 1]
        if following == 4095:
            codes.append(f"{256:0{width}b}")
            table = {bytes([j]): j for j in range(256)}
            width, following = 9, 258
        width = max(9, following.bit_length())
    codes.append(f"{table[word]:0{width}b}")
    width = max(9, (following + 1).bit_length())
    codes.append(f"{257:0{width}b}")
    bits = "".join(codes)
    return int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")
