"""K-means from its definition, in NumPy: greedy k-means++, Lloyd's algorithm with relocation, the nearest centre."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def squares(x: NDArray, centers: NDArray) -> NDArray[np.float64]:
    """Squared distances in float64. Sums in the order of csrc/simd/kernels.hpp, since rounding can decide which row is
    the farthest: both rows of a cluster of two are as far from their mean.
    """
    terms = (x.astype(np.float64)[:, None] - centers.astype(np.float64)[None]) ** 2
    terms = np.pad(terms, ((0, 0), (0, 0), (0, -terms.shape[2] % 8)))
    lanes = terms.reshape(*terms.shape[:2], -1, 8).cumsum(axis=2)[:, :, -1]
    return ((lanes[..., 0] + lanes[..., 4]) + (lanes[..., 2] + lanes[..., 6])) + (
        (lanes[..., 1] + lanes[..., 5]) + (lanes[..., 3] + lanes[..., 7])
    )


def plus_plus(x: NDArray, k: int, weights: NDArray, first: int, draws: NDArray) -> list[int]:
    """The rows chosen; squared distances and their running sum are of the type of x."""
    chosen, closest = [first], squares(x, x[[first]])[:, 0].astype(x.dtype)
    for c in range(1, k):
        shares = weights.astype(x.dtype) * closest
        places = draws[c - 1] * float(x.dtype.type(shares.sum(dtype=np.float64)))
        candidates = np.minimum(np.searchsorted(np.cumsum(shares), places), len(x) - 1)
        nearer = np.minimum(closest[:, None], squares(x, x[candidates]).astype(x.dtype))
        best = int(np.argmin(weights @ nearer.astype(np.float64)))
        chosen.append(int(candidates[best]))
        closest = nearer[:, best]
    return chosen


def means(x: NDArray, owners: NDArray, weights: NDArray, centers: NDArray, spherical: bool) -> NDArray:
    """Means of the rows of each owner, from differences to the first of them; the centre stays where none weighs."""
    result = centers.copy()
    for j in range(len(centers)):
        mine = np.flatnonzero((owners == j) & (weights > 0))
        if len(mine):
            first = x[mine[0]].astype(np.float64)
            mean = first + (weights[mine, None] * (x[mine] - first)).cumsum(axis=0)[-1] / weights[mine].sum()
            length = np.sqrt(np.cumsum(mean * mean)[-1]) if spherical else 1.0
            if length >= 8 * np.finfo(x.dtype).eps:
                result[j] = mean / length
    return result


def update(x: NDArray, labels: NDArray, weights: NDArray, centers: NDArray, spherical: bool) -> NDArray:
    """The next centres. The rows farthest from their centres go to the clusters that weigh nothing."""
    k, owners = len(centers), labels.copy()
    empty = np.flatnonzero(np.bincount(labels, weights, k) == 0)
    far = squares(x, centers)[np.arange(len(x)), labels]
    if far.max() > 0:
        owners[np.argsort(-far, kind="stable")[: len(empty)]] = empty
    totals = np.bincount(owners, weights, k)
    result = means(x, owners, weights, centers, spherical)
    result[totals == 0] = result[np.argmax(totals)]
    return result


def lloyd(
    x: NDArray, centers: NDArray, weights: NDArray, max_iter: int, tolerance: float, spherical: bool = False
) -> tuple[NDArray, NDArray, float, int]:
    """Labels, centres, inertia and number of iterations."""
    labels = before = None
    for n_iter in range(1, max_iter + 1):
        labels = squares(x, centers).argmin(axis=1)
        centers, old = update(x, labels, weights, centers, spherical), centers
        if before is not None and (labels == before).all():
            break
        before = labels
        if ((centers.astype(np.float64) - old) ** 2).sum() <= tolerance or n_iter == max_iter:
            labels = squares(x, centers).argmin(axis=1)
            break
    return labels, centers, float(weights @ squares(x, centers)[np.arange(len(x)), labels]), n_iter
