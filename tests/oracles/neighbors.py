"""Distances of many rows in float64, and certificates for answers: right wherever float64 is sure of itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.spatial.distance import cdist

# Float64 sums in another order differ by less than this, absolutely for cosine, else relative to the distance.
DOUBT = 1e-12


def distances(x: NDArray, y: NDArray, metric: str) -> NDArray[np.float64]:
    """(n, m) float64; squares beyond its range are infinite or 0."""
    x, y = x.astype(np.float64), y.astype(np.float64)
    if metric == "cosine":
        return np.clip(1 - _unit(x) @ _unit(y).T, 0, 2)
    return cdist(x, y, metric)


def _unit(x: NDArray[np.float64]) -> NDArray[np.float64]:
    # Through a power of two, since the squares of entries of 1e300 are not numbers any more.
    x = np.ldexp(x, -np.frexp(np.abs(x).max(axis=1, keepdims=True))[1])
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def by_distance(want: NDArray[np.float64], *, self_first: bool) -> NDArray[np.int64]:
    """All rows by distance, ties by lower index: `oracles.distance.nearest` for many rows."""
    if self_first:
        want = want.copy()
        np.fill_diagonal(want, -1)
    return np.argsort(want, axis=1, kind="stable")


def doubt(distance: NDArray[np.float64] | float, metric: str) -> NDArray[np.float64] | float:
    """How far the true distance may be from this one."""
    return DOUBT if metric == "cosine" else DOUBT * distance


def clear_radii(want: NDArray[np.float64], metric: str, quantiles: tuple[float, ...]) -> list[float]:
    """Radii near these quantiles of the distances, none of them near a distance."""
    values = np.unique(want[np.isfinite(want)])
    values = np.concatenate([values, [values[-1] * (1 + 1e-9) + 1e-9]])
    gaps = np.flatnonzero(np.diff(values) > 10 * doubt(values[1:], metric))
    places = gaps[np.searchsorted(gaps, np.array(quantiles) * (len(values) - 2)).clip(max=len(gaps) - 1)]
    return [float(values[p] / 2 + values[p + 1] / 2) for p in np.unique(places)]


def assert_graph(graph: csr_array, want: NDArray[np.float64], radius: float, metric: str) -> None:
    """Exactly the pairs with ``want <= radius``, but for those in doubt; columns in order, float32 distances."""
    assert graph.shape == want.shape and graph.dtype == np.float32 and graph.has_canonical_format
    rows = np.repeat(np.arange(len(want)), np.diff(graph.indptr))
    got = np.zeros(want.shape, bool)
    got[rows, graph.indices] = True
    unsure = np.zeros(want.shape, bool)
    if np.isfinite(radius):
        unsure = np.abs(want - radius) <= doubt(radius, metric)
    np.testing.assert_array_equal(got | unsure, (want <= radius) | unsure)
    assert_rounded(graph.data, want[rows, graph.indices], metric)


def assert_nearest(
    found: tuple[NDArray[np.float32], NDArray[np.int64]], want: NDArray[np.float64], metric: str, *, self_first: bool
) -> None:
    """k different rows, none of those left out nearer than one of them, nearest first."""
    distances, indices = found
    n, k = indices.shape
    assert distances.shape == (n, k) and distances.dtype == np.float32 and indices.dtype == np.int64
    own = np.take_along_axis(want, indices, axis=1)
    assert_rounded(distances, own, metric)
    assert (np.diff(np.sort(indices, axis=1), axis=1) > 0).all()
    first = 1 if self_first else 0
    if self_first:
        np.testing.assert_array_equal(indices[:, 0], np.arange(n))
    if k == first:
        return
    # Infinite distances are equal to each other.
    finite = np.minimum(own[:, first:], np.finfo(np.float64).max)
    assert (finite[:, 1:] >= finite[:, :-1] - 2 * doubt(finite[:, :-1], metric)).all()
    rest = np.minimum(want, np.finfo(np.float64).max)
    np.put_along_axis(rest, indices, np.inf, axis=1)
    last = finite.max(axis=1)
    assert (rest.min(axis=1) >= last - 2 * doubt(last, metric)).all()


def assert_rounded(got: NDArray[np.float32], want: NDArray[np.float64], metric: str) -> None:
    """One rounding to float32."""
    with np.errstate(over="ignore"):
        want = want.astype(np.float32)
    least = DOUBT if metric == "cosine" else float(np.finfo(np.float32).smallest_subnormal)
    np.testing.assert_allclose(got, want, rtol=1.5e-7, atol=least)
