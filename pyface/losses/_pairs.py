"""Losses of pairs and of triplets of rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyface import _check, _memory, _threads
from pyface._typing import FloatArray, Labels
from pyface.kernels.distance import condensed_float64
from pyface.losses import _inputs
from pyface.losses._results import PairLoss

CHOICES = ("batch-all", "batch-hard", "semi-hard")
_LARGEST = 1e150  # of margins: their squares are numbers
_INSTEAD = "give smaller batches, or the pairs you need"

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows in float64, normalized or not, and the way back to gradients of the rows as given."""

    x: Matrix
    directions: _inputs.Directions | None

    @staticmethod
    def unit(x: FloatArray) -> Rows:
        """Normalized, rows of zeros let through."""
        directions = _inputs.directions(x)
        return Rows(directions.rows, directions)

    def gradient(self, d_x: Matrix, dtype: Any) -> FloatArray:
        result: FloatArray = (d_x if self.directions is None else self.directions.through(d_x)).astype(dtype)
        return result


def _prepared(x: FloatArray, normalize: Any) -> Rows:
    if not _check.flag(normalize, "normalize"):
        return Rows(x.astype(np.float64, copy=False), None)
    directions = _inputs.checked_directions(x, "X")
    return Rows(directions.rows, directions)


def _square(x: Matrix, metric: str) -> Matrix:
    """(n, n) distances; by differences, so that those of near duplicates keep their digits."""
    from scipy.spatial.distance import squareform

    _memory.require(6 * 8 * len(x) ** 2, f"the distances of all pairs of {len(x):,} rows", _INSTEAD)
    if len(x) == 1:
        return np.zeros((1, 1))
    distances: Matrix = squareform(condensed_float64(x, metric, _threads.resolve(None)), checks=False)
    if not np.isfinite(distances).all():
        row = int(np.flatnonzero(~np.isfinite(distances).all(axis=1))[0])
        raise ValueError(f"X: row {row} is at an infinite distance from another; scale the data")
    return distances


def _from_distances(d_distance: Matrix, x: Matrix, distances: Matrix, metric: str) -> Matrix:
    """Gradient by the rows from that by the distances (n, n), of which both halves count."""
    both = d_distance + d_distance.T
    if metric == "euclidean":  # grad |a - b| is (a - b) / |a - b|, and zero is taken for it where a = b
        np.divide(both, distances, out=both, where=distances > 0)
        both[distances == 0] = 0
    else:
        both *= 2
    centered = x - x.mean(axis=0)  # differences are the same, and less is lost of them
    result: Matrix = both.sum(axis=1)[:, None] * centered - both @ centered
    return result


def contrastive(
    X: FloatArray,
    labels: Any = None,
    *,
    pairs: Any = None,
    same: Any = None,
    margin: float = 1.0,
    normalize: bool = False,
) -> PairLoss:
    """The contrastive loss of Siamese networks, mean over pairs (Hadsell, Chopra and LeCun 2006, eq. 4).

    ``D^2 / 2`` for a pair of one person and ``max(0, m - D)^2 / 2`` for others, D the Euclidean distance, m ``margin``.

    X : (n, d) float32, float64 or float16. labels : (n,) integers or strings: all pairs of rows count, n >= 2. Or
    pairs : (p, 2) integers, rows of X, and same : (p,) bool, whether they are one person; a pair given twice counts
    twice. margin : > 0, in units of D. normalize : divide rows by their lengths first.

    Gradients are with respect to X as given. Where two rows of different people are equal, D has no derivative; zero is
    taken for it. ``n_active`` counts pairs of one person apart and of others nearer than the margin.

    TypeError for other dtypes; ValueError, naming the row, for NaN, labels of another length, pairs of rows that do not
    exist, rows of zeros with ``normalize``. All pairs take O(n^2 d) time and O(n^2) memory, given ones O(p d).
    """
    m = _check.number(margin, "margin", above=0, maximum=_LARGEST)
    x = _inputs.some_rows(X)
    if (labels is None) == (pairs is None) or (pairs is None) != (same is None):
        raise ValueError("give either labels, or pairs and same")
    rows = _prepared(x, normalize)
    if labels is None:
        return loss_of_pairs(rows, *_checked_pairs(pairs, same, len(x)), m, x.dtype)
    value, d_x, n_terms, n_active = _all_pairs(rows.x, _inputs.who(labels, len(x)), m)
    return PairLoss(value, rows.gradient(d_x, x.dtype), n_terms, n_active)


