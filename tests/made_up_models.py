"""Models without weights: a face in the middle of every picture, known by its colour. Tests say what they fail at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface.models import Detector, Embedder, Landmarker
from pyface.types import Detections, Landmarks

Hook = Callable[[NDArray[Any]], None]


def _nothing(pixels: NDArray[Any]) -> None:
    pass


class OneFace(Detector):
    """``hook`` is called with each picture that is searched."""

    name, family, digest, smallest_face = "one-face", "made-up", "d", 8.0

    def __init__(self, hook: Hook = _nothing) -> None:
        self.hook = hook

    def detect(self, image: Any, *, threshold: float | None = None, color: str = "rgb") -> Detections:
        self.hook(image)
        height, width = image.shape[:2]
        box = np.array([[width / 4, height / 4, width * 3 / 4, height * 3 / 4]])
        return Detections(box, np.ones(1, np.float32))


class FivePoints(Landmarker):
    name, family, digest, scheme = "five-points", "made-up", "l", "dlib-5"

    def locate(self, image: Any, boxes: Any, *, color: str = "rgb") -> Landmarks:
        centres = boxes.reshape(-1, 2, 2).mean(axis=1)
        offsets = np.array([(9.0, -9), (4, -9), (-9, -9), (-4, -9), (0, 9)])
        return Landmarks(centres[:, None] + offsets, "dlib-5")


class ByColour(Embedder):
    """``crop_hook`` is called with each picture that faces are cut from, ``embed_hook`` with each batch of crops."""

    name, family, digest, dimension, size = "by-colour", "made-up", "e", 3, 4
    metric, cluster_threshold, pair_threshold, schemes = "euclidean", 40.0, 40.0, ("dlib-5",)

    def __init__(self, crop_hook: Hook = _nothing, embed_hook: Hook = _nothing) -> None:
        self.crop_hook, self.embed_hook = crop_hook, embed_hook

    def crop(self, image: Any, landmarks: Any, *, color: str = "rgb") -> NDArray[np.uint8]:
        self.crop_hook(image)
        return np.tile(image[0, 0], (len(landmarks), 4, 4, 1))

    def embed(self, crops: Any) -> NDArray[np.float32]:
        self.embed_hook(crops)
        return crops.reshape(-1, 16, 3).mean(axis=1, dtype=np.float32)
