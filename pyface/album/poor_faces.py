"""Faces too poor to compare found no people and join one only when near enough; doubtful ones stay only when near."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pyface._typing import Embeddings, Labels

__all__ = ["STAY_SHARE", "doubtful_below", "join_poor", "join_share", "let_go"]

# A poor face joins a person at a mean distance below this share of the threshold of average linkage (in squared or
# cosine distance). There for one right pair of a poor face and a good one there are no more wrong ones than of two good
# faces at the threshold: docs/how-it-works/face-quality.md. Other embedders are taken to be like SFace, as most are
# trained alike.
_SHARES = {"dlib-resnet": 0.8, "sface": 0.85}
# Qualities below which a face is doubtful, and the share of the threshold within which it has to be of the others of
# its person (same document).
_DOUBTFUL = {"dlib-resnet": 0.8, "sface": 0.9}
STAY_SHARE = 0.95
_BLOCK_BYTES = 1 << 26


def join_share(embedder: str, metric: str) -> float:
    """The share of average linkage's threshold that is the ``limit`` of :func:`join_poor`; ``embedder`` is a name."""
    share = _SHARES.get(embedder, _SHARES["sface"])
    return share**0.5 if metric == "euclidean" else share


def doubtful_below(embedder: str) -> float:
    """The quality below which :func:`let_go` looks at a face; ``embedder`` is a name."""
    return _DOUBTFUL.get(embedder, _DOUBTFUL["sface"])


def let_go(
    embeddings: Embeddings, labels: Labels, is_doubtful: NDArray[np.bool_], *, metric: str, limit: float
) -> Labels:
    """The labels, with doubtful faces that are not near enough to the others of their person each for itself.

    embeddings, labels, metric : as :func:`join_poor` takes them; faces of label -1 are left as they are.
    is_doubtful : (n,) which faces may be let go.
    limit : a doubtful face stays if its mean distance to all others of its person is strictly below it. All are judged
        by the people as they are given, in no order. Euclidean distances are compared in squares.

    Those let go are numbered on from the largest in the order of their rows. Time and memory O(n d).
    """
    result: Labels = labels.astype(np.int64)
    placed = np.flatnonzero(labels >= 0)
    if placed.size == 0:
        return result
    people = np.unique(labels[placed], return_inverse=True)[1]
    sizes = np.bincount(people)
    is_asked = is_doubtful[placed] & (sizes[people] > 1)
    # Of people without a face to look at nothing need be known.
    counts = np.isin(people, people[is_asked])
    placed, is_asked = placed[counts], is_asked[counts]
    if placed.size == 0:
        return result
    people = np.unique(people[counts], return_inverse=True)[1]
    rows = _ready(embeddings[placed], metric)
    if metric != "cosine":
        rows -= rows.mean(axis=0)
    sums, square_sums = _sums(rows, people)
    mine, asked = people[is_asked], rows[is_asked]
    squares = np.einsum("ij,ij->i", asked, asked)
    dots = np.einsum("ij,ij->i", asked, sums[mine]) - squares
    others = np.bincount(people)[mine] - 1
    distances = squares + (square_sums[mine] - squares - 2 * dots) / others
    goes = np.flatnonzero(is_asked)[distances >= _in_squares(limit, metric)]
    gone = placed[goes]
    result[gone] = result.max() + 1 + np.arange(len(gone))
    return result


def join_poor(
    embeddings: Embeddings,
    labels: Labels,
    *,
    metric: str,
    limit: float,
    photos: NDArray[np.int64] | None = None,
    pairs: NDArray[np.int64] | None = None,
) -> tuple[Labels, NDArray[np.bool_]]:
    """Put poor faces with the people that good faces have founded, and say which of them stand alone.

    embeddings : (n, d) float32 or float64; under cosine of any length but 0.
    labels : (n,) person of each good face, from 0 on, in which numbers may be missing; -1 for a poor one.
    metric : ``"cosine"``, ``"sqeuclidean"`` or ``"euclidean"``. Euclidean distances are compared in squares.
    limit : a poor face joins a person if its mean distance to that person's good faces, which is the criterion of
        average linkage, is strictly below it.
    photos : (n,) groups of which no two faces come together, as the number of a photo; -1 for none.
    pairs : (m, 2) rows that do not come together, either.

    Of all (poor face, person) below the limit the nearest comes first, equal ones by row, then by person; it is passed
    over if the face has its person already, or a face that it may not come together with is there. So a face goes to
    the nearest person that it may join, and of two of one photo that would join the same one the nearer does. No poor
    face counts for another's distance: two never bring each other in. The result does not depend on threads.

    Gives the labels (n,), those of good faces as they were, faces that join nobody numbered on from the largest in the
    order of their rows; and a mask (n,) of the latter. Time O(p k d) for p poor faces and k people, in float32 but for
    those near the limit; memory O((n + k) d).
    """
    result: Labels = labels.astype(np.int64)
    is_alone = np.zeros(len(labels), np.bool_)
    poor, good = np.flatnonzero(labels < 0), np.flatnonzero(labels >= 0)
    if poor.size and good.size:
        numbers, people = np.unique(labels[good], return_inverse=True)
        distances, faces, places = _below(embeddings, poor, good, people, metric, limit)
        apart = _Apart(photos, pairs)
        for i in np.lexsort((places, faces, distances)).tolist():
            face, person = int(poor[faces[i]]), int(numbers[places[i]])
            if result[face] < 0 and not (result[apart.of(face)] == person).any():
                result[face] = person
    alone = np.flatnonzero(result < 0)
    result[alone] = result.max(initial=-1) + 1 + np.arange(len(alone))
    is_alone[alone] = True
    return result, is_alone


