"""What trees tell without their rows: profiles of all cuts, what is merged next, the best height by labelled rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from oracles import linkage, metrics
from oracles import tree as oracle
from scipy.cluster import hierarchy

import pyface
from pyface.cluster import cut_profile, next_merges, threshold_advice

METHODS = ("average", "single", "complete", "ward", "centroid", "median")
Z = NDArray[np.float64]


@st.composite
def some_trees(draw: st.DrawFn, least: int = 1, most: int = 14) -> Z:
    """Trees of a few points on a grid: many ties, some heights of 0, with two methods inversions."""
    n = draw(st.integers(least, most))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return pyface.linkage(rng.integers(0, 4, (n, 2)).astype(float), draw(st.sampled_from(METHODS)), "euclidean")


def heights_of_interest(z: Z) -> list[float]:
    """All heights, those between them, and beyond them."""
    heights = np.unique([0.0, *z[:, 2]])
    return [*heights, *(heights[1:] + heights[:-1]) / 2, heights[-1] + 1, np.inf]


@settings(max_examples=60, deadline=None)
@given(some_trees())
def test_profile(z: Z) -> None:
    n = len(z) + 1
    profile = cut_profile(z)
    assert profile.heights[0] == 0 and (np.diff(profile.heights) > 0).all() and (np.diff(profile.n_clusters) < 0).all()
    assert profile.n_clusters[-1] == 1 and profile.largest[-1] == n
    for height in heights_of_interest(z):
        sizes = [len(rows) for rows in oracle.clusters(z, height)]
        i = profile.index(height)
        assert profile.sizes(height).tolist() == sizes == np.bincount(pyface.cut(z, height=height)).tolist()
        assert profile.n_clusters[i] == len(sizes) and profile.largest[i] == max(sizes)
        assert profile.n_singletons[i] == sizes.count(1)
        assert profile.n_pairs[i] == sum(size * (size - 1) // 2 for size in sizes)
        if n > 1:
            theirs = hierarchy.fcluster(z, height, "distance")
            assert linkage.partition(theirs) == linkage.partition(pyface.cut(z, height=height))
    for array in (profile.n_clusters, profile.n_singletons, profile.largest, profile.n_pairs, profile.sizes(0.0)):
        assert array.dtype == np.int64


def test_profile_of_one_row_and_of_duplicates() -> None:
    profile = cut_profile(np.empty((0, 4)))
    assert (profile.heights.tolist(), profile.n_clusters.tolist(), profile.largest.tolist()) == ([0], [1], [1])
    assert (profile.n_singletons.tolist(), profile.n_pairs.tolist(), profile.sizes(3.0).tolist()) == ([1], [0], [1])
    profile = cut_profile(pyface.linkage(np.ones((4, 2))))
    assert (profile.heights.tolist(), profile.n_clusters.tolist(), profile.n_pairs.tolist()) == ([0], [1], [6])


def test_profile_refuses_what_is_no_height() -> None:
    profile = cut_profile(np.array([[0, 1, 1, 2.0]]))
    for wrong in (-1.0, np.nan):
        with pytest.raises(ValueError, match="height must be"):
            profile.sizes(wrong)
        with pytest.raises(ValueError, match="height must be"):
            profile.index(wrong)
    with pytest.raises(AttributeError):
        profile.heights = np.zeros(1)  # type: ignore[misc]


@settings(max_examples=60, deadline=None)
@given(some_trees(), st.integers(1, 20), st.data())
def test_next_merges(z: Z, limit: int, data: st.DataObject) -> None:
    height = data.draw(st.sampled_from(heights_of_interest(z)))
    wanted = oracle.next_merges(z, height)[:limit]
    found = next_merges(z, height=height, limit=limit)
    assert [(s.left, s.right, s.distance, s.n_left, s.n_right) for s in found] == wanted
    if found:
        first = found[0]
        labels = pyface.cut(z, height=height)
        assert len(first.left) == len(first.right) == 1 and first.left < first.right
        assert (np.count_nonzero(labels == first.left), np.count_nonzero(labels == first.right)) == (
            first.n_left,
            first.n_right,
        )


def test_next_merges_by_hand() -> None:
    # Rows 0 and 1, 2 and 3; then both, then row 4.
    z = np.array([[0, 1, 1, 2.0], [2, 3, 2, 2], [5, 6, 3, 4], [4, 7, 4, 5]])
    sides = [(s.left, s.right, s.distance, s.n_left, s.n_right) for s in next_merges(z, height=1.0)]
    assert sides == [((1,), (2,), 2.0, 1, 1), ((0,), (1, 2), 3.0, 2, 2), ((0, 1, 2), (3,), 4.0, 4, 1)]
    assert next_merges(z, height=4) == []
    with pytest.raises(ValueError, match="limit must be at least 1"):
        next_merges(z, height=1, limit=0)
    with pytest.raises(ValueError, match="height must be at least 0"):
        next_merges(z, height=-1)


@st.composite
def labelled_trees(draw: st.DrawFn) -> tuple[Z, NDArray[np.int64]]:
    """Trees with some rows labelled, as can be advised from: two rows share a label, two do not."""
    z = draw(some_trees(least=3))
    n = len(z) + 1
    labels = draw(st.lists(st.integers(-1, draw(st.integers(1, 5))), min_size=n, max_size=n))
    rows = draw(st.permutations(range(n)))
    for row, label in zip(rows[:3], (7, 7, 9), strict=True):
        labels[row] = label
    return z, np.array(labels)


@settings(max_examples=100, deadline=None)
@given(labelled_trees(), st.sampled_from([0.5, 1.0, 2.0]))
def test_advice_is_the_best_of_all_cuts(case: tuple[Z, NDArray[np.int64]], beta: float) -> None:
    z, labels = case
    advice = threshold_advice(z, labels, beta=beta)
    known = labels >= 0

    def scores(height: float) -> tuple[float, float, float]:
        return metrics.bcubed(labels[known].tolist(), pyface.cut(z, height=height)[known].tolist(), beta)

    curve = list(zip(advice.precisions, advice.recalls, advice.scores, strict=True))
    assert len(curve) == len(advice.heights) and advice.heights[0] == 0
    for i, height in enumerate(advice.heights):
        assert curve[i] == pytest.approx(scores(height), rel=1e-13)
    for height in heights_of_interest(z):
        assert scores(height)[2] <= advice.bcubed_f + 1e-13
    labels_there = pyface.cut(z, height=advice.height)
    assert (advice.bcubed_precision, advice.bcubed_recall, advice.bcubed_f) == pytest.approx(
        pyface.metrics.bcubed_precision_recall_f(labels[known], labels_there[known], beta=beta), rel=1e-14
    )
    assert advice.n_clusters == labels_there.max() + 1
    assert (advice.n_labelled, advice.n_classes) == (known.sum(), len(set(labels[known].tolist())))

    low, high = advice.interval
    assert low <= advice.height < high
    assert advice.height == (low if high == np.inf else pytest.approx((low + high) / 2))
    inside = [curve[i][2] for i, h in enumerate(advice.heights) if low <= h < high]
    assert set(inside) == {advice.bcubed_f}
    # It cannot be made longer, and lies below any other.
    below = [curve[i][2] for i, h in enumerate(advice.heights) if h < low]
    assert all(score < advice.bcubed_f for score in below)
    if high < np.inf:
        assert scores(high)[2] < advice.bcubed_f + 1e-13
        assert high in advice.heights


def test_advice_by_hand() -> None:
    # Rows of two people at 0 1 2 and 10 11, a stranger at 4.
    x = np.array([[0.0], [1], [2], [10], [11], [4]])
    z = pyface.linkage(x, "single", "euclidean")
    advice = threshold_advice(z, np.array([5, 5, 5, 8, 8, -1]))
    assert repr(advice).endswith("n_labelled=5, n_classes=2)")  # the arrays of all cuts are no part of it
    # The stranger joins at 2, which changes no score; all become one at 6.
    assert advice.interval == (1.0, 6.0) and advice.height == 3.5
    assert (advice.bcubed_f, advice.n_clusters, advice.n_labelled, advice.n_classes) == (1.0, 2, 5, 2)
    assert advice.heights.tolist() == [0, 1, 2, 6]
    assert advice.recalls[0] == pytest.approx(2 / 5) and advice.precisions[-1] == pytest.approx(13 / 25)


def test_of_equal_intervals_the_lowest() -> None:
    # Everybody is first put together with a stranger: precision 1 and recall 1/2 at first, 1/2 and 1 in the end.
    z = np.array([[0, 1, 1, 2.0], [2, 3, 2, 2], [4, 5, 3, 4]])
    advice = threshold_advice(z, np.array([0, 1, 0, 1]))
    assert advice.scores.tolist() == [2 / 3, pytest.approx(0.6), 0.5, 2 / 3]
    assert advice.interval == (0.0, 1.0) and advice.height == 0.5
    assert (advice.precisions[0], advice.recalls[0]) == (1, 0.5) == (advice.recalls[-1], advice.precisions[-1])


def test_an_interval_of_neighbouring_numbers() -> None:
    one, above = 1.0, float(np.nextafter(1.0, 2.0))
    z = np.array([[0, 1, one, 2.0], [2, 3, above, 3]])
    advice = threshold_advice(z, np.array([0, 0, 1]))
    assert advice.interval == (one, above) and advice.height == one and advice.bcubed_f == 1.0


def test_duplicates_of_different_people_cannot_be_told_apart() -> None:
    advice = threshold_advice(pyface.linkage(np.ones((4, 2))), np.array([0, 0, 1, 1]))
    assert advice.interval == (0.0, np.inf) and advice.height == 0.0 and advice.scores.tolist() == [2 / 3]


@pytest.mark.parametrize(
    ("labels", "error", "said"),
    [
        ([0, 0, 1], TypeError, "labels must be a NumPy array of integers, got list"),
        (np.array(["a", "a", "b"]), TypeError, r"np.unique\(names, return_inverse=True\)"),
        (np.array([0.0, 0, 1]), TypeError, "got an array of float64"),
        (np.array([0, 0]), ValueError, r"labels must have shape \(3,\), one entry per row, got shape \(2,\)"),
        (np.array([0, 0, -2]), ValueError, "entry 2 is -2"),
        (np.array([-1, -1, -1]), ValueError, "of 0 labelled rows no two are the same person"),
        (np.array([0, -1, 2]), ValueError, "of 2 labelled rows no two are the same person"),
        (np.array([4, -1, 4]), ValueError, "all 2 labelled rows are the same person"),
    ],
)
def test_labels_that_cannot_advise(labels: Any, error: type[Exception], said: str) -> None:
    z = np.array([[0, 1, 1, 2.0], [2, 3, 2, 3]])
    with pytest.raises(error, match=said):
        threshold_advice(z, labels)
    if error is ValueError:
        with pytest.raises(ValueError, match="beta must be positive"):
            threshold_advice(z, np.array([0, 0, 1]), beta=0)


def test_unsigned_and_large_labels() -> None:
    z = np.array([[0, 1, 1, 2.0], [2, 3, 2, 3]])
    for labels in (np.array([3, 3, 9], np.uint8), np.array([2**62, 2**62, 5])):
        assert threshold_advice(z, labels).interval == (1.0, 2.0)


def test_advice_on_real_faces(lfw: tuple[NDArray[np.float32], NDArray[np.str_]]) -> None:
    x, people = lfw
    z = pyface.linkage(x)
    labels = np.unique(people, return_inverse=True)[1]
    labels[::3] = -1
    advice = threshold_advice(z, labels)
    known = labels >= 0
    for height in (*np.linspace(0, 1, 41), advice.height):
        scores = pyface.metrics.bcubed_precision_recall_f(labels[known], pyface.cut(z, height=height)[known])
        i = int(np.searchsorted(advice.heights, height, "right")) - 1
        assert (advice.precisions[i], advice.recalls[i], advice.scores[i]) == pytest.approx(scores, rel=1e-12)
        assert scores[2] <= advice.bcubed_f + 1e-12
    assert advice.bcubed_f > 0.97
