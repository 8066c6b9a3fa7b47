"""Agglomerative clustering of unit rows below a threshold: at once, with rows that come later, with photos."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import peers
from bench_distances import half_of_the_products, some_rows
from contest import Bars, ByIsa, Call, Contender, ContenderMissingError, Work, with_vnni
from data import Data
from numpy.typing import NDArray
from scipy.cluster import hierarchy

LFW_ROWS, LFW_F = 13_233, 0.98  # BCubed F of average linkage on all of LFW
PHOTOS_OF_ROWS = 0.4


# --- below a threshold ------------------------------------------------------------------------------------------------


def clusterer(library: str, linkage: str) -> Any:
    """The class AgglomerativeClustering of a library; they take the same parameters."""

    def prepare(data: Data, n_threads: int) -> Call:
        cluster = peers.module(f"{library}.cluster", n_threads)
        options = {"n_clusters": None, "metric": "cosine", "linkage": linkage}
        threshold = data.thresholds[linkage]
        return lambda: cluster.AgglomerativeClustering(distance_threshold=threshold, **options).fit_predict(data.X)

    return prepare


def by_hand(linkage: str) -> Any:
    """What a user would put together of NumPy, fastcluster and SciPy."""

    def prepare(data: Data, n_threads: int) -> Call:
        fastcluster = peers.module("fastcluster", n_threads)

        def call() -> NDArray[np.int32]:
            tree = fastcluster.linkage(peers.condensed(data.X), linkage, preserve_input=False)
            return hierarchy.fcluster(tree, data.thresholds[linkage], "distance")

        return call

    return prepare


def sums_of(labels: NDArray[np.int64], data: Data) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Sums (k, d) of the rows of each cluster, made one length in float64, and how many they are."""
    order, counts = np.argsort(labels, kind="stable"), np.bincount(labels)
    begins = np.concatenate([[0], np.cumsum(counts)])
    sums = np.empty((len(counts), data.X.shape[1]))
    for begin in range(0, len(counts), 4096):
        end = min(begin + 4096, len(counts))
        rows = data.X[order[begins[begin] : begins[end]]].astype(float)
        rows /= np.linalg.norm(rows, axis=1)[:, None]
        sums[begin:end] = np.add.reduceat(rows, begins[begin:end] - begins[begin])
    return sums, counts


def means_between(labels: NDArray[np.int64], data: Data, some: NDArray[np.int64]) -> NDArray[np.float64]:
    """Mean cosine distances of some clusters to all; infinite to themselves."""
    sums, counts = sums_of(labels, data)
    found = 1 - sums[some] @ sums.T / np.multiply.outer(counts[some], counts)
    found[np.arange(len(some)), some] = np.inf
    return found


def is_numbered_by_smallest_row(labels: NDArray[np.int64]) -> bool:
    numbers, first = np.unique(labels, return_index=True)
    return numbers.tolist() == list(range(len(numbers))) and bool((np.diff(first) > 0).all())


def some_clusters(labels: NDArray[np.int64], count: int = 2_000) -> NDArray[np.int64]:
    return some_rows(int(labels.max()) + 1, count)


def bcubed(labels: NDArray[np.int64], data: Data) -> tuple[float, float, float]:
    """Precision, recall and F."""
    from pyface.metrics import bcubed_precision_recall_f

    return bcubed_precision_recall_f(data.people, labels)


def verify(labels: NDArray[np.int64], data: Data) -> None:
    """No two clusters are left that average linkage would merge, and they are the people."""
    assert is_numbered_by_smallest_row(labels)
    between = means_between(labels, data, some_clusters(labels))
    assert between.min(initial=np.inf) >= data.thresholds["average"] - 1e-9
    if data.name == "synthetic":
        assert bcubed(labels, data)[2] >= 0.999
    elif len(labels) >= LFW_ROWS:
        assert bcubed(labels, data)[2] >= LFW_F


def verify_numbers(labels: NDArray[np.int64], _: Data) -> None:
    """Single and complete linkage are held against SciPy's answer, which is among the peers'."""
    assert is_numbered_by_smallest_row(labels)


def agree(labels: Any, ours: NDArray[np.int64], _: Data) -> None:
    """The same partition."""
    pairs = np.unique(np.stack([np.asarray(labels), ours]), axis=1).shape[1]
    assert pairs == len(np.unique(labels)) == len(np.unique(ours)), "the partitions differ"


