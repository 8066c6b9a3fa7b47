"""HDBSCAN of unit rows, on cosine distances; peers without them on the Euclidean ones, which order pairs the same.

``agree`` prints how many rows scikit-learn labels otherwise: one core distance makes many reachabilities equal, and the
order of equal ones is not defined there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import peers
from bench_distances import exact_rows, half_of_the_products, some_rows
from contest import Bars, Call, Contender, Work, with_vnni
from data import Data
from sklearn.metrics import adjusted_rand_score

from pyface.kernels import reachability

MIN_SIZE = 5
NEAR = 50  # rows that are looked through for the nearest by mutual reachability


def hdbscan(library: str) -> Any:
    def prepare(data: Data, n_threads: int) -> Call:
        kind = peers.module(f"{library}.cluster", n_threads).HDBSCAN
        return lambda: kind(MIN_SIZE, metric="cosine", copy=False).fit(data.X)

    return prepare


def contrib(data: Data, n_threads: int) -> Call:
    """It does not count the row itself."""
    kind = peers.module("hdbscan", n_threads).HDBSCAN
    options = {"min_samples": MIN_SIZE - 1, "metric": "euclidean", "core_dist_n_jobs": n_threads}
    return lambda: kind(MIN_SIZE, **options).fit(data.X)


def fast(data: Data, n_threads: int) -> Call:
    """Beyond 30 columns it takes neighbours from pynndescent."""
    peers.module("pynndescent", n_threads)
    kind = peers.module("fast_hdbscan", n_threads).HDBSCAN
    peers.module("numba", n_threads).set_num_threads(n_threads)
    return lambda: kind(min_cluster_size=MIN_SIZE, min_samples=MIN_SIZE - 1).fit(data.X)


def verify(model: Any, data: Data) -> None:
    """A row merges first at its least mutual reachability, by definition of a spanning tree."""
    tree = model._tree
    first = np.empty(len(data.X), np.int64)
    for side in (0, 1):
        children = tree.children[:, side]
        is_row = children < len(data.X)
        first[children[is_row]] = np.flatnonzero(is_row)
    rows = some_rows(len(data.X), 10)
    for row, exact in zip(rows, exact_rows(data.X, data.X, rows), strict=True):
        exact[row] = 0
        near = np.argsort(exact)[:NEAR]
        cores = np.partition(exact_rows(data.X, data.X, near), MIN_SIZE - 1, axis=1)[:, MIN_SIZE - 1]
        others = near != row
        own = np.partition(exact, MIN_SIZE - 1)[MIN_SIZE - 1]
        least = np.maximum(np.maximum(exact[near], cores), own)[others].min()
        if least <= exact[near].max():
            assert abs(tree.heights[first[row]] - least) < 1e-9
    assert model.labels_.max() + 1 == len(np.unique(model.labels_[model.labels_ >= 0]))


def agree(theirs: Any, ours: Any, _: Data) -> None:
    """scikit-learn: the same heights, and from its own order of equal ones its own labels."""
    tree = theirs._single_linkage_tree_
    children = np.column_stack([tree["left_node"], tree["right_node"]])
    hierarchy = reachability.Hierarchy(children, tree["cluster_size"].astype(np.int64), tree["value"].copy())
    assert np.allclose(ours._tree.heights, hierarchy.heights, atol=1e-6)
    labels, probabilities = reachability.clusters(hierarchy, MIN_SIZE)
    assert (labels == theirs.labels_).all() and np.allclose(probabilities, theirs.probabilities_, atol=1e-9)
    differing = np.count_nonzero(ours.labels_ != theirs.labels_)
    print(f"ARI {adjusted_rand_score(theirs.labels_, ours.labels_):.5f}, {differing} rows have other numbers")


def agree_on_heights(theirs: Any, ours: Any, data: Data) -> None:
    """Of unit rows half the square of a Euclidean distance is the cosine one; what lasts longest is another matter."""
    if hasattr(theirs, "single_linkage_tree_"):
        heights = theirs.single_linkage_tree_.to_numpy()[:, 2] ** 2 / 2
        assert np.allclose(np.sort(heights), ours._tree.heights, atol=1e-5)
    else:
        assert len(theirs.labels_) == len(data.X)


def agree_by_kind(theirs: Any, ours: Any, data: Data) -> None:
    (agree if hasattr(theirs, "_single_linkage_tree_") else agree_on_heights)(theirs, ours, data)


HDBSCAN = Work(
    "hdbscan",
    f'`HDBSCAN(min_cluster_size={MIN_SIZE}, metric="cosine")`',
    (
        Contender("pyface", hdbscan("pyface"), peers.own_threads, rounds=5),
        Contender("scikit-learn", hdbscan("sklearn"), peers.sklearn_threads, rounds=1, at_least=with_vnni(15)),
        Contender("hdbscan, euclidean", contrib, peers.as_told, rounds=1),
        Contender("fast_hdbscan, euclidean, approximate", fast, peers.as_told, rounds=1),
    ),
    "codes",
    half_of_the_products,
    verify,
    agree_by_kind,
    sizes=(("synthetic", 20_000), ("lfw", 13_233)),
    quick_sizes=(("synthetic", 2_000), ("lfw", 2_000)),
    bars=Bars(memory_of_x=3),
)
ALONE = Work(
    "hdbscan-100000",
    HDBSCAN.title,
    (Contender("pyface", hdbscan("pyface"), peers.own_threads, rounds=1),),
    "codes",
    half_of_the_products,
    verify,
    agree,
    sizes=(("synthetic", 100_000),),
    quick_sizes=(("synthetic", 10_000),),
    bars=Bars(seconds=60),
)

WORKS = [HDBSCAN, ALONE]


def test_row(case: Any, measure: Any) -> None:
    measure(case)
