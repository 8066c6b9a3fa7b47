"""What Pillow does not say of a JPEG: the memory that its scans need, and whether only its end marker is missing."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

_END = b"\xff\xd9"
# In the coded data FF is followed by 00, or begins a restart marker; a marker may be preceded by several FF.
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]", re.DOTALL)
_SCAN = 0xDA
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = (0xC2, 0xC6, 0xCA, 0xCE)

_RESTART_OR_SCAN = re.compile(rb"\xff([\xd0-\xd7\xda])", re.DOTALL)


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(marker, content) of the segments with a length, up to the end marker."""
    at = 2
    while (found := _MARKER.search(data, at)) is not None:
        at = found.end()
        marker = data[at - 1]
        if marker == _END[1]:
            return
        length = int.from_bytes(data[at : at + 2], "big")
        yield marker, data[at + 2 : at + length]
        at += max(2, length)


def has_end(data: bytes) -> bool:
    """Whether the coded data are followed by an end marker; True if there are none."""
    at = 2
    for marker, content in _segments(data):
        at += 4 + len(content)
        if marker == _SCAN:
            return data.rfind(_END, at) >= 0
    return True


def coefficient_bytes(data: bytes) -> int:
    """Memory for a whole picture of coefficients, which is needed at any scale if scans come one after the other."""
    n_samples = n_components = 0
    is_progressive = False
    for marker, content in _segments(data):
        if marker in _FRAMES and len(content) >= 6:
            n_components = content[5]
            height, width = int.from_bytes(content[1:3], "big"), int.from_bytes(content[3:5], "big")
            factors = [(byte >> 4) * (byte & 15) for byte in content[7 : 6 + 3 * n_components : 3]]
            n_samples = width * height * sum(factors) // max([1, *factors])
            is_progressive = marker in _PROGRESSIVE
        elif marker == _SCAN and content:
            return 2 * n_samples if is_progressive or content[0] < n_components else 0
    return 0


def with_end_marker(data: bytes, decode: Callable[[bytes], NDArray[np.uint8]]) -> bytes | None:
    """A JPEG that lacks only its end marker, with one; None if pixels are missing, too.

    decode : gives the pixels of a JPEG whose data are followed by an end marker, whatever is missing before it.

    If all pixels are there, it makes no difference what follows them. Takes the time of up to four decodings.
    """
    # A download that broke off may have been filled up with zeros, which are pixels to the decoder. One zero may be the
    # last byte of the pixels, and one behind FF belongs to it.
    body = data.rstrip(b"\0")
    n_zeros = len(data) - len(body)
    if n_zeros == 1 or (n_zeros and body.endswith(b"\xff")):
        body += b"\0"
    body = body.removesuffix(b"\xff")
    if not _has_all_scans(body):
        return None
    pixels = decode(body + _END)
    if all(np.array_equal(pixels, decode(body + _noise(body, seed) + _END)) for seed in range(3)):
        return body + _END
    return None


def _noise(body: bytes, seed: int) -> bytes:
    """Bits that no picture holds, and more of them behind the restart marker that a decoder may be waiting for.

    An odd seed has the opposite of each bit of the even one before: where a single bit is missing, one of them shows.
    """
    opposite = 255 * (seed % 2)
    before, behind = (
        bytes(min(byte ^ opposite, 0xFE) for byte in hashlib.shake_128(bytes([seed // 2, i])).digest(512))
        for i in range(2)
    )
    last = _SCAN
    for found in _RESTART_OR_SCAN.finditer(body):
        last = found[1][0]
    marker = 0xD0 if last == _SCAN else 0xD0 + (last + 1) % 8
    return before + bytes([0xFF, marker]) + behind


def _has_all_scans(data: bytes) -> bool:
    """Whether each coefficient of each component has come to its last bit, or is coming when the data end."""
    missing: dict[int, set[int]] = {}
    for marker, content in _segments(data):
        if marker in _FRAMES and len(content) >= 6:
            missing = {component: set(range(64)) for component in content[6 : 6 + 3 * content[5] : 3]}
        elif marker == _SCAN and content and len(content) >= 4 + 2 * content[0]:
            first, last, bits = content[1 + 2 * content[0] :][:3]
            for component in content[1 : 1 + 2 * content[0] : 2]:
                if bits & 15 == 0:
                    missing.get(component, set()).difference_update(range(first, last + 1))
    return bool(missing) and not any(missing.values())
