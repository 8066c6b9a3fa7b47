"""MTCNN's O-Net, layer by layer, as its paper and its package describe it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def onet(arrays: list[NDArray[np.float32]], crop: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(11,): x of five points, y of five points in parts of the crop, and the probability of a face."""
    value = (crop.astype(np.float64) - 127.5) / 128
    for i, pool in enumerate([(3, 2, "same"), (3, 2, "valid"), (2, 2, "same"), None]):
        kernel, bias, slope = (array.astype(np.float64) for array in arrays[3 * i : 3 * i + 3])
        value = _prelu(_convolved(value, kernel) + bias, slope)
        if pool is not None:
            value = _pooled(value, *pool)
    flat = value.transpose(1, 0, 2).ravel()
    dense = [array.astype(np.float64) for array in arrays[12:]]
    hidden = _prelu(flat @ dense[0] + dense[1], dense[2])
    points = hidden @ dense[5] + dense[6]
    no_face, face = np.exp(hidden @ dense[7] + dense[8])
    return np.append(points, face / (no_face + face))


def _prelu(value: NDArray[np.float64], slope: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(value > 0, value, value * slope.reshape(-1))


def _convolved(value: NDArray[np.float64], kernel: NDArray[np.float64]) -> NDArray[np.float64]:
    side = len(kernel)
    rows, columns = value.shape[0] - side + 1, value.shape[1] - side + 1
    return np.array(
        [[np.tensordot(value[y : y + side, x : x + side], kernel, 3) for x in range(columns)] for y in range(rows)]
    )


def _pooled(value: NDArray[np.float64], side: int, stride: int, padding: str) -> NDArray[np.float64]:
    def count(length: int) -> int:
        return -(-length // stride) if padding == "same" else (length - side) // stride + 1

    return np.array(
        [
            [
                value[y * stride : y * stride + side, x * stride : x * stride + side].max(axis=(0, 1))
                for x in range(count(value.shape[1]))
            ]
            for y in range(count(value.shape[0]))
        ]
    )
