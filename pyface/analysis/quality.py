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

__all__ = ["crop_sharpness", "face_quality", "vector_lengths"]

Floats = NDArray[np.float64]

# Side of the middle of a crop, in sides of the crop, and in pixels once it is brought to one size: the face without
# its surroundings, its eyes some 35 pixels apart.
_MIDDLE, _SIDE = 0.75, 84
# Variances of grey below this, of noise in a face without light, are taken for it.
_LEAST_CONTRAST = 1.0


@dataclass(frozen=True, slots=True)
class _Scale:
    """Where values of a detector or an embedder are good, and what to one side of it counts as one step worse."""

    good: float
    step: float


# By family of the detector. Others give probabilities, which are taken as YuNet's are.
_SCORES = {"dlib_mmod": _Scale(1.05, 0.2), "yunet": _Scale(0.90, 0.1)}
# By name of the embedder; of others the length is not known to say anything.
_LENGTHS = {"sface": _Scale(11.0, 1.0)}


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
    """(n,) from 0 to 1: about the share of good photos of the same person that this face would be found near to.

    points : (n, k, 2 or 3) landmarks in pixels of the photo as it was taken, not of a smaller copy.
    scheme : their order; with None, or one of your own, size and pose are not known.
    scores, detector : (n,) the detector's, and its family (:attr:`pyface.models.Model.family`).
    sharpness : (n,) from :func:`crop_sharpness`.
    lengths, embedder : (n,) from :func:`vector_lengths`, and the embedder's name; known of SFace alone.

    1 / (1 + exp(-(b - the sum of w p))), with p at least 0 for each part::

        eyes       log2(40 / distance between the eyes in pixels)
        sharpness  log2(0.02 / sharpness)
        yaw        (degrees to either side - 15) / 15
        pitch      (degrees up or down - 20) / 15, of five points at most 1: smiles are taken for pitch
        score      (0.9 - score) / 0.1 of YuNet, (1.05 - score) / 0.2 of dlib's detector
        length     log2(11 / length) of SFace's vectors

    A part that is not known (None, or NaN of a face) is 0, as is one of a face that is as good as can be told from it.
    Time: that of :func:`pyface.geometry.head_pose`.
    """
    bad = np.zeros(len(points))
    if scheme in COUNTS:
        eyes, yaw, pitch = _seen(points[..., :2], scheme)
        bad += _W_EYES * _steps(np.log2(40.0 / np.maximum(eyes, 1.0)))
        bad += _W_YAW * _steps((yaw - 15) / 15)
        bad += _W_PITCH * np.minimum(_steps((pitch - 20) / 15), 1)
    if scores is not None:
        scale = _SCORES.get(detector or "", _SCORES["yunet"])
        bad += _W_SCORE * _steps((scale.good - np.asarray(scores, np.float64)) / scale.step)
    if sharpness is not None:
        with np.errstate(divide="ignore"):
            bad += _W_SHARP * _steps(np.log2(0.02 / np.maximum(np.asarray(sharpness, np.float64), 1e-6)))
    if lengths is not None and embedder in _LENGTHS:
        scale = _LENGTHS[embedder]
        bad += _W_LENGTH * _steps(np.log2(scale.good / np.maximum(np.asarray(lengths, np.float64), 1e-6)))
    quality: Floats = 1 / (1 + np.exp(bad - _B))
    return quality


_B, _W_EYES, _W_SHARP, _W_YAW, _W_PITCH, _W_SCORE, _W_LENGTH = 4.0, 1.0, 0.3, 1.0, 0.3, 0.5, 3.0


def crop_sharpness(crops: NDArray[np.uint8]) -> Floats:
    """(n,) how fine the details are that aligned crops (n, s, s, 3) or (n, s, s) show, at least 0.

    The variance of the Laplacian over that of the grey values, in the middle three quarters of the crop, brought to
    84 x 84 pixels by area and smoothed with (1 2 1) / 4 along both sides, so that noise counts for less. It does not
    change where all grey values are multiplied, or the same is added to them. 0.01 to 0.1 is usual of faces in focus,
    a tenth of that of faces enlarged four times. Time 0.1 ms a face.
    """
    n, size = crops.shape[:2]
    sharpness = np.empty(n)
    margin = round(size * (1 - _MIDDLE) / 2)
    box = np.array([[margin, margin, size - 1 - margin, size - 1 - margin]])
    for i, crop in enumerate(crops):
        grey = area_crops(crop, box, (_SIDE, _SIDE), n_threads=1)[0].astype(np.float32)
        if grey.ndim == 3:
            grey = grey @ _GREY
        contrast = max(float(grey.var()), _LEAST_CONTRAST)
        rows = grey[:-2] + 2 * grey[1:-1] + grey[2:]
        smooth = (rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:]) / 16
        edges = smooth[:-2, 1:-1] + smooth[2:, 1:-1] + smooth[1:-1, :-2] + smooth[1:-1, 2:] - 4 * smooth[1:-1, 1:-1]
        sharpness[i] = edges.var() / contrast
    return sharpness


_GREY = np.array([0.299, 0.587, 0.114], np.float32)


def vector_lengths(embeddings: Embeddings) -> Floats:
    """(n,) lengths of vectors as the network gives them: of SFace they are shorter the less of a face is seen."""
    lengths: Floats = np.sqrt(np.einsum("ij,ij->i", embeddings, embeddings, dtype=np.float64))
    return lengths


def _steps(values: Floats) -> Floats:
    """At least 0; 0 where nothing is known."""
    return np.maximum(np.nan_to_num(values, nan=0.0, posinf=0.0), 0)


def _seen(points: Points, scheme: str) -> tuple[Floats, Floats, Floats]:
    """(n,) each: pixels between the eyes, were the head to look ahead; yaw and pitch without sign; NaN if unseen."""
    try:
        pose = head_pose(points, scheme)
    except ValueError:  # one of them shows no pose
        if len(points) == 1:
            nothing = np.full(1, np.nan)
            return nothing, nothing, nothing
        halves = [_seen(part, scheme) for part in np.array_split(points, 2)]
        eyes, yaw, pitch = (np.concatenate(part) for part in zip(*halves, strict=True))
        return eyes, yaw, pitch
    return pose.scale, np.abs(pose.yaw), np.abs(pose.pitch)
