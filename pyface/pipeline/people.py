"""From embeddings to people: cluster, number, and say which faces were close calls."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pyface import _threads
from pyface.kernels.density import dbscan
from pyface.kernels.linkage import cut, linkage

ALGORITHMS = ("average", "complete", "single", "dbscan")

# The embedders' thresholds are made for average linkage. The best cut of another algorithm lies at this multiple of
# it (in squared or cosine distance), measured on labelled photos: docs/how-it-works/photos-to-people.md.
_THRESHOLD_FACTORS = {"average": 1.0, "complete": 1.24, "single": 0.82, "dbscan": 0.82}

# A face is a close call if a distance that decided lies within this share of the threshold. On labelled photos this
# marks 9 % of the faces; the share of wrong ones among them is three times that among all (same document).
_CLOSE_CALL = 0.05
_BLOCK_BYTES = 1 << 26


def group_faces(
    embeddings: NDArray[np.float32], *, metric: str, algorithm: str, threshold: float, n_threads: int | None
) -> NDArray[np.int64]:
    """Cluster numbers (n,), by decreasing size, then by the smallest row. Rows that belong to nobody stand alone.

    ``average``, ``complete``, ``single``: linkage cut at ``threshold``. ``dbscan``: eps = ``threshold``, two faces make
    a person.
    """
    n = len(embeddings)
    if n < 2:
        return np.zeros(n, np.int64)
    if algorithm == "dbscan":
        workers = _threads.resolve(n_threads)
        labels, _ = dbscan(embeddings, threshold, 2, metric=metric, weights=None, n_threads=workers)
        noise = labels < 0
        labels[noise] = labels.max(initial=-1) + 1 + np.arange(np.count_nonzero(noise))
    else:
        tree = linkage(embeddings, method=algorithm, metric=metric, n_threads=n_threads)
        labels = cut(tree, height=threshold)
    return number_by_size(labels)


def cluster_threshold(algorithm: str, metric: str, average_threshold: float) -> float:
    """The threshold to use with ``algorithm`` if the user gives none; ``average_threshold`` is the embedder's."""
    factor = _THRESHOLD_FACTORS[algorithm]
    return average_threshold * (factor**0.5 if metric == "euclidean" else factor)


def number_by_size(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Renumber clusters 0, 1, ... by decreasing size; equal sizes by their smallest row."""
    _, first, inverse, sizes = np.unique(labels, return_index=True, return_inverse=True, return_counts=True)
    order = np.lexsort((first, -sizes))
    numbers = np.empty(len(order), np.int64)
    numbers[order] = np.arange(len(order))
    return numbers[inverse]


@dataclass(frozen=True, slots=True)
class CloseCall:
    """A face near the threshold: ``other`` is the person it nearly joined, or None if it barely belongs to its own."""

    face_id: int
    other: int | None


def close_calls(
    embeddings: NDArray[np.float32], labels: NDArray[np.int64], *, metric: str, threshold: float
) -> list[CloseCall]:
    """Faces that a slightly different threshold, or a slightly different picture, would have put elsewhere.

    With a share s = 5 % of the threshold t, mean distances ``own`` to the rest of the face's person and ``other`` to
    the nearest other person: own > (1 - s) t (it barely belongs), or other < (1 + s) t and other < own + s t (the
    other one is about as near). A face that stands alone: other < (1 + s) t.

    Mean distances come from sums: for unit rows (cosine) 1 - <x, S>/|A|, for squared Euclidean distances
    |x|^2 + E|a|^2 - 2<x, m>. The face itself is left out of its own person's mean. Euclidean thresholds are compared
    in squares. Time O(n k d) for k people, memory O(n d).
    """
    n = len(embeddings)
    if n < 2:
        return []
    rows = embeddings.astype(np.float64)
    if metric == "cosine":
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    if metric == "euclidean":
        threshold = threshold**2
    squares = np.einsum("ij,ij->i", rows, rows)
    k = int(labels.max()) + 1
    sizes = np.bincount(labels, minlength=k).astype(np.float64)
    sums = np.zeros((k, rows.shape[1]))
    np.add.at(sums, labels, rows)
    square_sums = np.bincount(labels, weights=squares, minlength=k)
    # For unit rows the squared Euclidean distance is twice the cosine distance.
    limit = 2 * threshold if metric == "cosine" else threshold

    calls: list[CloseCall] = []
    block = max(1, _BLOCK_BYTES // (8 * k))
    for begin in range(0, n, block):
        here = slice(begin, min(n, begin + block))
        index = np.arange(here.stop - begin)
        own = labels[here]
        dots = rows[here] @ sums.T
        distances = squares[here, None] + (square_sums / sizes)[None, :] - 2 * dots / sizes[None, :]
        distances[index, own] = np.inf
        nearest = np.argmin(distances, axis=1)
        others = np.maximum(sizes[own] - 1, 1)
        own_distance = (
            squares[here]
            + (square_sums[own] - squares[here]) / others
            - 2 * (dots[index, own] - squares[here]) / others
        )
        alone = sizes[own] == 1
        barely = ~alone & (own_distance > (1 - _CLOSE_CALL) * limit)
        other_distance = distances[index, nearest]
        nearly = (other_distance < (1 + _CLOSE_CALL) * limit) & (
            alone | (other_distance < own_distance + _CLOSE_CALL * limit)
        )
        calls += [
            CloseCall(begin + int(i), int(nearest[i]) if nearly[i] else None) for i in np.flatnonzero(barely | nearly)
        ]
    return calls
