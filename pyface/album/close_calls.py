"""Which faces were close calls."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pyface._typing import Embeddings, Labels

# A face is a close call if a distance that decided lies within this share of the threshold. On labelled photos this
# marks 9 % of the faces; the share of wrong ones among them is three times that among all:
# docs/how-it-works/photos-to-people.md.
_CLOSE_CALL = 0.05
_BLOCK_BYTES = 1 << 26


@dataclass(frozen=True, slots=True)
class CloseCall:
    """A face that is hard to place: ``other`` is the person it nearly joined, None if it barely belongs to its own."""

    face_id: int
    other: int | None


def close_calls(
    embeddings: Embeddings,
    labels: Labels,
    *,
    metric: str,
    threshold: float | None,
    photos: NDArray[np.int64] | None = None,
) -> list[CloseCall]:
    """Faces that a slightly different threshold, or a slightly different picture, would have put elsewhere.

    With a share s = 5 % of the threshold t, mean distances ``own`` to the rest of the face's person and ``other`` to
    the nearest other person: own > (1 - s) t (it barely belongs), or other < (1 + s) t and other < own + s t (the
    other one is about as near). A face that stands alone: other < (1 + s) t. Without a threshold (the number of people
    was given): other < (1 + s) own; a face that stands alone has nothing to compare with.

    photos : (n,) number of the photo of each face, not decreasing, if faces of one photo are different people: nobody
    who is in the same photo counts as the other person.

    Mean distances come from sums: for unit rows (cosine) 1 - <x, S>/|A|, for squared Euclidean distances
    |x|^2 + E|a|^2 - 2<x, m>. The face itself is left out of its own person's mean. Euclidean distances are compared
    in squares. Time O(n k d) for k people, memory O(n d).
    """
    n = len(embeddings)
    if n < 2:
        return []
    rows = embeddings.astype(np.float64)
    if metric == "cosine":
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    limit = None if threshold is None else _in_squares(threshold, metric)
    squares = np.einsum("ij,ij->i", rows, rows)
    numbers, people = np.unique(labels, return_inverse=True)  # numbers that survive have gaps
    k = len(numbers)
    sizes = np.bincount(people).astype(np.float64)
    sums = np.zeros((k, rows.shape[1]))
    np.add.at(sums, people, rows)
    square_sums = np.bincount(people, weights=squares)
    barred = None if photos is None else _people_in_same_photo(photos, people)

    calls: list[CloseCall] = []
    block = max(1, _BLOCK_BYTES // (8 * k))
    for begin in range(0, n, block):
        here = slice(begin, min(n, begin + block))
        index = np.arange(here.stop - begin)
        own = people[here]
        dots = rows[here] @ sums.T
        distances = squares[here, None] + (square_sums / sizes)[None, :] - 2 * dots / sizes[None, :]
        distances[index, own] = np.inf
        if barred is not None:
            part = slice(*np.searchsorted(barred[0], (here.start, here.stop)))
            distances[barred[0][part] - begin, barred[1][part]] = np.inf
        nearest = np.argmin(distances, axis=1)
        others = np.maximum(sizes[own] - 1, 1)
        own_distance = (
            squares[here]
            + (square_sums[own] - squares[here]) / others
            - 2 * (dots[index, own] - squares[here]) / others
        )
        barely, nearly = _judge(own_distance, distances[index, nearest], sizes[own] == 1, limit)
        calls += [
            CloseCall(begin + int(i), int(numbers[nearest[i]]) if nearly[i] else None)
            for i in np.flatnonzero(barely | nearly)
        ]
    return calls


def _in_squares(threshold: float, metric: str) -> float:
    """The threshold as a squared Euclidean distance; for unit rows that is twice the cosine distance."""
    return {"cosine": 2 * threshold, "euclidean": threshold**2, "sqeuclidean": threshold}[metric]


def _judge(
    own: NDArray[np.float64], other: NDArray[np.float64], alone: NDArray[np.bool_], limit: float | None
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which faces barely belong to their own person, and which nearly to another."""
    if limit is None:
        return np.zeros(len(own), np.bool_), ~alone & (other < (1 + _CLOSE_CALL) * own)
    barely = ~alone & (own > (1 - _CLOSE_CALL) * limit)
    nearly = (other < (1 + _CLOSE_CALL) * limit) & (alone | (other < own + _CLOSE_CALL * limit))
    return barely, nearly


def _people_in_same_photo(
    photos: NDArray[np.int64], people: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(face, person of a face in the same photo), all such pairs, by face."""
    begins = np.searchsorted(photos, photos, "left")
    counts = np.searchsorted(photos, photos, "right") - begins
    faces = np.repeat(np.arange(len(photos)), counts)
    place = np.arange(len(faces)) - np.repeat(np.cumsum(counts) - counts, counts)
    return faces, people[begins[faces] + place]