def below(linkage: str, asked: tuple[ByIsa, ByIsa], **options: Any) -> Work:
    """``asked`` of the ratios to scikit-learn and to what is built by hand."""
    name = f'AgglomerativeClustering(None, distance_threshold={{t[{linkage}]}}, metric="cosine", linkage="{linkage}")'
    peer = clusterer("sklearn", linkage)
    return Work(
        f"linkage-{linkage}",
        f"`{name}`",
        (
            Contender("pyface", clusterer("pyface", linkage), peers.own_threads, rounds=5),
            Contender("scikit-learn", peer, peers.one_thread, rounds=1, at_least=asked[0]),
            Contender("NumPy and fastcluster", by_hand(linkage), peers.numpy_threads, rounds=1, at_least=asked[1]),
        ),
        "codes",
        half_of_the_products,
        agree=agree,
        **{"verify": verify_numbers, "quick_sizes": (("synthetic", 1_500), ("lfw", 1_500)), **options},
    )


BELOW = below(
    "average",
    (with_vnni(80), with_vnni(15, avx2=25)),
    verify=verify,
    sizes=(("synthetic", 20_000), ("lfw", LFW_ROWS)),
    bars=Bars(memory_of_x=2),
)


def alone(n: int, bars: Bars, rounds: int = 1, quick: int | None = None) -> Work:
    """Where nobody else has the memory. Without ``quick`` it is run only if it is asked for by its size."""
    rows = (("synthetic", n),)
    return Work(
        f"linkage-average-{n}",
        BELOW.title,
        (Contender("pyface", clusterer("pyface", "average"), peers.own_threads, rounds=rounds),),
        "codes",
        half_of_the_products,
        verify,
        agree,
        sizes=rows if quick else (),
        quick_sizes=(("synthetic", quick),) if quick else (),
        large_sizes=() if quick else rows,
        bars=bars,
    )


# --- rows that come later, and photos ---------------------------------------------------------------------------------


def n_later(data: Data) -> int:
    """1,000 of 101,000."""
    return len(data.X) // 101


def own_class() -> Any:
    from pyface.cluster import AgglomerativeClustering

    return AgglomerativeClustering


def average(data: Data) -> Any:
    threshold = data.thresholds["average"]
    return own_class()(None, distance_threshold=threshold, metric="cosine", linkage="average")


def added(data: Data, n_threads: int) -> Call:
    """One call only: afterwards the rows are there."""
    peers.module("pyface", n_threads)
    if not hasattr(own_class(), "add"):
        raise ContenderMissingError("pyface's AgglomerativeClustering has no add yet")
    model, later = average(data).fit(data.X[: -n_later(data)]), data.X[-n_later(data) :]

    def call() -> Any:
        model.add(later)
        return model.labels_

    return call


def numbered_anew(labels: NDArray[np.int64], _: Data) -> NDArray[np.int64]:
    """By smallest row, since old clusters have kept their numbers."""
    _, first, places = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[places]


def products_of_later_rows(data: Data, _: Any) -> float:
    n, d = data.X.shape
    return 2.0 * n_later(data) * n * d


def photos(data: Data) -> NDArray[np.int64]:
    """Which photo each row is on: 2.5 rows to one."""
    n = len(data.X)
    return np.random.default_rng(3).integers(int(PHOTOS_OF_ROWS * n), size=n)


def on_photos(data: Data, n_threads: int) -> Call:
    peers.module("pyface", n_threads)
    if "cannot_link_groups" not in inspect.signature(own_class().fit).parameters:
        raise ContenderMissingError("pyface's AgglomerativeClustering takes no cannot_link_groups yet")
    groups = photos(data)
    return lambda: average(data).fit(data.X, cannot_link_groups=groups).labels_


def n_violations(labels: NDArray[np.int64], data: Data) -> int:
    return len(labels) - np.unique(np.stack([labels, photos(data)]), axis=1).shape[1]


def verify_photos(labels: NDArray[np.int64], data: Data) -> None:
    """No two rows of a photo share a cluster, and only photos keep those clusters apart that are near enough."""
    assert is_numbered_by_smallest_row(labels) and n_violations(labels, data) == 0
    some = some_clusters(labels)
    near = np.nonzero(means_between(labels, data, some) < data.thresholds["average"] - 1e-9)
    groups = photos(data)
    for a, b in zip(some[near[0]], near[1], strict=True):
        assert len(np.intersect1d(groups[labels == a], groups[labels == b]))
    precision, recall, _ = bcubed(labels, data)
    assert precision >= 0.9999 and recall >= 0.9


def agree_photos(labels: NDArray[np.int64], _: NDArray[np.int64], data: Data) -> None:
    """Without the photos some would share one."""
    assert n_violations(labels, data) > 0


