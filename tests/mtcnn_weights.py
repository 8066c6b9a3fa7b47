"""Made-up weights of MTCNN's three networks, with which some candidates pass each of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Arrays = list[NDArray[np.float32]]

# Kernel sides and channels out of the convolutions, what the full layer sees and gives, what its heads give.
_PNET = (((3, 10), (3, 16), (3, 32)), None, (4, 2))
_RNET = (((3, 28), (3, 48), (2, 64)), (576, 128), (4, 2))
_ONET = (((3, 32), (3, 64), (3, 64), (2, 128)), (1152, 256), (4, 10, 2))


def _arrays(
    rng: np.random.Generator,
    layers: tuple[tuple[int, int], ...],
    full: tuple[int, int] | None,
    heads: tuple[int, ...],
    slopes: tuple[float, float],
) -> Arrays:
    arrays: list[NDArray[np.float64]] = []
    channels = 3
    for side, out in layers:
        kernel = rng.standard_normal((side, side, channels, out)) * np.sqrt(2 / (side * side * channels))
        arrays += [kernel, 0.1 * rng.standard_normal(out), rng.uniform(*slopes, (1, 1, out))]
        channels = out
    if full is not None:
        seen, channels = full
        kernel = rng.standard_normal((seen, channels)) * np.sqrt(2 / seen)
        arrays += [kernel, 0.1 * rng.standard_normal(channels), rng.uniform(*slopes, channels)]
    for out in heads:
        # Edges move by parts of a box; points lie about its middle; classes differ enough to decide.
        size, middle = {4: (0.15, 0.0), 10: (0.3, 0.5), 2: (1.5, 0.0)}[out]
        shape = (1, 1, channels, out) if full is None else (channels, out)
        arrays += [size * rng.standard_normal(shape) / np.sqrt(channels), np.full(out, middle)]
    return [array.astype(np.float32) for array in arrays]


def networks(seed: int, slopes: tuple[float, float] = (-0.3, 0.9)) -> tuple[Arrays, Arrays, Arrays]:
    """Arrays of P-Net, R-Net and O-Net in the order of their files; the slopes of PReLU lie in that range."""
    rng = np.random.default_rng(seed)
    pnet, rnet, onet = (_arrays(rng, *shape, slopes) for shape in (_PNET, _RNET, _ONET))
    return pnet, rnet, onet
