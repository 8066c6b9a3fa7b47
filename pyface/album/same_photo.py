"""Faces of one photo are different people, unless they are one picture twice: a collage, a mirror, a screen."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from pyface._typing import Embeddings

__all__ = ["picture_share", "same_photo_links"]

# Faces of one photo nearer than this share of the threshold of average linkage (in squared or cosine distance) are one
# picture twice. Measured on photos of crowds and on pictures of pictures: docs/how-it-works/face-quality.md. Other
# embedders are taken to be like SFace, as most are trained alike.
_SHARES = {"dlib-resnet": 0.45, "sface": 0.55}
# Numbers that are worked on at a time.
_BLOCK = 1 << 22


def picture_share(embedder: str, metric: str) -> float:
    """The share of average linkage's threshold that is the ``limit`` of :func:`same_photo_links`."""
    share = _SHARES.get(embedder, _SHARES["sface"])
    return share**0.5 if metric == "euclidean" else share


def same_photo_links(
    embeddings: Embeddings, photos: NDArray[np.int64], *, metric: str, limit: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which faces are kept apart because one photo shows them, as groups and as pairs.

    embeddings : (n, d) float32 or float64; under cosine of any length but 0.
    photos : (n,) number of the photo of each face, from 0 on, in any order.
    metric : ``"cosine"``, ``"sqeuclidean"`` or ``"euclidean"``.
    limit : two faces of one photo at a distance strictly below it are one picture twice, and free to come together.

    Gives groups (n,), the number of the photo, or -1 for all faces of a photo with such a pair; and the other pairs
    (m, 2) of these photos, rows ascending in each and by the first, then the second. Together they part every pair of
    faces of one photo that is not below the limit, and no other. Both are what
    :meth:`pyface.cluster.AgglomerativeClustering.fit` takes. Time O(d times the sum of f^2) for photos of f faces.
    """
    squared = {"cosine": 2 * limit, "euclidean": limit**2, "sqeuclidean": limit}[metric]
    groups: NDArray[np.int64] = photos.astype(np.int64)
    order = np.argsort(groups, kind="stable")
    pairs: list[NDArray[np.int64]] = []
    for rows in np.split(order, np.flatnonzero(np.diff(groups[order])) + 1):
        if len(rows) < 2:
            continue
        vectors = embeddings[rows].astype(np.float64)
        if metric == "cosine":
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        if any((distances < squared).any() for _, distances in _of_pairs(vectors)):
            pairs += [rows[which[distances >= squared]] for which, distances in _of_pairs(vectors)]
            groups[rows] = -1
    links = np.concatenate([np.empty((0, 2), np.int64), *pairs])
    return groups, links[np.lexsort((links[:, 1], links[:, 0]))]


def _of_pairs(vectors: NDArray[np.float64]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Pairs (m, 2) of rows, the smaller first, and their squared distances; some rows with all later ones at a time."""
    n = len(vectors)
    lengths = np.einsum("ij,ij->i", vectors, vectors)
    step = max(1, _BLOCK // n)
    for begin in range(0, n - 1, step):
        end = min(n, begin + step)
        first, second = np.nonzero(np.arange(begin, end)[:, None] < np.arange(begin, n)[None, :])
        distances = lengths[begin:end, None] + lengths[None, begin:] - 2 * vectors[begin:end] @ vectors[begin:].T
        yield np.column_stack([first, second]) + begin, distances[first, second]