def _checked_pairs(pairs: Any, same: Any, n: int) -> tuple[Labels, NDArray[np.bool_]]:
    index, is_same = np.asarray(pairs), np.asarray(same)
    if index.ndim != 2 or index.shape[1] != 2 or index.dtype.kind not in "iu":
        raise ValueError(f"pairs must be integers of shape (p, 2), got {index.dtype} of shape {index.shape}")
    if len(index) == 0:
        raise ValueError("pairs is empty; the mean over none is not defined")
    if is_same.shape != (len(index),):
        raise ValueError(f"same has shape {is_same.shape} and there are {len(index)} pairs; give one for each pair")
    if is_same.dtype.kind != "b":
        raise TypeError(f"same must be True or False for each pair, got an array of {is_same.dtype}")
    bad = np.flatnonzero(((index < 0) | (index >= n)).any(axis=1))
    if bad.size:
        raise ValueError(f"pairs: row {bad[0]} is {index[bad[0]].tolist()}, and X has the rows 0 to {n - 1}")
    return index.astype(np.int64, copy=False), is_same


def _pulls(distance: Matrix, is_same: NDArray[np.bool_], m: float) -> tuple[Matrix, Matrix]:
    """Losses of pairs at these distances, and their derivatives by the distance."""
    short = np.maximum(0.0, m - distance)
    size = np.where(is_same, distance, short)
    return size**2 / 2, np.where(is_same, distance, -short)


def loss_of_pairs(rows: Rows, index: Labels, is_same: NDArray[np.bool_], m: float, dtype: Any) -> PairLoss:
    """:func:`contrastive` of given pairs that have been checked."""
    x = rows.x
    apart = x[index[:, 0]] - x[index[:, 1]]
    distance = np.sqrt(np.einsum("ij,ij->i", apart, apart))
    losses, slope = _pulls(distance, is_same, m)
    factor = np.divide(slope, distance, out=np.zeros_like(slope), where=distance > 0) / len(index)
    d_x = np.zeros_like(x)
    np.add.at(d_x, index[:, 0], factor[:, None] * apart)
    np.add.at(d_x, index[:, 1], -factor[:, None] * apart)
    return PairLoss(float(losses.mean()), rows.gradient(d_x, dtype), len(index), int(np.count_nonzero(losses)))


