"""Rows that must not share a cluster, and rows that must: the greedy algorithm that forbids such merges."""

from __future__ import annotations

import os
import warnings
from functools import cache
from typing import Any
from unittest import mock

import numpy as np
import pytest
from agglomerative_rows import (
    CASES,
    KINDS,
    PAIRWISE,
    assert_same_fit,
    clear_threshold,
    clusterer,
    draw_groups,
    faces,
    n_violations,
    rows,
    some_threshold,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from oracles import agglomerative as oracle
from oracles.linkage import numbered_by_smallest_row

EACH_CASE = pytest.mark.parametrize(("method", "metric"), CASES)
NOT_REACHED = "ignore:.*n_clusters:UserWarning"


@settings(max_examples=300, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    case=st.sampled_from(CASES),
    kind=st.sampled_from(KINDS),
    which=st.sampled_from(["cannot", "must", "both"]),
    n=st.integers(2, 50),
    d=st.integers(1, 40),
    dtype=st.sampled_from([np.float32, np.float64]),
    whole=st.booleans(),
    n_threads=st.sampled_from(["1", "3"]),
)
def test_every_merge_is_the_closest_that_may_be(
    seed: int, case: tuple[str, str], kind: str, which: str, n: int, d: int, dtype: type, whole: bool, n_threads: str
) -> None:
    method, metric = case
    rng = np.random.default_rng(seed)
    x, groups = rows(kind, n, d, rng, dtype), draw_groups(rng, n, which)
    distances = oracle.distances(x, metric, method)
    threshold = some_threshold(distances, method, rng)
    options = {"compute_full_tree": True} if whole else {}
    with mock.patch.dict(os.environ, PYFACE_NUM_THREADS=n_threads):
        fitted = clusterer(method, metric, threshold, **options).fit(x, **groups)
    oracle.assert_is_agglomerative(fitted, distances, method, threshold=threshold, whole=whole, **groups)
    assert numbered_by_smallest_row(fitted.labels_) and fitted.labels_.dtype == np.int64
    assert n_violations(fitted.labels_, groups.get("cannot_link_groups", np.full(n, -1))) == 0


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    case=st.sampled_from(CASES),
    kind=st.sampled_from(KINDS),
    which=st.sampled_from(["cannot", "must", "both"]),
    n=st.integers(2, 40),
)
def test_a_number_of_clusters(seed: int, case: tuple[str, str], kind: str, which: str, n: int) -> None:
    method, metric = case
    rng = np.random.default_rng(seed)
    x, groups = rows(kind, n, 3, rng), draw_groups(rng, n, which)
    k = int(rng.integers(1, n + 1))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fitted = clusterer(method, metric, n_clusters=k).fit(x, **groups)
    reached = fitted.n_clusters_ == k
    assert len(caught) == (0 if reached else 1)
    oracle.assert_is_agglomerative(fitted, oracle.distances(x, metric, method), method, n_clusters=k, **groups)
    assert n_violations(fitted.labels_, groups.get("cannot_link_groups", np.full(n, -1))) == 0


@cache
def faces_on_photos(method: str, metric: str, dtype: type) -> tuple[NDArray, NDArray[np.int64], float, oracle.Result]:
    """400 rows, the 160 photos they are on, a threshold that would join many of one photo, and the twin's answer."""
    rng = np.random.default_rng(20)
    x, people = faces(400, 24, rng, spread=0.7)
    photos = np.empty(400, dtype=np.int64)
    photos[np.argsort(people + 3 * rng.random(400))] = np.arange(400) * 160 // 400
    x = x.astype(dtype)
    distances = oracle.distances(x, metric, method)
    threshold = clear_threshold(np.array(oracle.greedy(distances, method).heights), 0.95)
    return x, photos, threshold, oracle.greedy(distances, method, threshold=threshold, cannot_link_groups=photos)