class _Apart:
    """Which rows may not come together with a row."""

    def __init__(self, photos: NDArray[np.int64] | None, pairs: NDArray[np.int64] | None) -> None:
        self._photos = photos
        ends = np.empty((0, 2), np.int64) if pairs is None else np.concatenate([pairs, pairs[:, ::-1]])
        self._ends = ends[np.argsort(ends[:, 0], kind="stable")]
        self._order = np.empty(0, np.int64) if photos is None else np.argsort(photos, kind="stable")
        self._sorted = None if photos is None else photos[self._order]

    def of(self, row: int) -> NDArray[np.int64]:
        """Rows, itself perhaps among them."""
        begin, end = np.searchsorted(self._ends[:, 0], (row, row + 1))
        partners: NDArray[np.int64] = self._ends[begin:end, 1]
        if self._photos is None or self._sorted is None or self._photos[row] < 0:
            return partners
        photo = self._photos[row]
        begin, end = np.searchsorted(self._sorted, (photo, photo + 1))
        return np.concatenate([partners, self._order[begin:end]])


def _below(
    embeddings: Embeddings,
    poor: NDArray[np.int64],
    good: NDArray[np.int64],
    people: NDArray[np.int64],
    metric: str,
    limit: float,
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Mean distances below the limit, and of which poor face to which person, both numbered from 0 on.

    |x|^2 + E|a|^2 - 2 <x, E a>, which is twice the cosine distance where all have length 1. float32 says which can be
    below, float64 which are.
    """
    least = _in_squares(limit, metric)
    rows, faces = _ready(embeddings[good], metric), _ready(embeddings[poor], metric)
    if metric != "cosine":  # nearer to 0 the squares lose fewer digits
        middle = rows.mean(axis=0)
        rows -= middle
        faces -= middle
    sizes = np.bincount(people).astype(np.float64)
    sums, square_sums = _sums(rows, people)
    means, squares = sums / sizes[:, None], square_sums / sizes
    own = np.einsum("ij,ij->i", faces, faces)
    # 2 <x, m> + least - |x|^2 - squares as one product of float32, and what that can be wrong by on top of it.
    error = (rows.shape[1] + 16) * float(np.finfo(np.float32).eps)
    rest = least - own
    left = np.column_stack([2 * faces, np.sqrt(own), rest + error * np.abs(rest), np.ones(len(faces))])
    reach = 2 * error * np.linalg.norm(means, axis=1)
    right = np.column_stack([means, reach, np.ones(len(means)), (error - 1) * squares]).T
    left, right = left.astype(np.float32), np.ascontiguousarray(right, np.float32)
    found: list[tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]] = []
    block = max(1, _BLOCK_BYTES // (4 * len(sizes)))
    for begin in range(0, len(faces), block):
        here = slice(begin, begin + block)
        near, person = np.nonzero(left[here] @ right >= 0)
        dots = np.einsum("ij,ij->i", faces[here][near], means[person])
        distances = own[here][near] + squares[person] - 2 * dots
        is_below = distances < least
        found.append((distances[is_below], near[is_below] + begin, person[is_below]))
    parts = tuple(np.concatenate(part) for part in zip(*found, strict=True))
    return parts[0], parts[1], parts[2]


def _in_squares(limit: float, metric: str) -> float:
    """The limit as a squared Euclidean distance; of unit rows that is twice the cosine distance."""
    return {"cosine": 2 * limit, "euclidean": limit**2, "sqeuclidean": limit}[metric]


def _ready(embeddings: Embeddings, metric: str) -> NDArray[np.float64]:
    """A float64 copy, of length 1 if the metric is cosine."""
    rows: NDArray[np.float64] = embeddings.astype(np.float64)
    if metric == "cosine":
        rows /= np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
    return rows


def _sums(rows: NDArray[np.float64], people: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of each person from 0 on, the sum of its rows (k, d) and of their squares (k,)."""
    from scipy.sparse import csr_array  # too heavy to come with the package

    n = len(rows)
    of_people = csr_array((np.ones(n), (people, np.arange(n))), shape=(int(people.max()) + 1, n))
    sums: NDArray[np.float64] = of_people @ rows
    squares = np.bincount(people, weights=np.einsum("ij,ij->i", rows, rows))
    return sums, squares.astype(np.float64)
