"""Scores of clusterings: by definition, against scikit-learn, at the limits."""

from __future__ import annotations

import dataclasses
import tracemalloc
import warnings
from collections.abc import Callable

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from oracles import metrics as oracle
from sklearn.metrics.cluster import expected_mutual_information as theirs_emi

from pyface import metrics
from pyface.metrics._information import expected_mutual_information
from pyface.metrics._sets import PairCounts, _pairs, adjusted_rand

SHARED = ["rand_score", "adjusted_rand_score", "normalized_mutual_info_score", "adjusted_mutual_info_score"]
AVERAGES = ["arithmetic", "geometric", "min", "max"]


@st.composite
def labellings(draw: st.DrawFn) -> tuple[list[int], list[int]]:
    n = draw(st.integers(0, 25))
    labels = st.integers(-1, draw(st.integers(0, 8)))
    return draw(st.lists(labels, min_size=n, max_size=n)), draw(st.lists(labels, min_size=n, max_size=n))


def scikit_learns(name: str, true: object, pred: object, **options: str) -> float:
    with warnings.catch_warnings():
        # It warns that labels which are all different look like a regression target.
        warnings.simplefilter("ignore", UserWarning)
        return float(getattr(sklearn.metrics, name)(true, pred, **options))


@settings(max_examples=150, deadline=None)
@given(labellings(), st.sampled_from([0.5, 1.0, 2.0]))
def test_definitions(pair: tuple[list[int], list[int]], beta: float) -> None:
    true, pred = pair
    assert metrics.purity_score(true, pred) == pytest.approx(oracle.purity(true, pred))
    assert metrics.inverse_purity_score(true, pred) == pytest.approx(oracle.purity(pred, true))
    assert metrics.pair_precision_recall_f(true, pred, beta=beta) == pytest.approx(oracle.pair_scores(true, pred, beta))
    assert metrics.bcubed_precision_recall_f(true, pred, beta=beta) == pytest.approx(oracle.bcubed(true, pred, beta))
    both, predicted, actual, total = oracle.pair_counts(true, pred)
    rand = (total - predicted - actual + 2 * both) / total if total else 1.0
    assert metrics.rand_score(true, pred) == pytest.approx(rand)


@settings(max_examples=150, deadline=None)
@given(labellings(), st.sampled_from(AVERAGES))
def test_scikit_learns_scores(pair: tuple[list[int], list[int]], average: str) -> None:
    true, pred = pair
    for name in SHARED:
        options = {"average_method": average} if "mutual" in name else {}
        if name == "adjusted_mutual_info_score" and len(pred) in (len(set(true)), len(set(pred))):
            continue  # chance reaches all there is: 0/0, whose sign is left to rounding in scikit-learn
        ours = getattr(metrics, name)(true, pred, **options)
        assert ours == pytest.approx(scikit_learns(name, true, pred, **options), abs=1e-10), name


@pytest.mark.parametrize("name", SHARED)
@pytest.mark.parametrize(("true", "pred"), [([], []), ([0], [5]), ([1, 1, 1], [2, 2, 2]), ([1, 2, 3], [3, 1, 2])])
def test_perfect_by_convention(name: str, true: list[int], pred: list[int]) -> None:
    assert getattr(metrics, name)(true, pred) == scikit_learns(name, true, pred) == 1.0


def test_singletons_tell_nothing_beyond_chance() -> None:
    assert metrics.adjusted_mutual_info_score([0, 0, 1, 1], [0, 1, 2, 3]) == pytest.approx(0, abs=1e-10)
    assert metrics.adjusted_mutual_info_score([0, 1, 2, 3], [0, 0, 0, 0]) == 0
    assert metrics.adjusted_mutual_info_score([0, 1, 2], [0, 1, 2]) == 1


