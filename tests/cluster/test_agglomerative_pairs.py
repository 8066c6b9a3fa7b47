"""Pairs of rows that must not share a cluster, with groups and without: greedy merging that is not allowed to."""

from __future__ import annotations

import os
import warnings
from functools import cache
from itertools import combinations
from typing import Any
from unittest import mock

import numpy as np
import pytest
from agglomerative_rows import (
    CASES,
    KINDS,
    METRICS,
    PAIRWISE,
    assert_same_fit,
    clear_threshold,
    clusterer,
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
from oracles.linkage import numbered_by_smallest_row

from pyface.kernels import linkage_below
from pyface.kernels.link_groups import cannot_links, check_groups, check_pairs
from pyface.kernels.linkage_below import joints_among, joints_below, near_graph, origin_for

EACH_CASE = pytest.mark.parametrize(("method", "metric"), CASES)
WHICH = st.sampled_from(["pairs", "cannot", "must", "both"])


def is_kept(labels: NDArray, pairs: NDArray) -> bool:
    return not (labels[pairs[:, 0]] == labels[pairs[:, 1]]).any()


@settings(max_examples=300, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    case=st.sampled_from(CASES),
    kind=st.sampled_from(KINDS),
    which=WHICH,
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
    x, known = rows(kind, n, d, rng, dtype), draw_groups(rng, n, which)
    known["cannot_link"] = draw_pairs(rng, n, known)
    distances = oracle.distances(x, metric, method)
    threshold = some_threshold(distances, method, rng)
    options = {"compute_full_tree": True} if whole else {}
    with mock.patch.dict(os.environ, PYFACE_NUM_THREADS=n_threads):
        fitted = clusterer(method, metric, threshold, **options).fit(x, **known)
    oracle.assert_is_agglomerative(fitted, distances, method, threshold=threshold, whole=whole, **known)
    assert numbered_by_smallest_row(fitted.labels_) and is_kept(fitted.labels_, known["cannot_link"])


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    case=st.sampled_from(CASES),
    kind=st.sampled_from(KINDS),
    which=WHICH,
    n=st.integers(2, 40),
)
def test_a_number_of_clusters(seed: int, case: tuple[str, str], kind: str, which: str, n: int) -> None:
    method, metric = case
    rng = np.random.default_rng(seed)
    x, known = rows(kind, n, 3, rng), draw_groups(rng, n, which)
    known["cannot_link"] = draw_pairs(rng, n, known)
    k = int(rng.integers(1, n + 1))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fitted = clusterer(method, metric, n_clusters=k).fit(x, **known)
    assert len(caught) == (fitted.n_clusters_ != k)
    oracle.assert_is_agglomerative(fitted, oracle.distances(x, metric, method), method, n_clusters=k, **known)
    assert is_kept(fitted.labels_, known["cannot_link"])


@cache
def faces_kept_apart(method: str, metric: str, dtype: type) -> tuple[NDArray, dict[str, Any], float, oracle.Result]:
    """400 rows, 300 pairs, of people who would mostly be joined, and groups of both kinds; the twin's answer."""
    rng = np.random.default_rng(40)
    x, people = faces(400, 24, rng, spread=0.7)
    x = x.astype(dtype)
    distances = oracle.distances(x, metric, method)
    threshold = clear_threshold(np.array(oracle.greedy(distances, method).heights), 0.95)
    known = draw_groups(rng, 400, "both")
    same = np.argwhere(np.triu(people[:, None] == people, 1))
    pairs = np.concatenate([same[rng.choice(len(same), 270, replace=False)], rng.integers(0, 400, (30, 2))])
    must = known["must_link_groups"][pairs]
    known["cannot_link"] = pairs[(pairs[:, 0] != pairs[:, 1]) & ((must[:, 0] != must[:, 1]) | (must[:, 0] < 0))]
    return x, known, threshold, oracle.greedy(distances, method, threshold=threshold, **known)


@EACH_CASE
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_400_faces(method: str, metric: str, dtype: type, isa: str) -> None:
    """The partition is that of the twin; heights of such rows are all different."""
    x, known, threshold, wanted = faces_kept_apart(method, metric, dtype)
    fitted = clusterer(method, metric, threshold).fit(x, **known)
    oracle.assert_same_partition(fitted.labels_, wanted.labels)
    np.testing.assert_allclose(fitted.distances_, wanted.heights, rtol=1e-9, atol=1e-12)
    pairs, groups = known["cannot_link"], {name: known[name] for name in known if name != "cannot_link"}
    assert is_kept(fitted.labels_, pairs)
    assert not is_kept(clusterer(method, metric, threshold).fit(x, **groups).labels_, pairs)


@pytest.mark.parametrize("method", [*PAIRWISE, "ward"])
def test_real_embeddings(method: str, lfw: tuple[NDArray, NDArray]) -> None:
    """400 faces of few people, who are told apart by what somebody says of 400 pairs and of one face and all others."""
    x, people = lfw
    names, counts = np.unique(people, return_counts=True)
    x = x[np.flatnonzero(np.isin(people, names[np.argsort(-counts)[:12]]))[:400]]
    rng = np.random.default_rng(41)
    pairs = rng.integers(0, 400, (400, 2))
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    pairs = np.concatenate([pairs, [(7, j) for j in range(400) if j != 7]])
    metric = "euclidean" if method == "ward" else "cosine"
    threshold = {"single": 0.4, "complete": 0.9, "average": 0.6, "weighted": 0.6, "ward": 1.5}[method]
    distances = oracle.distances(x, metric, method)
    fitted = clusterer(method, metric, threshold).fit(x, cannot_link=pairs)
    wanted = oracle.greedy(distances, method, threshold=threshold, cannot_link=pairs)
    oracle.assert_same_partition(fitted.labels_, wanted.labels)
    assert is_kept(fitted.labels_, pairs) and np.count_nonzero(fitted.labels_ == fitted.labels_[7]) == 1


@pytest.mark.parametrize("method", PAIRWISE)
def test_matrices_of_distances(method: str) -> None:
    for seed in range(10):
        rng = np.random.default_rng(seed)
        distances = oracle.distances(rows("lattice", 60, 3, rng), "euclidean", method)
        known = draw_groups(rng, 60, "both")
        known["cannot_link"] = draw_pairs(rng, 60, known)
        for threshold in (0.0, 1.0, 2.5, 99.0):
            fitted = clusterer(method, "precomputed", threshold).fit(distances, **known)
            oracle.assert_is_agglomerative(fitted, distances, method, threshold=threshold, **known)


def test_by_hand() -> None:
    x = np.array([[0.0], [1.0], [3.0], [7.0]])
    fitted = clusterer("single", "euclidean", 99.0).fit(x, cannot_link=[(0, 1), (2, 1)])
    assert fitted.labels_.tolist() == [0, 1, 0, 0] and fitted.distances_.tolist() == [3, 4]
    labels = clusterer("average", "euclidean", 99.0).fit_predict(
        x, cannot_link=[(0, 1)], must_link_groups=[0, -1, -1, 0]
    )
    assert labels.tolist() == [0, 1, 1, 0]


@EACH_CASE
def test_a_pair_keeps_apart_all_that_must_be_with_its_rows(method: str, metric: str) -> None:
    x = faces(12, 5, np.random.default_rng(42))[0]
    must = np.array([0, 0, 0, 1, 1, 1, *[-1] * 6])
    pairs = np.array([[2, 5], *((i, j) for i in (0, 4) for j in range(6, 12))])
    for options in ({"threshold": 99.0}, {"n_clusters": 2}):
        labels = clusterer(method, metric, **options).fit(x, cannot_link=pairs[:1], must_link_groups=must).labels_
        assert len(np.unique(labels)) == 2 and len(set(labels[:3])) == len(set(labels[3:6])) == 1
        assert labels[0] != labels[3]
    labels = clusterer(method, metric, 99.0).fit(x, cannot_link=pairs, must_link_groups=must).labels_
    assert labels.tolist() == [0, 0, 0, 1, 1, 1, *[2] * 6]


@EACH_CASE
def test_pairs_say_what_groups_say(method: str, metric: str) -> None:
    """To the bit, ties included: a group of two is a pair, and one of more all pairs of it."""
    rng = np.random.default_rng(43)
    x = np.concatenate([faces(60, 4, rng)[0], rows("again", 40, 4, rng), rows("lattice", 40, 4, rng)])
    groups = rng.integers(-1, 40, len(x))
    pairs = np.array([p for g in range(40) for p in combinations(np.flatnonzero(groups == g), 2)])
    for options in ({"threshold": 0.9}, {"n_clusters": 50}):
        want = clusterer(method, metric, **options).fit(x, cannot_link_groups=groups)
        assert_same_fit(clusterer(method, metric, **options).fit(x, cannot_link=pairs), want)
        shuffled = np.where(rng.random((len(pairs), 1)) < 0.5, pairs, pairs[:, ::-1])[rng.permutation(len(pairs))]
        both = clusterer(method, metric, **options).fit(x, cannot_link=shuffled, cannot_link_groups=groups)
        assert_same_fit(both, want)


@EACH_CASE
def test_a_row_that_is_kept_apart_from_all(method: str, metric: str) -> None:
    """The others are clustered as if it were not there."""
    x = faces(700, 6, np.random.default_rng(44))[0]
    others = np.delete(np.arange(700), 300)
    threshold = {"cosine": 0.2, "euclidean": 1.2, "sqeuclidean": 1.5}[metric]
    fitted = clusterer(method, metric, threshold).fit(x, cannot_link=np.column_stack([others, np.full(699, 300)]))
    alone = clusterer(method, metric, threshold).fit(x[others])
    assert np.count_nonzero(fitted.labels_ == fitted.labels_[300]) == 1 and alone.n_clusters_ < 600
    oracle.assert_same_partition(fitted.labels_[others], alone.labels_)
    np.testing.assert_allclose(fitted.merges_[:, 2], alone.merges_[:, 2], rtol=1e-9, atol=1e-12)


@EACH_CASE
def test_threads(method: str, metric: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ties included."""
    rng = np.random.default_rng(45)
    x = np.concatenate([faces(150, 9, rng)[0], rows("again", 60, 9, rng), rows("lattice", 60, 9, rng)])
    known = draw_groups(rng, len(x), "both")
    known["cannot_link"] = draw_pairs(rng, len(x), known)
    fits = []
    for n_threads in ("1", "2", "7"):
        monkeypatch.setenv("PYFACE_NUM_THREADS", n_threads)
        fits.append(clusterer(method, metric, 1.0).fit(x, **known))
        assert_same_fit(fits[-1], fits[0])


@pytest.mark.parametrize("options", [{"threshold": 0.8}, {"n_clusters": 25}])
def test_pairs_of_any_layout(options: dict[str, Any]) -> None:
    rng = np.random.default_rng(46)
    x = faces(50, 4, rng)[0]
    pairs = draw_pairs(rng, 50, {})
    want = clusterer("average", "cosine", **options).fit(x, cannot_link=pairs)
    for change in (
        lambda p: np.repeat(p, 3, axis=0)[::3],
        np.asfortranarray,
        lambda p: p.astype(">i4"),
        lambda p: p.astype(np.uint8),
        lambda p: p.astype(np.uint64),
    ):
        other = change(pairs)
        other.flags.writeable = False
        assert_same_fit(clusterer("average", "cosine", **options).fit(x, cannot_link=other), want)
        np.testing.assert_array_equal(other, pairs)
    assert_same_fit(clusterer("average", "cosine", **options).fit(x, cannot_link=pairs.tolist()), want)
    free = clusterer("average", "cosine", **options).fit(x)
    for nothing in (None, [], np.empty((0, 2), int)):
        assert_same_fit(clusterer("average", "cosine", **options).fit(x, cannot_link=nothing), free)


@EACH_CASE
def test_a_number_that_cannot_be_reached(method: str, metric: str) -> None:
    x = faces(30, 3, np.random.default_rng(47))[0]
    pairs = np.array(list(combinations(range(9), 2)))
    with pytest.warns(UserWarning, match=r"4 clusters were asked for, .*cannot_link forbid to go below 9") as caught:
        fitted = clusterer(method, metric, n_clusters=4).fit(x, cannot_link=pairs)
    assert len(caught) == 1 and fitted.n_clusters_ == 9 == len(np.unique(fitted.labels_[:9]))


@EACH_CASE
def test_contradictions(method: str, metric: str) -> None:
    x = faces(40, 3, np.random.default_rng(48))[0]
    must = np.full(40, -1)
    must[[5, 12, 31]], must[[7, 8]] = 2, 3
    for options in ({"threshold": 0.5}, {"n_clusters": 3}):
        for pairs in ([(0, 1), (31, 12)], [(12, 31), (5, 7)]):
            with pytest.raises(ValueError, match=r"rows 12 and 31 share must_link_groups 2 .*pair of cannot_link"):
                clusterer(method, metric, **options).fit(x, must_link_groups=must, cannot_link=pairs)


@pytest.mark.parametrize(
    ("pairs", "error", "message"),
    [
        ([(0, 1), (4, 4)], ValueError, r"cannot_link: pair 1 is \(4, 4\).*itself, leave"),
        ([(0, 1), (4, 30)], ValueError, r"cannot_link: pair 1 is \(4, 30\); rows are numbered from 0 to 29"),
        ([(-1, 4)], ValueError, r"cannot_link: pair 0 is \(-1, 4\)"),
        (np.array([[0, 2**63 + 5]], np.uint64), ValueError, r"cannot_link: pair 0 is \(0, 9223372036854775813\)"),
        ([0, 1], ValueError, r"cannot_link must have shape \(m, 2\).*got shape \(2,\)"),
        (np.zeros((2, 3), int), ValueError, r"\(2, 3\)"),
        (np.zeros((2, 2, 2), int), ValueError, r"\(2, 2, 2\)"),
        (np.zeros((30, 0), int), ValueError, r"\(30, 0\)"),
        (np.zeros((2, 2)), TypeError, "cannot_link must be .*float64"),
        (np.zeros((2, 2), bool), TypeError, "bool"),
        ([("a", "b")], TypeError, "<U1"),
    ],
)
def test_refusals(pairs: Any, error: type[Exception], message: str) -> None:
    x = faces(30, 3, np.random.default_rng(49))[0]
    for options in ({"threshold": 0.5}, {"n_clusters": 3}):
        for method, metric in (("average", "cosine"), ("ward", "euclidean"), ("complete", "euclidean")):
            with pytest.raises(error, match=message):
                clusterer(method, metric, **options).fit(x, cannot_link=pairs)


def some_parts(rng: np.random.Generator, component: NDArray) -> NDArray[np.int64]:
    """All rows of some components, at least one."""
    chosen = rng.choice(np.unique(component), int(rng.integers(1, component.max() + 2)), replace=False)
    return np.flatnonzero(np.isin(component, chosen))


@settings(max_examples=200, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    method=st.sampled_from(PAIRWISE),
    metric=st.sampled_from(METRICS),
    kind=st.sampled_from(KINDS),
    which=WHICH,
    n=st.integers(2, 80),
    has_edges=st.booleans(),
)
def test_components_can_be_clustered_by_themselves(
    seed: int, method: str, metric: str, kind: str, which: str, n: int, has_edges: bool
) -> None:
    """As parts of all rows: to the bit by the kernels' function; and by a fit of those rows and their constraints."""
    rng = np.random.default_rng(seed)
    x, known = rows(kind, n, 4, rng), draw_groups(rng, n, which)
    known["cannot_link"] = draw_pairs(rng, n, known)
    threshold = some_threshold(oracle.distances(x, metric, method), method, rng)
    must = check_groups(known.get("must_link_groups"), "must", n)
    cannot = cannot_links(
        n, check_groups(known.get("cannot_link_groups"), "cannot", n), check_pairs(known["cannot_link"], "pairs", n)
    )
    few = linkage_below._FEW_EDGES if has_edges or method == "single" else 0
    with (
        mock.patch.object(linkage_below, "_FEW_EDGES", few),
        mock.patch.object(linkage_below, "_BYTES_PER_EDGE", 1 << 40),
    ):
        graph = near_graph(x, method, metric, threshold, has_cannot_link=cannot is not None, n_threads=2)
    options: dict[str, Any] = {"cannot_link": cannot, "must_link": must, "origin": origin_for(x, method, metric)}
    joints = joints_below(x, graph, method, metric, threshold, **options, n_threads=2)
    some = some_parts(rng, graph.with_must_links(must))
    among = joints_among(x, some, graph, method, metric, threshold, **options, n_threads=1)
    is_among = np.isin(joints.pairs[:, 0], some)
    np.testing.assert_array_equal(is_among, np.isin(joints.pairs[:, 1], some))
    np.testing.assert_array_equal(among.pairs, joints.pairs[is_among])
    np.testing.assert_array_equal(among.heights, joints.heights[is_among])

    if len(some) > 1 and kind in ("normal", "clustered"):  # where there are ties they may be broken otherwise
        place = np.full(n, -1)
        place[some] = np.arange(len(some))
        pairs = place[known.pop("cannot_link")]
        own = {name: groups[some] for name, groups in known.items()} | {"cannot_link": pairs[(pairs >= 0).all(axis=1)]}
        part = clusterer(method, metric, threshold).fit(x[some], **own)
        labels = linkage_below.forest_labels(joints.tree(n), n)
        oracle.assert_same_partition(part.labels_, labels[some])
