"""How the bytes of a crop become the numbers that a network was made for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["ARCFACE", "DEEPFACE", "FACENET", "Table", "numbers"]

Table = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""(256, 3) float32: what the network takes for each byte of red, green and blue, given the crop (h, w, 3)."""

_BYTES = np.arange(256.0)[:, None]


def _fixed(mean: Any, divisor: Any) -> Table:
    """(byte - mean) / divisor, in float64, rounded once; one number, or one each for red, green and blue."""
    table = ((_BYTES - np.asarray(mean, float)) / np.asarray(divisor, float)).astype(np.float32)
    table = np.ascontiguousarray(np.broadcast_to(table, (256, 3)))
    table.setflags(write=False)
    return lambda crop: table


def _by_crop(crop: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(byte - mean) / std over all numbers of the crop, the std at least 1 / sqrt(their count).

    davidsandberg/facenet, src/facenet.py, ``prewhiten``. The least std matters to crops of one colour alone.
    """
    values = crop.astype(np.float64)
    spread = max(values.std(), 1 / np.sqrt(values.size))
    table = ((_BYTES - values.mean()) / spread).astype(np.float32)
    return np.broadcast_to(table, (256, 3))


_RAW = _fixed(0, 1)
_IMAGENET = _fixed(np.array([0.485, 0.456, 0.406]) * 255, np.array([0.229, 0.224, 0.225]) * 255)

ARCFACE: dict[str, Table] = {"arcface": _fixed(127.5, 127.5), "imagenet": _IMAGENET, "raw": _RAW}
FACENET: dict[str, Table] = {"fixed": _fixed(127.5, 128), "prewhiten": _by_crop}
# deepface/modules/preprocessing.py, normalize_input; its means are given for blue, green, red there.
DEEPFACE: dict[str, Table] = {
    "base": _fixed(0, 255),
    "raw": _RAW,
    "Facenet": _by_crop,
    "Facenet2018": _fixed(127.5, 127.5),
    "VGGFace": _fixed([129.1863, 104.7624, 93.5940], 1),
    "VGGFace2": _fixed([131.0912, 103.8827, 91.4953], 1),
    "ArcFace": _fixed(127.5, 128),
}


def numbers(crop: NDArray[np.uint8], table: Table, *, bgr: bool, channels_last: bool) -> NDArray[np.float32]:
    """(3, h, w) float32 of a crop (h, w, 3) RGB, or (h, w, 3); its colours in the order RGB or BGR."""
    values = table(crop)
    planes = [np.take(values[:, c], crop[:, :, c]) for c in ((2, 1, 0) if bgr else (0, 1, 2))]
    return np.stack(planes, axis=2 if channels_last else 0)
