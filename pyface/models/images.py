"""Images as detectors take them: one as bytes, or several in one call, of which some may be refused."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check
from pyface.errors import BatchError
from pyface.kernels import faces
from pyface.types import Detections

__all__ = ["Batch", "rgb_bytes"]


def rgb_bytes(image: Any, color: str = "rgb", *, stacklevel: int = 2) -> NDArray[np.uint8]:
    """An image as (h, w, 3) uint8 RGB, floats rounded; of floats within 0..1 a warning tells.

    ``stacklevel`` says at which line: 2 is the caller's, 3 that of the caller's caller.
    """
    pixels = _check.image(image, color=color)
    _check.warn_of_unit_range(pixels, stacklevel=stacklevel)
    return faces.rgb_bytes_of(pixels)


class Batch:
    """The images of a call. ``images`` are those that are none the worse, as RGB or grey arrays.

    Memory is that of references: RGB images are not copied.
    """

    def __init__(self, images: Iterable[Any], color: str) -> None:
        _check.several(images, "images")
        if color not in ("rgb", "bgr"):  # else each image would be refused for it
            raise ValueError(f"color must be 'rgb' or 'bgr', got {color!r}")
        self.images: list[NDArray[Any]] = []
        self._refused: dict[int, Exception] = {}
        for i, image in enumerate(images):
            try:
                self.images.append(_check.image(image, color=color))
            except (TypeError, ValueError) as error:
                self._refused[i] = error

    def of_all(self, found: list[Detections]) -> list[Detections]:
        """What was found in ``images``, or a BatchError that has it, and names the images that were refused."""
        if not self._refused:
            return found
        rest = iter(found)
        n_images = len(found) + len(self._refused)
        results = [None if i in self._refused else next(rest) for i in range(n_images)]
        first, reason = next(iter(self._refused.items()))
        more = f" (and {len(self._refused) - 1} more)" if len(self._refused) > 1 else ""
        raise BatchError(
            f"image {first} of the batch{more}: {reason}; .results of this error has what was found in the others",
            results,
            dict(self._refused),
        ) from reason
