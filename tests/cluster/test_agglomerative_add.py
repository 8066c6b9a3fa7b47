"""Rows that come later: what fitting all rows gives, and old clusters keep their numbers."""

from __future__ import annotations

import os
import pickle
from typing import Any
from unittest import mock

import numpy as np
import pytest
from agglomerative_rows import (
    KINDS,
    METRICS,
    PAIRWISE,
    clear_threshold,
    draw_groups,
    draw_pairs,
    faces,
    rows,
    some_threshold,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from oracles import agglomerative as oracle
from sklearn.exceptions import NotFittedError

from pyface.cluster import AgglomerativeClustering
from pyface.kernels import linkage_below

CASES = [(method, metric) for method in PAIRWISE for metric in METRICS]
EACH_CASE = pytest.mark.parametrize(("method", "metric"), CASES)


def below(threshold: float, method: str, metric: str) -> AgglomerativeClustering:
    return AgglomerativeClustering(None, distance_threshold=threshold, linkage=method, metric=metric)


def assert_is_the_fit_of(model: AgglomerativeClustering, x: NDArray, **known: NDArray) -> None:
    """But for the numbers of the clusters, each of which is used once, and the order of merges at equal heights."""
    scratch = below(model.distance_threshold, model.linkage, model.metric).fit(x, **known)
    oracle.assert_same_partition(model.labels_, scratch.labels_)
    assert model.n_clusters_ == scratch.n_clusters_ and model.n_leaves_ == len(x)
    assert model.labels_.dtype == np.int64 and model.labels_.min() >= 0
    np.testing.assert_array_equal(model.merges_[:, 2], scratch.merges_[:, 2])
    if (np.diff(model.merges_[:, 2]) > 0).all():
        np.testing.assert_array_equal(model.merges_, scratch.merges_)
    elif len(x) < 150:
        distances = oracle.distances(x, model.metric, model.linkage)
        oracle.assert_is_agglomerative(model, distances, model.linkage, threshold=model.distance_threshold, **known)


def assert_numbers_survive(old: NDArray, new: NDArray) -> None:
    """``new`` has the same rows first, and more. The rules that leave no choice:

    a cluster whose old rows were all of one old cluster, which went nowhere else, has its number; of several old
    clusters that met, the largest gives its number if all of it is there and the others are smaller; a number that was
    not there before is larger than all that were.
    """
    before = new[: len(old)]
    for label in np.unique(new):
        parents, shares = np.unique(old[before == label], return_counts=True)
        if len(parents) == 0:
            assert label > old.max()
            continue
        best = parents[shares == shares.max()]
        if len(best) == 1 and len(np.unique(before[old == best[0]])) == 1:
            assert label == best[0]


@settings(max_examples=200, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    case=st.sampled_from(CASES),
    kind=st.sampled_from(KINDS),
    n=st.integers(2, 40),
    d=st.integers(1, 40),
    dtype=st.sampled_from([np.float32, np.float64]),
    pieces=st.lists(st.integers(1, 12), min_size=1, max_size=4),
    n_threads=st.sampled_from(["1", "3"]),
)
def test_is_the_fit_of_all_rows(
    seed: int, case: tuple[str, str], kind: str, n: int, d: int, dtype: type, pieces: list[int], n_threads: str
) -> None:
    method, metric = case
    rng = np.random.default_rng(seed)
    total = n + sum(pieces)
    x = rows(kind, total, d, rng, dtype)
    distances = oracle.distances(x, metric, method)
    threshold = some_threshold(distances, method, rng)
    with mock.patch.dict(os.environ, PYFACE_NUM_THREADS=n_threads):
        model = below(threshold, method, metric).fit(x[:n])
        for n_new in pieces:
            old = model.labels_.copy()
            model.add(x[n : n + n_new])
            n += n_new
            assert_is_the_fit_of(model, x[:n])
            assert_numbers_survive(old, model.labels_)
    oracle.assert_is_agglomerative(model, distances, method, threshold=threshold)


@EACH_CASE
def test_one_row_at_a_time(method: str, metric: str) -> None:
    """Each joins what it should, or stays alone; so the number of clusters is right all the way."""
    x = faces(60, 8, np.random.default_rng(30))[0]
    heights = np.array(oracle.greedy(oracle.distances(x, metric, method), method).heights)
    model = below(clear_threshold(heights, 0.8), method, metric).fit(x[:10])
    for n in range(10, 60):
        old = model.labels_.copy()
        model.add(x[n : n + 1])
        assert_is_the_fit_of(model, x[: n + 1])
        assert_numbers_survive(old, model.labels_)


def test_groups_that_come_later() -> None:
    """Along the spanning forest of the old rows, single linkage may not go where the groups of new ones forbid it."""
    for seed in range(100):
        rng = np.random.default_rng(seed)
        x, threshold = rng.normal(size=(18, 2)), rng.uniform(0.5, 3)
        groups = np.where(np.arange(18) < 12, -1, rng.integers(0, 3, 18))
        wanted = below(threshold, "single", "euclidean").fit(x, cannot_link_groups=groups)
        model = below(threshold, "single", "euclidean").fit(x[:12])
        model.add(x[12:15], cannot_link_groups=groups[12:15]).add(x[15:], cannot_link_groups=groups[15:])
        oracle.assert_same_partition(model.labels_, wanted.labels_)
        np.testing.assert_array_equal(model.merges_[:, 2], wanted.merges_[:, 2])


@settings(max_examples=200, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    case=st.sampled_from(CASES),
    kind=st.sampled_from(KINDS),
    which=st.sampled_from(["pairs", "cannot", "must", "both"]),
    n=st.integers(2, 40),
    pieces=st.lists(st.integers(1, 12), min_size=1, max_size=3),
    has_edges=st.booleans(),
)
def test_constraints_that_come_later(
    seed: int, case: tuple[str, str], kind: str, which: str, n: int, pieces: list[int], has_edges: bool
) -> None:
    """Groups with their rows; pairs at any time after both rows, so that old clusters may fall apart."""
    method, metric = case
    rng = np.random.default_rng(seed)
    total = n + sum(pieces)
    x, groups = rows(kind, total, 3, rng), draw_groups(rng, total, which)
    pairs = draw_pairs(rng, total, groups)
    comes = np.searchsorted(np.cumsum([n, *pieces]), pairs.max(axis=1), side="right")  # with which piece it can come
    comes = np.minimum(comes + rng.integers(0, 3, len(pairs)), len(pieces))
    threshold = some_threshold(oracle.distances(x, metric, method), method, rng)
    few = linkage_below._FEW_EDGES if has_edges or method == "single" else 10
    with mock.patch.object(linkage_below, "_FEW_EDGES", few):
        own = {name: values[:n] for name, values in groups.items()}
        model = below(threshold, method, metric).fit(x[:n], **own, cannot_link=pairs[comes == 0])
        for step, n_new in enumerate(pieces, start=1):
            old = model.labels_.copy()
            own = {name: values[n : n + n_new] for name, values in groups.items()}
            model.add(x[n : n + n_new], **own, cannot_link=pairs[comes == step])
            n += n_new
            known = {name: values[:n] for name, values in groups.items()} | {"cannot_link": pairs[comes <= step]}
            assert_is_the_fit_of(model, x[:n], **known)
            assert_numbers_survive(old, model.labels_)


@EACH_CASE
def test_a_pair_of_old_rows_takes_their_cluster_apart(method: str, metric: str) -> None:
    x = faces(60, 8, np.random.default_rng(37))[0]
    heights = np.array(oracle.greedy(oracle.distances(x, metric, method), method).heights)
    model = below(clear_threshold(heights, 0.4), method, metric).fit(x[:59])
    before = model.labels_.copy()
    i, j = np.flatnonzero(before == np.bincount(before).argmax())[[0, 1]]
    pairs = np.array([[j, i]])
    model.add(x[59:], cannot_link=pairs)
    assert before[i] == before[j] and model.labels_[i] != model.labels_[j]
    assert_is_the_fit_of(model, x, cannot_link=pairs)
    model.add(x[:1])
    assert_is_the_fit_of(model, np.concatenate([x, x[:1]]), cannot_link=pairs)


def test_refuses_bad_pairs_and_is_what_it_was() -> None:
    model = below(0.5, "average", "cosine").fit(X, must_link_groups=np.arange(20) // 2, cannot_link=[(0, 19)])
    for pairs, message in [
        ([(0, 22)], r"pair 0 is \(0, 22\); rows are numbered from 0 to 21"),
        ([(20, 20)], "itself"),
        ([(5, 4)], "rows 4 and 5 share must_link_groups 2 and are a pair of cannot_link"),
    ]:
        with pytest.raises(ValueError, match=message):
            model.add(X[:2], cannot_link=pairs)
    assert_is_the_fit_of(model, X, must_link_groups=np.arange(20) // 2, cannot_link=np.array([[0, 19]]))


@EACH_CASE
def test_numbers_by_hand(method: str, metric: str) -> None:
    """Three heaps of 3, 2 and 1, far apart; under cosine they are directions."""
    if metric == "cosine":
        angles = np.array([0.0, 0.01, 0.02, 1.0, 1.01, 2.0])
        x, reach = np.column_stack([np.cos(angles), np.sin(angles)]), 0.05
        more, other = np.array([[np.cos(1.02), np.sin(1.02)]]), np.array([[-0.8, -0.6]])
    else:
        x, reach = np.array([[0.0], [0.01], [0.02], [1.0], [1.01], [2.0]]), 0.1
        more, other = np.array([[1.02]]), np.array([[9.0]])
    x = x[::-1].copy()  # numbers are not by size
    model = below(reach, method, metric).fit(x)
    assert model.labels_.tolist() == [0, 1, 1, 2, 2, 2]
    model.add(more)
    assert model.labels_.tolist() == [0, 1, 1, 2, 2, 2, 1]
    model.add(other)
    assert model.labels_.tolist() == [0, 1, 1, 2, 2, 2, 1, 3]
    model.add(np.concatenate([x[:1], other]))
    assert model.labels_.tolist() == [0, 1, 1, 2, 2, 2, 1, 3, 0, 3]
    assert model.n_clusters_ == 4


@pytest.mark.parametrize(("method", "threshold"), [("single", 4.6), ("average", 9.0), ("weighted", 9.0)])
def test_where_clusters_meet_the_larger_one_names_them(method: str, threshold: float) -> None:
    x = np.array([[0.0], [1.0], [10.0], [11.0], [12.0], [50.0]])
    model = below(threshold, method, "euclidean").fit(x)
    assert model.labels_.tolist() == [0, 0, 1, 1, 1, 2]
    model.add(np.array([[5.5]]))
    assert model.labels_.tolist() == [1, 1, 1, 1, 1, 2, 1] and model.n_clusters_ == 2


@pytest.mark.parametrize("method", PAIRWISE)
def test_untouched_clusters_keep_their_numbers(method: str) -> None:
    """200 people, 20 of whom are seen again; nobody else's number moves."""
    rng = np.random.default_rng(31)
    centres = rng.normal(size=(200, 32))
    people = np.concatenate([np.arange(200), rng.integers(0, 200, 500)])
    x = centres[people] + 0.1 * rng.normal(size=(700, 32))
    model = below(0.1, method, "cosine").fit(x)
    assert model.n_clusters_ == 200
    old = model.labels_.copy()
    again = rng.choice(200, 20, replace=False)
    new = np.concatenate([centres[again], rng.normal(size=(3, 32))]) + 0.1 * rng.normal(size=(23, 32))
    model.add(new)
    np.testing.assert_array_equal(model.labels_[:700], old)
    np.testing.assert_array_equal(model.labels_[700:720], old[again])
    assert sorted(model.labels_[720:].tolist()) == [200, 201, 202]
    assert_is_the_fit_of(model, np.concatenate([x, new]))


@EACH_CASE
def test_duplicates(method: str, metric: str) -> None:
    x = faces(40, 6, np.random.default_rng(32))[0]
    model = below(1e-6, method, metric).fit(x)
    for _ in range(3):
        model.add(x[[7, 7, 31]])
    assert model.n_clusters_ == 40 and model.labels_[40:].tolist() == [7, 7, 31] * 3
    assert_is_the_fit_of(model, x[[*range(40), *[7, 7, 31] * 3]])


@EACH_CASE
@pytest.mark.parametrize(("first", "second"), [(np.float32, np.float64), (np.float64, np.float32)])
def test_types_may_mix(method: str, metric: str, first: type, second: type) -> None:
    """As NumPy puts them together: in float64, so that nothing of either is lost."""
    x = faces(50, 12, np.random.default_rng(33))[0]
    heights = np.array(oracle.greedy(oracle.distances(x, metric, method), method).heights)
    model = below(clear_threshold(heights, 0.7), method, metric).fit(x[:30].astype(first))
    model.add(x[30:].astype(second))
    assert_is_the_fit_of(model, np.concatenate([x[:30].astype(first), x[30:].astype(second)]))
    model.add(x[:2].astype(first))
    assert model.labels_[-2:].tolist() == model.labels_[:2].tolist()


@EACH_CASE
def test_is_the_same_wherever_the_rows_are_split(method: str, metric: str) -> None:
    rng = np.random.default_rng(34)
    x = np.concatenate([faces(60, 5, rng)[0], rows("again", 30, 5, rng), rows("lattice", 30, 5, rng)])
    for n in (2, 50, 119):
        model = below(0.6, method, metric).fit(x[:n])
        model.add(x[n:])
        assert_is_the_fit_of(model, x)


def test_pickled_and_fitted_anew() -> None:
    x = faces(40, 6, np.random.default_rng(35))[0]
    model = below(1.0, "average", "euclidean").fit(x[:30])
    copy = pickle.loads(pickle.dumps(model))
    for one in (model, copy):
        one.add(x[30:])
        assert_is_the_fit_of(one, x)
    np.testing.assert_array_equal(copy.labels_, model.labels_)
    model.fit(x[:8])
    assert model.labels_.shape == (8,)
    model.add(x[8:9])
    assert_is_the_fit_of(model, x[:9])
    assert_is_the_fit_of(copy, x)


def test_real_embeddings(lfw: tuple[NDArray, NDArray]) -> None:
    x = lfw[0]
    for method, threshold in [("average", 0.55), ("single", 0.35), ("complete", 0.7), ("weighted", 0.5)]:
        model = below(threshold, method, "cosine").fit(x[:2900])
        for begin in (2900, 2950):
            old = model.labels_.copy()
            model.add(x[begin : begin + 50])
            assert_numbers_survive(old, model.labels_)
        assert_is_the_fit_of(model, x)


X = faces(20, 3, np.random.default_rng(36))[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"linkage": "ward", "metric": "euclidean"}, "Ward"),
        ({"n_clusters": 3, "distance_threshold": None}, "distance_threshold"),
        ({"metric": "precomputed"}, "precomputed|vectors"),
    ],
)
def test_what_nothing_can_be_added_to(options: dict[str, Any], message: str) -> None:
    options = {"n_clusters": None, "distance_threshold": 1.0, "linkage": "average", "metric": "cosine", **options}
    x = oracle.distances(X, "euclidean", "single") if options["metric"] == "precomputed" else X
    model = AgglomerativeClustering(**options).fit(x)
    labels = model.labels_.copy()
    with pytest.raises(ValueError, match=message):
        model.add(x)
    np.testing.assert_array_equal(model.labels_, labels)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.ones((2, 4)), "4 features.* 3 features"),
        (np.ones(3), "Expected 2D array"),
        (np.empty((0, 3)), r"0 sample\(s\)"),
        (np.array([[1.0, np.nan, 1.0]]), "NaN"),
        (np.array([[1.0, np.inf, 1.0]]), "infinity"),
        (np.array([[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]]), "zero vectors"),
    ],
)
def test_refuses_bad_rows(x: NDArray, message: str) -> None:
    """And is what it was afterwards."""
    model = below(0.5, "average", "cosine").fit(X)
    with pytest.raises(ValueError, match=message):
        model.add(x)
    assert_is_the_fit_of(model, X)
    model.add(X[:1])
    assert_is_the_fit_of(model, np.concatenate([X, X[:1]]))


