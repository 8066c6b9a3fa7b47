"""Parts of images stretched to a square as OpenCV's ``INTER_AREA`` does it, in float64."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pyface import _memory
from pyface._typing import Image

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["stretch"]

# So many float64, 4 MiB of them, are stretched along one axis at a time.
_AT_A_TIME = 1 << 19
# Of the shares of an axis while they are made, measured.
_BYTES_A_SHARE = 64


def stretch(part: Image, out: Image) -> None:
    """Fill ``out`` (side, side[, c]) with ``part`` (h, w[, c]), whatever its shape.

    Each pixel of ``out`` is the mean over its area in ``part``, so that what grows stays blocky; where one axis grows
    and the other shrinks, the latter is not averaged, but blended from two pixels, as OpenCV does. uint8 is rounded,
    halves up. NaN reaches what it contributes to. MemoryError before more is taken than is free: about
    8 * side * c * (min(h, w) + side) bytes.
    """
    height, width = part.shape[:2]
    side = len(out)
    pixels = part.reshape(height, width, -1)
    channels = pixels.shape[2]
    averages = min(height, width) >= side
    longest = max(height, width)
    _memory.require(
        8 * side * channels * (min(height, width) + side)
        + 8 * (_AT_A_TIME + max(_AT_A_TIME, longest * channels))
        + _BYTES_A_SHARE * (side + (longest if averages else side)),
        f"stretching {width} x {height} pixels to {side} x {side}",
        "take a smaller size or a smaller box",
    )
    shares_of = _means if averages else _blends
    # The longer axis first: what is between the two steps is then the smaller.
    if height >= width:
        lines = _stretched(shares_of(height, side), pixels)
        columns = _stretched(shares_of(width, side), np.moveaxis(lines, 1, 0))
        values = np.moveaxis(columns, 1, 0)
    else:
        columns = _stretched(shares_of(width, side), np.moveaxis(pixels, 1, 0))
        values = _stretched(shares_of(height, side), np.moveaxis(columns, 1, 0))
    if out.dtype == np.uint8:
        values += 0.5
        np.floor(values, out=values)
    out[...] = values.reshape(out.shape) if out.ndim == 3 else values[..., 0]


def _stretched(shares: csr_array, values: NDArray[Any]) -> NDArray[np.float64]:
    """(side, m, c) from (n, m, c): the first axis stretched."""
    side, n = shares.shape
    _, m, channels = values.shape
    made = np.empty((side, m, channels))
    step = max(1, _AT_A_TIME // (max(n, side) * channels))
    for begin in range(0, m, step):
        some = np.ascontiguousarray(values[:, begin : begin + step], dtype=np.float64)
        made[:, begin : begin + step] = (shares @ some.reshape(n, -1)).reshape(side, -1, channels)
    return made


def _means(n: int, side: int) -> csr_array:
    """(side, n), n >= side: the part of each of n pixels in the area of each of ``side`` new ones; rows sum to 1."""
    edges = np.arange(side + 1) * n / side  # whole ones are exact
    first = np.floor(edges[:-1]).astype(np.int64)
    ends = np.concatenate([[0], np.cumsum(np.ceil(edges[1:]).astype(np.int64) - first)])
    row = np.repeat(np.arange(side), np.diff(ends))
    pixel = np.arange(ends[-1]) - (ends[:-1] - first)[row]
    overlap = np.minimum(edges[row + 1], pixel + 1) - np.maximum(edges[row], pixel)
    return _sparse(overlap / np.add.reduceat(overlap, ends[:-1])[row], pixel, ends, n)


def _blends(n: int, side: int) -> csr_array:
    """(side, n): what OpenCV takes from two neighbours of n pixels for each of ``side`` new ones; rows sum to 1."""
    # Where n < side, the second one's share is its part of the new pixel's area. In OpenCV's order and precision: where
    # a new pixel begins with an old one, rounding may let it have the pixel before, and networks have seen that.
    grown = side / n
    new = np.arange(side)
    pixel = np.floor(new * (1 / grown)).astype(np.int64)
    second = ((new + 1) - (pixel + 1) * grown).astype(np.float32)
    second = np.where(second > 0, second - np.floor(second), 0)
    second[pixel >= n - 1] = 0
    pairs = np.minimum(np.stack([pixel, pixel + 1], axis=1), n - 1)
    shares = np.stack([1 - second, second], axis=1).astype(np.float64)
    made = _sparse(shares.reshape(-1), pairs.reshape(-1), np.arange(0, 2 * side + 1, 2), n)
    made.eliminate_zeros()  # 0 times NaN is NaN
    return made


def _sparse(shares: NDArray[np.float64], columns: NDArray[np.int64], ends: NDArray[np.int64], n: int) -> csr_array:
    from scipy.sparse import csr_array  # too heavy to come with the package

    return csr_array((shares, columns.astype(np.int32), ends.astype(np.int32)), shape=(len(ends) - 1, n))
