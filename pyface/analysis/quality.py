"""How well a face can be compared with others, as one number; how it was found: docs/how-it-works/face-quality.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface._typing import Embeddings, Points
from pyface.geometry import head_pose
from pyface.geometry.conversions import COUNTS
from pyface.kernels.crops import area_crops

__all__ = ["crop_sharpness", "face_parts", "face_quality", "min_quality", "vector_lengths"]

Floats = NDArray[np.float64]

# Side of the middle of a crop, in sides of the crop, and in pixels once it is brought to one size: the face without
# its surroundings, its eyes some 35 pixels apart.
_MIDDLE, _SIDE = 0.75, 84
# Variances of grey below this, which has no light, are taken for it.
_LEAST_CONTRAST = 1.0
_GREY = np.array([0.299, 0.587, 0.114], np.float32)
_SMALLEST = 1e-6

# By family of a detector: the score from which on a face is as good as can be, and what is one step below it. Of others
# the score is not known to say anything.
_SCORES = {"dlib_mmod": (1.06, 0.2), "yunet": (0.94, 0.1)}


@dataclass(frozen=True, slots=True)
class _Weights:
    """What a step of each part costs, and what a face without any has, in units of log odds."""

    best: float
    eyes: float
    sharpness: float
    turn: float
    score: float
    length: float


# By name of the embedder, fitted on half of the people of labelled photos and poor copies of them. Those of other
# embedders are SFace's without the length of its vectors.
_WEIGHTS = {
    "sface": _Weights(5.86, 0.29, 0.34, 0.30, 0.30, 7.21),
    "dlib-resnet": _Weights(2.40, 0.30, 0.61, 1.10, 0.48, 0.0),
}
_OTHERS = _Weights(3.29, 0.35, 0.54, 0.62, 2.54, 0.0)
# Qualities below which faces are set aside, by name of the embedder: of the faces of crowds, from 40 pixels on, 8 of
# 100 found by the default pack have a lower one, 6 of those that dlib finds.
_LEAST = {"sface": 0.015, "dlib-resnet": 0.5}


def min_quality(embedder: str) -> float:
    """The quality below which faces are too poor to be compared by this embedder, a name, unless told otherwise."""
    return _LEAST.get(embedder, _LEAST["sface"])


def face_quality(
    points: Points,
    scheme: str | None,
    *,
    scores: NDArray[Any] | None = None,
    detector: str | None = None,
    sharpness: NDArray[Any] | None = None,
    lengths: NDArray[Any] | None = None,
    embedder: str | None = None,
) -> Floats:
    """(n,) from 0 to 1: the share of good photos of the same person that this face would be told to be one with.

    points : (n, k, 2 or 3) landmarks in pixels of the photo as it was taken, not of a smaller copy.
    scheme : their order; with None, or one of your own, size and pose are not known.
    scores, detector : (n,) the detector's, and its family (:attr:`pyface.models.Model.family`).
    sharpness : (n,) from :func:`crop_sharpness`.
    lengths : (n,) from :func:`vector_lengths`.
    embedder : its name. What a fault costs was measured for ``"sface"`` and ``"dlib-resnet"``.

    1 / (1 + exp(-(best - the sum of weight * steps))), with the steps of :func:`face_parts` and, by embedder::

                      best   eyes   sharpness   turn   score   length
        sface         5.86   0.29        0.34   0.30    0.30     7.21
        dlib-resnet   2.40   0.30        0.61   1.10    0.48     0
        others        3.29   0.35        0.54   0.62    2.54     0

    What is not known of a face is not held against it, so that qualities compare where the same is known of all.
    "Told to be one" means nearer than the embedder's ``pair_threshold``; SFace's best quality is 0.997, dlib's 0.917.
    Time: that of :func:`pyface.geometry.head_pose`.
    """
    weights = _WEIGHTS.get(embedder or "", _OTHERS)
    parts = face_parts(points, scheme, scores=scores, detector=detector, sharpness=sharpness, lengths=lengths)
    bad = sum((getattr(weights, name) * steps for name, steps in parts.items()), np.zeros(len(points)))
    quality: Floats = 1 / (1 + np.exp(np.minimum(bad - weights.best, 700)))  # beyond that exp is infinite
    return quality


def face_parts(
    points: Points,
    scheme: str | None,
    *,
    scores: NDArray[Any] | None = None,
    detector: str | None = None,
    sharpness: NDArray[Any] | None = None,
    lengths: NDArray[Any] | None = None,
) -> dict[str, Floats]:
    """What makes faces worse, (n,) of each part in steps, at least 0; arguments are those of :func:`face_quality`.

    ::

        eyes       log2(40 / e), e the pixels between the eyes if the head looked ahead
        sharpness  log2(0.0025 / sharpness)
        turn       (t - 35) / 15, t = hypot(|yaw|, |pitch| - 15 or 0) in degrees: that a smile reads as up to 25 degrees
                   of pitch (five points) adds 2 degrees to a face that is turned by 25
        score      (0.94 - score) / 0.1 of YuNet's, (1.06 - score) / 0.2 of dlib's detector
        length     log2(14 / length) of the vector, as it is of SFace's

    0 where that is negative, and of what is not known: None, NaN, points that show no pose, a score of another
    detector.
    """
    none = np.zeros(len(points))
    eyes, turn = _seen(points[..., :2], scheme)
    good, step = _SCORES.get(detector or "", (np.nan, 1.0))
    return {
        "eyes": _doublings(40.0, eyes),
        "sharpness": none if sharpness is None else _doublings(0.0025, sharpness),
        "turn": _steps((turn - 35) / 15),
        "score": none if scores is None else _steps((good - np.asarray(scores, np.float64)) / step),
        "length": none if lengths is None else _doublings(14.0, lengths),
    }


def crop_sharpness(crops: NDArray[np.uint8]) -> Floats:
    """(n,) how fine the details are that aligned crops (n, s, s, 3) or (n, s, s) show, at least 0.

    The middle three quarters of a crop are brought to 84 x 84 grey pixels by area, and smoothed with (1 2 1) / 4 along
    both sides, so that noise counts for less. Then the variance of the second derivative over that of the grey values,
    along the side or diagonal where it is smallest: a camera that moved blurs along one. It stays the same where all
    grey values are multiplied, or the same is added to them, as far as they are not clipped. 0.002 to 0.01 is usual of
    faces in focus, 0.0003 of those out of it. Time 0.17 ms a face of 112 x 112, 0.3 of another size.
    """
    n, size = crops.shape[:2]
    sharpness = np.empty(n)
    margin = round(size * (1 - _MIDDLE) / 2)
    box = np.array([[margin, margin, size - 1 - margin, size - 1 - margin]])
    for i, crop in enumerate(crops):
        if size - 2 * margin == _SIDE:
            middle = crop[margin:-margin, margin:-margin]
        else:
            middle = area_crops(crop, box, (_SIDE, _SIDE), n_threads=1)[0]
        grey = middle.astype(np.float32) @ _GREY if middle.ndim == 3 else middle.astype(np.float32)
        rows = grey[:-2] + 2 * grey[1:-1] + grey[2:]
        smooth = (rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:]) / 16
        twice = 2 * smooth[1:-1, 1:-1]
        bends = (
            smooth[1:-1, 2:] + smooth[1:-1, :-2] - twice,
            smooth[2:, 1:-1] + smooth[:-2, 1:-1] - twice,
            (smooth[2:, 2:] + smooth[:-2, :-2] - twice) / 2,
            (smooth[2:, :-2] + smooth[:-2, 2:] - twice) / 2,
        )
        sharpness[i] = min(_variance(bend) for bend in bends) / max(_variance(grey), _LEAST_CONTRAST)
    return sharpness


def vector_lengths(embeddings: Embeddings) -> Floats:
    """(n,) lengths of vectors as the network gives them: of SFace they are shorter the less of a face is seen."""
    lengths: Floats = np.sqrt(np.einsum("ij,ij->i", embeddings, embeddings, dtype=np.float64))
    return lengths


def _variance(values: NDArray[np.float32]) -> float:
    flat = np.ravel(values - values.mean())
    return float(flat @ flat) / flat.size


def _steps(values: Floats) -> Floats:
    """At least 0; 0 where nothing is known."""
    return np.maximum(np.nan_to_num(values, nan=0.0), 0)


def _doublings(good: float, values: NDArray[Any]) -> Floats:
    """How often a value has to be doubled until it is good."""
    return _steps(np.log2(good / np.maximum(np.asarray(values, np.float64), _SMALLEST)))


def _seen(points: Points, scheme: str | None) -> tuple[Floats, Floats]:
    """(n,) each: pixels between the eyes, were the head to look ahead; and how far it is turned. NaN if unseen."""
    if scheme not in COUNTS:
        return np.full(len(points), np.nan), np.full(len(points), np.nan)
    try:
        pose = head_pose(points, scheme)
    except ValueError:  # one of them shows no pose
        if len(points) == 1:
            return np.full(1, np.nan), np.full(1, np.nan)
        halves = [_seen(part, scheme) for part in np.array_split(points, 2)]
        eyes, turn = (np.concatenate(part) for part in zip(*halves, strict=True))
        return eyes, turn
    return pose.scale, np.hypot(pose.yaw, np.maximum(np.abs(pose.pitch) - 15, 0))