@pytest.mark.parametrize("sizes", [((40, 30, 20, 10), (50, 50)), ((1,) * 100, (99, 1)), ((7,) * 30, (210,))])
def test_expected_mutual_information(sizes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    a, b = (np.array(group) for group in sizes)
    true, pred = np.repeat(np.arange(len(a)), a), np.repeat(np.arange(len(b)), b)
    table = sklearn.metrics.cluster.contingency_matrix(true, pred, sparse=True)
    ours = expected_mutual_information(a, b, len(true))
    assert ours == pytest.approx(theirs_emi(table, len(true)), rel=1e-10, abs=1e-12)


def test_large_groups_are_exact_too() -> None:
    rng = np.random.default_rng(0)
    true = rng.integers(0, 12, 60_000)
    pred = np.where(rng.random(60_000) < 0.3, rng.integers(0, 9, 60_000), true)
    for name in SHARED:
        assert getattr(metrics, name)(true, pred) == pytest.approx(scikit_learns(name, true, pred), abs=1e-10)


def test_a_hundred_thousand_clusters_need_no_table_of_all_pairs() -> None:
    rng = np.random.default_rng(1)
    n = 500_000
    true = rng.zipf(1.4, n) % 100_000
    pred = np.where(rng.random(n) < 0.3, rng.integers(0, 100_000, n), true)
    tracemalloc.start()
    try:
        scores = metrics.evaluate(true, pred)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1000 * n
    for value in dataclasses.astuple(scores)[:12]:
        assert 0 < value < 1


def test_pair_counts_beyond_64_bits() -> None:
    half = _pairs(np.array([2**31, 2**31]))
    assert half == 2**31 * (2**31 - 1)
    # Two classes and two clusters of 2^31 rows each, three quarters of the pairs kept: (3/4 - 1/2) / (1 - 1/2).
    assert adjusted_rand(PairCounts(half * 3 // 4, half, half, 2**32 * (2**32 - 1) // 2)) == pytest.approx(0.5)


def test_strings_and_other_arrays() -> None:
    true, pred = ["ann", "ann", "bob"], np.array([7, 7, 9], np.uint8)
    assert metrics.evaluate(true, pred).adjusted_rand == 1.0
    assert metrics.purity_score(np.array(true, object), pred) == 1.0
    assert metrics.evaluate(np.array([], str), []).n_samples == 0
    assert metrics.evaluate(["a", "b"], ["-1", "-1"]).n_noise == 0
    assert metrics.evaluate(["a", "b", "b"], np.array([-1, -1, 4], object)).n_noise == 2


def test_evaluate_and_noise() -> None:
    true = ["a", "a", "a", "b", "b", "c"]
    pred = np.array([0, 0, -1, -1, 1, -1])
    singles = metrics.evaluate(true, pred)
    assert singles == metrics.evaluate(true, [0, 0, 2, 3, 1, 4], noise="drop").__class__(
        **{**dataclasses.asdict(metrics.evaluate(true, [0, 0, 2, 3, 1, 4])), "n_noise": 3, "n_clusters": 2}
    )
    dropped = metrics.evaluate(true, pred, noise="drop")
    assert (dropped.n_samples, dropped.n_classes, dropped.n_clusters, dropped.n_noise) == (3, 2, 2, 3)
    assert dropped.purity == dropped.inverse_purity == 1.0
    together = metrics.evaluate(true, pred, noise="cluster")
    assert (together.n_samples, together.n_clusters, together.n_noise) == (6, 2, 3)
    assert together.purity == pytest.approx(4 / 6)
    assert together.adjusted_rand == pytest.approx(scikit_learns("adjusted_rand_score", true, pred))
    assert singles.ami == metrics.adjusted_mutual_info_score(true, [0, 0, 2, 3, 1, 4])
    with pytest.raises(dataclasses.FrozenInstanceError):
        singles.purity = 1  # type: ignore[misc]


def test_order_and_names_of_labels_do_not_matter() -> None:
    rng = np.random.default_rng(2)
    true, pred = rng.integers(0, 5, 60), rng.integers(0, 7, 60)
    order, names = rng.permutation(60), rng.permutation(7)
    one, other = metrics.evaluate(true, pred), metrics.evaluate(true[order], names[pred][order])
    assert dataclasses.astuple(one) == pytest.approx(dataclasses.astuple(other), abs=1e-12)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: metrics.purity_score([1, 2], [1]), ValueError, "same length, got 2 and 1"),
        (lambda: metrics.rand_score([[1, 2]], [1, 2]), ValueError, "labels_true must be one-dimensional"),
        (lambda: metrics.rand_score([1.0, np.nan], [1, 2]), ValueError, "labels_true: entry 1 is nan"),
        (lambda: metrics.rand_score([1, 2], np.array([np.nan, 2], object)), ValueError, "labels_pred: entry 0 is nan"),
        (lambda: metrics.rand_score([1, 2], np.array([1, "a"], object)), TypeError, "not a mixture"),
        (lambda: metrics.rand_score([1j, 2], [1, 2]), TypeError, "integers or strings"),
        (lambda: metrics.evaluate([1], [1], noise="keep"), ValueError, "noise must be one of 'singletons'"),
        (lambda: metrics.evaluate([1], [1], beta=0), ValueError, "beta must be positive"),
        (lambda: metrics.evaluate([1], [1], beta=np.inf), ValueError, "beta must be positive"),
        (lambda: metrics.bcubed_precision_recall_f([1], [1], beta="1"), TypeError, "beta must be a number"),
        (
            lambda: metrics.normalized_mutual_info_score([1], [1], average_method="mean"),
            ValueError,
            "average_method must be one of",
        ),
    ],
)
def test_refusals(call: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_real_clusters(lfw: tuple[NDArray, NDArray]) -> None:
    import pyface

    x, people = lfw
    labels = pyface.cut(pyface.linkage(x), height=0.6)
    scores = metrics.evaluate(people, labels)
    assert scores.bcubed_f > 0.9
    for ours, name in [(scores.ami, "adjusted_mutual_info_score"), (scores.adjusted_rand, "adjusted_rand_score")]:
        assert ours == pytest.approx(scikit_learns(name, people, labels), abs=1e-10)
