"""People from vectors: what goes together, the numbers of people, and close calls against the definition."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from pyface import _threads
from pyface.album.close_calls import KeptApart, close_calls
from pyface.album.people import (
    ALGORITHMS,
    LINKAGES,
    check_grouping,
    cluster_threshold,
    group_faces,
    keep_numbers,
    number_by_size,
)

WITH_THRESHOLD = (*LINKAGES, "dbscan")


@given(st.lists(st.integers(0, 6), max_size=40))
def test_numbers_by_size_then_first_face(raw: list[int]) -> None:
    labels = number_by_size(np.array(raw, np.int64))
    groups = [np.flatnonzero(labels == k) for k in range(int(labels.max(initial=-1)) + 1)]
    keys = [(-len(rows), int(rows[0])) for rows in groups]
    assert keys == sorted(keys)
    pairs = {(a, int(b)) for a, b in zip(raw, labels, strict=True)}
    assert len(pairs) == len(groups) == len(set(raw))


def people(metric: str, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = np.repeat(np.arange(6), [7, 5, 4, 2, 1, 1])
    rows = rng.normal(size=(6, 16))[truth] + 0.15 * rng.normal(size=(len(truth), 16))
    order = rng.permutation(len(truth))
    rows = rows[order].astype(np.float32)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True) if metric == "cosine" else rows), truth[order]


def group(
    rows: np.ndarray, metric: str, algorithm: str = "average", *, photos: np.ndarray | None = None, **options: object
) -> np.ndarray:
    asked = {"threshold": None, "n_clusters": None, "same_photo_different_people": False, **options}
    photos = np.arange(len(rows)) if photos is None else photos
    return group_faces(rows, check_grouping(algorithm, **asked), metric=metric, photos=photos, n_threads=2)[0]


@pytest.mark.parametrize("algorithm", WITH_THRESHOLD)
@pytest.mark.parametrize(("metric", "threshold"), [("cosine", 0.2), ("sqeuclidean", 5.0), ("euclidean", 2.2)])
def test_groups(algorithm: str, metric: str, threshold: float) -> None:
    rows, truth = people(metric)
    labels = group(rows, metric, algorithm, threshold=threshold)
    assert labels.dtype == np.int64
    assert_array_equal(labels, number_by_size(truth))


@pytest.mark.parametrize("algorithm", [*LINKAGES, "kmeans"])
@pytest.mark.parametrize("metric", ["cosine", "sqeuclidean", "euclidean"])
def test_groups_of_a_given_number(algorithm: str, metric: str) -> None:
    rows, truth = people(metric)
    assert_array_equal(group(rows, metric, algorithm, n_clusters=6), number_by_size(truth))
    for n_clusters in (1, 3, len(rows)):
        assert group(rows, metric, algorithm, n_clusters=n_clusters).max() + 1 == n_clusters


def test_kmeans_goes_by_direction_under_cosine_only() -> None:
    directions = np.array([[1, 0], [0.9, 0.1], [0, 1], [0.1, 0.9]], np.float32)
    rows = directions * np.array([[1], [30], [1], [30]], np.float32)
    assert group(rows, "cosine", "kmeans", n_clusters=2).tolist() == [0, 0, 1, 1]
    assert group(rows, "sqeuclidean", "kmeans", n_clusters=3).tolist() == [0, 1, 0, 2]


@pytest.mark.parametrize("algorithm", WITH_THRESHOLD)
@pytest.mark.parametrize("metric", ["cosine", "sqeuclidean", "euclidean"])
def test_a_distance_equal_to_the_threshold_is_too_far(algorithm: str, metric: str) -> None:
    # Cosine: 1 - 0 / sqrt(4 * 1); the others: 3 - 0 with or without its square. All exact.
    rows = np.array([[2, 0], [0, 1]], np.float32) if metric == "cosine" else np.array([[0], [3]], np.float32)
    at = {"cosine": 1.0, "sqeuclidean": 9.0, "euclidean": 3.0}[metric]
    assert group(rows, metric, algorithm, threshold=at).tolist() == [0, 1]
    assert group(rows, metric, algorithm, threshold=float(np.nextafter(at, 10))).tolist() == [0, 0]


@pytest.mark.parametrize("algorithm", WITH_THRESHOLD)
def test_duplicates_are_one_person_at_any_threshold(algorithm: str) -> None:
    rows = np.ones((3, 4), np.float32)
    assert group(rows, "sqeuclidean", algorithm, threshold=5e-324).tolist() == [0, 0, 0]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_faces(algorithm: str, n: int) -> None:
    rows = np.eye(3, dtype=np.float32)[:n]
    options = {"n_clusters": max(n, 1)} if algorithm == "kmeans" else {"threshold": 0.5}
    labels = group(rows, "sqeuclidean", algorithm, **options)
    assert labels.tolist() == list(range(n))
    assert labels.dtype == np.int64


def test_more_people_than_faces_cannot_be_found() -> None:
    rows = np.eye(3, dtype=np.float32)
    for algorithm in ("average", "kmeans"):
        with pytest.raises(ValueError, match=r"n_clusters .*: 4 people asked for, but only 3 faces"):
            group(rows, "cosine", algorithm, n_clusters=4)
        assert group(rows[:0], "cosine", algorithm, n_clusters=4).tolist() == []


def test_the_number_of_threads_is_passed_on() -> None:
    usual = _threads.resolve(None)
    with _threads.default(3):
        assert (_threads.resolve(None), _threads.resolve(5)) == (3, 5)
        with contextlib.suppress(KeyError), _threads.default(7):
            assert _threads.resolve(None) == 7
            raise KeyError
        assert _threads.resolve(None) == 3
    assert _threads.resolve(None) == usual


def test_photos_reach_the_clusterer_only_if_they_count(monkeypatch: pytest.MonkeyPatch) -> None:
    from pyface.cluster import AgglomerativeClustering

    calls: list[dict] = []
    fit = AgglomerativeClustering.fit

    def spy(self: AgglomerativeClustering, X: np.ndarray, y: None = None, **rules: np.ndarray) -> object:
        calls.append(rules)
        return fit(self, X)

    monkeypatch.setattr(AgglomerativeClustering, "fit", spy)
    rows, _ = people("cosine")
    photos = np.arange(len(rows)) // 2
    group(rows, "cosine", threshold=0.2, photos=photos)
    group(rows, "cosine", threshold=0.2, photos=photos, same_photo_different_people=True)
    assert calls[0] == {}
    assert_array_equal(calls[1].pop("cannot_link_groups"), photos)
    assert not calls[1]


@pytest.mark.parametrize("algorithm", LINKAGES)
def test_faces_of_one_photo_are_different_people(algorithm: str) -> None:
    rows = np.array([[0.0], [0.1], [0.2], [5.0], [5.1]], np.float32)
    photos = np.array([0, 0, 1, 1, 2])
    together = group(rows, "euclidean", algorithm, photos=photos, threshold=1.0)
    assert together.tolist() == [0, 0, 0, 1, 1]
    apart = group(rows, "euclidean", algorithm, photos=photos, threshold=1.0, same_photo_different_people=True)
    assert apart.tolist() == [2, 0, 0, 1, 1]
    with pytest.raises(ValueError, match="1 person asked for, but one photo shows 2"):
        group(rows, "euclidean", algorithm, photos=photos, n_clusters=1, same_photo_different_people=True)


def test_people_who_all_meet_in_a_photo_cannot_become_fewer(caplog: pytest.LogCaptureFixture) -> None:
    # Three pairs of faces; each two pairs have faces of one photo.
    rows = np.array([[0.0], [20.0], [0.1], [10.0], [10.1], [20.1]], np.float32)
    photos = np.array([0, 0, 1, 1, 2, 2])
    options = {"n_clusters": 2, "same_photo_different_people": True}
    assert group(rows, "euclidean", photos=photos, **options).tolist() == [0, 1, 0, 2, 2, 1]
    assert "3 people are left, since no two of them may be put together" in caplog.text


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"algorithm": "magic"}, ValueError, "algorithm must be one of average, complete, single, dbscan, kmeans"),
        ({"algorithm": "kmeans"}, ValueError, "needs the number of people"),
        ({"algorithm": "kmeans", "n_clusters": 3, "threshold": 0.5}, ValueError, "knows no threshold"),
        ({"algorithm": "dbscan", "n_clusters": 3}, ValueError, "finds the number of people itself"),
        ({"n_clusters": 3, "threshold": 0.5}, ValueError, "not both"),
        ({"n_clusters": 0}, ValueError, "n_clusters must be at least 1"),
        ({"n_clusters": 2.0}, TypeError, "n_clusters must be an integer"),
        ({"n_clusters": True}, TypeError, "n_clusters must be an integer"),
        ({"same_photo_different_people": 1}, TypeError, "same_photo_different_people must be True, False or 'auto'"),
        (
            {"algorithm": "dbscan", "same_photo_different_people": True},
            ValueError,
            "'dbscan' cannot keep faces of one photo apart .*: average, complete, single can",
        ),
        (
            {"algorithm": "kmeans", "n_clusters": 2, "same_photo_different_people": True},
            ValueError,
            "'kmeans' cannot keep faces of one photo apart",
        ),
    ],
)
def test_what_does_not_go_together(options: dict, error: type, match: str) -> None:
    asked = {
        "algorithm": "average", "threshold": None, "n_clusters": None, "same_photo_different_people": False, **options,
    }  # fmt: skip
    with pytest.raises(error, match=match):
        check_grouping(**asked)


def test_the_embedders_threshold_is_for_whoever_asks_for_nothing() -> None:
    def threshold(algorithm: str, metric: str = "sqeuclidean", **options: object) -> float | None:
        asked = {"threshold": None, "n_clusters": None, **options}
        grouping = check_grouping(algorithm, same_photo_different_people=False, **asked)
        return grouping.for_embedder("dlib-resnet", metric, 0.3).threshold

    for algorithm in WITH_THRESHOLD:
        assert threshold(algorithm) == cluster_threshold(algorithm, "dlib-resnet", "sqeuclidean", 0.3) > 0
        assert cluster_threshold(algorithm, "sface", "cosine", 0.3) > 0
        assert threshold(algorithm, threshold=0.1) == 0.1
    assert threshold("average") == 0.3
    assert threshold("average", n_clusters=2) is None
    assert threshold("kmeans", n_clusters=2) is None


def test_numbers_are_kept_where_there_were_any() -> None:
    labels = np.array([0, 0, 1, 2])
    assert_array_equal(keep_numbers(np.array([-1, -1, -1, -1]), labels), labels)
    assert_array_equal(keep_numbers(labels[:0], labels[:0]), labels[:0])
    assert keep_numbers(np.array([4, -1, 2, -1]), labels).tolist() == [4, 4, 2, 5]


def distance(a: np.ndarray, b: np.ndarray, metric: str) -> float:
    a, b = a.astype(np.float64), b.astype(np.float64)
    if metric == "cosine":
        return float(1 - a @ b / np.linalg.norm(a) / np.linalg.norm(b))
    return float(((a - b) ** 2).sum())


def oracle_of_close_calls(
    rows: np.ndarray,
    labels: np.ndarray,
    metric: str,
    limit: float | None,
    photos: np.ndarray | None = None,
    said: set[tuple[int, int]] = frozenset(),  # type: ignore[assignment]
    groups: np.ndarray | None = None,
) -> dict[int, int | None]:
    want = {}
    for i, row in enumerate(rows):
        means = {}
        for k in set(labels.tolist()):
            others = [j for j in np.flatnonzero(labels == k) if j != i]
            if others:
                means[k] = np.mean([distance(row, rows[j], metric) for j in others])
        own = means.pop(labels[i], None)
        if photos is not None:
            for j in np.flatnonzero(photos == photos[i]):
                means.pop(labels[j], None)
        if groups is not None:
            for j in range(len(rows)):
                if {(groups[i], groups[j]), (groups[j], groups[i])} & said:
                    means.pop(labels[j], None)
        other = min(means, key=means.get, default=None)
        nearest = np.inf if other is None else means[other]
        if limit is None:
            if own is not None and nearest < 1.05 * own:
                want[i] = other
        elif nearest < 1.05 * limit and (own is None or nearest < own + 0.05 * limit):
            want[i] = other
        elif own is not None and own > 0.95 * limit:
            want[i] = None
    return want


@pytest.mark.parametrize("metric", ["cosine", "sqeuclidean", "euclidean"])
@pytest.mark.parametrize("threshold", [0.02, 0.2, 0.8, 1.0, None])
@pytest.mark.parametrize("in_photos", [False, True])
@pytest.mark.parametrize("answered", [False, True])
def test_close_calls_follow_the_definition(
    metric: str, threshold: float | None, in_photos: bool, answered: bool
) -> None:
    rows, truth = people(metric)
    labels = number_by_size(truth)
    labels[labels == 1] = 11  # numbers that survived have gaps
    if threshold is None:  # some faces in the wrong place
        labels[::4] = np.roll(labels[::4], 1)
    photos = np.repeat(np.arange(len(rows)), 3)[: len(rows)] if in_photos else None
    limit = threshold**2 if metric == "euclidean" and threshold else threshold
    unanswered = want = oracle_of_close_calls(rows, labels, metric, limit, photos)
    apart = KeptApart(photos)
    if answered:  # of all but every seventh who the other one is not
        groups = np.where(np.arange(len(rows)) % 5 == 0, 1000 + labels, np.arange(len(rows)))
        theirs = {k: groups[np.flatnonzero(labels == k)[-1]] for k in set(labels.tolist())}
        said = {(int(groups[i]), int(theirs[other])) for i, other in want.items() if other is not None and i % 7}
        want = oracle_of_close_calls(rows, labels, metric, limit, photos, said, groups)
        assert not said or want != unanswered
        apart = KeptApart(photos, groups, np.array(sorted(said), np.int64).reshape(-1, 2))
    calls = close_calls(rows, labels, metric=metric, threshold=threshold, apart=apart)
    assert {call.face_id: call.other for call in calls} == want
    assert [call.face_id for call in calls] == sorted(want)
    if threshold is None:
        assert unanswered


def test_close_calls_do_not_depend_on_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, truth = people("cosine")
    photos = np.arange(len(rows)) // 4
    options = {"metric": "cosine", "threshold": 0.9, "apart": KeptApart(photos)}
    whole = close_calls(rows, truth, **options)
    monkeypatch.setattr("pyface.album.close_calls._BLOCK_BYTES", 8 * 6 * 3)
    assert close_calls(rows, truth, **options) == whole != []


def test_no_close_calls_among_too_few() -> None:
    one = np.ones((1, 4), np.float32)
    assert close_calls(one, np.zeros(1, np.int64), metric="cosine", threshold=0.5) == []
    assert close_calls(one[:0], np.zeros(0, np.int64), metric="cosine", threshold=0.5) == []
