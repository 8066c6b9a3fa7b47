"""The slow twins of agglomerative clustering: by hand, against SciPy and scikit-learn, and what they refuse."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import sklearn.cluster
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from oracles import agglomerative as oracle
from oracles.agglomerative import METHODS, Clusters, assert_is_agglomerative, assert_is_tree, greedy
from scipy.cluster import hierarchy
from scipy.spatial.distance import squareform

LINE = np.array([0.0, 1.0, 3.0, 7.0])
D = np.abs(LINE[:, None] - LINE)


def by_definition(x: NDArray, a: NDArray[np.int64], b: NDArray[np.int64], method: str) -> Fraction:
    """Of whole numbers, without rounding; of squares for "ward", which is 2 |a| |b| / (|a| + |b|) |c_a - c_b|^2."""
    if method == "ward":
        centres = [sum(x[rows].astype(object)) * Fraction(1, len(rows)) for rows in (a, b)]
        squares = ((centres[0] - centres[1]) ** 2).sum()
        return Fraction(2 * len(a) * len(b), len(a) + len(b)) * squares
    pairs = [Fraction(int(((x[i] - x[j]) ** 2).sum())) for i in a for j in b]
    return {"single": min(pairs), "complete": max(pairs), "average": sum(pairs) / len(pairs)}[method]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), method=st.sampled_from(["single", "complete", "average", "ward"]))
def test_the_formulas_are_the_definitions(seed: int, method: str) -> None:
    """Whatever is merged, the closest or not."""
    rng = np.random.default_rng(seed)
    x = rng.integers(-4, 5, (8, 2))
    clusters = Clusters(oracle.exact_distances(x.astype(float), "sqeuclidean", method), method)
    for _ in range(6):
        a, b = rng.choice(np.unique(clusters.labels), 2, replace=False)
        clusters.merge(int(a), int(b))
        for p, q in combinations(np.unique(clusters.labels), 2):
            rows = np.flatnonzero(clusters.labels == p), np.flatnonzero(clusters.labels == q)
            assert clusters.values[p, q] == clusters.values[q, p] == by_definition(x, *rows, method)


def test_by_hand() -> None:
    wanted = {"single": [1, 2, 4], "complete": [1, 3, 7], "average": [1, 2.5, 17 / 3], "weighted": [1, 2.5, 5.25]}
    for method, heights in wanted.items():
        assert greedy(D, method).heights == pytest.approx(heights)
    # Centres 0.5 and 3, then 4/3 and 7: 2 * 2 * 1 / 3 * 2.5^2 and 2 * 3 * 1 / 4 * (17/3)^2.
    assert np.square(greedy(D**2, "ward").heights) == pytest.approx([1, 25 / 3, 289 / 6])


def test_thresholds_and_numbers_by_hand() -> None:
    assert greedy(D, "single", threshold=2.0).labels.tolist() == [0, 0, 2, 3]  # 2 is not below 2
    assert greedy(D, "single", threshold=2.1).labels.tolist() == [0, 0, 0, 3]
    assert greedy(D, "single", threshold=0.0).n_clusters == 4
    assert greedy(D, "single", n_clusters=2).labels.tolist() == [0, 0, 0, 3]
    assert greedy(D[:1, :1], "ward").labels.tolist() == [0]


def test_groups_by_hand() -> None:
    cannot = np.array([5, 5, -1, -1])
    # 1 and 3 first, which makes a cluster that 0 may not join; then 7 comes to it.
    result = greedy(D, "single", cannot_link_groups=cannot)
    assert result.labels.tolist() == [0, 1, 1, 1] and result.heights == [2, 4]
    assert greedy(D, "average", cannot_link_groups=np.zeros(4, int)).heights == []
    must = np.array([0, -1, -1, 0])
    # {0, 7} and 1: mean of 1 and 6; and 3: mean of 3 and 4; 1 and 3 are at 2.
    result = greedy(D, "average", must_link_groups=must)
    assert result.heights == [0, 2, 3.5]
    assert greedy(D, "average", must_link_groups=must, threshold=0).labels.tolist() == [0, 1, 2, 0]
    # 1 may not join {0, 7}, which holds 7.
    both = greedy(D, "complete", must_link_groups=must, cannot_link_groups=np.array([-1, 3, -1, 3]))
    assert both.labels.tolist() == [0, 1, 1, 0]


def test_pairs_by_hand() -> None:
    pairs = np.array([[0, 1], [2, 1]])
    # 0 and 3 may meet, though 1 may meet neither; 7 is nearest to that cluster.
    result = greedy(D, "single", cannot_link=pairs)
    assert result.labels.tolist() == [0, 1, 0, 0] and result.heights == [3, 4]
    # 1 may not join {0, 7}; 3 may: it is 3 and 4 away.
    must = np.array([0, -1, -1, 0])
    result = greedy(D, "average", cannot_link=pairs[:1], must_link_groups=must)
    assert result.labels.tolist() == [0, 1, 1, 0] and result.heights == [0, 2]
    # 1 and 3 are both at 3.5 from {0, 7}, on average; then the other one may not come.
    result = greedy(D, "average", cannot_link=pairs[1:], must_link_groups=must)
    assert result.labels.tolist() == [0, 0, 2, 0] and result.heights == [0, 3.5]
    # Of two groups that must be linked one pair keeps all apart.
    must = np.array([0, 1, 1, 0])
    assert greedy(D, "complete", cannot_link=pairs[:1], must_link_groups=must).heights == [0, 0]
    groups = np.array([5, 5, -1, 6])
    result = greedy(D, "single", cannot_link=pairs[1:], cannot_link_groups=groups)
    assert result.labels.tolist() == [0, 1, 0, 0] and result.heights == [3, 4]


@pytest.mark.parametrize("method", METHODS)
def test_is_scipys_and_scikit_learns(method: str) -> None:
    x = np.random.default_rng(3).normal(size=(60, 4))
    d = oracle.distances(x, "euclidean", method)
    z = hierarchy.linkage(x, method)
    np.testing.assert_allclose(greedy(d, method).heights, z[:, 2], rtol=1e-9)
    assert_is_tree(np.column_stack([np.sort(z[:, :2]), z[:, 2:]]), d, method)
    for threshold in (*z[[5, 30, 55], 2] * (1 + 1e-9), z[40, 2] * (1 - 1e-9)):
        ours = greedy(d, method, threshold=threshold)
        oracle.assert_same_partition(ours.labels, hierarchy.fcluster(z, threshold, "distance"))
        if method == "weighted":
            continue
        options = {"n_clusters": None, "distance_threshold": threshold, "linkage": method}
        theirs = sklearn.cluster.AgglomerativeClustering(**options).fit(x)
        oracle.assert_same_partition(ours.labels, theirs.labels_)
        assert_is_agglomerative(theirs, d, method, threshold=threshold, whole=True)


def test_must_links_are_what_scipy_makes_of_rows_at_distance_zero() -> None:
    """Where rows of a group lie on one another, the constraint changes nothing."""
    x = np.repeat(np.random.default_rng(4).normal(size=(12, 3)), 2, axis=0)
    for method in METHODS:
        d = oracle.distances(x, "euclidean", method)
        ours = greedy(d, method, must_link_groups=np.repeat(np.arange(12), 2))
        np.testing.assert_allclose(ours.heights, hierarchy.linkage(x, method)[:, 2], rtol=1e-9, atol=1e-7)


def exhaustive(
    d: NDArray, cannot: NDArray[np.int64], pairs: NDArray[np.int64], threshold: float
) -> set[frozenset[int]]:
    """Average linkage with forbidden merges, from sets of rows and means of pairs, without a formula."""
    clusters = [frozenset([i]) for i in range(len(d))]
    while True:
        found = []
        for a, b in combinations(clusters, 2):
            groups = [g for g in cannot[sorted(a | b)] if g >= 0]
            if len(groups) == len(set(groups)) and not any({i, j} <= a | b for i, j in pairs.tolist()):
                found.append((float(d[np.ix_(sorted(a), sorted(b))].mean()), sorted(a), sorted(b)))
        if not found or min(found)[0] >= threshold:
            return set(clusters)
        _, a, b = min(found)
        clusters = [c for c in clusters if c not in (frozenset(a), frozenset(b))] + [frozenset(a) | frozenset(b)]


def test_forbidden_merges_another_way() -> None:
    rng = np.random.default_rng(5)
    for threshold in (0.5, 0.8, 2.0) * 5:
        d = squareform(rng.random(14 * 13 // 2))
        cannot, pairs = rng.integers(-1, 5, 14), np.array([[0, 3], [9, 0], [5, 6]])
        labels = greedy(d, "average", threshold=threshold, cannot_link=pairs, cannot_link_groups=cannot).labels
        wanted = exhaustive(d, cannot, pairs, threshold)
        assert {frozenset(np.flatnonzero(labels == k).tolist()) for k in np.unique(labels)} == wanted


def fit(d: NDArray, method: str, **options: Any) -> SimpleNamespace:
    """The oracle's answer as an estimator gives it."""
    result = greedy(d, method, **options)
    n, name, merges = len(d), dict(enumerate(range(len(d)))), []
    clusters = Clusters(d, method, options.get("cannot_link_groups"), options.get("cannot_link"))
    pairs = [(int(r[0]), int(i)) for r in oracle.groups_of(options.get("must_link_groups")) for i in r[1:]]
    for step in range(len(result.heights)):
        a, b = pairs[step] if step < len(pairs) else clusters.closest()
        clusters.merge(a, b)
        merges.append((name[a], name[b]))
        name[a] = n + step
    children = np.array(merges, dtype=np.int64).reshape(-1, 2)
    heights = np.array(result.heights)
    return SimpleNamespace(
        children_=children, distances_=heights, merges_=np.column_stack([children, heights]), labels_=result.labels,
        n_clusters_=result.n_clusters,
    )  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 16), method=st.sampled_from(METHODS), exact=st.booleans())
