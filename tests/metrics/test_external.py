"""Scores against the truth: as scikit-learn has them on a thousand labellings, examples by hand, bad labels."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sklearn.metrics
from numpy.typing import NDArray
from oracles import metrics as oracle

from pyface import metrics
from pyface.metrics._contingency import Contingency, coded
from pyface.metrics._expectation import expected_mutual_information
from pyface.metrics._sets import fowlkes_mallows, pair_counts, rand

# The slides' example: three clusters of 6, 6 and 5 rows.
PRED = [1] * 6 + [2] * 6 + [3] * 5
TRUE = list("xxxxxoxoooo+xx+++")

SHARED = [
    "rand_score", "adjusted_rand_score", "normalized_mutual_info_score", "homogeneity_completeness_v_measure",
    "fowlkes_mallows_score",
]  # fmt: skip
NOISY = [
    *SHARED, "adjusted_mutual_info_score", "mutual_info_score", "homogeneity_score", "completeness_score",
    "v_measure_score", "purity_score", "inverse_purity_score", "pair_precision_recall_f", "bcubed_precision_recall_f",
    "pair_confusion_matrix",
]  # fmt: skip


def labelling(rng: np.random.Generator, n: int) -> NDArray[np.int64]:
    kind = rng.integers(6)
    if kind == 0:
        return np.full(n, 3)
    if kind == 1:
        return rng.permutation(n)
    if kind == 2:
        return rng.geometric(0.3, n)
    return rng.integers(-1, rng.integers(1, n + 2), n)


def test_a_thousand_labellings_are_scored_as_by_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    # Its checks of its arguments take ten times as long as its scores.
    monkeypatch.setattr("sklearn.metrics.cluster._supervised.check_clusterings", lambda true, pred: (true, pred))
    rng = np.random.default_rng(0)
    with warnings.catch_warnings(), sklearn.config_context(skip_parameter_validation=True):
        warnings.simplefilter("ignore")  # that labels look like a regression target
        for _ in range(1000):
            n = int(rng.choice([0, 1, 2, 3, 8, 30, 90]))
            true, pred = labelling(rng, n), labelling(rng, n)
            if rng.random() < 0.3:
                pred = np.where(rng.random(n) < 0.2, pred, true)
            for name in SHARED:
                ours, theirs = (getattr(library, name)(true, pred) for library in (metrics, sklearn.metrics))
                assert ours == pytest.approx(theirs, abs=1e-12), (name, true, pred)
            theirs = sklearn.metrics.adjusted_mutual_info_score(true, pred)
            assert metrics.adjusted_mutual_info_score(true, pred) == pytest.approx(theirs, abs=1e-9), (true, pred)


def test_the_parts_are_scikit_learns() -> None:
    rng = np.random.default_rng(1)
    true, pred = rng.integers(0, 7, 90), rng.integers(0, 5, 90)
    for name in ("homogeneity_score", "completeness_score", "v_measure_score", "mutual_info_score"):
        assert getattr(metrics, name)(true, pred) == pytest.approx(
            getattr(sklearn.metrics, name)(true, pred), abs=1e-12
        )
    theirs = sklearn.metrics.pair_confusion_matrix(true, pred)
    np.testing.assert_array_equal(metrics.pair_confusion_matrix(true, pred), theirs)


def test_the_slides_example() -> None:
    assert (metrics.pair_confusion_matrix(TRUE, PRED) // 2).tolist() == [[72, 20], [24, 20]]
    assert metrics.rand_score(TRUE, PRED) == 92 / 136
    assert metrics.pair_precision_recall_f(TRUE, PRED)[:2] == (20 / 40, 20 / 44)
    assert metrics.purity_score(TRUE, PRED) == 12 / 17


def test_the_slides_mutual_information() -> None:
    """Three classes in two clusters of ten: 3, 3, 4 and 2, 7, 1."""
    true, pred = np.repeat([0, 1, 2, 0, 1, 2], [3, 3, 4, 2, 7, 1]), np.repeat([0, 1], 10)
    assert metrics.mutual_info_score(true, pred) / np.log(2) == pytest.approx(1.5 - 1.363865, abs=1e-6)
    assert metrics.normalized_mutual_info_score(true, pred) == pytest.approx(0.1089, abs=5e-5)


@pytest.mark.parametrize("beta", [0, 0.25, 1, 4, 1e300])
def test_v_measure_has_any_beta(beta: float) -> None:
    ours = metrics.homogeneity_completeness_v_measure(TRUE, PRED, beta=beta)
    if beta < 1e10:
        theirs = sklearn.metrics.homogeneity_completeness_v_measure(TRUE, PRED, beta=beta)
        assert ours == pytest.approx(theirs, abs=1e-12)
        assert metrics.v_measure_score(TRUE, PRED, beta=beta) == ours[2]
    assert min(ours[:2]) - 1e-15 <= ours[2] <= max(ours[:2]) + 1e-15


def test_information_by_definition() -> None:
    rng = np.random.default_rng(1)
    for _ in range(50):
        true, pred = rng.integers(0, 6, 40).tolist(), rng.integers(0, 4, 40).tolist()
        shared, of_true, of_pred = oracle.information(true, pred)
        assert metrics.mutual_info_score(true, pred) == pytest.approx(shared)
        joint = metrics.normalized_mutual_info_score(true, pred, average_method="joint")
        assert joint == pytest.approx(shared / (of_true + of_pred - shared))
        homogeneity, completeness, v = metrics.homogeneity_completeness_v_measure(true, pred)
        assert (homogeneity, completeness) == pytest.approx((shared / of_true, shared / of_pred))
        assert v == pytest.approx(metrics.normalized_mutual_info_score(true, pred))


SIZES = [
    ((40, 30, 20, 10), (50, 50)), ((95, 5), (97, 3)), ((200, 100, 1), (299, 1, 1)), ((7,) * 6, (42,)), ((3,), (3,)),
    ((1,) * 9, (1,) * 9), ((60, 40), (1,) * 100), ((33, 33, 34), (25,) * 4),
]  # fmt: skip


@pytest.mark.parametrize("sizes", SIZES)
def test_what_chance_gives(sizes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    a, b = (np.array(group) for group in sizes)
    for x, y in ((a, b), (b, a)):
        ours = expected_mutual_information(x, y, int(x.sum()))
        assert ours == pytest.approx(oracle.expected_information(x.tolist(), y.tolist()), abs=1e-13)


def test_chance_keeps_its_digits_in_large_groups() -> None:
    """Factorials of a million have lost nine digits. Two halves, cut in two at random: 1 / (2 n) nearly."""
    n = 10**6
    half = np.array([n // 2, n // 2])
    # 2 n MI is chi squared with one degree of freedom: its mean is 1, with terms of 1/n besides.
    assert 2 * n * expected_mutual_information(half, half, n) == pytest.approx(n / (n - 1), rel=3e-6)


def test_counts_beyond_32_and_64_bits() -> None:
    """Four cells of 2^30 rows: 2^63 pairs in all, whose products have 126 bits."""
    quarter = np.full(4, 2**30)
    half = np.full(2, 2**31)
    table = Contingency(quarter, np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), half, half, 2**32)
    pairs = pair_counts(dataclasses.replace(table, n=2**32))
    assert pairs.both == 4 * (2**30 * (2**30 - 1) // 2)
    assert rand(pairs) == pytest.approx(0.5)
    assert fowlkes_mallows(pairs) == pytest.approx(0.5)


def test_a_million_rows_in_two_clusters() -> None:
    """5e11 pairs: what 32 bits hold is passed 200 times."""
    true, pred = np.arange(10**6) % 2, np.arange(10**6) // 500_000
    pairs = 2 * (500_000 * 499_999 // 2)
    both = 4 * (250_000 * 249_999 // 2)
    apart = 10**6 * (10**6 - 1) // 2 - 2 * pairs + both
    assert metrics.pair_confusion_matrix(true, pred).tolist() == [
        [2 * apart, 2 * (pairs - both)],
        [2 * (pairs - both), 2 * both],
    ]


@pytest.mark.parametrize("name", NOISY)
def test_noise_in_every_score(name: str) -> None:
    score = getattr(metrics, name)
    true, pred = np.array([0, 0, 0, 1, 1, 2, 2]), np.array([0, 0, -1, -1, 1, 1, -1])
    alone, kept = np.array([0, 0, 2, 3, 1, 1, 4]), pred != -1
    np.testing.assert_equal(score(true, pred, noise="singletons"), score(true, alone))
    np.testing.assert_equal(score(true, pred, noise="drop"), score(true[kept], pred[kept]))
    np.testing.assert_equal(score(true, pred, noise="cluster"), score(true, pred))
    with pytest.raises(ValueError, match="noise must be one of 'singletons', 'drop', 'cluster'"):
        score(true, pred, noise="alone")
    with pytest.raises(ValueError, match="same length, got 7 and 6"):
        score(true, pred[1:])


def test_evaluate_has_every_score() -> None:
    rng = np.random.default_rng(3)
    true, pred = rng.integers(0, 9, 200), rng.integers(-1, 12, 200)
    found = metrics.evaluate(true, pred, noise="cluster", beta=2)
    assert (found.homogeneity, found.completeness, found.v_measure) == (
        metrics.homogeneity_completeness_v_measure(true, pred, beta=2)
    )
    assert found.fowlkes_mallows == metrics.fowlkes_mallows_score(true, pred)
    assert found.ami == metrics.adjusted_mutual_info_score(true, pred)
    assert found.bcubed_f == metrics.bcubed_precision_recall_f(true, pred, beta=2)[2]


NUMBERS = [
    np.array([5, 3, 5, -2], np.int8), np.array([2**63 + 1, 2**63, 2**63 + 1, 2**63 + 5], np.uint64),
    np.array([-(2**63), 2**63 - 1, 0, 0]), np.array([True, False, True, True]), np.array([1.5, -1.0, 1.5, 9.0]),
    np.array([7, 6, 7, 2**40]), np.array([-128, 127, 0, -128], np.int8), np.array(["b", "a", "b", "c"]),
    np.array([2**70, 1, 2**70, 5], object), np.array(["x", "yy", "x", ""], object),
]  # fmt: skip


@pytest.mark.parametrize("array", NUMBERS, ids=lambda a: f"{a.dtype}{a[0]}")
def test_labels_become_numbers(array: NDArray[Any]) -> None:
    values, numbers = coded(array)
    wanted, inverse = np.unique(array, return_inverse=True)
    assert values.tolist() == wanted.tolist()
    assert numbers.tolist() == inverse.tolist()
    assert numbers.dtype == np.int64
    assert metrics.rand_score(array, array[::-1]) == metrics.rand_score(inverse, inverse[::-1])


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        ([1, "a", 2], TypeError, "not a mixture: entry 0 is 1 and entry 1 is 'a'"),
        (["a", "b", 3], TypeError, "not a mixture: entry 0 is 'a' and entry 2 is 3"),
        (np.array([1, 2, "a"], object), TypeError, "not a mixture: entry 0 is 1 and entry 2 is 'a'"),
        (["a", None, "b"], TypeError, "entry 1 is None; labels must be integers or strings: leave such rows out"),
        (np.array(["a", None, "b"], object), TypeError, "entry 1 is None"),
        ([1, 2, None], TypeError, "entry 2 is None"),
        ([0, 1, float("nan")], ValueError, "entry 2 is nan"),
        (np.array([0, np.nan, 1], object), ValueError, "entry 1 is nan"),
        (["a", float("nan"), "b"], TypeError, "not a mixture"),
        ([[0], [1, 2], [3]], ValueError, "one-dimensional"),
        (np.zeros((3, 1)), ValueError, "one-dimensional, got shape"),
        (np.ma.masked_equal([0, 1, 2], 1), TypeError, "must not be masked"),
        (np.array([1j, 2, 3]), TypeError, "integers or strings"),
        (7, ValueError, "one-dimensional"),
    ],
)
@pytest.mark.parametrize("side", ["labels_true", "labels_pred"])
def test_bad_labels(labels: Any, error: type[Exception], message: str, side: str) -> None:
    for call in (metrics.evaluate, metrics.bcubed_precision_recall_f, metrics.cluster_table, metrics.identity_table):
        arguments: dict[str, Any] = {"labels_true": [0, 1, 2], "labels_pred": [0, 1, 2], side: labels}
        with pytest.raises(error, match=f"^{side}.*{message}"):
            call(**arguments)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics.v_measure_score(TRUE, PRED, beta=-1), "beta must be at least 0"),
        (lambda: metrics.v_measure_score(TRUE, PRED, beta=np.inf), "beta must be finite"),
        (lambda: metrics.adjusted_mutual_info_score(TRUE, PRED, average_method="joint"), "average_method must be"),
    ],
)
def test_refusals(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_nothing_and_one_class() -> None:
    empty = metrics.evaluate([], [])
    assert (empty.n_samples, empty.purity, empty.v_measure, empty.fowlkes_mallows) == (0, 1.0, 1.0, 0.0)
    one = metrics.evaluate([5, 5, 5], [0, 1, 1])
    assert (one.homogeneity, one.completeness, one.ami, one.bcubed_precision) == (1.0, 0.0, 0.0, 1.0)
    assert metrics.evaluate([1, 1], [-1, -1], noise="drop").n_samples == 0
