"""Whole trees of unit rows, without and with a matrix of distances."""

from __future__ import annotations

from typing import Any

import numpy as np
import peers
from bench_distances import half_of_the_products, some_rows
from bench_linkage import LFW_ROWS, agree
from contest import Bars, ByIsa, Call, Contender, Work, as_it_is, with_vnni
from data import Data
from numpy.typing import NDArray
from scipy.cluster import hierarchy

ROUNDING = 1e-5  # of heights made of float32 products, where near ties may also be merged in another order


def own_tree(method: str, metric: str) -> Any:
    def prepare(data: Data, n_threads: int) -> Call:
        pyface = peers.module("pyface", n_threads)
        return lambda: pyface.linkage(data.X, method, metric, n_threads=n_threads)

    return prepare


def scipys_tree(method: str, metric: str) -> Any:
    def prepare(data: Data, n_threads: int) -> Call:
        scipy = peers.module("scipy.cluster.hierarchy", n_threads)
        return lambda: scipy.linkage(data.X, method, metric)

    return prepare


def tree_by_hand(method: str, metric: str) -> Any:
    def prepare(data: Data, n_threads: int) -> Call:
        fastcluster = peers.module("fastcluster", n_threads)
        euclidean = metric == "euclidean"
        return lambda: fastcluster.linkage(peers.condensed(data.X, euclidean=euclidean), method, preserve_input=False)

    return prepare


def tree_of_vectors(method: str) -> Any:
    def prepare(data: Data, n_threads: int) -> Call:
        fastcluster = peers.module("fastcluster", n_threads)
        return lambda: fastcluster.linkage_vector(data.X, method, "euclidean")

    return prepare


def tree_of_cosine(tree: Any, _: Data) -> NDArray[np.float64]:
    """Single linkage of unit rows by Euclidean distance as that by cosine: half of the squares."""
    found = np.array(tree)
    found[:, 2] **= 2
    found[:, 2] /= 2
    return found


def members(tree: NDArray[np.float64], cluster: int) -> list[int]:
    n, rows, left = len(tree) + 1, [], [cluster]
    while left:
        node = left.pop()
        if node < n:
            rows.append(node)
        else:
            left += tree[node - n, :2].astype(int).tolist()
    return rows


def height(method: str, a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Of two clusters of unit rows, by definition."""
    if method == "ward":
        share = 2 * len(a) * len(b) / (len(a) + len(b))
        return float(np.sqrt(share * np.square(a.mean(axis=0) - b.mean(axis=0)).sum()))
    distances = 1 - a @ b.T
    return float(distances.min() if method == "single" else distances.mean())


def verify_tree(method: str) -> Any:
    """Some heights are those of the definition, and the tree holds all rows."""

    def check(tree: NDArray[np.float64], data: Data) -> None:
        n = len(data.X)
        assert tree.shape == (n - 1, 4) and (np.diff(tree[:, 2]) >= 0).all() and hierarchy.is_valid_linkage(tree)
        for step in some_rows(n - 1, 200):
            a, b = (data.X[members(tree, int(node))].astype(float) for node in tree[step, :2])
            if len(a) * len(b) > 10**7:
                continue
            if method != "ward":
                a, b = a / np.linalg.norm(a, axis=1)[:, None], b / np.linalg.norm(b, axis=1)[:, None]
            assert abs(tree[step, 2] - height(method, a, b)) <= 1e-9

    return check


def agree_tree(tree: NDArray[np.float64], ours: NDArray[np.float64], data: Data) -> None:
    """The same heights, and the same partition where they leave most room for a cut."""
    assert abs(tree[:, 2] - ours[:, 2]).max() <= ROUNDING * (1 + ours[-1, 2])
    middle = slice(len(ours) // 10, -len(ours) // 100)
    gaps = np.diff(ours[:, 2])[middle]
    at = middle.start + int(np.argmax(gaps))
    cut = float(ours[at : at + 2, 2].mean())
    agree(hierarchy.fcluster(tree, cut, "distance"), hierarchy.fcluster(ours, cut, "distance"), data)


def whole(method: str, metric: str, others: tuple[Contender, ...], asked: ByIsa) -> Work:
    return Work(
        f"tree-{method}",
        f'`linkage(X, "{method}", "{metric}")`',
        (
            Contender("pyface", own_tree(method, metric), peers.own_threads),
            *others,
            Contender(
                "NumPy and fastcluster", tree_by_hand(method, metric), peers.numpy_threads, rounds=1, at_least=asked
            ),
        ),
        "float32",
        half_of_the_products,
        verify_tree(method),
        agree_tree,
        sizes=(("synthetic", 20_000), ("lfw", LFW_ROWS)),
        quick_sizes=(("synthetic", 1_500), ("lfw", 1_500)),
        bars=Bars(memory_of_x=4),
    )


def vectors(method: str, convert: Any) -> Contender:
    name = "fastcluster, `linkage_vector`"
    return Contender(name, tree_of_vectors(method), peers.one_thread, convert, rounds=1, at_least=with_vnni(40))


SCIPY = Contender("SciPy", scipys_tree("average", "cosine"), peers.one_thread, rounds=1, at_least=with_vnni(20))

WORKS = [
    whole("average", "cosine", (SCIPY,), with_vnni(5, avx2=9)),
    whole("ward", "euclidean", (vectors("ward", as_it_is),), with_vnni(3, avx2=9)),
    whole("single", "cosine", (vectors("single", tree_of_cosine),), with_vnni(5, avx2=7)),
]


def test_row(case: Any, measure: Any) -> None:
    measure(case)
