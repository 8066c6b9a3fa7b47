"""Faces of one photo kept apart, but for one picture twice: against all pairs, one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from scipy.spatial.distance import cdist

from pyface.album import same_photo
from pyface.album.same_photo import SamePhoto, picture_share, same_photo_links

METRICS = ("cosine", "sqeuclidean", "euclidean")


def some_rows(n: int, seed: int, dtype: type = np.float32) -> np.ndarray:
    """Rows of which some are near each other, of any length."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(max(1, n // 2), 6))[rng.integers(0, max(1, n // 2), n)] + 0.3 * rng.normal(size=(n, 6))
    return rows.astype(dtype)


def parted(groups: np.ndarray, pairs: np.ndarray) -> set[tuple[int, int]]:
    n = len(groups)
    found = {(i, j) for i in range(n) for j in range(i + 1, n) if groups[i] >= 0 and groups[i] == groups[j]}
    listed = [(int(i), int(j)) for i, j in pairs]
    assert listed == sorted(set(listed)), "pairs are in order, each once"
    assert not found & set(listed), "a pair is parted by one of the two"
    return found | set(listed)


@pytest.mark.parametrize("metric", METRICS)
@given(n=st.integers(0, 30), n_photos=st.integers(1, 8), seed=st.integers(0, 10_000), share=st.floats(0, 1))
def test_all_pairs_of_a_photo_are_parted_but_near_ones(
    metric: str, n: int, n_photos: int, seed: int, share: float
) -> None:
    rows = some_rows(n, seed)
    photos = np.random.default_rng(seed).integers(0, n_photos, n)
    distances = cdist(rows.astype(np.float64), rows.astype(np.float64), metric)
    pairs = [(i, j) for i in range(n) for j in range(i + 1, n) if photos[i] == photos[j]]
    limit = float(np.quantile([distances[p] for p in pairs], share)) * 1.0001 if pairs else 0.1
    groups, links = same_photo_links(rows, photos, metric=metric, limit=limit)
    assert groups.dtype == links.dtype == np.int64 and links.shape[1:] == (2,)
    assert parted(groups, links) == {p for p in pairs if distances[p] >= limit}
    has_twice = {int(photos[i]) for i, j in pairs if distances[i, j] < limit}
    assert_array_equal(groups, np.where(np.isin(photos, list(has_twice)), -1, photos))


def test_photos_may_come_in_any_order_and_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = some_rows(60, 1)
    photos = np.random.default_rng(2).integers(0, 4, 60)
    groups, links = same_photo_links(rows, photos, metric="cosine", limit=0.1)
    assert len(links)
    for block in (1, 7, 100):
        monkeypatch.setattr(same_photo, "_BLOCK", block)
        again, in_blocks = same_photo_links(rows, photos, metric="cosine", limit=0.1)
        assert_array_equal(groups, again)
        assert_array_equal(links, in_blocks)


def test_one_picture_twice_beside_others() -> None:
    rows = np.array([[1, 0], [1, 0], [0, 1], [1, 0], [0, 1]], np.float32)
    groups, links = same_photo_links(rows, np.array([0, 0, 0, 1, 1]), metric="cosine", limit=0.2)
    assert groups.tolist() == [-1, -1, -1, 1, 1]
    assert links.tolist() == [[0, 2], [1, 2]]
    groups, links = same_photo_links(rows, np.array([0, 0, 0, 1, 1]), metric="cosine", limit=0.0)
    assert groups.tolist() == [0, 0, 0, 1, 1] and links.shape == (0, 2)


@pytest.mark.parametrize("name", ["sface", "dlib-resnet", "of my own"])
def test_the_share_is_one_of_distances_in_the_metric(name: str) -> None:
    assert 0 < picture_share(name, "cosine") < 1
    assert picture_share(name, "euclidean") == pytest.approx(picture_share(name, "sqeuclidean") ** 0.5)


@pytest.mark.parametrize("limit", [None, 0.1])
@given(n=st.integers(2, 20), seed=st.integers(0, 10_000))
def test_faces_that_are_one_person_for_certain_are_free(limit: float | None, n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows, photos = some_rows(n, seed), rng.integers(0, 3, n)
    distances = cdist(rows.astype(np.float64), rows.astype(np.float64), "cosine")
    pairs = {(i, j) for i in range(n) for j in range(i + 1, n) if photos[i] == photos[j]}
    known = SamePhoto(rows, photos, metric="cosine", limit=limit)
    for together in (rng.integers(-1, 3, n), rng.integers(-1, 3, n)):  # one after the other of what was found once
        groups, links = known.links(together)
        assert parted(groups, links) == {
            (i, j) for i, j in pairs
            if not (0 <= together[i] == together[j]) and (limit is None or distances[i, j] >= limit)
        }  # fmt: skip
        assert_array_equal(groups, same_photo_links(rows, photos, metric="cosine", limit=limit, together=together)[0])