def test_before_fit() -> None:
    with pytest.raises(NotFittedError, match="not fitted yet"):
        below(0.5, "average", "cosine").add(X)


def people_and_threshold(n: int, d: int, method: str, metric: str) -> tuple[NDArray, float]:
    x, _ = faces(n, d, np.random.default_rng(n))
    heights = oracle.greedy(oracle.distances(x, metric, method), method).heights
    return x, clear_threshold(np.asarray(heights), 0.7)


@EACH_CASE
def test_many_small_additions(method: str, metric: str) -> None:
    """Rows are kept in few pieces, however many came."""
    x, t = people_and_threshold(90, 6, method, metric)
    model = below(t, method, metric).fit(x[:20])
    for row in x[20:]:
        model.add(row[None])
    assert model._clustering is not None and len(model._clustering.pieces) <= 8
    assert_is_the_fit_of(model, x)


@EACH_CASE
def test_more_pairs_than_are_kept(method: str, metric: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Components are enough then: pairs are found again where they are needed."""
    x, t = people_and_threshold(120, 2 if metric != "cosine" else 3, method, metric)
    wanted = below(t, method, metric).fit(x)
    monkeypatch.setattr("pyface.kernels.linkage_below._FEW_EDGES", 10)
    for n in (40, 110):
        model = below(t, method, metric).fit(x[:n]).add(x[n:115]).add(x[115:])
        oracle.assert_same_partition(model.labels_, wanted.labels_)
        np.testing.assert_allclose(model.merges_[:, 2], wanted.merges_[:, 2], rtol=1e-12, atol=1e-14)
