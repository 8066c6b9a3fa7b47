"""The two parts of a person's faces that fit together least: where average linkage put them together last."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pyface._typing import Embeddings, Labels

__all__ = ["Vectors", "two_parts"]

FaceIds = NDArray[np.int64]

# A matrix of so many parts of one person is small; larger ones are left to the clusterer, which keeps none.
_MOST_IN_MATRIX = 64


class Vectors:
    """The vectors of an album's faces, so that mean distances come from means.

    Under cosine rows are of length 1 and distances are cosine ones; otherwise they are squared Euclidean ones.
    """

    def __init__(self, embeddings: Embeddings, metric: str) -> None:
        self.is_cosine = metric == "cosine"
        self.rows: NDArray[np.float64] = embeddings.astype(np.float64)
        if self.is_cosine:
            self.rows /= np.linalg.norm(self.rows, axis=1, keepdims=True)
        self.squares: NDArray[np.float64] = np.einsum("ij,ij->i", self.rows, self.rows)

    def means(self, groups: list[FaceIds]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(k, d) the mean of each group's rows, and (k,) of their squared lengths."""
        means = np.zeros((len(groups), self.rows.shape[1]))
        squares = np.zeros(len(groups))
        for i, faces in enumerate(groups):
            means[i], squares[i] = self.rows[faces].mean(axis=0), self.squares[faces].mean()
        return means, squares

    def distances(
        self, means: NDArray[np.float64], squares: NDArray[np.float64], others: NDArray[np.float64],
        their_squares: NDArray[np.float64],
    ) -> NDArray[np.float64]:  # fmt: skip
        """(k, m) mean distances of the faces of k groups to those of m others, from what :meth:`means` gives."""
        between: NDArray[np.float64] = squares[:, None] + their_squares - 2 * means @ others.T
        if self.is_cosine:
            between /= 2
        return between


def two_parts(vectors: Vectors, faces: FaceIds, together: Labels) -> tuple[FaceIds, FaceIds] | None:
    """The parts that average linkage of these faces would put together last, the smaller one first.

    faces : (k,) rows, ascending.       together : (k,) groups of faces that are one person for certain, -1 = none.

    Groups begin as one. Ties go to the parts with the smallest faces; of two parts of one size that with the smallest
    face is first. None if there is nothing to part. Time and memory O(u^2) for u <= 64 groups and single faces.
    """
    own = np.where(together >= 0, together, together.max(initial=-1) + 1 + np.arange(len(faces)))
    _, first, unit = np.unique(own, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))  # units by their smallest face
    unit = rank[unit]
    n_units = len(first)
    if n_units < 2:
        return None
    side = _last_merge(vectors, [faces[unit == i] for i in range(n_units)]) if n_units <= _MOST_IN_MATRIX else None
    parts = faces[_by_clusterer(vectors, faces, together)] if side is None else faces[side[unit]]
    rest = np.setdiff1d(faces, parts, assume_unique=True)
    small, large = sorted((parts, rest), key=lambda part: (len(part), part[0]))
    return small, large


def _last_merge(vectors: Vectors, units: list[FaceIds]) -> NDArray[np.bool_]:
    """(u,) which units are in the part that has the first one."""
    n = len(units)
    means, squares = vectors.means(units)
    gaps = vectors.distances(means, squares, means, squares)
    sizes = np.array([len(faces) for faces in units], np.float64)
    member = np.eye(n, dtype=np.bool_)
    gaps[np.tril_indices(n)] = np.inf
    for _ in range(n - 2):
        i, j = divmod(int(np.argmin(gaps)), n)  # i < j
        full = np.where(np.isinf(gaps), gaps.T, gaps)
        mean = (sizes[i] * full[i] + sizes[j] * full[j]) / (sizes[i] + sizes[j])
        sizes[i] += sizes[j]
        member[i] |= member[j]
        gaps[i, i + 1 :], gaps[:i, i] = mean[i + 1 :], mean[:i]
        gaps[j], gaps[:, j] = np.inf, np.inf
    first: NDArray[np.bool_] = member[0]
    return first


def _by_clusterer(vectors: Vectors, faces: FaceIds, together: Labels) -> NDArray[np.bool_]:
    from pyface.cluster import AgglomerativeClustering

    metric = "cosine" if vectors.is_cosine else "sqeuclidean"
    tree = AgglomerativeClustering(2, metric=metric, linkage="average")
    links = {"must_link_groups": together} if (together >= 0).any() else {}
    labels = tree.fit(vectors.rows[faces], **links).labels_
    is_first: NDArray[np.bool_] = labels == labels[0]
    return is_first
