"""``NearestNeighbors``: scikit-learn's shape and answers, growing, and what it says of bad input."""

from __future__ import annotations

import copy
import inspect
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn.neighbors
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import parametrize_with_checks

import pyface
from pyface import NearestNeighbors

METRICS = ["cosine", "euclidean", "sqeuclidean"]


def rows(seed: int, n: int = 300, d: int = 12, dtype: Any = np.float32) -> NDArray:
    return np.random.default_rng(seed).normal(size=(n, d)).astype(dtype)


def theirs(metric: str, x: NDArray, **options: Any) -> Any:
    return sklearn.neighbors.NearestNeighbors(metric=metric, algorithm="brute", **options).fit(x.astype(np.float64))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks([NearestNeighbors(), NearestNeighbors(2, metric="euclidean", radius=1.0)])
def test_check_estimator(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.parametrize(
    "method", ["fit", "kneighbors", "radius_neighbors", "kneighbors_graph", "radius_neighbors_graph"]
)
def test_the_signatures_are_scikit_learns(method: str) -> None:
    def parameters(kind: type) -> list[tuple[str, Any, Any]]:
        signature = inspect.signature(getattr(kind, method))
        return [(p.name, p.kind, p.default) for p in signature.parameters.values()]

    assert parameters(NearestNeighbors) == parameters(sklearn.neighbors.NearestNeighbors)


def test_a_fit_that_fails_leaves_the_index_that_was_there(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(0).normal(size=(50, 4))
    frame = pd.DataFrame(x[:, :2], columns=["a", "b"])
    index = NearestNeighbors(3).fit(x)
    want = index.kneighbors(x)[1]
    with pytest.raises(ValueError, match="row 0 holds nan"):
        index.fit(frame * np.nan)
    with monkeypatch.context() as patch:
        patch.setattr("pyface.kernels.search.build", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            index.fit(frame)
        with pytest.raises(KeyboardInterrupt):
            NearestNeighbors().fit(frame)
    assert index.n_features_in_ == 4 and not hasattr(index, "feature_names_in_")
    np.testing.assert_array_equal(index.kneighbors(x)[1], want)


def test_l2_is_euclidean(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(50, 4))
    index = NearestNeighbors(3, metric="l2").fit(x)
    assert index.effective_metric_ == "euclidean"
    np.testing.assert_array_equal(index.kneighbors()[0], NearestNeighbors(3, metric="euclidean").fit(x).kneighbors()[0])
    index.save(tmp_path / "i")
    loaded = NearestNeighbors.load(tmp_path / "i")
    assert (loaded.metric, loaded.effective_metric_) == ("l2", "euclidean")


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("own", [False, True])
def test_answers_are_scikit_learns(metric: str, own: bool) -> None:
    x = rows(0)
    q = None if own else rows(1, 20)
    radius = {"cosine": 0.7, "euclidean": 4.0, "sqeuclidean": 16.0}[metric]
    ours = NearestNeighbors(4, radius=radius, metric=metric).fit(x)
    peer = theirs(metric, x, n_neighbors=4, radius=radius)
    wide = None if q is None else q.astype(np.float64)
    distances, indices = ours.kneighbors(q)
    want = peer.kneighbors(wide)
    np.testing.assert_array_equal(indices, want[1])
    np.testing.assert_allclose(distances, want[0], rtol=1e-5)
    np.testing.assert_array_equal(ours.kneighbors(q, 2, return_distance=False), want[1][:, :2])
    found, their = ours.radius_neighbors(q, sort_results=True), peer.radius_neighbors(wide, sort_results=True)
    for i in range(len(indices)):
        np.testing.assert_array_equal(found[1][i], their[1][i])
        np.testing.assert_allclose(found[0][i], their[0][i], rtol=1e-5)
    by_index = ours.radius_neighbors(q, return_distance=False)
    assert all((np.diff(part) > 0).all() for part in by_index)
    for mode in ("connectivity", "distance"):
        for name in ("kneighbors_graph", "radius_neighbors_graph"):
            graph, peers = getattr(ours, name)(q, mode=mode), getattr(peer, name)(wide, mode=mode)
            assert type(graph) is type(peers) and graph.shape == peers.shape
            np.testing.assert_allclose(graph.toarray(), peers.toarray(), rtol=1e-5)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_answers_are_those_of_the_functions(metric: str, dtype: Any) -> None:
    x, q = rows(0, 500, 40, dtype), rows(1, 33, 40, dtype)
    want = pyface.nearest_neighbors(q, 6, x, metric=metric)
    for keep in (x, np.asfortranarray(x), np.concatenate([x, x], axis=1)[:, ::-1][:, ::-1][:, :40]):
        index = NearestNeighbors(6, metric=metric).fit(keep)
        for ask in (q, np.asfortranarray(q), np.repeat(q, 2, axis=0)[::2]):
            distances, indices = index.kneighbors(ask)
            np.testing.assert_array_equal(distances, want[0])
            np.testing.assert_array_equal(indices, want[1])


def test_rows_are_kept_where_they_are(tmp_path: Path) -> None:
    x = rows(0)
    np.save(tmp_path / "x.npy", x)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    for given in (x, mapped):
        index = NearestNeighbors().fit(given)
        assert np.shares_memory(index._index.segments[0].rows, given)
    np.testing.assert_array_equal(index.kneighbors(x[:5])[1], NearestNeighbors().fit(x).kneighbors(x[:5])[1])
    part = x[:50].copy()
    grown = NearestNeighbors().partial_fit(part)
    part[:] = 0  # a buffer that is used again
    grown.partial_fit(x[50:])
    np.testing.assert_array_equal(grown.kneighbors(x)[1], index.kneighbors(x)[1])


@pytest.mark.parametrize("metric", METRICS)
def test_it_grows(metric: str) -> None:
    x = rows(0, 400, 20)
    index = NearestNeighbors(3, metric=metric, radius=1e9)
    for begin in range(0, 400, 23):
        assert index.partial_fit(x[begin : begin + 23]) is index
        assert index.n_samples_fit_ == min(400, begin + 23)
    index.partial_fit(x[:0])
    fitted = clone(index).fit(x)
    for q in (None, x[::7]):
        for got, want in zip(index.kneighbors(q), fitted.kneighbors(q), strict=True):
            np.testing.assert_array_equal(got, want)
        assert (index.radius_neighbors_graph(q) != fitted.radius_neighbors_graph(q)).nnz == 0
    assert index.fit(x[:10]).n_samples_fit_ == 10  # in place of all before


def test_copies_go_their_own_ways() -> None:
    x = rows(0)
    index = NearestNeighbors().fit(x[:100]).partial_fit(x[100:200])
    for other in (pickle.loads(pickle.dumps(index)), copy.deepcopy(index), copy.copy(index)):
        other.partial_fit(x[200:])
        assert (other.n_samples_fit_, index.n_samples_fit_) == (300, 200)
        want = NearestNeighbors().fit(x).kneighbors(x)
        np.testing.assert_array_equal(other.kneighbors(x)[1], want[1])
    np.testing.assert_array_equal(index.kneighbors(x)[1], NearestNeighbors().fit(x[:200]).kneighbors(x)[1])
    assert not hasattr(clone(index), "n_samples_fit_")
    assert index.set_params(n_neighbors=2, n_threads=1).kneighbors(x[:1])[1].shape == (1, 2)


def test_threads_may_share_it() -> None:
    x = rows(0, 3_000, 32)
    index = NearestNeighbors(n_threads=2).fit(x)
    want = index.kneighbors(x[:200])[1]
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda i: index.kneighbors(x[i : i + 50])[1], [0, 50, 100, 150]):
            np.testing.assert_array_equal(found, want[:50])
            want = want[50:]


def test_names_of_columns() -> None:
    frame = pd.DataFrame(rows(0, 30, 2), columns=["a", "b"])
    index = NearestNeighbors(2).fit(frame)
    assert index.feature_names_in_.tolist() == ["a", "b"] and index.n_features_in_ == 2
    with pytest.raises(ValueError, match="feature names"):
        index.kneighbors(frame.rename(columns={"a": "c"}))
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        index.kneighbors(frame.to_numpy())


def test_rows_of_zeros_are_at_distance_1_under_cosine() -> None:
    x = rows(0, 40, 5)
    x[[3, 7]] = 0
    q = np.zeros((1, 5), np.float32)
    index = NearestNeighbors(40).fit(x)
    distances, indices = index.kneighbors(q)
    assert (distances == 1).all() and indices.tolist() == [list(range(40))]
    distances, indices = index.kneighbors(x[:1])
    assert distances[0][indices[0] == 3] == 1
    np.testing.assert_allclose(distances, theirs("cosine", x).kneighbors(x[:1].astype(float), 40)[0], atol=1e-6)


def test_duplicates_by_the_thousand() -> None:
    x = np.repeat(rows(0, 3, 24), 3_000, axis=0)
    index = NearestNeighbors(4, radius=0.0).fit(x)
    assert index.kneighbors(x[[0, 5_000]])[1].tolist() == [[0, 1, 2, 3], [3_000, 3_001, 3_002, 3_003]]
    assert index.kneighbors()[1][[0, 2, 8_999]].tolist() == [[1, 2, 3, 4], [0, 1, 3, 4], [6_000, 6_001, 6_002, 6_003]]
    assert index.radius_neighbors(x[:1], return_distance=False)[0].tolist() == list(range(3_000))


@pytest.mark.parametrize("n_threads", [1, 2, 7])
def test_no_result_depends_on_threads(n_threads: int) -> None:
    x = rows(0, 5_000, 16)
    one, many = NearestNeighbors(9, n_threads=1).fit(x), NearestNeighbors(9, n_threads=n_threads).fit(x)
    for q in (x[:1], x[:300]):
        for got, want in zip(many.kneighbors(q), one.kneighbors(q), strict=True):
            np.testing.assert_array_equal(got, want)
        assert (many.radius_neighbors_graph(q, 0.3) != one.radius_neighbors_graph(q, 0.3)).nnz == 0


def test_no_queries() -> None:
    index = NearestNeighbors(3, radius=1.0).fit(rows(0))
    none = np.empty((0, 12), np.float32)
    distances, indices = index.kneighbors(none)
    assert distances.shape == indices.shape == (0, 3)
    assert [len(part) for part in index.radius_neighbors(none)] == [0, 0]
    assert index.kneighbors_graph(none).shape == index.radius_neighbors_graph(none).shape == (0, 300)


def test_other_numbers() -> None:
    index = NearestNeighbors(1, metric="euclidean").fit([[0, 0], [3, 4]])
    distances, indices = index.kneighbors([[3, 3]])
    assert distances.tolist() == [[1.0]] and indices.tolist() == [[1]]
    assert NearestNeighbors(1).partial_fit([[0, 1]]).partial_fit([[1, 0]]).kneighbors([[2, 0]])[1].tolist() == [[1]]
    single = NearestNeighbors(1).fit(rows(0, 1))
    assert single.kneighbors(rows(1, 2))[1].tolist() == [[0], [0]]


def spoiled(value: float) -> NDArray:
    x = rows(3, 20)
    x[7, 2] = value
    return x


X = rows(0)
BAD = [
    (lambda i: i.kneighbors(X, 0), ValueError, r"Expected n_neighbors > 0. Got 0"),
    (lambda i: i.kneighbors(X, 1.5), TypeError, "enter integer value"),
    (lambda i: i.kneighbors(X, True), TypeError, "enter integer value"),
    (
        lambda i: i.kneighbors(X[:9], 301),
        ValueError,
        "Expected n_neighbors <= n_samples_fit, but n_neighbors = 301, n_samples_fit = 300, n_samples = 9; ask for",
    ),
    (
        lambda i: i.kneighbors(None, 300),
        ValueError,
        r"Expected n_neighbors < n_samples_fit, but n_neighbors = 300, n_samples_fit = 300, n_samples = 300",
    ),
    (lambda i: i.kneighbors(X[:, :5]), ValueError, "X has 5 features, but NearestNeighbors is expecting 12 features"),
    (lambda i: i.kneighbors(X[0]), ValueError, "Reshape your data"),
    (lambda i: i.kneighbors(sparse.csr_matrix(X)), TypeError, "rows must be dense"),
    (lambda i: i.kneighbors(spoiled(np.nan)), ValueError, "NaN or infinity; X: row 7 holds nan in column 2"),
    (lambda i: i.kneighbors(spoiled(-np.inf)), ValueError, "row 7 holds -inf in column 2"),
    (lambda i: i.kneighbors([["a"] * 12]), ValueError, "[Cc]onvert"),
    (lambda i: i.kneighbors(X.astype(complex)), ValueError, "Complex data not supported"),
    (lambda i: i.partial_fit(spoiled(np.nan)), ValueError, "row 7 holds nan"),
    (lambda i: i.partial_fit(X[:, :5]), ValueError, "X has 5 features"),
    (lambda i: i.partial_fit(X.astype(np.float64)), TypeError, r"X.astype\(np.float32\)"),
    (lambda i: i.fit(X[:0]), ValueError, "0 sample"),
    (lambda i: i.fit(X[:, :0]), ValueError, "0 feature"),
    (lambda i: i.fit(spoiled(np.inf)), ValueError, "row 7 holds inf"),
    (lambda i: i.set_params(metric="l3").fit(X), ValueError, "'cosine', 'euclidean', 'sqeuclidean'"),
    (lambda i: i.set_params(metric=3).fit(X), TypeError, "metric must be a string"),
    (lambda i: i.set_params(n_neighbors=0).fit(X), ValueError, "n_neighbors > 0"),
    (lambda i: i.set_params(radius=-1.0).fit(X), ValueError, "radius must be at least 0"),
    (lambda i: i.set_params(n_threads=0).kneighbors(X), ValueError, "n_threads must be at least 1"),
    (lambda i: i.radius_neighbors(X), ValueError, "radius is None, here and in the constructor"),
    (lambda i: i.radius_neighbors(X, np.nan), ValueError, "nan"),
    (lambda i: i.radius_neighbors(X, -0.1), ValueError, "at least 0"),
    (lambda i: i.radius_neighbors(X, 1, False, True), ValueError, "return_distance must be True if sort_results"),
    (lambda i: i.kneighbors_graph(X, mode="both"), ValueError, "'connectivity', 'distance'"),
]


@pytest.mark.parametrize(("call", "kind", "words"), BAD)
def test_bad_input(call: Any, kind: type, words: str) -> None:
    index = NearestNeighbors().fit(X)
    with pytest.raises(kind, match=words):
        call(index)
    if index.get_params() == NearestNeighbors().get_params():  # as it was
        assert index.n_samples_fit_ == 300 and index.kneighbors(X[:4])[1][:, 0].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("call", ["kneighbors", "radius_neighbors", "kneighbors_graph", "radius_neighbors_graph"])
def test_before_fit(call: str) -> None:
    with pytest.raises(NotFittedError):
        getattr(NearestNeighbors(radius=1.0), call)(X)


def test_too_many_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyface._memory.limit", lambda _: 100_000)
    index = NearestNeighbors().fit(X)
    with pytest.raises(MemoryError, match="pairs were found within the radius"):
        index.radius_neighbors(X, 2.0)
    with pytest.raises(MemoryError, match="choose a smaller n_neighbors"):
        index.kneighbors(X, 300)
    with pytest.raises(MemoryError, match="more rows in the index"):
        index.partial_fit(np.zeros((3_000, 12), np.float32))
    with pytest.raises(MemoryError, match="an index of 9,000 rows"):
        NearestNeighbors().fit(np.ones((9_000, 12), np.float32))
