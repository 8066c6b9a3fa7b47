"""What the record of work holds of faces, photos and runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface.photos.finding import LeftOut


@dataclass(frozen=True, slots=True, eq=False)
class FaceRecord:
    """One face as it is kept: (4,) float64, float, (k, 2) float64, name, (d,) float32, JPEG bytes.

    sharpness : of its aligned crop; NaN where it is not known.
    """

    box: NDArray[np.float64]
    score: float
    landmarks: NDArray[np.float64]
    scheme: str
    embedding: NDArray[np.float32]
    thumbnail: bytes
    sharpness: float = math.nan


@dataclass(frozen=True, slots=True, eq=False)
class FaceTable:
    """The faces of a record, n to a column: names of photos, (n, 4) boxes, scores, landmarks and their schemes,
    (n, d) embeddings, and sharpness."""

    photos: list[str]
    boxes: NDArray[np.float64]
    scores: NDArray[np.float64]
    landmarks: Sequence[NDArray[np.float64]]
    schemes: list[str]
    embeddings: NDArray[np.float32]
    sharpness: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class PhotoRecord:
    """What became of one photo: its size in pixels and its faces, or the reason why it could not be read."""

    name: str
    width: int
    height: int
    faces: tuple[FaceRecord, ...] = ()
    error: str | None = None
    digest: bytes = b""
    """SHA-256 of the file; empty if it could not be read."""


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What the last run was asked for, as far as it shaped the faces, and how their vectors are compared.

    title : name of the folder of photos.       analysis : digest of what shapes a photo's faces, see ``known``.
    settings : as in the summary, those of the grouping aside.       models : name -> digest.
    left_out : folders and photos that were not looked at, see :func:`pyface.photos.finding.find_photos`.
    """

    title: str
    version: str
    analysis: str
    metric: str
    cluster_threshold: float
    dimension: int
    settings: dict[str, Any]
    models: dict[str, str]
    left_out: tuple[LeftOut, ...] = ()


def as_points(blobs: Sequence[bytes]) -> Sequence[NDArray[np.float64]]:
    """(k, 2) each; one array of all where k is the same for all."""
    if len(set(map(len, blobs))) == 1:
        points = as_rows(blobs, np.float64)
        return points.reshape(len(blobs), -1, 2)  # type: ignore[return-value]
    return [np.frombuffer(blob).reshape(-1, 2) for blob in blobs]


def as_rows(blobs: Sequence[bytes], dtype: type) -> NDArray[Any]:
    """(n, k) the numbers of n blobs. ValueError, as of a damaged file, if these are not of one length."""
    return of_one_size(bytearray().join(blobs), set(map(len, blobs)), len(blobs), dtype)


def of_one_size(data: bytearray, sizes: set[int], n: int, dtype: type = np.float32) -> NDArray[Any]:
    """(n, k) n rows of numbers one after the other. ValueError, as of a damaged file, if ``sizes`` are several."""
    if len(sizes) != 1:
        raise ValueError(f"rows of {min(sizes)} and of {max(sizes)} bytes")
    return np.frombuffer(data, dtype).reshape(n, -1)
