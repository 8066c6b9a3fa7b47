"""Faces of one photo are different people, unless they are one picture twice: a collage, a mirror, a screen."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from pyface._typing import Embeddings
from pyface.kernels.pairs import distances_of_pairs

__all__ = ["SamePhoto", "picture_share", "same_photo_links"]

# Faces of one photo nearer than this share of the threshold of average linkage (in squared or cosine distance) are one
# picture twice. Measured on photos of crowds and on pictures of pictures: docs/how-it-works/face-quality.md. Other
# embedders are taken to be like SFace, as most are trained alike.
_SHARES = {"dlib-resnet": 0.45, "sface": 0.55}
# Pairs that are worked on at a time, about.
_BLOCK = 1 << 20


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
    return SamePhoto(embeddings, photos, metric=metric, limit=limit).links(together)


class SamePhoto:
    """What :func:`same_photo_links` needs of an album, found once, so that it can be asked for other ``together``."""

    def __init__(self, embeddings: Embeddings, photos: NDArray[np.int64], *, metric: str, limit: float | None) -> None:
        self._photos: NDArray[np.int64] = photos.astype(np.int64)
        self._order = np.argsort(self._photos, kind="stable")
        self._sorted = self._photos[self._order]
        free = [np.empty((0, 2), np.int64)]
        if limit is not None and len(photos):
            for pairs in _pairs_of_photos(self._order, self._sorted):
                first, second = np.ascontiguousarray(pairs.T.astype(np.int32))
                distances = distances_of_pairs(embeddings, first, second, metric=metric, n_threads=1)
                free.append(pairs[distances < limit])
        self._free = np.concatenate(free)
        self._alone = self._links(self._free)

    def links(self, together: NDArray[np.int64] | None) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Groups (n,) and pairs (m, 2), as :func:`same_photo_links` gives them. Time O(n) and the pairs."""
        if together is not None and (together >= 0).any():
            mates = self._of_one_person(together)
            if len(mates):
                return self._links(np.concatenate([self._free, mates]))
        return self._alone

    def _links(self, free: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        has_free = np.unique(self._photos[free[:, 0]])
        groups = np.where(np.isin(self._photos, has_free), -1, self._photos)
        rows = self._order[np.isin(self._sorted, has_free)]
        pairs = [np.empty((0, 2), np.int64), *_pairs_of_photos(rows, self._photos[rows])]
        n = len(groups)
        codes = np.concatenate([part[:, 0] * n + part[:, 1] for part in pairs])
        codes = np.setdiff1d(codes, free[:, 0] * n + free[:, 1])
        return groups, np.column_stack([codes // max(n, 1), codes % max(n, 1)])

    def _of_one_person(self, together: NDArray[np.int64]) -> NDArray[np.int64]:
        """Pairs of one photo and of one group: a few."""
        rows = np.flatnonzero(together >= 0)
        rows = rows[np.lexsort((rows, together[rows], self._photos[rows]))]
        groups = np.cumsum(
            (np.diff(self._photos[rows], prepend=-1) != 0) | (np.diff(together[rows], prepend=-1) != 0)
        )  # fmt: skip
        return np.concatenate([np.empty((0, 2), np.int64), *_pairs_of_photos(rows, groups)])


def _pairs_of_photos(rows: NDArray[np.int64], photos: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Pairs (m, 2) of rows of one photo, the smaller row first, some at a time; rows and photos by photo, then row."""
    n_later = np.searchsorted(photos, photos, "right") - np.arange(len(rows)) - 1
    starts = np.concatenate([[0], np.cumsum(n_later)])
    begin = 0
    while begin < len(rows):
        end = max(begin + 1, int(np.searchsorted(starts, starts[begin] + _BLOCK, "right")) - 1)
        counts = n_later[begin:end]
        first = np.repeat(np.arange(begin, end), counts)
        step = np.arange(len(first)) - np.repeat(starts[begin:end] - starts[begin], counts)
        yield np.column_stack([rows[first], rows[first + 1 + step]])
        begin = end
