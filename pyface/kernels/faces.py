"""Front doors of the kernels behind the default models: pyramid canvas, regression trees, chips, enlarging."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check, _core, _threads
from pyface._typing import Image, Points, Scores

__all__ = [
    "RegressionTrees",
    "bytes_of",
    "chip_place",
    "face_chips",
    "mmod_canvas",
    "mmod_decode",
    "mmod_layout",
    "mmod_nms",
    "rgb_bytes_of",
    "scan_compact_ints",
    "upsample",
]

SMALLEST_SIDE = 10  # below this the pyramid has no level
FARTHEST = 1e7  # pixels; landmarks beyond are refused


def bytes_of(image: Any, *, color: str = "rgb") -> NDArray[np.uint8]:
    """The image as uint8: bytes as they are, floats rounded to the nearest (halves to even) and clipped to 0..255."""
    checked = _check.image(image, color=color)
    if checked.dtype == np.uint8:
        return checked
    return np.clip(np.rint(checked), 0, 255).astype(np.uint8)


def rgb_bytes_of(image: Any) -> NDArray[np.uint8]:
    """The image as :func:`bytes_of` gives it, (h, w, 3): grey three times."""
    pixels = bytes_of(image)
    return pixels if pixels.ndim == 3 else np.repeat(pixels[:, :, None], 3, axis=2)


def mmod_layout(rows: int, cols: int) -> tuple[tuple[int, int], NDArray[np.int64]]:
    """Size (rows, cols) of the canvas of an image, and its levels (m, 4): left, top, right, bottom, ends inside.

    Both sides of the image must be at least 10.
    """
    height, width, levels = _core.mmod_layout(rows, cols)
    return (height, width), levels


def mmod_canvas(
    image: Image, mean: tuple[float, float, float], *, buffer: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """(3, rows, cols) float32: every pyramid level of an RGB or grey image, as (value - mean) / 256; 0 in between.

    ``buffer`` (n,) is used for the result if it is large enough. Time about 3 ms for 640 x 480; memory 12 bytes per
    canvas pixel, about 3.7 times as many as the image has.
    """
    checked = _check.image(image)
    (rows, cols), _ = mmod_layout(*checked.shape[:2])
    if buffer is None or buffer.size < 3 * rows * cols:
        buffer = np.empty(3 * rows * cols, np.float32)
    canvas = buffer[: 3 * rows * cols].reshape(3, rows, cols)
    _core.mmod_canvas(checked, mean, canvas)
    return canvas


def mmod_decode(
    scores: NDArray[np.float32], rows: int, cols: int, threshold: float
) -> tuple[NDArray[np.int64], Scores]:
    """Boxes (n, 4) and scores (n,) of the cells above the threshold, for an image of rows x cols, in map order."""
    return _core.mmod_decode(np.ascontiguousarray(scores, dtype=np.float32), rows, cols, threshold)


def mmod_nms(boxes: NDArray[np.int64], scores: Any, overlap_threshold: float) -> NDArray[np.int64]:
    """Kept indices, best first: suppresses intersection / enclosing rectangle > threshold, right and bottom inside."""
    return _core.mmod_nms(
        np.ascontiguousarray(boxes, dtype=np.int64), np.ascontiguousarray(scores, np.float64), overlap_threshold
    )


def upsample(image: NDArray[np.uint8], times: int = 1) -> NDArray[np.uint8]:
    """Enlarge (h, w, 3) or (h, w) bytes ``times`` times to (2 h + 1, 2 w + 2), bilinear, corners on corners."""
    for _ in range(times):
        rows, cols = image.shape[:2]
        larger = np.empty((2 * rows + 1, 2 * cols + 2, *image.shape[2:]), np.uint8)
        _core.upsample(np.ascontiguousarray(image), larger)
        image = larger
    return image


class RegressionTrees:
    """A trained landmark predictor. Immutable, so it may be used from many threads at once."""

    def __init__(self, arrays: dict[str, NDArray[Any]]) -> None:
        self._trees = _core.RegressionTrees(
            **{name: np.ascontiguousarray(array) for name, array in arrays.items()},
        )

    @property
    def n_points(self) -> int:
        return self._trees.n_points

    def locate(self, image: NDArray[np.uint8], boxes: Any, *, n_threads: int | None = None) -> Points:
        """(n, k, 2) float64 points, whole pixels, of the faces in boxes (n, 4), rounded half away from zero."""
        return self._trees.locate(
            np.ascontiguousarray(image), _check.boxes(boxes), n_threads=_threads.resolve(n_threads)
        )


def face_chips(
    image: NDArray[np.uint8],
    landmarks: Points,
    template: Points,
    size: int,
    padding: float,
    *,
    n_threads: int | None = None,
) -> NDArray[np.uint8]:
    """Upright crops (n, size, size, 3) uint8 of faces whose landmarks (n, k, 2) belong at ``template`` (k, 2).

    The template is in a unit square, which the crop shows with ``padding`` of its side around.
    """
    points = np.ascontiguousarray(landmarks, dtype=np.float64)
    if points.ndim != 3 or points.shape[1:] != template.shape:
        raise ValueError(f"landmarks must have shape (n, {len(template)}, 2), got {points.shape}")
    wrong = np.flatnonzero(~(np.abs(points) <= FARTHEST).all(axis=(1, 2)))
    if wrong.size:
        raise ValueError(f"landmarks: face {wrong[0]} has a point that is not finite or beyond {FARTHEST:g} pixels")
    return _core.face_chips(
        np.ascontiguousarray(image), points, template, size, padding, n_threads=_threads.resolve(n_threads)
    )


def chip_place(landmarks: Points, template: Points, size: int, padding: float) -> tuple[float, ...]:
    """Left, top, right, bottom (ends inside, before turning) and angle in radians of the square that a chip shows."""
    return _core.chip_place(np.ascontiguousarray(landmarks, dtype=np.float64), template, size, padding)


def scan_compact_ints(data: NDArray[np.uint8], begin: int, count: int) -> tuple[NDArray[np.int64], int]:
    """``count`` integers of dlib's compact code from ``data[begin:]``, and the position behind them.

    A ValueError names the byte where the data end early or are not this code.
    """
    # Every integer takes two bytes at least: a damaged count may not ask for memory that the file cannot fill.
    if count < 0 or count > (len(data) - begin) // 2:
        raise ValueError(f"byte {begin}: {count} numbers do not fit into the rest of the file")
    out = np.empty(count, np.int64)
    end = _core.scan_compact_ints(data, begin, out)
    return out, end
