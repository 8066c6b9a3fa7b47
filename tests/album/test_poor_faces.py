"""Poor faces that join people, or stand alone: against the definition, face by face."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from scipy.spatial.distance import cdist

from pyface.album import space
from pyface.album.poor_faces import STAY_SHARE, doubtful_below, join_poor, join_share, let_go

METRICS = ("cosine", "sqeuclidean", "euclidean")


def mean_distances(rows: np.ndarray, labels: np.ndarray, metric: str) -> np.ndarray:
    """(n, largest label + 1), of each row to the good faces of each person; infinite where there are none."""
    wide = rows.astype(np.float64)
    between = cdist(wide, wide, "cosine" if metric == "cosine" else "sqeuclidean")
    found = np.full((len(rows), labels.max(initial=-1) + 1), np.inf)
    for person in set(labels[labels >= 0].tolist()):
        found[:, person] = between[:, labels == person].mean(axis=1)
    return np.sqrt(found) if metric == "euclidean" else found


def joined(
    rows: np.ndarray,
    labels: np.ndarray,
    metric: str,
    limit: float,
    photos: np.ndarray | None,
    pairs: np.ndarray | None,
) -> tuple[np.ndarray, np.ndarray]:
    """The definition."""
    n = len(rows)
    apart = np.zeros((n, n), bool)
    if photos is not None:
        apart |= (photos[:, None] == photos[None, :]) & (photos >= 0)
    for i, j in [] if pairs is None else pairs:
        apart[i, j] = apart[j, i] = True
    distances = mean_distances(rows, labels, metric)
    result = labels.copy()
    for distance, i, person in sorted((distances[i, k], i, k) for i, k in np.ndindex(distances.shape)):
        if distance < limit and result[i] < 0 and not (apart[i] & (result == person)).any():
            result[i] = person
    alone = np.flatnonzero(result < 0)
    result[alone] = result.max(initial=-1) + 1 + np.arange(len(alone))
    return result, np.isin(np.arange(n), alone)


def an_album(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows, and the people of most of them, with gaps between the numbers."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, max(1, n // 4), n)
    rows = (rng.normal(size=(n // 4 + 1, 8))[truth] + 0.4 * rng.normal(size=(n, 8))).astype(np.float32)
    return rows, np.where(rng.random(n) < rng.random(), -1, truth * 3)


@pytest.mark.parametrize("metric", METRICS)
@given(n=st.integers(0, 40), seed=st.integers(0, 10_000), share=st.floats(0, 1), rules=st.integers(0, 3))
def test_by_definition(metric: str, n: int, seed: int, share: float, rules: int) -> None:
    rows, labels = an_album(n, seed)
    rng = np.random.default_rng(seed)
    distances = mean_distances(rows, labels, metric)[labels < 0]
    distances = distances[np.isfinite(distances)]
    limit = float(np.quantile(distances, share)) * 1.0001 if distances.size else 0.5
    photos = rng.integers(-1, n // 3 + 1, n) if rules & 1 and n else None
    pairs = rng.integers(0, n, (n, 2)) if rules & 2 and n else None
    if pairs is not None:
        pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    got, is_alone = join_poor(rows, labels, metric=metric, limit=limit, photos=photos, pairs=pairs)
    expected, alone = joined(rows, labels, metric, limit, photos, pairs)
    assert got.dtype == np.int64 and is_alone.dtype == np.bool_
    assert_array_equal(got, expected)
    assert_array_equal(is_alone, alone)


def test_two_poor_faces_do_not_bring_each_other_in() -> None:
    angles = np.radians([0, 2, 30, 55])
    rows = np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32)
    limit = 1 - np.cos(np.radians(40))
    labels, is_alone = join_poor(rows, np.array([0, 0, -1, -1]), metric="cosine", limit=limit)
    assert labels.tolist() == [0, 0, 0, 1] and is_alone.tolist() == [False, False, False, True]
    labels, is_alone = join_poor(rows, np.array([-1, -1, -1, -1]), metric="cosine", limit=limit)
    assert labels.tolist() == [0, 1, 2, 3] and is_alone.all()


def test_of_two_of_one_photo_the_nearer_joins_and_the_other_goes_on() -> None:
    angles = np.radians([0, 20, 8, 6])
    rows = np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32)
    labels = np.array([4, 9, -1, -1])
    photos = np.array([0, 1, 2, 2])
    got, is_alone = join_poor(rows, labels, metric="cosine", limit=0.5, photos=photos)
    assert got.tolist() == [4, 9, 9, 4] and not is_alone.any()
    got, is_alone = join_poor(rows, labels, metric="cosine", limit=1 - np.cos(np.radians(10)), photos=photos)
    assert got.tolist() == [4, 9, 10, 4] and is_alone.tolist() == [False, False, True, False]


def test_order_of_rows_does_not_matter() -> None:
    rows, labels = an_album(80, 5)
    photos = np.random.default_rng(5).integers(0, 30, 80)
    got, is_alone = join_poor(rows, labels, metric="cosine", limit=0.4, photos=photos)
    assert is_alone.any() and (got[~is_alone & (labels < 0)]).size
    order = np.random.default_rng(6).permutation(80)
    turned, turned_alone = join_poor(rows[order], labels[order], metric="cosine", limit=0.4, photos=photos[order])
    assert_array_equal(turned_alone, is_alone[order])
    assert_array_equal(turned[~turned_alone], got[order][~turned_alone])


@pytest.mark.parametrize("far", [0.0, 1e3])
def test_blocks_change_nothing_nor_does_a_place_far_from_0(far: float, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, labels = an_album(60, 8)
    rows = (rows.astype(np.float64) + far).astype(np.float32)
    whole = join_poor(rows, labels, metric="sqeuclidean", limit=4.0)
    assert_array_equal(whole[0], joined(rows, labels, "sqeuclidean", 4.0, None, None)[0])
    monkeypatch.setattr(space, "_BLOCK_BYTES", 64)
    assert_array_equal(join_poor(rows, labels, metric="sqeuclidean", limit=4.0)[0], whole[0])


@pytest.mark.parametrize("metric", METRICS)
@given(n=st.integers(0, 40), seed=st.integers(0, 10_000), share=st.floats(0, 1))
def test_doubtful_faces_are_let_go_by_definition(metric: str, n: int, seed: int, share: float) -> None:
    rows, labels = an_album(n, seed)
    is_doubtful = np.random.default_rng(seed).random(n) < 0.5
    wide = rows.astype(np.float64)
    between = cdist(wide, wide, "cosine" if metric == "cosine" else "sqeuclidean")
    means = np.full(n, -np.inf)
    for i in range(n):
        others = (labels == labels[i]) & (np.arange(n) != i)
        if labels[i] >= 0 and others.any():
            means[i] = between[i, others].mean()
    means = np.where(means > 0, np.sqrt(np.maximum(means, 0)), means) if metric == "euclidean" else means
    known = means[np.isfinite(means)]
    limit = float(np.quantile(known, share)) * 1.0001 if known.size else 0.5
    goes = is_doubtful & (means >= limit)
    expected = labels.copy()
    expected[goes] = labels.max(initial=-1) + 1 + np.arange(goes.sum())
    got = let_go(rows, labels, is_doubtful, metric=metric, limit=limit)
    assert got.dtype == np.int64
    assert_array_equal(got, expected)


@pytest.mark.parametrize("name", ["sface", "dlib-resnet", "of my own"])
def test_poor_faces_have_to_be_nearer(name: str) -> None:
    assert 0 < join_share(name, "cosine") < STAY_SHARE < 1
    assert 0 < doubtful_below(name) < 1
    assert join_share(name, "euclidean") == pytest.approx(join_share(name, "sqeuclidean") ** 0.5)
