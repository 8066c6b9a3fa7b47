"""Faces drawn as five coloured spots, and models that read them from the pixels, as wrong at tilts as real ones are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pyface.geometry import template_points
from pyface.models import Detector, Landmarker
from pyface.types import Detections, Landmarks

SPOT = 1 / 28  # standard deviation of a spot, in sides of the face
# Red, green, blue, yellow, cyan: image-left eye, right eye, nose, corners of the mouth.
COLOURS = np.array([(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (0, 1, 1)], float)


def points_of(middle: Any, side: float, roll: float) -> NDArray[np.float64]:
    """(5, 2): ArcFace's five of a face whose nose is at ``middle``, turned clockwise by ``roll`` degrees."""
    five = template_points("arcface", 112) / 112 * side
    c, s = np.cos(np.radians(roll)), np.sin(np.radians(roll))
    return (five - five[2]) @ np.array([[c, s], [-s, c]]) + middle


def draw(image: NDArray[np.float64], middle: Any, side: float, roll: float) -> None:
    """Add a face to an RGB image of floats."""
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    for point, colour in zip(points_of(middle, side, roll), COLOURS, strict=True):
        spot = np.exp(-((x - point[0]) ** 2 + (y - point[1]) ** 2) / (2 * (SPOT * side) ** 2))
        image += 250 * spot[..., None] * colour


def photo(*faces: tuple[Any, float, float], size: tuple[int, int] = (320, 360)) -> NDArray[np.uint8]:
    """An image of faces, each (middle, side, roll)."""
    image = np.zeros((*size, 3))
    for face in faces:
        draw(image, *face)
    return np.rint(np.clip(image, 0, 255)).astype(np.uint8)


def read_points(image: NDArray[Any], middle: Any, side: float) -> NDArray[np.float64]:
    """(5, 2): the centroids of the five colours around ``middle``."""
    low = np.maximum(np.floor(np.array(middle) - 0.45 * side), 0).astype(int)
    high = np.maximum(np.ceil(np.array(middle) + 0.45 * side).astype(int) + 1, low + 1)
    part = image[low[1] : high[1], low[0] : high[0]].astype(float)
    if part.ndim == 2:
        part = np.repeat(part[..., None], 3, axis=2)
    red, green, blue = np.moveaxis(part, -1, 0)
    kinds = (
        red - np.maximum(green, blue),
        green - np.maximum(red, blue),
        blue - np.maximum(red, green),
        np.minimum(red, green) - blue,
        np.minimum(green, blue) - red,
    )
    y, x = np.mgrid[: part.shape[0], : part.shape[1]]
    found = []
    for kind in kinds:
        weight = np.clip(kind, 0, None)
        weight[weight < 3] = 0
        total = max(float(weight.sum()), 1e-9)
        found.append((low[0] + (weight * x).sum() / total, low[1] + (weight * y).sum() / total))
    return np.array(found)


def roll_of(points: NDArray[np.float64]) -> float:
    across = points[1] - points[0] + points[4] - points[3]
    return float(np.degrees(np.arctan2(across[1], across[0])))


class Spots(Landmarker):
    """Right up to ``right`` degrees of tilt; beyond, it sees half of it up to ``halved``, and beyond that none.

    What it sees half of is above 10 degrees even so, or the face would be taken for an upright one.
    """

    name, family, digest, scheme = "spots", "made-up", "s", "arcface-5"

    def __init__(self, right: float = 21.0, halved: float = 45.0, depths: bool = False) -> None:
        self.right, self.halved, self.depths = right, halved, depths
        self.calls = 0

    def locate(self, image: Any, boxes: Any, *, color: str = "rgb") -> Landmarks:
        self.calls += 1
        points = np.stack([self._one(image, box) for box in boxes]) if len(boxes) else np.empty((0, 5, 2))
        if self.depths:
            away = np.linalg.norm(points - points[:, 2:3], axis=2, keepdims=True)
            points = np.concatenate([points, away], axis=2)
        return Landmarks(points, self.scheme)

    def _one(self, image: Any, box: Any) -> NDArray[np.float64]:
        middle, side = (box[:2] + box[2:]) / 2, float((box[2:] - box[:2]).max())
        points = read_points(image, middle, side)
        roll = roll_of(points)
        if abs(roll) <= self.right:
            return points
        return points_of(points[2], side, roll / 2 if abs(roll) <= self.halved else 0.0)


class Noses(Detector):
    """A face around each blue spot, at any tilt; surer of it the more upright it is. ``calls`` counts the looks."""

    name, family, digest, smallest_face = "noses", "made-up", "n", 8.0

    def __init__(self, upright_score: float | None = 0.9, own: bool = False) -> None:
        self.upright_score, self.scheme = upright_score, "arcface-5" if own else None
        self.calls = 0

    def detect(self, image: Any, *, threshold: float | None = None, color: str = "rgb") -> Detections:
        self.calls += 1
        pixels = np.asarray(image, float)
        if pixels.ndim == 2:
            return Detections(np.empty((0, 4)), np.empty(0, np.float32))
        blue = np.clip(pixels[..., 2] - pixels[..., :2].max(axis=2), 0, None)
        numbers, count = ndimage.label(blue > 25)
        rows = []
        for middle, mass in zip(
            ndimage.center_of_mass(blue, numbers, range(1, count + 1)),
            ndimage.sum(blue, numbers, range(1, count + 1)),
            strict=True,
        ):
            # What lies above 25 of 250 is nine tenths of a spot.
            side = np.sqrt(mass / 0.9 / 250 / (2 * np.pi)) / SPOT
            nose = np.array(middle[::-1])
            roll = roll_of(read_points(image, nose, side))
            rows.append((*(nose - side / 2), *(nose + side / 2), 0.95 - abs(roll) / 600))
        array = np.array(rows).reshape(-1, 5)
        array = array[np.argsort(-array[:, 4], kind="stable")]
        points = None
        if self.scheme is not None:
            points = Spots().locate(image, array[:, :4]).points
        return Detections(array[:, :4], array[:, 4].astype(np.float32), points)
