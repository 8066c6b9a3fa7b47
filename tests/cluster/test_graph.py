"""Clusters of the graph of neighbours, against their definitions; and rows that two clusterings do not agree on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from oracles.graph import components, is_settled, neighbors, shared_probability
from scipy.spatial.distance import cdist
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from pyface.cluster import ChineseWhispers, GraphClustering, disagreements
from pyface.errors import MissingExtraError

METRICS = ["cosine", "euclidean", "sqeuclidean"]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks([GraphClustering(), ChineseWhispers()])
def test_check_estimator(estimator: Any, check: Any) -> None:
    check(estimator)


def rows_of(seed: int, n: int = 60, d: int = 4) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(6, d))[rng.integers(0, 6, n)] + 0.4 * rng.normal(size=(n, d))


@pytest.mark.parametrize("metric", METRICS)
@given(seed=st.integers(0, 50), overlap=st.floats(0.05, 1), temperature=st.sampled_from([0.05, 0.5, 4.0]))
def test_shared_neighbors_are_joined(metric: str, seed: int, overlap: float, temperature: float) -> None:
    x = rows_of(seed, n=30).astype(np.float32)
    between = cdist(x.astype(float), x.astype(float), metric)
    radius = float(np.quantile(between, 0.15)) + 1e-7
    near = neighbors(between, radius)
    rounded = between.astype(np.float32).astype(float)
    np.fill_diagonal(rounded, 0)
    squares = {"cosine": 2 * rounded, "euclidean": rounded**2, "sqeuclidean": rounded}[metric]
    shared = shared_probability(squares, near, temperature)
    pairs = [(i, j) for i in range(len(x)) for j in near[i] if j > i]
    assume(all(abs(shared[pair] - overlap) > 1e-6 for pair in pairs))
    found = GraphClustering(radius=radius, overlap=overlap, temperature=temperature, metric=metric).fit(x)
    assert_array_equal(found.labels_, components(len(x), [pair for pair in pairs if shared[pair] >= overlap]))
    assert found.n_edges_ == len(pairs) and found.n_clusters_ == len(set(found.labels_.tolist()))


@given(st.integers(0, 30), st.integers(0, 1000))
def test_the_order_of_rows_does_not_matter(seed: int, order: int) -> None:
    x = rows_of(seed)
    shuffled = np.random.default_rng(order).permutation(len(x))
    one = GraphClustering(radius=0.2).fit_predict(x)
    other = GraphClustering(radius=0.2).fit_predict(x[shuffled])
    back = np.empty(len(x), np.int64)
    back[shuffled] = other
    assert {frozenset(np.flatnonzero(one == k)) for k in set(one)} == {
        frozenset(np.flatnonzero(back == k)) for k in set(back)
    }


def test_pieces_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    x = rows_of(3, n=300)
    nep, whispers = GraphClustering(radius=0.2), ChineseWhispers(0.2, metric="cosine")
    expected = nep.fit_predict(x), whispers.fit_predict(x)
    monkeypatch.setattr("pyface.kernels.graphs.STEPS_AT_ONCE", 7)
    assert_array_equal(nep.fit_predict(x), expected[0])
    assert_array_equal(whispers.fit_predict(x), expected[1])


@pytest.mark.parametrize("metric", METRICS)
@given(seed=st.integers(0, 50), random_state=st.integers(0, 9))
def test_whispers_end_where_most_neighbors_agree(metric: str, seed: int, random_state: int) -> None:
    x = rows_of(seed)
    between = cdist(x, x, metric)
    threshold = float(np.quantile(between, 0.1))
    estimator = ChineseWhispers(threshold, metric=metric, random_state=random_state, n_iterations=1000)
    labels = estimator.fit_predict(x)
    near = neighbors(between, np.nextafter(threshold, 0))
    assert is_settled(near, labels)
    assert_array_equal(labels, clone(estimator).fit_predict(x))  # the same draws
    # No cluster reaches over more than one component.
    component = components(len(x), [(i, j) for i, others in enumerate(near) for j in others])
    assert all(len(set(component[labels == k].tolist())) == 1 for k in range(estimator.n_clusters_))
    assert labels[0] == 0 and np.all(np.diff([np.flatnonzero(labels == k)[0] for k in range(labels.max() + 1)]) > 0)


def test_whispers_leave_out_pairs_at_the_threshold() -> None:
    x = np.array([[0.0, 0], [1, 0], [5, 0]])
    assert_array_equal(ChineseWhispers(1.0).fit_predict(x), [0, 1, 2])
    assert_array_equal(ChineseWhispers(np.nextafter(1, 2)).fit_predict(x), [0, 0, 1])


def test_the_map_equation_finds_cliques() -> None:
    pytest.importorskip("networkit", reason="the extra 'graph' is not installed")
    x = np.repeat(np.eye(8), 6, axis=0)[np.random.default_rng(0).permutation(48)]
    x = x + 0.01 * np.random.default_rng(1).normal(size=x.shape)
    found = GraphClustering("map_equation", radius=0.5).fit(x)
    assert found.n_clusters_ == 8
    near = cdist(x, x, "cosine") < 0.5
    assert_array_equal(found.labels_[:, None] == found.labels_, near)
    assert_array_equal(found.labels_, GraphClustering("map_equation", radius=0.5).fit_predict(x))


def test_the_map_equation_needs_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "networkit", None)
    with pytest.raises(MissingExtraError, match=r"pyface-toolkit\[graph\]"):
        GraphClustering("map_equation").fit(rows_of(0))


@pytest.mark.parametrize(
    ("estimator", "match"),
    [
        (GraphClustering("leiden"), "method must be one of 'nep', 'map_equation'"),
        (GraphClustering(radius=0), "radius must be greater than 0"),
        (GraphClustering(overlap=1.5), "overlap must be at most 1"),
        (GraphClustering(temperature=-1), "temperature must be greater than 0"),
        (GraphClustering(metric="precomputed"), "metric must be one of 'cosine'"),
        (GraphClustering(random_state=-1), "random_state must be at least 0"),
        (GraphClustering("map_equation", random_state=2**64), "random_state must be at most 9223372036854775807"),
        (ChineseWhispers(0), "threshold must be greater than 0"),
        (ChineseWhispers(n_iterations=0), "n_iterations must be at least 1"),
        (ChineseWhispers(metric="manhattan"), "metric must be one of"),
    ],
)
def test_bad_parameters(estimator: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        estimator.fit(rows_of(0))


def test_a_graph_that_does_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyface._memory.limit", lambda wanted: 10_000)
    for estimator in (GraphClustering(radius=2.0), ChineseWhispers(100.0)):
        with pytest.raises(MemoryError, match=r"\d+ pairs were found .*smaller radius or threshold, or cluster"):
            estimator.fit(rows_of(0, n=400))


def test_memory_is_that_of_the_clustering_not_of_the_graph_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    n = 400
    entries = n * (n - 1)
    monkeypatch.setattr("pyface._memory.limit", lambda wanted: 20 * entries)
    ChineseWhispers(100.0).fit(rows_of(0, n=n))
    # 14 bytes an entry alone would fit. How many have been found when it is noticed depends on who is done first.
    with pytest.raises(MemoryError, match=r"\d+ pairs were found"):
        GraphClustering(radius=2.0).fit(rows_of(0, n=n))


def test_one_row_and_equal_rows() -> None:
    for estimator in (GraphClustering(), ChineseWhispers()):
        assert_array_equal(estimator.fit_predict(np.ones((1, 3))), [0])
        assert_array_equal(estimator.fit_predict(np.ones((500, 3))), np.zeros(500))


@given(st.lists(st.tuples(st.integers(-1, 4), st.integers(-1, 4)), max_size=20))
def test_disagreements(pairs: list[tuple[int, int]]) -> None:
    a, b = (np.array([pair[side] for pair in pairs], np.int64) for side in (0, 1))

    def cluster(labels: np.ndarray, row: int) -> set[int]:
        return {row} if labels[row] == -1 else set(np.flatnonzero(labels == labels[row]).tolist())

    expected = []
    for row in range(len(pairs)):
        one, other = cluster(a, row), cluster(b, row)
        if one != other:
            expected.append((len(one & other) / len(one | other), row))
    rows, agreement = disagreements(a, b)
    assert_array_equal(rows, [row for _, row in sorted(expected)])
    np.testing.assert_allclose(agreement, [value for value, _ in sorted(expected)])


def test_disagreements_of_other_rows() -> None:
    with pytest.raises(ValueError, match="must label the same rows, got 2 and 3"):
        disagreements([0, 1], [0, 1, 2])
    with pytest.raises(TypeError, match="labels_b must be a NumPy array of integers"):
        disagreements([0, 1], ["a", "b"])
