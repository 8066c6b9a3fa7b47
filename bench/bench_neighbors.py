"""Neighbours within a radius, and the ten nearest."""

from __future__ import annotations

from typing import Any

import numpy as np
import peers
from bench_distances import exact_rows, half_of_the_products, some_rows
from contest import Call, Contender, Work, with_vnni
from data import Data
from numpy.typing import NDArray
from scipy.sparse import csr_array

K = 10
# Peers work in float32: about a radius, or between neighbours, they may see it differently by this much.
DOUBT = 1e-5

Nearest = tuple[NDArray[Any], NDArray[Any]]


def own_within(data: Data, n_threads: int) -> Call:
    pyface = peers.module("pyface", n_threads)
    return lambda: pyface.neighbors_within(data.X, data.radius, n_threads=n_threads)


def faiss_within(data: Data, n_threads: int) -> Call:
    faiss = peers.module("faiss", n_threads)

    def call() -> Any:
        index = faiss.IndexFlatIP(data.X.shape[1])
        index.add(data.X)
        return index.range_search(data.X, 1 - data.radius)

    return call


def sklearn_within(metric: str, n_jobs: bool = False) -> Any:
    def prepare(data: Data, n_threads: int) -> Call:
        neighbors = peers.module("sklearn.neighbors", n_threads)
        radius = data.radius if metric == "cosine" else peers.euclidean_radius(data)
        options = {"algorithm": "brute", "metric": metric, "n_jobs": n_threads if n_jobs else None}

        def call() -> Any:
            search = neighbors.NearestNeighbors(radius=radius, **options).fit(data.X)
            return search.radius_neighbors_graph(data.X, mode="distance")

        return call

    return prepare


def own_nearest(data: Data, n_threads: int) -> Call:
    pyface = peers.module("pyface", n_threads)
    return lambda: pyface.nearest_neighbors(data.X, K, n_threads=n_threads)


def faiss_nearest(data: Data, n_threads: int) -> Call:
    faiss = peers.module("faiss", n_threads)

    def call() -> Any:
        index = faiss.IndexFlatIP(data.X.shape[1])
        index.add(data.X)
        return index.search(data.X, K)

    return call


def sklearn_nearest(metric: str, library: str = "sklearn", n_jobs: bool = False) -> Any:
    def prepare(data: Data, n_threads: int) -> Call:
        neighbors = peers.module(f"{library}.neighbors", n_threads)
        options = {"algorithm": "brute", "metric": metric, "n_jobs": n_threads if n_jobs else None}
        return lambda: neighbors.NearestNeighbors(n_neighbors=K, **options).fit(data.X).kneighbors(data.X)

    return prepare


def verify_within(graph: csr_array, data: Data) -> None:
    rows = some_rows(len(data.X))
    for row, exact in zip(rows, exact_rows(data.X, data.X, rows), strict=True):
        found = slice(graph.indptr[row], graph.indptr[row + 1])
        assert graph.indices[found].tolist() == np.flatnonzero(exact <= data.radius).tolist()
        assert abs(graph.data[found] - exact[graph.indices[found]]).max() <= 1e-6


def agree_within(graph: csr_array, ours: csr_array, data: Data) -> None:
    """The same pairs, but for those so near to the radius that float32 cannot tell."""
    a, b = keys(graph), keys(ours)
    sure_a, sure_b = graph.data <= data.radius - DOUBT, ours.data <= data.radius - DOUBT
    assert np.isin(a[sure_a], b, assume_unique=True).all() and np.isin(b[sure_b], a, assume_unique=True).all()
    common, at_a, at_b = np.intersect1d(a, b, assume_unique=True, return_indices=True)
    assert len(common) and abs(graph.data[at_a] - ours.data[at_b]).max() <= DOUBT


def keys(graph: csr_array) -> NDArray[np.int64]:
    """One number for each pair of a graph."""
    rows = np.repeat(np.arange(graph.shape[0], dtype=np.int64), np.diff(graph.indptr))
    return rows * graph.shape[1] + graph.indices


