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
# Numbers that are worked on at a time, and how many faces a photo must have for a matrix of its own.
_BLOCK, _CROWD = 1 << 22, 40


def picture_share(embedder: str, metric: str) -> float:
    """The share of average linkage's threshold that is the ``limit`` of :func:`same_photo_links`."""
    share = _SHARES.get(embedder, _SHARES["sface"])
    return share**0.5 if metric == "euclidean" else share


def same_photo_links(
    embeddings: Embeddings,
    photos: NDArray[np.int64],
    *,
    metric: str,
    limit: float | None,
    together: NDArray[np.int64] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which faces are kept apart because one photo shows them, as groups and as pairs.

    embeddings : (n, d) float32 or float64; under cosine of any length but 0.
    photos : (n,) number of the photo of each face, from 0 on, in any order.
    metric : ``"cosine"``, ``"sqeuclidean"`` or ``"euclidean"``.
    limit : two faces of one photo at a distance strictly below it are one picture twice, and free to come together;
        None: no two are.
    together : (n,) groups of faces that are one person for certain, -1 = none; free in one photo, too.

    Gives groups (n,), the number of the photo, or -1 for all faces of a photo with a free pair; and the other pairs
    (m, 2) of these photos, rows ascending in each and by the first, then the second. Both part every pair of faces of
    one photo that is not free, and no other, and are what
    :meth:`pyface.cluster.AgglomerativeClustering.fit` takes. Time O(d times the sum of f^2) for photos of f faces.
    """
    squared = -np.inf
    if limit is not None:
        squared = {"cosine": 2 * limit, "euclidean": limit**2, "sqeuclidean": limit}[metric]

    def free(ends: NDArray[np.int64], distances: NDArray[np.float64]) -> NDArray[np.bool_]:
        is_free: NDArray[np.bool_] = distances < squared
        if together is not None:
            one, other = together[ends].T
            is_free |= (one >= 0) & (one == other)
        return is_free

    groups: NDArray[np.int64] = photos.astype(np.int64)
    order = np.argsort(groups, kind="stable")
    sizes = np.unique(groups, return_counts=True)[1]
    is_crowd = np.repeat(sizes > _CROWD, sizes)
    unit = metric == "cosine"
    pairs: list[NDArray[np.int64]] = []
    for rows in np.split(order[is_crowd], np.cumsum(sizes[sizes > _CROWD])[:-1]) if is_crowd.any() else []:
        vectors = _ready(embeddings[rows], unit)
        if any(free(rows[which], distances).any() for which, distances in _of_crowd(vectors)):
            pairs += [rows[which[~free(rows[which], distances)]] for which, distances in _of_crowd(vectors)]
            groups[rows] = -1
    few, near = order[~is_crowd], []
    for first, second, distances in _of_few(embeddings, few, sizes[sizes <= _CROWD], unit):
        ends = np.column_stack([first, second])
        is_free = free(ends, distances)
        near.append(groups[first[is_free]])
        pairs.append(ends[~is_free])
    if near:
        twice = np.unique(np.concatenate(near))
        found = np.concatenate(pairs[len(pairs) - len(near) :])
        pairs[len(pairs) - len(near) :] = [found[np.isin(groups[found[:, 0]], twice)]]
        groups[few[np.isin(groups[few], twice)]] = -1
    links = np.concatenate([np.empty((0, 2), np.int64), *pairs])
    return groups, links[np.lexsort((links[:, 1], links[:, 0]))]


def _ready(embeddings: Embeddings, unit: bool) -> NDArray[np.float64]:
    """A float64 copy; rows of length 1 if ``unit``."""
    rows: NDArray[np.float64] = embeddings.astype(np.float64)
    if unit:
        rows /= np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
    return rows


def _of_few(
    embeddings: Embeddings, order: NDArray[np.int64], sizes: NDArray[np.int64], unit: bool
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]]:
    """Rows of pairs, the smaller first, and their squared distances, of photos that lie one after another in order."""
    later = np.repeat(np.cumsum(sizes), sizes) - np.arange(len(order)) - 1  # faces after each in its photo
    first = np.repeat(np.arange(len(order)), later)
    second = first + 1 + np.arange(len(first)) - np.repeat(np.cumsum(later) - later, later)
    step = max(1, _BLOCK // max(1, embeddings.shape[1]))
    for begin in range(0, len(first), step):
        one, other = order[first[begin : begin + step]], order[second[begin : begin + step]]
        difference = _ready(embeddings[one], unit)
        difference -= _ready(embeddings[other], unit)
        yield one, other, np.einsum("ij,ij->i", difference, difference)


def _of_crowd(vectors: NDArray[np.float64]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Pairs (m, 2) of rows, the smaller first, and their squared distances; some rows with all later ones at a time."""
    n = len(vectors)
    lengths = np.einsum("ij,ij->i", vectors, vectors)
    step = max(1, _BLOCK // n)
    for begin in range(0, n - 1, step):
        end = min(n, begin + step)
        first, second = np.nonzero(np.arange(begin, end)[:, None] < np.arange(begin, n)[None, :])
        distances = lengths[begin:end, None] + lengths[None, begin:] - 2 * vectors[begin:end] @ vectors[begin:].T
        yield np.column_stack([first, second]) + begin, distances[first, second]
