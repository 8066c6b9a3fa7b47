"""Prior boxes of single-shot detectors, and boxes by their distances from them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["CENTRE_VARIANCE", "face_chances", "priors", "shifted_boxes", "tables"]

# What the distances of centres and the logarithms of sizes are divided by in training.
CENTRE_VARIANCE, SIZE_VARIANCE = 0.1, 0.2


def priors(rows: int, cols: int, strides: Sequence[int], sides: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    """(n, 4) centre x, centre y, width and height in pixels, for a picture of rows x cols pixels.

    A level for each stride, cells row by row in the middle of their pixels, and in each cell its ``sides`` in turn.
    Centres count from the corner of the first pixel.
    """
    levels = []
    for stride, own in zip(strides, sides, strict=True):
        row, col, side = np.meshgrid(np.arange(-(-rows // stride)), np.arange(-(-cols // stride)), own, indexing="ij")
        levels.append(np.stack([(col + 0.5) * stride, (row + 0.5) * stride, side, side], axis=-1).reshape(-1, 4))
    return np.concatenate(levels)


def shifted_boxes(shifts: NDArray[np.float64], own: NDArray[np.float64]) -> NDArray[np.float64]:
    """Boxes (n, 4) by centre, width and height of distances (n, 4) from their priors (n, 4)."""
    centre = own[:, :2] + shifts[:, :2] * CENTRE_VARIANCE * own[:, 2:]
    return np.hstack([centre, own[:, 2:] * np.exp(shifts[:, 2:] * SIZE_VARIANCE)])


def face_chances(table: NDArray[np.float32], steps: Collection[str]) -> NDArray[np.float32]:
    """(n,) how likely a face is, of a table (n, 2) of no face and face that was made by these steps.

    Some files leave the softmax to the caller.
    """
    if "Softmax" in steps or "Exp" in steps:
        return table[:, 1]
    with np.errstate(over="ignore"):  # of a large number it is 0
        chances: NDArray[np.float32] = 1 / (1 + np.exp(table[:, 0] - table[:, 1]))
    return chances


def tables(outputs: Sequence[NDArray[np.float32]], n_rows: int, widths: Sequence[int]) -> list[int]:
    """The place among the outputs of the table (n_rows, width) of each of the widths.

    ValueError, with what they are, if they are not those.
    """
    places = {output.shape: place for place, output in enumerate(outputs)}
    wanted = [(n_rows, width) for width in widths]
    if sorted(places) != sorted(wanted):
        raise ValueError(f"tables of {[output.shape for output in outputs]}, expected {wanted}")
    return [places[shape] for shape in wanted]