def test_the_certificate_accepts_the_twin(seed: int, n: int, method: str, exact: bool) -> None:
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 4, (n, 2)).astype(float)
    d = (oracle.exact_distances if exact else oracle.distances)(x, "sqeuclidean", method)
    groups = {"must_link_groups": rng.integers(-1, 3, n) if rng.random() < 0.5 else None}
    groups["cannot_link_groups"] = None
    if groups["must_link_groups"] is None:
        groups["cannot_link_groups"] = rng.integers(-1, max(1, n // 2), n)
        pairs = rng.integers(0, n, (n // 2, 2))
        groups["cannot_link"] = pairs[pairs[:, 0] != pairs[:, 1]]
    threshold, k = float(rng.choice([0, 1, 2.5, 9])), int(rng.integers(1, n + 1))
    assert_is_agglomerative(fit(d, method, threshold=threshold, **groups), d, method, threshold=threshold, **groups)
    assert_is_agglomerative(fit(d, method, n_clusters=k, **groups), d, method, n_clusters=k, **groups)
    assert_is_agglomerative(fit(d, method, **groups), d, method, n_clusters=1, whole=True, **groups)


def broken(fitted: SimpleNamespace, **changes: Any) -> SimpleNamespace:
    return SimpleNamespace(**{**vars(fitted), **changes})


def test_the_certificate_refuses_what_is_wrong() -> None:
    x = np.random.default_rng(6).normal(size=(20, 3))
    d = oracle.distances(x, "euclidean", "average")
    free = fit(d, "average", threshold=1.5)
    merges, children, labels = free.merges_, free.children_, free.labels_
    assert 8 < len(merges) < 18
    cannot, must = np.full(20, -1), np.full(20, -1)
    cannot[children[0]] = 3
    must[np.unique(labels)[:2]] = 5
    swapped, raised, turned = merges.copy(), merges.copy(), merges.copy()
    swapped[[3, 4], :2] = swapped[[4, 3], :2]
    raised[:, 2] *= 1 + 1e-6
    turned[:, 2] = turned[::-1, 2]
    last_undone = fit(d, "average", n_clusters=free.n_clusters_ + 1)
    once_more = fit(d, "average", n_clusters=free.n_clusters_ - 1)
    for wrong in (
        broken(free, merges_=swapped),
        broken(free, merges_=raised),
        broken(free, merges_=turned),
        broken(free, labels_=np.where(labels == 0, labels[-1], labels) if labels[-1] else np.arange(20)),
        broken(free, n_clusters_=free.n_clusters_ + 1),
        last_undone,
        once_more,
        fit(d, "complete", threshold=1.5),
    ):
        with pytest.raises((AssertionError, KeyError)):
            assert_is_agglomerative(wrong, d, "average", threshold=1.5)
    known = {"cannot_link": children[:1], "cannot_link_groups": cannot, "must_link_groups": must}
    for name, groups in known.items():
        with pytest.raises(AssertionError):
            assert_is_agglomerative(free, d, "average", threshold=1.5, **{name: groups})
        with pytest.raises(AssertionError):
            assert_is_agglomerative(fit(d, "average", threshold=1.5, **{name: groups}), d, "average", threshold=1.5)
    with pytest.raises(AssertionError):
        assert_is_agglomerative(free, d, "average", threshold=1.5, whole=True)
    with pytest.raises(AssertionError):
        assert_is_agglomerative(last_undone, d, "average", n_clusters=free.n_clusters_)
