"""Rows that lie far away from 0: means of clusters keep the digits in which the rows differ."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from agglomerative_rows import faces
from numpy.typing import NDArray
from oracles import agglomerative as oracle

import pyface
from pyface.cluster import AgglomerativeClustering, cluster_means, medoids, merge_suggestions
from pyface.kernels.origin import common_origin, kept_origin

OFFSETS = (1e3, 1e6, 1e9, 1e12, -1e12)
CASES = [("ward", "euclidean"), ("average", "sqeuclidean"), ("weighted", "sqeuclidean")]
EACH_CASE = pytest.mark.parametrize(("method", "metric"), CASES)


def far(offset: float, n: int = 60, d: int = 3, seed: int = 0) -> NDArray[np.float64]:
    """Rows around ``offset``, in whole steps that float64 has there, and others for each column."""
    x = np.round(faces(n, d, np.random.default_rng(seed))[0] * 2**10) / 2**10
    return x + offset * np.linspace(1, 2, d)


def exact_heights(x: NDArray, z: NDArray, method: str) -> NDArray[np.float64]:
    """Those of the merges of ``z`` in rational numbers, rounded in the end."""
    means = [[Fraction(float(value)) for value in row] for row in x]
    spreads, sizes, heights = [Fraction(0)] * len(x), [1] * len(x), []
    for a, b in z[:, :2].astype(int).tolist():
        q = sum((p - r) ** 2 for p, r in zip(means[a], means[b], strict=True))
        n, m = sizes[a], sizes[b]
        share = Fraction(1, 2) if method == "weighted" else Fraction(m, n + m)
        if method == "ward":
            heights.append(float(Fraction(2 * n * m, n + m) * q) ** 0.5)
        else:
            heights.append(float(q + spreads[a] + spreads[b]))
        means.append([p + (r - p) * share for p, r in zip(means[a], means[b], strict=True)])
        spreads.append(spreads[a] * (1 - share) + spreads[b] * share + share * (1 - share) * q)
        sizes.append(n + m)
    return np.array(heights)


@EACH_CASE
@pytest.mark.parametrize("offset", OFFSETS)
def test_heights_keep_their_digits(method: str, metric: str, offset: float) -> None:
    x = far(offset)
    z = pyface.linkage(x, method, metric)
    np.testing.assert_allclose(z[:, 2], exact_heights(x, z, method), rtol=1e-13)
    # The tree is that of the same rows at 0.
    np.testing.assert_array_equal(z[:, [0, 1, 3]], pyface.linkage(x - x[0], method, metric)[:, [0, 1, 3]])


@EACH_CASE
def test_float32_rows(method: str, metric: str) -> None:
    x = (far(0.0) + 2.0**16).astype(np.float32)
    z = pyface.linkage(x, method, metric)
    np.testing.assert_allclose(z[:, 2], exact_heights(x, z, method), rtol=1e-13)


@EACH_CASE
def test_several_places_lose_digits_by_their_distance_only(method: str, metric: str) -> None:
    """No one number is near all rows; docs/limits.md says what is lost."""
    x = np.concatenate([far(0.0), far(1e6, seed=1)])
    z = pyface.linkage(x, method, metric)
    error = np.abs(z[:, 2] / exact_heights(x, z, method) - 1)
    assert error.max() < 1e-8


@pytest.mark.parametrize("method", ["average", "weighted"])
@pytest.mark.parametrize("offset", [1e6, 1e12])
def test_below_a_threshold_and_added_they_are_the_same_to_the_bit(method: str, offset: float) -> None:
    x = far(offset, n=90)
    heights = pyface.linkage(x, method, "sqeuclidean")[:, 2]
    threshold = float(heights[50:60].mean())

    def clusterer() -> AgglomerativeClustering:
        return AgglomerativeClustering(None, distance_threshold=threshold, linkage=method, metric="sqeuclidean")

    fitted = clusterer().fit(x)
    n = len(fitted.merges_)
    assert 40 < n < 70
    np.testing.assert_array_equal(fitted.merges_[:, 2], heights[:n])
    added = clusterer().fit(x[:50]).add(x[50:70]).add(x[70:])
    np.testing.assert_array_equal(added.merges_, fitted.merges_)
    # A row that leaves nothing to count from changes the last digits of all others, as in a fit of all rows.
    stranger = np.concatenate([x, np.zeros((1, 3))])
    want = clusterer().fit(stranger)
    added.add(stranger[90:])
    np.testing.assert_array_equal(added.merges_, want.merges_)
    oracle.assert_same_partition(added.labels_, want.labels_)


def test_what_can_be_subtracted_without_rounding() -> None:
    rng = np.random.default_rng(1)
    for dtype in (np.float32, np.float64):
        x = np.column_stack(
            [
                1e6 + rng.normal(size=5000),
                -1e9 * (1 + rng.uniform(0, 1 / 70, 5000)),
                rng.normal(size=5000),
                np.full(5000, 3.25),
                np.zeros(5000),
                np.where(np.arange(5000) == 4990, 2.0, 1.0),
            ]
        ).astype(dtype)
        origin = common_origin(x)
        assert origin is not None
        np.testing.assert_array_equal(origin, np.where([1, 1, 0, 1, 0, 0], x[0], 0))
        for row in (x[3], x[4990]):
            moved = row - origin
            for a, b, c in zip(row.tolist(), origin.tolist(), moved.tolist(), strict=True):
                assert Fraction(a) - Fraction(b) == Fraction(c)
        part = common_origin(x[:7])
        assert part is not None and part[5] == 1
        np.testing.assert_array_equal(kept_origin(part, x[7:]), origin)
    assert common_origin(rng.normal(size=(100, 4))) is None
    assert common_origin(np.empty((0, 4))) is None
    assert common_origin(np.array([[np.finfo(float).max], [-np.finfo(float).max]])) is None


def test_means_medoids_and_suggestions() -> None:
    x = far(1e12, n=80)
    labels: Any = np.arange(80) % 7
    near = x - x[0]
    np.testing.assert_array_equal(medoids(x, labels, metric="sqeuclidean"), medoids(near, labels, metric="sqeuclidean"))
    np.testing.assert_array_equal(cluster_means(x, labels), cluster_means(near, labels) + x[0])
    ours = merge_suggestions(x, labels, threshold=0, metric="sqeuclidean")
    theirs = merge_suggestions(near, labels, threshold=0, metric="sqeuclidean")
    assert [(one.left, one.right) for one in ours] == [(one.left, one.right) for one in theirs]
    np.testing.assert_allclose([one.distance for one in ours], [one.distance for one in theirs], rtol=1e-12)