def _all_pairs(x: Matrix, who: Labels, m: float) -> tuple[float, Matrix, int, int]:
    n = len(x)
    if n < 2:
        raise ValueError("X has one row, and a pair takes two")
    distance = _square(x, "euclidean")
    losses, slope = _pulls(distance, who[:, None] == who, m)
    np.fill_diagonal(losses, 0)
    np.fill_diagonal(slope, 0)
    n_terms = n * (n - 1) // 2
    d_x = _from_distances(slope / (2 * n_terms), x, distance, "euclidean")
    return float(losses.sum() / 2 / n_terms), d_x, n_terms, int(np.count_nonzero(losses) // 2)


def triplet(
    X: FloatArray,
    labels: Any,
    *,
    margin: float = 0.2,
    choice: str = "semi-hard",
    metric: str = "sqeuclidean",
    average: str = "all",
    normalize: bool = True,
) -> PairLoss:
    """The triplet loss ``max(0, d(a, p) - d(a, n) + margin)``, mean over the triplets of a batch that are chosen.

    a is a row (the anchor), p another of its person, n one of somebody else.

    X : (n, d) float32, float64 or float16. labels : (n,) integers or strings. margin : > 0, in units of d; alpha in
    FaceNet. choice : which triplets count,
      "batch-all": all;
      "batch-hard": for each anchor its farthest p and its nearest n (Hermans, Beyer and Leibe 2017, eq. 5);
      "semi-hard": for each anchor and p the nearest n that is farther than p, if it is within the margin (Schroff,
      Kalenichenko and Philbin 2015, FaceNet, section 3.2); pairs without one are left out.
    Equal distances are decided by the lower row. metric : "sqeuclidean" (FaceNet) or "euclidean" (Hermans et al.).
    average : "all", or "active": over triplets with a loss above 0, which is Hermans' "batch-all, non-zero".
    normalize : divide rows by their lengths first, as FaceNet does; margins between 0 and 4 make sense then.

    A person with one row gives no anchor; the row counts as n of others. If all triplets are easy, the value is 0.0,
    the gradient zero and ``n_active`` 0. Gradients are with respect to X as given, for the triplets as they are chosen;
    "euclidean" takes zero for the derivative between equal rows.

    TypeError for other dtypes; ValueError for NaN (which row), labels of another length, batches in which no two rows
    are the same person, or all are. Time O(n^2 (d + log n)) and memory O(n^2) for any choice.
    """
    alpha = _check.number(margin, "margin", above=0, maximum=_LARGEST)
    _check.choice(choice, "choice", CHOICES)
    _check.choice(metric, "metric", ("sqeuclidean", "euclidean"))
    _check.choice(average, "average", ("all", "active"))
    x = _inputs.some_rows(X)
    who = _inputs.who(labels, len(x))
    sizes = np.bincount(who)
    if sizes.max() < 2:
        raise ValueError(
            f"labels: each of {len(sizes)} people has one row, and a triplet takes two of one; draw several of each"
        )
    if len(sizes) == 1:
        raise ValueError(f"labels: all {len(x)} rows are the same person, and a triplet takes one of somebody else")
    return loss_of_triplets(_prepared(x, normalize), who, choice, metric, average, alpha, x.dtype)


def loss_of_triplets(
    rows: Rows, who: Labels, choice: str, metric: str, average: str, alpha: float, dtype: Any
) -> PairLoss:
    """:func:`triplet` of what has been checked."""
    distances = _square(rows.x, metric)
    choose = {"batch-all": _batch_all, "batch-hard": _batch_hard, "semi-hard": _semi_hard}[choice]
    total, slopes, n_terms, n_active = choose(distances, who, alpha)
    n_mean = max(1, n_active if average == "active" else n_terms)
    d_x = _from_distances(slopes / n_mean, rows.x, distances, metric)
    return PairLoss(total / n_mean, rows.gradient(d_x, dtype), n_terms, n_active)


def _batch_all(distances: Matrix, who: Labels, alpha: float) -> tuple[float, Matrix, int, int]:
    """Sum of the losses, its derivatives by the distances, triplets, triplets with a loss.

    Per anchor O(n log n): which n are within the margin of a p is a matter of order, and sums of them are prefixes.
    """
    total, slopes, n_terms, n_active = 0.0, np.zeros_like(distances), 0, 0
    for a, row in enumerate(distances):
        is_own = who == who[a]
        others = np.flatnonzero(~is_own)
        is_own[a] = False
        own = np.flatnonzero(is_own)
        reach = np.sort(row[own] + alpha)
        far = np.sort(row[others])
        n_near = np.searchsorted(far, row[own] + alpha, side="left")
        prefix = np.concatenate([[0.0], np.cumsum(far)])
        total += float((n_near * (row[own] + alpha) - prefix[n_near]).sum())
        slopes[a, own] = n_near
        slopes[a, others] = np.searchsorted(reach, row[others], side="right") - float(len(own))
        n_terms += len(own) * len(others)
        n_active += int(n_near.sum())
    return total, slopes, n_terms, n_active


def _batch_hard(distances: Matrix, who: Labels, alpha: float) -> tuple[float, Matrix, int, int]:
    is_own = who[:, None] == who
    nearest = np.argmin(np.where(is_own, np.inf, distances), axis=1)
    np.fill_diagonal(is_own, False)
    anchors = np.flatnonzero(is_own.any(axis=1))
    farthest = np.argmax(np.where(is_own, distances, -np.inf), axis=1)
    return _hinges(distances, anchors, farthest[anchors], nearest[anchors], alpha)


def _semi_hard(distances: Matrix, who: Labels, alpha: float) -> tuple[float, Matrix, int, int]:
    anchors, positives, negatives = [], [], []
    for a, row in enumerate(distances):
        is_own = who == who[a]
        others = np.flatnonzero(~is_own)
        is_own[a] = False
        own = np.flatnonzero(is_own)
        others = others[np.argsort(row[others], kind="stable")]
        place = np.searchsorted(row[others], row[own], side="right")
        own, place = own[place < len(others)], place[place < len(others)]
        chosen = others[place]
        is_inside = row[chosen] < row[own] + alpha
        anchors.append(np.full(int(is_inside.sum()), a))
        positives.append(own[is_inside])
        negatives.append(chosen[is_inside])
    chosen_rows = (np.concatenate(anchors), np.concatenate(positives), np.concatenate(negatives))
    return _hinges(distances, *chosen_rows, alpha)


def _hinges(distances: Matrix, a: Labels, p: Labels, n: Labels, alpha: float) -> tuple[float, Matrix, int, int]:
    losses = distances[a, p] + alpha - distances[a, n]
    is_active = losses > 0
    a, p, n = a[is_active], p[is_active], n[is_active]
    slopes = np.zeros_like(distances)
    np.add.at(slopes, (a, p), 1.0)
    np.add.at(slopes, (a, n), -1.0)
    return float(losses[is_active].sum()), slopes, len(losses), len(a)