def verify_nearest(result: Nearest, data: Data) -> None:
    rows = some_rows(len(data.X))
    distances, indices = result
    exact = exact_rows(data.X, data.X, rows)
    assert abs(np.sort(exact, axis=1)[:, :K] - distances[rows]).max() <= 1e-6
    assert abs(np.take_along_axis(exact, indices[rows], axis=1) - distances[rows]).max() <= 1e-6
    assert (indices[rows, 0] == rows).all()


def agree_nearest(result: Nearest, ours: Nearest, _: Data) -> None:
    assert abs(result[0] - ours[0]).max() <= DOUBT
    # A neighbour that is nearer than the last one by more than the doubt is in both lists.
    sure = ours[0] < ours[0][:, -1:] - 2 * DOUBT
    there = (ours[1][:, :, None] == result[1][:, None, :]).any(axis=2)
    assert there[sure].all()


WITHIN = Work(
    "within",
    "`neighbors_within(X, {radius})`",
    (
        Contender("pyface", own_within, peers.own_threads, rounds=7),
        Contender(
            "faiss `range_search`",
            faiss_within,
            peers.faiss_threads,
            peers.graph_of_ranges,
            at_least=with_vnni(7, avx2=5),
        ),
        Contender(
            "scikit-learn, cosine",
            sklearn_within("cosine"),
            peers.sklearn_threads,
            peers.graph_of_cosine,
            rounds=2,
            at_least={"avx2": 9},
        ),
        Contender(
            "scikit-learn, cosine, `n_jobs`",
            sklearn_within("cosine", n_jobs=True),
            peers.sklearn_threads,
            peers.graph_of_cosine,
            rounds=2,
            at_least={"avx2": 9},
        ),
        Contender(
            "scikit-learn, euclidean",
            sklearn_within("euclidean"),
            peers.sklearn_threads,
            peers.graph_of_euclidean,
            rounds=2,
            at_least={"avx2": 9},
        ),
    ),
    "codes",
    half_of_the_products,
    verify_within,
    agree_within,
    sizes=(("synthetic", 20_000), ("lfw", 13_233)),
    quick_sizes=(("synthetic", 2_000), ("lfw", 2_000)),
)

NEAREST = Work(
    "nearest",
    f"`nearest_neighbors(X, {K})`",
    (
        Contender("pyface", own_nearest, peers.own_threads, rounds=5),
        Contender(
            "faiss `IndexFlatIP`",
            faiss_nearest,
            peers.faiss_threads,
            peers.nearest_of_products,
            at_least=with_vnni(3, avx2=2.5),
        ),
        Contender(
            "scikit-learn, cosine", sklearn_nearest("cosine"), peers.sklearn_threads, rounds=1, at_least=with_vnni(5)
        ),
        Contender(
            "scikit-learn, cosine, `n_jobs`",
            sklearn_nearest("cosine", n_jobs=True),
            peers.sklearn_threads,
            rounds=1,
            at_least=with_vnni(5),
        ),
        Contender(
            "scikit-learn, euclidean",
            sklearn_nearest("euclidean"),
            peers.sklearn_threads,
            peers.nearest_of_euclidean,
            rounds=2,
            at_least=with_vnni(5),
        ),
        Contender(
            "scikit-learn-intelex, euclidean",
            sklearn_nearest("euclidean", "sklearnex"),
            peers.sklearnex_threads,
            peers.nearest_of_euclidean,
            rounds=2,
        ),
        Contender(
            "scikit-learn-intelex, cosine", sklearn_nearest("cosine", "sklearnex"), peers.sklearnex_threads, rounds=1
        ),
    ),
    "codes",
    half_of_the_products,
    verify_nearest,
    agree_nearest,
    sizes=(("synthetic", 20_000), ("lfw", 13_233)),
    quick_sizes=(("synthetic", 2_000), ("lfw", 2_000)),
)

WORKS = [WITHIN, NEAREST]


def test_row(case: Any, measure: Any) -> None:
    measure(case)