def facts(data: Data) -> NDArray[np.int64]:
    """10,000 pairs of 50,000 rows: 4,000 of one person each, 5,000 of any two rows, 1,000 of one row and others."""
    n, rng = len(data.X), np.random.default_rng(4)
    order = np.lexsort((rng.random(n), data.people))
    same = np.column_stack([order[:-1], order[1:]])[np.diff(data.people[order]) == 0]
    any_two = rng.integers(n, size=(n // 10, 2))
    one = np.flatnonzero(data.people == np.bincount(data.people).argmax())
    others = np.concatenate([one, rng.integers(n, size=n // 50)])[: n // 50]
    pairs = np.concatenate([rng.permutation(same)[: n // 10], any_two, np.column_stack([others, 0 * others + one[0]])])
    return pairs[pairs[:, 0] != pairs[:, 1]][-n // 5 :]


def with_facts(data: Data, n_threads: int) -> Call:
    peers.module("pyface", n_threads)
    if "cannot_link" not in inspect.signature(own_class().fit).parameters:
        raise ContenderMissingError("pyface's AgglomerativeClustering takes no cannot_link yet")
    pairs = facts(data)
    return lambda: average(data).fit(data.X, cannot_link=pairs).labels_


def n_broken(labels: NDArray[np.int64], data: Data) -> int:
    first, second = labels[facts(data)].T
    return int(np.count_nonzero(first == second))


def verify_facts(labels: NDArray[np.int64], data: Data) -> None:
    """No pair shares a cluster, and only pairs keep those clusters apart that are near enough."""
    assert is_numbered_by_smallest_row(labels) and n_broken(labels, data) == 0
    some = some_clusters(labels)
    near = np.nonzero(means_between(labels, data, some) < data.thresholds["average"] - 1e-9)
    apart = {(int(a), int(b)) for pair in labels[facts(data)] for a, b in (pair, pair[::-1])}
    assert all((int(some[a]), int(b)) in apart for a, b in zip(*near, strict=True))


def agree_facts(labels: NDArray[np.int64], _: NDArray[np.int64], data: Data) -> None:
    """Without the pairs some would be joined."""
    assert n_broken(labels, data) > 0


LATER = Work(
    "linkage-add",
    "`AgglomerativeClustering.add` of a hundredth of the rows, `distance_threshold={t[average]}`, average, cosine",
    (
        Contender("pyface", added, peers.own_threads, numbered_anew, rounds=1),
        Contender(
            "pyface, `fit` of all rows", clusterer("pyface", "average"), peers.own_threads, at_least=with_vnni(20)
        ),
    ),
    "codes",
    products_of_later_rows,
    verify,
    agree,
    sizes=(("synthetic", 101_000),),
    quick_sizes=(("synthetic", 5_050),),
)

PHOTOS = Work(
    "linkage-photos",
    "`AgglomerativeClustering.fit(X, cannot_link_groups=)`, 2.5 rows to a photo, "
    "`distance_threshold={t[average]}`, average, cosine",
    (
        Contender("pyface", on_photos, peers.own_threads),
        # At most three times the time without them.
        Contender(
            "pyface, without photos", clusterer("pyface", "average"), peers.own_threads, at_least=with_vnni(1 / 3)
        ),
    ),
    "codes",
    half_of_the_products,
    verify_photos,
    agree_photos,
    sizes=(("synthetic", 10_000),),
    quick_sizes=(("synthetic", 1_000),),
)

FACTS = Work(
    "linkage-pairs",
    "`AgglomerativeClustering.fit(X, cannot_link=)`, a pair to 5 rows, one row in a tenth of them, "
    "`distance_threshold={t[average]}`, average, cosine",
    (
        Contender("pyface", with_facts, peers.own_threads),
        # At most twice the time without them.
        Contender(
            "pyface, without pairs", clusterer("pyface", "average"), peers.own_threads, at_least=with_vnni(1 / 2)
        ),
    ),
    "codes",
    half_of_the_products,
    verify_facts,
    agree_facts,
    sizes=(("lfw-again", 50_000),),
    quick_sizes=(("lfw-again", 1_500), ("synthetic", 1_000)),
)

WORKS = [
    BELOW,
    below("complete", ({}, {}), sizes=(("lfw", LFW_ROWS),)),
    below("single", ({}, {}), sizes=(("lfw", LFW_ROWS),)),
    alone(100_000, Bars(seconds=12, total_mb=1_200), rounds=2, quick=10_000),
    alone(200_000, Bars()),
    alone(1_000_000, Bars(seconds=25 * 60, total_mb=8_000)),
    LATER,
    PHOTOS,
    FACTS,
]


def test_row(case: Any, measure: Any) -> None:
    measure(case)