@EACH_CASE
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_400_faces_on_160_photos(method: str, metric: str, dtype: type, isa: str) -> None:
    """The partition is that of the twin; heights of such rows are all different."""
    x, photos, threshold, wanted = faces_on_photos(method, metric, dtype)
    fitted = clusterer(method, metric, threshold).fit(x, cannot_link_groups=photos)
    oracle.assert_same_partition(fitted.labels_, wanted.labels)
    np.testing.assert_allclose(fitted.distances_, wanted.heights, rtol=1e-9, atol=1e-12)
    assert n_violations(fitted.labels_, photos) == 0
    free = clusterer(method, metric, threshold).fit(x)
    assert n_violations(free.labels_, photos) > 50


@pytest.mark.parametrize("method", [*PAIRWISE, "ward"])
def test_real_embeddings(method: str, lfw: tuple[NDArray, NDArray]) -> None:
    """500 faces of few people, so that photos must keep the same ones apart; some are known to be one person."""
    x, people = lfw
    names, counts = np.unique(people, return_counts=True)
    some = np.flatnonzero(np.isin(people, names[np.argsort(-counts)[:12]]))[:500]
    x, people = x[some], people[some]
    rng = np.random.default_rng(21)
    photos = rng.integers(0, len(x) // 3, len(x))
    photos[rng.random(len(x)) < 0.2] = -1
    known = np.full(len(x), -1)
    for k, name in enumerate(np.unique(people)[:6]):
        _, first = np.unique(photos[people == name], return_index=True)
        known[np.flatnonzero(people == name)[first[:4]]] = k
    metric = "euclidean" if method == "ward" else "cosine"
    threshold = {"single": 0.4, "complete": 0.9, "average": 0.6, "weighted": 0.6, "ward": 1.5}[method]
    groups = {"cannot_link_groups": photos, "must_link_groups": known}
    distances = oracle.distances(x, metric, method)
    fitted = clusterer(method, metric, threshold).fit(x, **groups)
    oracle.assert_is_agglomerative(fitted, distances, method, threshold=threshold, **groups)
    wanted = oracle.greedy(distances, method, threshold=threshold, **groups)
    oracle.assert_same_partition(fitted.labels_, wanted.labels)
    assert n_violations(fitted.labels_, photos) == 0


@pytest.mark.parametrize("method", PAIRWISE)
def test_matrices_of_distances(method: str) -> None:
    for seed in range(10):
        rng = np.random.default_rng(seed)
        distances = oracle.distances(rows("lattice", 60, 3, rng), "euclidean", method)
        groups = draw_groups(rng, 60, "both")
        for threshold in (0.0, 1.0, 2.5, 99.0):
            fitted = clusterer(method, "precomputed", threshold).fit(distances, **groups)
            oracle.assert_is_agglomerative(fitted, distances, method, threshold=threshold, **groups)


def test_by_hand() -> None:
    x = np.array([[0.0], [1.0], [3.0], [7.0]])
    cannot, must = np.array([5, 5, -1, -1]), np.array([0, -1, -1, 0])
    fitted = clusterer("single", "euclidean", 99.0).fit(x, cannot_link_groups=cannot)
    assert fitted.labels_.tolist() == [0, 1, 1, 1] and fitted.distances_.tolist() == [2, 4]
    assert fitted.n_clusters_ == 2 and fitted.children_.shape == (2, 2)
    fitted = clusterer("average", "euclidean", 3.0).fit(x, must_link_groups=must)
    assert fitted.labels_.tolist() == [0, 1, 1, 0] and fitted.distances_.tolist() == [0, 2]
    assert sorted(fitted.children_[0].tolist()) == [0, 3]
    both = {"must_link_groups": must, "cannot_link_groups": np.array([-1, 3, -1, 3])}
    assert clusterer("complete", "euclidean", 99.0).fit(x, **both).labels_.tolist() == [0, 1, 1, 0]


@EACH_CASE
def test_equal_rows_go_to_the_smallest_that_may_have_them(method: str, metric: str) -> None:
    x = np.array([[1.0, 2.0], [1.0, 2.0], [1.0, 2.0], [1.0, 2.0], [9.0, -3.0]])
    groups = {"must_link_groups": np.array([0, -1, 0, -1, -1]), "cannot_link_groups": np.array([7, -1, -1, 7, -1])}
    fitted = clusterer(method, metric, n_clusters=3).fit(x, **groups)
    assert fitted.labels_.tolist() == [0, 0, 0, 1, 2] and fitted.distances_[:2].tolist() == [0, 0]


@EACH_CASE
def test_linked_rows_are_linked_below_any_threshold(method: str, metric: str) -> None:
    """Also at 0, and from one end of the data to the other: the threshold's graph has no edge there."""
    x = faces(60, 5, np.random.default_rng(22))[0]
    groups = np.full(60, -1)
    groups[[3, 17, 44]], groups[[8, 9]] = 7, 0
    fitted = clusterer(method, metric, 0.0).fit(x, must_link_groups=groups)
    assert fitted.n_clusters_ == 57 and fitted.distances_.tolist() == [0, 0, 0]
    assert len(np.unique(fitted.labels_[[3, 17, 44]])) == 1 and fitted.labels_[8] == fitted.labels_[9]
    alone = np.arange(60)  # groups of one row say nothing
    threshold = clear_threshold(np.array(oracle.greedy(oracle.distances(x, metric, method), method).heights), 0.7)
    free = clusterer(method, metric, threshold).fit(x)
    assert_same_fit(clusterer(method, metric, threshold).fit(x, must_link_groups=alone), free)
    assert_same_fit(clusterer(method, metric, threshold).fit(x, cannot_link_groups=alone), free)
    assert_same_fit(clusterer(method, metric, threshold).fit(x, cannot_link_groups=np.full(60, -1)), free)
    everything = clusterer(method, metric, threshold).fit(x, must_link_groups=np.zeros(60, int))
    assert everything.n_clusters_ == 1 and (everything.distances_ == 0).all() and len(everything.children_) == 59
    nothing = clusterer(method, metric, threshold).fit(x, cannot_link_groups=np.zeros(60, int))
    assert nothing.n_clusters_ == 60 and nothing.children_.shape == (0, 2) and nothing.distances_.shape == (0,)


@EACH_CASE
def test_names_and_types_of_groups_mean_nothing(method: str, metric: str) -> None:
    rng = np.random.default_rng(23)
    x = faces(80, 4, rng)[0]
    groups = draw_groups(rng, 80, "both")
    threshold = clear_threshold(np.array(oracle.greedy(oracle.distances(x, metric, method), method).heights), 0.9)
    want = clusterer(method, metric, threshold).fit(x, **groups)
    names = rng.permutation(np.concatenate([[0, 2**62, 2**63 - 1], rng.integers(1, 2**61, 97)]))
    others = {key: np.where(value < 0, -1, names[value]) for key, value in groups.items()}
    renamed = clusterer(method, metric, threshold).fit(x, **others)
    np.testing.assert_array_equal(renamed.labels_, want.labels_)
    np.testing.assert_allclose(renamed.distances_, want.distances_, rtol=1e-9, atol=1e-12)
    for dtype in (np.int8, np.int16, np.int32):
        small = {key: value.astype(dtype) for key, value in groups.items()}
        assert_same_fit(clusterer(method, metric, threshold).fit(x, **small), want)


@pytest.mark.parametrize("options", [{"threshold": 0.8}, {"n_clusters": 25}])
def test_groups_of_any_layout(options: dict[str, Any]) -> None:
    """Views with steps, in another byte order, not to be written to; none of them is changed."""
    rng = np.random.default_rng(28)
    x, groups = faces(50, 4, rng)[0], draw_groups(rng, 50, "both")
    want = clusterer("average", "cosine", **options).fit(x, **groups)
    for change in (
        lambda g: np.repeat(g, 3)[::3],
        lambda g: g[::-1].copy()[::-1],
        lambda g: g.astype(">i8"),
        lambda g: np.stack([g, g], axis=1)[:, 1],
    ):
        others = {key: change(value) for key, value in groups.items()}
        for array in others.values():
            array.flags.writeable = False
        assert_same_fit(clusterer("average", "cosine", **options).fit(x, **others), want)
        for array, copy in zip(others.values(), groups.values(), strict=True):
            np.testing.assert_array_equal(array, copy)


@EACH_CASE
def test_threads(method: str, metric: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ties included."""
    rng = np.random.default_rng(24)
    x = np.concatenate([faces(150, 9, rng)[0], rows("again", 60, 9, rng), rows("lattice", 60, 9, rng)])
    groups = draw_groups(rng, len(x), "both")
    fits = []
    for n_threads in ("1", "2", "7"):
        monkeypatch.setenv("PYFACE_NUM_THREADS", n_threads)
        fits.append(clusterer(method, metric, 1.0).fit(x, **groups))
        assert_same_fit(fits[-1], fits[0])


@EACH_CASE
def test_a_number_that_cannot_be_reached(method: str, metric: str) -> None:
    x = faces(30, 3, np.random.default_rng(25))[0]
    photo = np.zeros(30, int)
    photo[9:] = -1
    with pytest.warns(UserWarning, match=r"(?s)\b4\b.*\b9\b|\b9\b.*\b4\b") as caught:
        fitted = clusterer(method, metric, n_clusters=4).fit(x, cannot_link_groups=photo)
    assert len(caught) == 1
    assert fitted.n_clusters_ == 9 == len(np.unique(fitted.labels_))
    assert len(np.unique(fitted.labels_[:9])) == 9
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert clusterer(method, metric, n_clusters=9).fit(x, cannot_link_groups=photo).n_clusters_ == 9
        assert clusterer(method, metric, 99.0).fit(x, cannot_link_groups=photo).n_clusters_ == 9
    # Too many are asked for.
    with pytest.warns(UserWarning, match=r"(?s)\b25\b.*\b22\b|\b22\b.*\b25\b"):
        fitted = clusterer(method, metric, n_clusters=25).fit(x, must_link_groups=photo)
    assert fitted.n_clusters_ == 22


@EACH_CASE
def test_contradictions(method: str, metric: str) -> None:
    x = faces(40, 3, np.random.default_rng(26))[0]
    must, cannot = np.full(40, -1), np.full(40, -1)
    must[[5, 12, 31]], cannot[[12, 31, 33]], cannot[[5, 6]] = 2, 8, 1
    for options in ({"threshold": 0.5}, {"n_clusters": 3}):
        with pytest.raises(ValueError, match=r"\b12\b.*\b31\b"):
            clusterer(method, metric, **options).fit(x, must_link_groups=must, cannot_link_groups=cannot)


@pytest.mark.filterwarnings(NOT_REACHED)
@pytest.mark.parametrize("name", ["cannot_link_groups", "must_link_groups"])
@pytest.mark.parametrize(
    ("groups", "error", "message"),
    [
        (np.zeros(29, int), ValueError, r"(?s)30.*29|29.*30"),
        (np.zeros((30, 1), int), ValueError, r"\(30, 1\)"),
        (np.zeros(30), TypeError, "float64"),
        (np.zeros(30, bool), TypeError, "bool"),
        (np.full(30, "a"), TypeError, "<U1"),
        (np.array([None] * 30), TypeError, "object"),
        (np.r_[np.zeros(29, int), -2], ValueError, r"29.*-2"),
    ],
)
def test_refusals(name: str, groups: Any, error: type[Exception], message: str) -> None:
    x = faces(30, 3, np.random.default_rng(27))[0]
    for options in ({"threshold": 0.5}, {"n_clusters": 3}):
        with pytest.raises(error, match=f"{name}.*{message}" if "?s" not in message else message) as raised:
            clusterer("average", "cosine", **options).fit(x, **{name: groups})
        assert name in str(raised.value)
